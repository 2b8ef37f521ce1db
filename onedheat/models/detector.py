"""The detector of the paper (section 4.1, Fig. 2a): a face picture in, two vectors a landmark out."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import Frame, Heatmaps, Loss
from onedheat.landmarks import IBUG68, SCHEMES, Scheme, scheme_as_json, scheme_from_json
from onedheat.models.coattention import AxisFeatures, CoAttention
from onedheat.models.hourglass import Trunk


@dataclass(frozen=True)
class DetectorConfig:
    """What a detector is. Everything here is kept in a checkpoint's `config.json`.

    Attributes:
        scheme: the landmark scheme: the name of a published one, or one's own.
        landmarks: N.
        size: F, side of the input in pixels; a multiple of 4·2^`depth`.
        upsample: M, kernel and stride of the deconvolution; L = F/4 · M.
        width: channels of the trunk (the paper: 256); a multiple of 16.
        stacks: hourglasses in a row.
        depth: how often each halves its features.
        channels: K, channels of CNN₁, CNN₂ and the co-attention.
        compressed: h, what CNN₁ leaves of the axis it compresses; a power of two above 1.
        gamma: γ of Eq. 10.
        loss: ``"l2"`` (Eq. 11) or ``"cross_entropy"``; what the heatmaps hold.
        target_sigma: width of the target Gaussians in face pixels.
        frame: where bins lie, see `onedheat.heatmaps`.

    Raises:
        ValueError: a value that no network can be built with, said by name.
    """

    scheme: str | Scheme = IBUG68.name
    landmarks: int = len(IBUG68)
    size: int = 128
    upsample: int = 12
    width: int = 64
    stacks: int = 1
    depth: int = 4
    channels: int = 64
    compressed: int = 8
    gamma: float = 0.4
    loss: Loss = "l2"
    target_sigma: float = 2.0
    frame: Frame = "centre"

    def __post_init__(self):
        def demand(holds: bool, what: str):
            if not holds:
                raise ValueError(f"detector config: {what}")

        step = 4 * 2**self.depth
        demand(self.landmarks >= 1, f"landmarks must be at least 1, got {self.landmarks}")
        demand(
            isinstance(self.scheme, str) or len(self.scheme) == self.landmarks,
            f"landmarks must be as many as its scheme has points, got {self.landmarks}",
        )
        demand(
            self.size > 0 and self.size % step == 0,
            f"size must be a multiple of {step} (4·2^depth), got {self.size}",
        )
        demand(self.upsample >= 1, f"upsample must be at least 1, got {self.upsample}")
        demand(
            self.width >= 16 and self.width % 16 == 0,
            f"width must be a multiple of 16, got {self.width}",
        )
        demand(self.stacks >= 1, f"stacks must be at least 1, got {self.stacks}")
        h = self.compressed
        demand(
            2 <= h <= self.size // 8 and h & (h - 1) == 0 and (self.size // 4) % h == 0,
            f"compressed must be a power of two from 2 to size/8 that divides size/4, got {h}",
        )
        demand(self.gamma >= 0, f"gamma must not be negative, got {self.gamma}")
        demand(self.target_sigma > 0, f"target_sigma must be above 0, got {self.target_sigma}")
        demand(
            self.loss in ("l2", "cross_entropy"),
            f"loss must be 'l2' or 'cross_entropy', got {self.loss!r}",
        )
        demand(
            self.frame in ("centre", "paper"),
            f"frame must be 'centre' or 'paper', got {self.frame!r}",
        )

    @property
    def bins(self) -> int:
        """L, the length of each vector."""
        return self.size // 4 * self.upsample

    def for_scheme(self, scheme: Scheme) -> "DetectorConfig":
        """The same detector for the landmarks of another scheme."""
        published = SCHEMES.get(scheme.name) == scheme
        return replace(self, scheme=scheme.name if published else scheme, landmarks=len(scheme))

    def as_dict(self) -> dict[str, Any]:
        """The config as plain values, which `from_dict` reads."""
        scheme = self.scheme if isinstance(self.scheme, str) else scheme_as_json(self.scheme)
        return {**asdict(self), "scheme": scheme}

    @classmethod
    def from_dict(cls, values: dict) -> "DetectorConfig":
        """The config of a checkpoint. An unknown key is an error: it would be silently ignored.

        Raises:
            ValueError: unknown keys, or values that do not fit.
        """
        known = {entry.name for entry in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(
                f"detector config: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}. "
                "Was the checkpoint written by a newer onedheat?"
            )
        if isinstance(values.get("scheme"), dict):
            try:
                values = {**values, "scheme": scheme_from_json(values["scheme"])}
            except ValueError as error:
                raise ValueError(f"detector config: scheme: {error}") from None
        return cls(**values)


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


class Detector(nn.Module):
    """Trunk → CNN₁ per axis → co-attention → CNN₂ and deconvolution per axis (Eq. 6).

    Example:
        >>> import torch
        >>> detector = Detector(DetectorConfig(landmarks=5, upsample=3)).eval()
        >>> heatmaps = detector(torch.rand(2, 3, 128, 128))
        >>> heatmaps.x.shape, heatmaps.y.shape
        (torch.Size([2, 5, 96]), torch.Size([2, 5, 96]))
    """

    def __init__(self, config: DetectorConfig):
        super().__init__()
        self.config = config
        self.trunk = Trunk(config.width, config.stacks, config.depth)
        self.first_x, self.first_y = FirstCNN(config), FirstCNN(config)
        self.coattention = CoAttention(config.compressed, config.gamma)
        self.second_x, self.second_y = SecondCNN(config), SecondCNN(config)

    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Heatmaps:
        """Heatmaps of RGB pictures with values in [0, 1], (B, 3, F, F).

        Raises:
            ValueError: pictures of another shape.
        """
        size = self.config.size
        if images.ndim != 4 or images.shape[1:] != (3, size, size):
            raise ValueError(
                f"expected pictures of shape (batch, 3, {size}, {size}), got {tuple(images.shape)}"
            )
        features = self.trunk(images - 0.5)  # (B, C, y, x)
        dx = self.first_x(features.mT)  # (B, K, x, h)
        dy = self.first_y(features)  # (B, K, y, h)
        dx, dy = self.coattention(dx, dy)
        return Heatmaps(x=self.second_x(dx), y=self.second_y(dy))
