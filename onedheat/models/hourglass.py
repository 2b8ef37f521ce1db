"""The trunk: a stacked hourglass built of FAN's blocks (Bulat and Tzimiropoulos 2017).

Followed to the letter at `width` 256; narrower trunks scale every width with it.
"""

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn


def preactivated(inputs: int, outputs: int, kernel: int = 3) -> nn.Sequential:
    """Batch norm, ReLU, convolution that keeps the size."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
    )


class Block(nn.Module):
    """Three convolutions in series whose outputs are concatenated and added to the input."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = preactivated(inputs, outputs // 2)
        self.second = preactivated(outputs // 2, outputs // 4)
        self.third = preactivated(outputs // 4, outputs // 4)
        self.skip = nn.Identity() if inputs == outputs else preactivated(inputs, outputs, kernel=1)

    def forward(
        self, features: Float[Tensor, "batch inputs height width"]
    ) -> Float[Tensor, "batch outputs height width"]:
        first = self.first(features)
        second = self.second(first)
        third = self.third(second)
        return self.skip(features) + torch.cat([first, second, third], dim=1)


class Hourglass(nn.Module):
    """Halves the picture `depth` times and comes back, adding a skip branch at each size."""

    def __init__(self, channels: int, depth: int):
        super().__init__()
        self.skip = Block(channels, channels)
        self.down = Block(channels, channels)
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else Block(channels, channels)
        self.up = Block(channels, channels)

    def forward(
        self, features: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        small = self.up(self.inner(self.down(nnf.avg_pool2d(features, 2))))
        return self.skip(features) + nnf.interpolate(small, scale_factor=2.0, mode="nearest")


class Trunk(nn.Module):
    """Face picture → features at a quarter of its size.

    Args:
        width: channels of the features, a multiple of 16 (FAN: 256).
        stacks: how many hourglasses follow one another.
        depth: how often an hourglass halves the features.
    """

    def __init__(self, width: int, stacks: int = 1, depth: int = 4):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(inplace=True),
            Block(width // 4, width // 2),
            nn.AvgPool2d(2),
            Block(width // 2, width // 2),
            Block(width // 2, width),
        )
        self.hourglasses = nn.ModuleList(Hourglass(width, depth) for _ in range(stacks))
        self.heads = nn.ModuleList(
            nn.Sequential(
                Block(width, width),
                nn.Conv2d(width, width, 1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            )
            for _ in range(stacks)
        )
        self.links = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(stacks - 1))

    def forward(
        self, images: Float[Tensor, "batch 3 size size"]
    ) -> Float[Tensor, "batch width quarter quarter"]:
        stream = self.stem(images)
        for stack, (hourglass, head) in enumerate(zip(self.hourglasses, self.heads, strict=True)):
            features = head(hourglass(stream))
            if stack < len(self.links):
                stream = stream + self.links[stack](features)
        return features
