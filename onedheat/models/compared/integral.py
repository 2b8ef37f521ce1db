"""Integral regression (Sun et al. 2018, [28]): the expectation of a soft-maxed map."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from onedheat.models.compared.maps import (
    MapNetwork,
    Maps,
    MapsConfig,
    mean_coordinates,
    probabilities,
    spread_of,
)
from onedheat.models.network import Landmarks, Reading, mean_over_annotated


@dataclass(frozen=True, kw_only=True)
class IntegralConfig(MapsConfig):
    """What an integral regression network is: nothing but its maps."""

    kind: ClassVar[str] = "integral"


class Integral(MapNetwork):
    """J = Σ p · softmax(H)(p) over all bins p, learned by the L1 distance of J.

    Nothing asks a map to look like a Gaussian; J alone is taught.
    """

    Config = IntegralConfig
    decoders = ("expectation",)
    config: IntegralConfig

    def loss_of_maps(self, maps: Maps, landmarks: Landmarks) -> Float[Tensor, ""]:
        """L1 distance in pixels, summed over x and y, averaged over annotated landmarks."""
        off = mean_coordinates(probabilities(maps), self.config.size) - landmarks.nan_to_num()
        return mean_over_annotated(off.abs().sum(dim=-1), landmarks)

    def read(self, output: Maps, decoder: str | None = None) -> Reading:
        """Landmarks; the confidence is the largest share of a bin, as no width was asked for."""
        self.chosen(decoder)
        shares = probabilities(output)
        return Reading(
            landmarks=mean_coordinates(shares, self.config.size),
            sigma=spread_of(shares, self.config.size, 0.0),
            confidence=shares.amax(dim=(-2, -1)),
        )
