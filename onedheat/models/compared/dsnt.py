"""DSNT (Nibali et al. 2018, [19]): integral regression in [−1, 1], its maps held to Gaussians."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.heatmaps import bin_to_coordinate
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
class DsntConfig(MapsConfig):
    """What a DSNT network is.

    Attributes:
        target_sigma: σ of the Gaussians that the regulariser asks for, in face pixels; one bin, as in
            [19], is what `systems` gives.
        regularizer: weight of the regulariser; 1 in [19].
    """

    kind: ClassVar[str] = "dsnt"

    target_sigma: float = 2.0
    regularizer: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        self.demand(self.target_sigma > 0, f"target_sigma must be above 0, got {self.target_sigma}")
        self.demand(
            self.regularizer >= 0, f"regularizer must not be negative, got {self.regularizer}"
        )


class Dsnt(MapNetwork):
    """Euclidean distance of the expectation, plus λ · JS(map ‖ Gaussian)."""

    Config = DsntConfig
    decoders = ("expectation",)
    config: DsntConfig

    def loss_of_maps(self, maps: Maps, landmarks: Landmarks) -> Float[Tensor, ""]:
        """Both terms, averaged over annotated landmarks; the distance in units of half a face."""
        config, labels = self.config, landmarks.nan_to_num()
        found = mean_coordinates(probabilities(maps), config.size)
        away = to_normalized(found, config.size) - to_normalized(labels, config.size)
        logs = shares_logarithm(maps)
        target = gaussian_logarithm(labels, config.size, maps.shape[-1], config.target_sigma)
        return mean_over_annotated(
            away.norm(dim=-1) + config.regularizer * jensen_shannon(logs, target), landmarks
        )

    def read(self, output: Maps, decoder: str | None = None) -> Reading:
        """Landmarks; the confidence is the peak against that of the Gaussian asked for."""
        self.chosen(decoder)
        config, shares = self.config, probabilities(output)
        ideal = (config.size / config.bins) ** 2 / (2 * math.pi * config.target_sigma**2)
        return Reading(
            landmarks=mean_coordinates(shares, config.size),
            sigma=spread_of(shares, config.size, config.target_sigma),
            confidence=(shares.amax(dim=(-2, -1)) / min(1.0, ideal)).clamp(0, 1),
        )


def to_normalized(landmarks: Landmarks, size: int) -> Landmarks:
    """Pixels as DSNT's coordinates: −1 and 1 are the face's outer edges, not its outer pixel centres.

    Of L bins the centres are (2j + 1)/L − 1, as in the authors' code; kornia's normalised coordinates
    put −1 and 1 on the centres of the outer bins, and so differ by half a bin there.
    """
    return (2 * landmarks + 1) / size - 1


def shares_logarithm(maps: Maps) -> Maps:
    """Logarithm of `probabilities(maps)`."""
    wide = torch.promote_types(maps.dtype, torch.float32)
    return maps.flatten(-2).log_softmax(dim=-1, dtype=wide).view(maps.shape)


def gaussian_logarithm(landmarks: Landmarks, size: int, bins: int, target_sigma: float) -> Maps:
    """Logarithm of a 2D Gaussian per landmark that sums to 1 over the L×L bins."""
    at = torch.arange(bins, device=landmarks.device, dtype=landmarks.dtype)
    positions = bin_to_coordinate(at, size, bins)
    off = positions - landmarks[..., None]  # (B, N, 2, L)
    x, y = (-(off**2) / (2 * target_sigma**2)).log_softmax(dim=-1).unbind(dim=-2)
    return y[..., :, None] + x[..., None, :]


def jensen_shannon(first: Maps, second: Maps) -> Float[Tensor, "batch landmarks"]:
    """½·KL(p ‖ m) + ½·KL(q ‖ m) with m = (p + q)/2, in nats, of maps given by their logarithms."""
    middle = torch.logaddexp(first, second) - math.log(2)
    divergences = (logs.exp() * (logs - middle) for logs in (first, second))
    return sum(terms.sum(dim=(-2, -1)) for terms in divergences) / 2
