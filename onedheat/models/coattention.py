"""Co-attention between the two axes (Eq. 9 and 10)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

AxisFeatures = Float[Tensor, "batch channels positions depth"]
Affinity = Float[Tensor, "batch channels positions positions"]


def softmax_rows(scores: Affinity) -> Affinity:
    """Softmax of each row, in float32 where scores are narrower: bfloat16 keeps 8 bits of a share."""
    wide = torch.promote_types(scores.dtype, torch.float32)
    return scores.softmax(dim=-1, dtype=wide)


class CoAttention(nn.Module):
    """Lets each position of one axis look at the positions of the other.

    Both inputs hold their own axis' positions as rows: `dx` is D^x of the paper, `dy` its (D^y)^T.
    All channels share P and Q; d = `depth`, the number of their columns.

    Args:
        depth: h, what is left of the compressed axis. Above 1.
        gamma: γ ≥ 0, weight of what the other axis says; 0 leaves the axes apart.
    """

    def __init__(self, depth: int, gamma: float):
        super().__init__()
        self.gamma = gamma
        # The identity compares like with like from the first step on; the paper does not say.
        self.p = nn.Parameter(torch.eye(depth))
        self.q = nn.Parameter(torch.eye(depth))

    def affinities(self, dx: AxisFeatures, dy: AxisFeatures) -> tuple[Affinity, Affinity]:
        """Eq. 9: W^{yx}, whose row i says which y positions matter to x position i, and W^{xy}."""
        scale = 1 / math.sqrt(self.p.shape[1])
        return softmax_rows(scale * dx @ self.q @ dy.mT), softmax_rows(scale * dy @ self.p @ dx.mT)

    def forward(self, dx: AxisFeatures, dy: AxisFeatures) -> tuple[AxisFeatures, AxisFeatures]:
        """Eq. 10: each axis plus γ times what it gathered from the other."""
        if self.gamma == 0:
            return dx, dy
        yx, xy = self.affinities(dx, dy)
        # Back from float32, see `softmax_rows`: features may be narrower.
        yx, xy = (self.gamma * yx).to(dy.dtype), (self.gamma * xy).to(dx.dtype)
        return dx + yx @ dy, dy + xy @ dx
