"""Coordinate regression: the trunk's features, halved to a few, then one linear layer."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.models.hourglass import Trunk
from onedheat.models.network import (
    LandmarkNetwork,
    Landmarks,
    NetworkConfig,
    Reading,
    mean_over_annotated,
)


@dataclass(frozen=True, kw_only=True)
class RegressionConfig(NetworkConfig):
    """What a coordinate regression network is.

    Attributes:
        channels: of the convolutions that halve the features; the same K as the detector's.
    """

    kind: ClassVar[str] = "regression"

    channels: int = 64

    def __post_init__(self):
        super().__post_init__()
        self.demand(self.channels >= 1, f"channels must be at least 1, got {self.channels}")


class Regression(LandmarkNetwork):
    """p = W·flatten(f) + b, with f the features halved as often as an hourglass does.

    At F = 256 and depth 4 that leaves 4×4, as the hourglass' own middle. Coordinates are learned in
    [−1, 1] over the face by their L1 distance, which forgives a few far points more than L2 does.
    Nothing in the output says how sure it is: σ and confidence are NaN.
    """

    Config = RegressionConfig
    decoders = ("regression",)
    has_confidence = False
    config: RegressionConfig

    def __init__(self, config: RegressionConfig):
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.width, config.stacks, config.depth, widen=config.widen)
        widths = [config.width] + [config.channels] * config.depth
        self.halvings = nn.Sequential(
            *(halving(*pair) for pair in zip(widths, widths[1:], strict=False))
        )
        left = config.size // 4 // 2**config.depth
        self.linear = nn.Linear(config.channels * left**2, 2 * config.landmarks)

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Landmarks:
        """Coordinates in [−1, 1] over the face, for RGB pictures with values in [0, 1].

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        features = self.halvings(self.trunk(images - 0.5))
        return self.linear(features.flatten(1)).unflatten(1, (-1, 2))

    def loss(self, output: Landmarks, landmarks: Landmarks) -> Float[Tensor, ""]:
        """L1 distance in units of half a face, summed over x and y."""
        labels = (2 * landmarks.nan_to_num() + 1) / self.config.size - 1
        return mean_over_annotated((output - labels).abs().sum(dim=-1), landmarks)

    def read(self, output: Landmarks, decoder: str | None = None) -> Reading:
        self.chosen(decoder)
        landmarks = ((output.float() + 1) * self.config.size - 1) / 2
        unknown = torch.full_like(landmarks, torch.nan)
        return Reading(landmarks, sigma=unknown, confidence=unknown[..., 0])


def halving(inputs: int, outputs: int) -> nn.Sequential:
    """A 3×3 convolution of stride 2, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
