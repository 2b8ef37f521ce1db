"""The trunk: a stacked hourglass built of FAN's blocks (Bulat and Tzimiropoulos 2017).

Followed to the letter at `width` 256; narrower trunks scale every width with it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]


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
    """Halves the picture `depth` times and comes back, adding a skip branch at each size.

    Args:
        channels: of its input and output.
        depth: how often the features are halved.
        widen: channels gained at each halving (FAN: 0), where they cost a quarter.
    """

    def __init__(self, channels: int, depth: int, widen: int = 0):
        super().__init__()
        wider = channels + widen
        self.skip = Block(channels, channels)
        self.down = Block(channels, wider)
        self.inner = Hourglass(wider, depth - 1, widen) if depth > 1 else Block(wider, wider)
        self.up = Block(wider, channels)

    def forward(
        self,
        features: Float[Tensor, "batch channels height width"],
        at_bottom: Change | None = None,
    ) -> Float[Tensor, "batch channels height width"]:
        """Its features, with the smallest ones changed on their way where `at_bottom` is given."""
        small = self.down(nnf.avg_pool2d(features, 2))
        if at_bottom is None:
            small = self.inner(small)
        elif isinstance(self.inner, Hourglass):
            small = self.inner(small, at_bottom)
        else:
            small = at_bottom(self.inner(small))
        small = self.up(small)
        return self.skip(features) + nnf.interpolate(small, scale_factor=2.0, mode="nearest")


class Stage(NamedTuple):
    """What one stack of a trunk gives: its features, and its maps where the trunk predicts any."""

    features: Float[Tensor, "batch width height width_"]
    maps: Float[Tensor, "batch maps height width_"] | None


class Trunk(nn.Module):
    """Face picture → features, by default at a quarter of its size.

    Args:
        width: channels of the features, a multiple of 16 (FAN: 256).
        stacks: how many hourglasses follow one another.
        depth: how often an hourglass halves the features.
        widen: channels that an hourglass gains at each halving.
        maps: 2D maps that each stack predicts by a 1×1 convolution and hands to the next; 0 for none.
        reduction: how much smaller than the picture the features are: 4 (FAN), 2 (the stem does not
            pool) or 1 (nor does its first convolution stride). The weights are the same.

    Raises:
        ValueError: another reduction.
    """

    def __init__(
        self,
        width: int,
        stacks: int = 1,
        depth: int = 4,
        *,
        widen: int = 0,
        maps: int = 0,
        reduction: int = 4,
    ):
        super().__init__()
        if reduction not in (1, 2, 4):
            raise ValueError(f"a trunk's reduction must be 1, 2 or 4, got {reduction}")
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=1 if reduction == 1 else 2, padding=3),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(inplace=True),
            Block(width // 4, width // 2),
            nn.AvgPool2d(2) if reduction == 4 else nn.Identity(),
            Block(width // 2, width // 2),
            Block(width // 2, width),
        )
        self.hourglasses = nn.ModuleList(Hourglass(width, depth, widen) for _ in range(stacks))
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
        predicting, linked = (stacks, stacks - 1) if maps else (0, 0)
        self.maps = nn.ModuleList(nn.Conv2d(width, maps, 1) for _ in range(predicting))
        self.map_links = nn.ModuleList(nn.Conv2d(maps, width, 1) for _ in range(linked))

    def forward(
        self, images: Float[Tensor, "batch 3 size size"]
    ) -> Float[Tensor, "batch width reduced reduced"]:
        """The features of the last stack."""
        return self.stages(images)[-1].features

    def stages(
        self, images: Float[Tensor, "batch inputs size size"], at_bottom: Change | None = None
    ) -> list[Stage]:
        """What each stack gives, the last one last; `at_bottom` is for each of its hourglasses."""
        stream, stages = self.stem(images), []
        for stack, (hourglass, head) in enumerate(zip(self.hourglasses, self.heads, strict=True)):
            features = head(hourglass(stream, at_bottom) if at_bottom else hourglass(stream))
            maps = self.maps[stack](features) if self.maps else None
            stages.append(Stage(features, maps))
            if stack < len(self.links):
                stream = stream + self.links[stack](features)
                if maps is not None:
                    stream = stream + self.map_links[stack](maps)
        return stages
