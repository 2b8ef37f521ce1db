"""Networks whose output is one L×L map a landmark: the trunk they share, and what a map says.

Maps are (B, N, y, x). Two ways lead to L bins: the trunk is run at that size (its stem shrinks the
picture less; the weights are the same), or its last maps come of a deconvolution instead of a 1×1
convolution.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import Heatmaps, bin_to_coordinate, marginalize, spread
from onedheat.models.hourglass import Trunk
from onedheat.models.network import LandmarkNetwork, Landmarks, NetworkConfig

Maps = Float[Tensor, "batch landmarks y x"]
StageMaps = Float[Tensor, "batch landmarks _ _"]  # of each stack; the last may be larger
Indices = Float[Tensor, "batch landmarks 2"]


@dataclass(frozen=True, kw_only=True)
class MapsConfig(NetworkConfig):
    """What a network of 2D maps is.

    Attributes:
        bins: L, side of the maps; F/4, F/2 or F.
        way: how they get there: ``"trunk"``, run at that size, or ``"upsampled"`` after it.
        supervise_all: in training every stack's maps are asked for, as in FAN; ``"upsampled"`` asks
            the earlier ones for maps of F/4.

    Raises:
        ValueError: a value that no network can be built with, said by name.
    """

    kind: ClassVar[str]

    bins: int = 64
    way: Literal["trunk", "upsampled"] = "trunk"
    supervise_all: bool = True

    def __post_init__(self):
        super().__post_init__()
        quarter = self.size // 4
        self.demand(
            self.way in ("trunk", "upsampled"),
            f"way must be 'trunk' or 'upsampled', got {self.way!r}",
        )
        self.demand(
            self.bins > 0 and self.bins % quarter == 0,
            f"bins must be a multiple of size/4 = {quarter}, got {self.bins}",
        )
        self.demand(
            self.way == "upsampled" or self.bins // quarter in (1, 2, 4),
            f"bins must be size/4, size/2 or size where the trunk is run at that size, got {self.bins}",
        )


class MapNetwork(LandmarkNetwork):
    """The trunk with a map per landmark; what maps mean is left to its subclasses."""

    config: MapsConfig

    def __init__(self, config: MapsConfig):
        super().__init__()
        self.config = config
        at_size = config.way == "trunk"
        self.trunk = Trunk(
            config.width,
            config.stacks,
            config.depth,
            widen=config.widen,
            maps=config.landmarks,
            reduction=config.size // config.bins if at_size else 4,
        )
        if not at_size:
            times = config.bins // (config.size // 4)
            self.trunk.maps[-1] = nn.ConvTranspose2d(
                config.width, config.landmarks, kernel_size=times, stride=times
            )

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Maps | list[StageMaps]:
        """Maps of RGB pictures with values in [0, 1]; in training those of each supervised stack.

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        maps = [stage.maps for stage in self.trunk.stages(images - 0.5)]
        supervised = self.training and self.config.supervise_all and len(maps) > 1
        return maps if supervised else maps[-1]

    def loss(self, output: Maps | list[StageMaps], landmarks: Landmarks) -> Float[Tensor, ""]:
        """The loss of one stack's maps, summed over the supervised stacks."""
        stacks = output if isinstance(output, list) else [output]
        return sum(self.loss_of_maps(maps, landmarks) for maps in stacks)

    @abstractmethod
    def loss_of_maps(self, maps: Maps, landmarks: Landmarks) -> Float[Tensor, ""]:
        """The loss of one stack's maps."""


def to_coordinates(indices: Indices, size: int, bins: int) -> Landmarks:
    """Fractional bins (x, y) as pixels of the face: bin j is centred at (j + ½)·F/L − ½."""
    return bin_to_coordinate(indices, size, bins)


def probabilities(maps: Maps) -> Maps:
    """Each map soft-maxed over all its bins, in float32 at least."""
    wide = torch.promote_types(maps.dtype, torch.float32)
    return maps.flatten(-2).softmax(dim=-1, dtype=wide).view(maps.shape)


def expectation(shares: Maps) -> Indices:
    """Mean bin (x, y) of maps that sum to 1: that of the two marginals (Eq. 12)."""
    at = torch.arange(shares.shape[-1], device=shares.device, dtype=shares.dtype)
    return torch.stack([(vectors * at).sum(dim=-1) for vectors in marginalize(shares)], dim=-1)


def mean_coordinates(shares: Maps, size: int) -> Landmarks:
    """`expectation` in pixels of the face."""
    return to_coordinates(expectation(shares), size, shares.shape[-1])


def spread_of(shares: Maps, size: int, target_sigma: float) -> Landmarks:
    """Standard deviation in pixels that maps leave open, by their marginals; see `heatmaps.spread`."""
    marginals: Heatmaps = marginalize(shares)
    return torch.stack([spread(vectors, size, target_sigma) for vectors in marginals], dim=-1)


def peak(maps: Maps) -> tuple[Tensor, Tensor]:
    """Column and row of each map's best bin, (B, N) each."""
    best = maps.flatten(-2).argmax(dim=-1)
    return best % maps.shape[-1], best // maps.shape[-1]


def sample(maps: Maps, column: Tensor, row: Tensor) -> Float[Tensor, "batch landmarks"]:
    """What each map holds in one bin."""
    return maps.flatten(-2).gather(-1, (row * maps.shape[-1] + column)[..., None])[..., 0]


def neighbours(
    maps: Maps, column: Tensor, row: Tensor
) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
    """Of each axis, x first: the index of a bin, and what the bins before and after it hold.

    On the border the bin itself stands for the neighbour that is not there.
    """
    last = maps.shape[-1] - 1
    left, right = (column - 1).clamp(min=0), (column + 1).clamp(max=last)
    up, down = (row - 1).clamp(min=0), (row + 1).clamp(max=last)
    return (
        (column, sample(maps, left, row), sample(maps, right, row)),
        (row, sample(maps, column, up), sample(maps, column, down)),
    )
