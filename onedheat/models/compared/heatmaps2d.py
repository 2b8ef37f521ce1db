"""The 2D heatmap detector the paper compares with (FAN, Bulat and Tzimiropoulos 2017, [2])."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import render_2d
from onedheat.models.compared.dark import dark
from onedheat.models.compared.fhr import fhr
from onedheat.models.compared.maps import (
    Indices,
    MapNetwork,
    Maps,
    MapsConfig,
    spread_of,
    to_coordinates,
)
from onedheat.models.compared.quarter import argmax, quarter
from onedheat.models.network import Landmarks, Reading, mean_over_annotated

MAP_DECODERS: dict[str, Callable[[Maps, float], Indices]] = {
    "quarter": quarter,
    "dark": dark,
    "fhr": fhr,
    "argmax": argmax,
}


@dataclass(frozen=True, kw_only=True)
class Heatmaps2dConfig(MapsConfig):
    """What a 2D heatmap detector is.

    Attributes:
        target_sigma: width of the target Gaussians in face pixels. FAN's is one bin of its 64, which
            is 4 pixels of 256; it stays that share of the face at every L, as in 1D.
    """

    kind: ClassVar[str] = "heatmaps2d"

    target_sigma: float = 2.0

    def __post_init__(self):
        super().__post_init__()
        self.demand(self.target_sigma > 0, f"target_sigma must be above 0, got {self.target_sigma}")


class Heatmaps2d(MapNetwork):
    """Maps that regress 2D Gaussians of peak 1 (Eq. 1 and 2)."""

    Config = Heatmaps2dConfig
    decoders = tuple(MAP_DECODERS)
    config: Heatmaps2dConfig

    def __init__(self, config: Heatmaps2dConfig):
        super().__init__(config)
        for layer in self.trunk.maps:
            start_empty(layer)

    def loss_of_maps(self, maps: Maps, landmarks: Landmarks) -> Float[Tensor, ""]:
        """Squared error summed over a map's bins, averaged over annotated landmarks."""
        config = self.config
        target = render_2d(landmarks.nan_to_num(), config.size, maps.shape[-1], config.target_sigma)
        return mean_over_annotated(((maps - target) ** 2).sum(dim=(-2, -1)), landmarks)

    def read(self, output: Maps, decoder: str | None = None) -> Reading:
        config, maps = self.config, output.float()
        indices = MAP_DECODERS[self.chosen(decoder)](
            maps, config.target_sigma * config.bins / config.size
        )
        return Reading(
            landmarks=to_coordinates(indices, config.size, config.bins),
            sigma=spread_of(maps.clamp(min=0), config.size, config.target_sigma),
            confidence=maps.amax(dim=(-2, -1)).clamp(0, 1),
        )


def start_empty(layer: nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d) -> None:
    """Has a layer's maps begin at almost nothing, as Xiao et al. 2018 do.

    A target map is empty but for a few bins. From PyTorch's own start, maps full of noise, the first
    steps' gradients are so large that Adam, which divides by what it remembers of them, then stands
    still with empty maps for a thousand steps.
    """
    nn.init.normal_(layer.weight, std=1e-3)
    nn.init.zeros_(layer.bias)
