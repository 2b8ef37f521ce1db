"""SimCC (Li et al. 2022): a coordinate as a class of its axis, out of flattened maps.

The other way to one-dimensional outputs: no deconvolution and no co-attention, but two linear layers
from all bins of a landmark's map to F·k classes an axis.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import Heatmaps, coordinate_to_bin, render
from onedheat.models.hourglass import Trunk
from onedheat.models.network import (
    LandmarkNetwork,
    Landmarks,
    NetworkConfig,
    Reading,
    mean_over_annotated,
    read_heatmaps,
)


@dataclass(frozen=True, kw_only=True)
class SimccConfig(NetworkConfig):
    """What a SimCC network is.

    Attributes:
        split: k, classes a pixel.
        target: ``"gaussian"``, the Kullback–Leibler divergence to a Gaussian, or
            ``"smoothed"``, cross-entropy to the nearest class with smoothed labels.
        target_sigma: width of the Gaussians in face pixels.
        smoothing: share of a smoothed label that all classes are given.
        supervise_all: in training every stack's maps are read, by the same two layers.
    """

    kind: ClassVar[str] = "simcc"

    split: int = 2
    target: Literal["gaussian", "smoothed"] = "gaussian"
    target_sigma: float = 2.0
    smoothing: float = 0.1
    supervise_all: bool = True

    def __post_init__(self):
        super().__post_init__()
        self.demand(self.split >= 1, f"split must be at least 1, got {self.split}")
        self.demand(
            self.target in ("gaussian", "smoothed"),
            f"target must be 'gaussian' or 'smoothed', got {self.target!r}",
        )
        self.demand(self.target_sigma > 0, f"target_sigma must be above 0, got {self.target_sigma}")
        self.demand(0 <= self.smoothing < 1, f"smoothing must be in [0, 1), got {self.smoothing}")

    @property
    def bins(self) -> int:
        """F·k, the classes of each axis."""
        return self.size * self.split


class Simcc(LandmarkNetwork):
    """Maps of F/4 × F/4, flattened; o = W·m + b an axis, shared by all landmarks."""

    Config = SimccConfig
    decoders = ("argmax", "dark", "centroid")
    config: SimccConfig

    def __init__(self, config: SimccConfig):
        super().__init__()
        self.config = config
        self.trunk = Trunk(
            config.width, config.stacks, config.depth, widen=config.widen, maps=config.landmarks
        )
        bins_of_map = (config.size // 4) ** 2
        self.x, self.y = (nn.Linear(bins_of_map, config.bins) for _ in range(2))

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Heatmaps | list[Heatmaps]:
        """Logits of both axes for RGB pictures with values in [0, 1]; in training of each stack.

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        stages = self.trunk.stages(images - 0.5)
        if self.training and self.config.supervise_all and len(stages) > 1:
            return [self.classify(stage.maps) for stage in stages]
        return self.classify(stages[-1].maps)

    def classify(self, maps: Float[Tensor, "batch landmarks y x"]) -> Heatmaps:
        """The two linear layers."""
        flat = maps.flatten(2)
        return Heatmaps(x=self.x(flat), y=self.y(flat))

    def loss(self, output: Heatmaps | list[Heatmaps], landmarks: Landmarks) -> Float[Tensor, ""]:
        """Summed over axes and supervised stacks, averaged over annotated landmarks."""
        labels = landmarks.nan_to_num()
        total = landmarks.new_zeros(landmarks.shape[:2])
        for heatmaps in output if isinstance(output, list) else [output]:
            for axis, logits in enumerate(heatmaps):
                total = total + self.loss_of_axis(logits, labels[..., axis])
        return mean_over_annotated(total, landmarks)

    def loss_of_axis(
        self,
        logits: Float[Tensor, "batch landmarks bins"],
        coordinates: Float[Tensor, "batch landmarks"],
    ) -> Float[Tensor, "batch landmarks"]:
        """KL to the target Gaussian, or cross-entropy with smoothed labels, of one axis."""
        config, bins = self.config, logits.shape[-1]
        if config.target == "gaussian":
            target = render(
                coordinates, config.size, bins, config.target_sigma, loss="cross_entropy"
            )
            divergence = nnf.kl_div(logits.log_softmax(dim=-1), target, reduction="none")
            return divergence.sum(dim=-1)
        nearest = coordinate_to_bin(coordinates, config.size, bins).round().long()
        return nnf.cross_entropy(
            logits.flatten(0, 1),
            nearest.clamp(0, bins - 1).flatten(),
            label_smoothing=config.smoothing,
            reduction="none",
        ).view_as(coordinates)

    def read(self, output: Heatmaps, decoder: str | None = None) -> Reading:
        config, decoder = self.config, self.chosen(decoder)
        return read_heatmaps(
            output, config.size, config.target_sigma, decoder, loss="cross_entropy"
        )
