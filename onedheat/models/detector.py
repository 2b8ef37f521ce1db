"""The detector of the paper (section 4.1, Fig. 2a): a face picture in, two vectors a landmark out."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import Frame, Heatmaps, Loss
from onedheat.models.coattention import AxisFeatures, CoAttention
from onedheat.models.hourglass import Trunk
from onedheat.models.losses import distance_loss, heatmap_loss
from onedheat.models.network import (
    MOST,
    LandmarkNetwork,
    Landmarks,
    NetworkConfig,
    Reading,
    read_heatmaps,
)


@dataclass(frozen=True, kw_only=True)
class DetectorConfig(NetworkConfig):
    """What a detector is. Everything here is kept in a checkpoint's `config.json`.

    Attributes:
        upsample: M, kernel and stride of the deconvolution; L = F/4 · M.
        channels: K, channels of CNN₁, CNN₂ and the co-attention.
        compressed: h, what CNN₁ leaves of the axis it compresses; a power of two above 1. As CNN₁ halves,
            `size` must be a power of two as well.
        gamma: γ of Eq. 10.
        loss: ``"l2"`` (Eq. 11) or ``"cross_entropy"``; what the heatmaps hold.
        target_sigma: width of the target Gaussians in face pixels.
        distance: what a pixel of distance counts in the loss, beside Eq. 11; 0 leaves Eq. 11 alone. For
            weights that find landmarks already: begun at random, `tiny` with 1 hardly learned.
        frame: where bins lie, see `onedheat.heatmaps`.
        supervise_all: in training every stack is asked for heatmaps, not the last one alone. The
            earlier ones are read linearly, see `EarlyReadout`.

    Raises:
        ValueError: a value that no network can be built with, said by name.
    """

    kind: ClassVar[str] = "detector"

    upsample: int = 12
    channels: int = 64
    compressed: int = 8
    gamma: float = 0.4
    loss: Loss = "l2"
    target_sigma: float = 2.0
    distance: float = 0.0
    frame: Frame = "centre"
    supervise_all: bool = True

    def __post_init__(self):
        super().__post_init__()
        for name in ("upsample", "channels"):
            value = getattr(self, name)
            self.demand(1 <= value <= MOST, f"{name} must be from 1 to {MOST}, got {value}")
        h = self.compressed
        self.demand(
            2 <= h <= self.size // 8 and _is_power_of_two(h) and (self.size // 4) % h == 0,
            f"compressed must be a power of two from 2 to size/8 that divides size/4, got {h}",
        )
        below = 2 ** (self.size.bit_length() - 1)
        self.demand(
            _is_power_of_two(self.size // 4 // h),
            f"size must be a power of two, as CNN₁ halves size/4 until compressed={h} are left, got "
            f"{self.size}; take {below} or {2 * below}",
        )
        self.demand(self.gamma >= 0, f"gamma must not be negative, got {self.gamma}")
        self.demand(self.target_sigma > 0, f"target_sigma must be above 0, got {self.target_sigma}")
        self.demand(self.distance >= 0, f"distance must not be negative, got {self.distance}")
        self.demand(
            self.loss in ("l2", "cross_entropy"),
            f"loss must be 'l2' or 'cross_entropy', got {self.loss!r}",
        )
        self.demand(
            self.frame in ("centre", "paper"),
            f"frame must be 'centre' or 'paper', got {self.frame!r}",
        )

    @property
    def bins(self) -> int:
        """L, the length of each vector."""
        return self.size // 4 * self.upsample

    @property
    def meaning(self) -> dict[str, Any]:
        """What the numbers of a vector mean, as `decode`, `spread` and `heights` want to be told."""
        return {"size": self.size, "target_sigma": self.target_sigma, "loss": self.loss}

    def with_bins(self, bins: int) -> "DetectorConfig":
        """The same detector with vectors of L = `bins`.

        Raises:
            ValueError: L is no multiple of F/4.
        """
        upsample, left = divmod(bins, self.size // 4)
        self.demand(
            upsample >= 1 and left == 0,
            f"bins must be a multiple of size/4 = {self.size // 4}, got {bins}",
        )
        return replace(self, upsample=upsample)


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def compress(inputs: int, outputs: int) -> nn.Sequential:
    """A 3×3 convolution that halves the last axis, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=(1, 2), padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class FirstCNN(nn.Sequential):
    """CNN₁: compresses the other axis from F/4 to h. (B, C, a, F/4) → D of (B, K, a, h)."""

    def __init__(self, config: DetectorConfig):
        halvings = (config.size // 4 // config.compressed).bit_length() - 1
        widths = [config.width] + [config.channels] * halvings
        super().__init__(*(compress(*pair) for pair in zip(widths, widths[1:], strict=False)))


class SecondCNN(nn.Module):
    """CNN₂: compresses h to 1, then the deconvolution. D of (B, K, a, h) → vectors (B, N, M·a)."""

    def __init__(self, config: DetectorConfig):
        super().__init__()
        channels, left = config.channels, config.compressed // 2
        self.halve = compress(channels, channels)
        self.flatten = nn.Sequential(
            nn.Conv2d(channels, channels, (3, left), padding=(1, 0), bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.deconvolution = nn.ConvTranspose1d(
            channels, config.landmarks, kernel_size=config.upsample, stride=config.upsample
        )

    def forward(self, features: AxisFeatures) -> Float[Tensor, "batch landmarks bins"]:
        return self.deconvolution(self.flatten(self.halve(features))[..., 0])


class EarlyReadout(nn.Module):
    """Heatmaps of a stack before the last, for training alone: as FAN reads its stacks, linearly.

    A linear map of the features, summed over the other axis (Eq. 12), is a linear function of their
    mean over it: two deconvolutions of two means, whatever the width. What CNN₁ and the co-attention
    would cost is kept for the stack that is used.
    """

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.x, self.y = (
            nn.ConvTranspose1d(
                config.width, config.landmarks, kernel_size=config.upsample, stride=config.upsample
            )
            for _ in range(2)
        )

    def forward(self, features: Float[Tensor, "batch width y x"]) -> Heatmaps:
        return Heatmaps(x=self.x(features.mean(dim=-2)), y=self.y(features.mean(dim=-1)))


class Detector(LandmarkNetwork):
    """Trunk → CNN₁ per axis → co-attention → CNN₂ and deconvolution per axis (Eq. 6).

    Example:
        >>> import torch
        >>> detector = Detector(DetectorConfig(landmarks=5, upsample=3)).eval()
        >>> heatmaps = detector(torch.rand(2, 3, 128, 128))
        >>> heatmaps.x.shape, heatmaps.y.shape
        (torch.Size([2, 5, 96]), torch.Size([2, 5, 96]))
    """

    Config = DetectorConfig
    decoders = ("dark", "centroid", "argmax")

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.width, config.stacks, config.depth, widen=config.widen)
        self.first_x, self.first_y = FirstCNN(config), FirstCNN(config)
        self.coattention = CoAttention(config.compressed, config.gamma)
        self.second_x, self.second_y = SecondCNN(config), SecondCNN(config)
        supervised = config.stacks - 1 if config.supervise_all else 0
        self.early = nn.ModuleList(EarlyReadout(config) for _ in range(supervised))

    @property
    def has_idle_weights(self) -> bool:
        """At γ = 0: P and Q, as the axes do not meet."""
        return self.coattention.gamma == 0

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Heatmaps | list[Heatmaps]:
        """Heatmaps of RGB pictures with values in [0, 1], (B, 3, F, F).

        In training mode a detector of several supervised stacks gives those of each, the last last.

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        *earlier, last = (stage.features for stage in self.trunk.stages(images - 0.5))
        heatmaps = self.read_features(last)
        if not (self.training and self.early):
            return heatmaps
        early = [readout(stage) for readout, stage in zip(self.early, earlier, strict=True)]
        return [*early, heatmaps]

    def read_features(self, features: Float[Tensor, "batch width y x"]) -> Heatmaps:
        """Everything after the trunk."""
        dx = self.first_x(features.mT)  # (B, K, x, h)
        dy = self.first_y(features)  # (B, K, y, h)
        dx, dy = self.coattention(dx, dy)
        return Heatmaps(x=self.second_x(dx), y=self.second_y(dy))

    def loss(self, output: Heatmaps | list[Heatmaps], landmarks: Landmarks) -> Float[Tensor, ""]:
        """Eq. 11, summed over the supervised stacks.

        With `distance` in the config, so many times the distance of what was found is added, see
        `distance_loss`.
        """
        config, stacks = self.config, output if isinstance(output, list) else [output]
        common = {"loss": config.loss, "frame": config.frame}
        total = sum(
            heatmap_loss(heatmaps, landmarks, config.size, config.target_sigma, **common)
            for heatmaps in stacks
        )
        if config.distance:
            total += config.distance * sum(
                distance_loss(heatmaps, landmarks, config.size, **common) for heatmaps in stacks
            )
        return total

    def read(self, output: Heatmaps, decoder: str | None = None) -> Reading:
        config, decoder = self.config, self.chosen(decoder)
        common = {"loss": config.loss, "frame": config.frame}
        return read_heatmaps(output, config.size, config.target_sigma, decoder, **common)
