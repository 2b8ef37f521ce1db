"""How stacked hourglasses read a map (Newell et al. 2016, [18]; FAN [2]): argmax ± ¼."""

import torch
from torch import Tensor

from onedheat.models.compared.maps import Indices, Maps, neighbours, peak


def argmax(maps: Maps, sigma: float) -> Indices:
    """The best bin (Eq. 7 in 2D), as (x, y); `sigma` is not used."""
    return torch.stack(peak(maps), dim=-1).to(maps.dtype)


def quarter(maps: Maps, sigma: float) -> Indices:
    """The best bin, moved by a quarter of a bin toward the larger neighbour of each axis.

    On the border there is one neighbour only, and no move. `sigma` is not used.
    """
    column, row = peak(maps)
    bins = maps.shape[-1]

    def move(at: Tensor, before: Tensor, after: Tensor) -> Tensor:
        inside = (at > 0) & (at < bins - 1)
        return at + torch.where(inside, 0.25 * (after - before).sign(), 0)

    return torch.stack([move(*axis) for axis in neighbours(maps, column, row)], dim=-1)
