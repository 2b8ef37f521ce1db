"""What every landmark network here has in common, so that one training loop, one evaluation and one
benchmark run any of them.

A network makes an *output* of face pictures. What that is (vectors, maps, coordinates) is its own
business: it also knows the loss that teaches it and how landmarks are read off it.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from huggingface_hub import PyTorchModelHubMixin
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.calibration import Calibration
from onedheat.files import folder_to_read
from onedheat.heatmaps import Frame, Heatmaps, Loss, confidence, decode, spread
from onedheat.landmarks import IBUG68, SCHEMES, Scheme, scheme, scheme_as_json, scheme_from_json
from onedheat.place import Place

Landmarks = Float[Tensor, "batch landmarks 2"]

MOST = 4096
"""Of channels, or of pixels of a side: what is larger no machine would train, and torch refuses it in words
of its own, or takes all memory."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The settings that all networks share: what they find, in which picture, with which trunk.

    Attributes:
        scheme: the landmark scheme: the name of a published one, or one's own.
        landmarks: N.
        size: F, side of the input in pixels; a multiple of 4·2^`depth`.
        width: channels of the trunk (the paper: 256); a multiple of 16.
        stacks: hourglasses in a row.
        depth: how often each halves its features.
        widen: channels that an hourglass gains at each halving (FAN: 0); a multiple of 4.

    Raises:
        ValueError: a value that no network can be built with, said by name.
    """

    kind: ClassVar[str]

    scheme: str | Scheme = IBUG68.name
    landmarks: int = len(IBUG68)
    size: int = 128
    width: int = 64
    stacks: int = 1
    depth: int = 4
    widen: int = 0

    def __post_init__(self):
        self.demand(1 <= self.depth <= 10, f"depth must be from 1 to 10, got {self.depth}")
        step = 4 * 2**self.depth
        self.demand(self.landmarks >= 1, f"landmarks must be at least 1, got {self.landmarks}")
        self.demand(
            isinstance(self.scheme, Scheme) or self.scheme in SCHEMES,
            f"scheme must be one's own or one of {', '.join(sorted(SCHEMES))}, got {self.scheme!r}",
        )
        points = scheme(self.scheme)
        # Who names no scheme may have any number of landmarks: then they are only numbered.
        self.demand(
            self.scheme == IBUG68.name or len(points) == self.landmarks,
            f"landmarks must be as many as its scheme has points, got {self.landmarks} for the "
            f"{len(points)} of {points.name}",
        )
        self.demand(
            0 < self.size <= MOST and self.size % step == 0,
            f"size must be a multiple of {step} (4·2^depth), {MOST} at most, got {self.size}",
        )
        self.demand(
            16 <= self.width <= MOST and self.width % 16 == 0,
            f"width must be a multiple of 16, {MOST} at most, got {self.width}",
        )
        self.demand(1 <= self.stacks <= 64, f"stacks must be from 1 to 64, got {self.stacks}")
        self.demand(
            0 <= self.widen <= MOST and self.widen % 4 == 0,
            f"widen must be a multiple of 4, {MOST} at most, got {self.widen}",
        )

    def demand(self, holds: bool, what: str) -> None:
        """Raises `ValueError` with what is wrong where a condition does not hold."""
        if not holds:
            raise ValueError(f"{self.kind} config: {what}")

    def for_scheme(self, scheme: Scheme) -> "NetworkConfig":
        """The same network for the landmarks of another scheme."""
        published = SCHEMES.get(scheme.name) == scheme
        return replace(self, scheme=scheme.name if published else scheme, landmarks=len(scheme))

    def as_dict(self) -> dict[str, Any]:
        """The config as plain values, which `from_dict` reads."""
        scheme = self.scheme if isinstance(self.scheme, str) else scheme_as_json(self.scheme)
        return {**asdict(self), "scheme": scheme}

    @classmethod
    def from_dict(cls, values: dict) -> "NetworkConfig":
        """The config of a checkpoint. An unknown key is an error: it would be silently ignored.

        Raises:
            ValueError: unknown keys, or values that do not fit.
        """
        known = {entry.name for entry in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(
                f"{cls.kind} config: unknown {', '.join(unknown)}; known are "
                f"{', '.join(sorted(known))}. Was the checkpoint written by a newer onedheat?"
            )
        if isinstance(values.get("scheme"), dict):
            try:
                values = {**values, "scheme": scheme_from_json(values["scheme"])}
            except ValueError as error:
                raise ValueError(f"{cls.kind} config: scheme: {error}") from None
        return cls(**values)


class Reading(NamedTuple):
    """What was read off a network's output, in pixels of its input.

    Attributes:
        landmarks: (B, N, 2).
        sigma: (B, N, 2), standard deviation of each coordinate; NaN where a network has no notion of it.
        confidence: (B, N) in [0, 1]; NaN likewise.
    """

    landmarks: Landmarks
    sigma: Landmarks
    confidence: Float[Tensor, "batch landmarks"]


class LandmarkNetwork(nn.Module, PyTorchModelHubMixin, ABC):
    """A network that finds landmarks.

    `network.save_pretrained(folder)` and `network.push_to_hub("user/repository")` write the folder that
    `onedheat.load` takes, `Detector.from_pretrained(…)` reads it; see `onedheat.models.folder`.

    Attributes:
        Config: class of its config, whose `kind` names the network in a checkpoint.
        decoders: names of the ways to read landmarks off its output, the default first.
        has_confidence: whether what it reads comes with σ and confidence.
        config: its settings.
        calibration: what σ and confidence of these weights must be corrected by, where that is known.
        place: where in a face its landmarks lie; None where they span the whole, or that is not known.
    """

    Config: ClassVar[type[NetworkConfig]]
    decoders: ClassVar[tuple[str, ...]]
    has_confidence: ClassVar[bool] = True
    config: NetworkConfig
    calibration: Calibration | None = None
    place: Place | None = None

    @property
    def has_idle_weights(self) -> bool:
        """Whether training leaves weights without a gradient that could be taught; several processes must be
        told, or each would wait for it.
        """
        return False

    @abstractmethod
    def forward(self, images: Float[Tensor, "batch 3 size size"]) -> Any:
        """The output for RGB pictures with values in [0, 1], (B, 3, F, F)."""

    @abstractmethod
    def loss(self, output: Any, landmarks: Landmarks) -> Float[Tensor, ""]:
        """How far an output of training mode is from the labels: a mean over annotated landmarks.

        A landmark that is not annotated is NaN, and does not count.
        """

    @abstractmethod
    def read(self, output: Any, decoder: str | None = None) -> Reading:
        """Landmarks of an output of eval mode.

        Raises:
            ValueError: no such decoder.
        """

    def _save_pretrained(self, save_directory: Path) -> None:
        from onedheat.models.folder import card_of, write_weights  # which knows all networks

        write_weights(self, save_directory, card=card_of(self))

    @classmethod
    def from_pretrained(cls, name: str | Path, **how) -> "LandmarkNetwork":
        """The network of a folder or a hub id, ready for use (eval mode).

        The mixin's own would make sense of the config by itself, which `read_folder` does.

        Args:
            name: a folder, or ``"user/repository"``.
            how: of a hub id: revision, token, cache_dir, force_download, local_files_only.

        Raises:
            CheckpointError: nothing there, a folder that cannot be used, or a network of another kind.
        """
        from onedheat.models.folder import fetch, read_folder

        folder = folder_to_read(Path(name))
        return read_folder(folder if folder.is_dir() else fetch(str(name), **how), cls)

    def chosen(self, decoder: str | None) -> str:
        """That decoder, or the default one for None.

        Raises:
            ValueError: no such decoder.
        """
        if decoder is None:
            return self.decoders[0]
        if decoder not in self.decoders:
            raise ValueError(
                f"no decoder {decoder!r} for a {self.config.kind}; there are: "
                f"{', '.join(self.decoders)}"
            )
        return decoder

    def check(self, images: Tensor) -> None:
        """Refuses pictures that the network cannot see right.

        Raises:
            ValueError: another shape, no floating-point values, or values that are not finite or far
                outside [0, 1].
        """
        size = self.config.size
        if images.ndim != 4 or images.shape[1:] != (3, size, size):
            raise ValueError(
                f"expected pictures of shape (batch, 3, {size}, {size}), got {tuple(images.shape)}"
            )
        if not images.is_floating_point():
            raise ValueError(
                f"expected pictures of floating-point values in [0, 1], got {images.dtype}; "
                "onedheat.pipeline.to_batch makes them of uint8"
            )
        # A training step does not wait for a GPU to say what it was given; any other use does.
        if _holds_values(images) and not (self.training and images.is_cuda):
            low, high = (value.item() for value in images.aminmax())
            # Noise and colour may step a little outside; 0 to 255 and −1 to 1 are another matter.
            if not (low >= -0.1 and high <= 1.1):
                raise ValueError(
                    f"expected pictures with values in [0, 1], got {low:g} to {high:g}; divide uint8 "
                    "by 255 and leave mean and contrast as they are"
                )


def _holds_values(images: Tensor) -> bool:
    """Whether values can be looked at: not while a graph is recorded, nor for shapes alone."""
    recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()
    return type(images) is Tensor and not images.is_meta and images.numel() > 0 and not recorded


def mean_over_annotated(
    errors: Float[Tensor, "batch landmarks"], landmarks: Landmarks
) -> Float[Tensor, ""]:
    """Mean error of the landmarks that are annotated; 0 where none is."""
    annotated = landmarks.isfinite().all(dim=-1)
    # where, not a product: an error that is NaN times 0 is NaN.
    return torch.where(annotated, errors, 0).sum() / annotated.sum().clamp(min=1)


def read_heatmaps(
    heatmaps: Heatmaps,
    size: int,
    target_sigma: float,
    decoder: str,
    *,
    loss: Loss = "l2",
    frame: Frame = "centre",
) -> Reading:
    """Landmarks, σ and confidence of one-dimensional heatmaps; arguments as in `decode`."""
    vectors = torch.stack(tuple(heatmaps), dim=-2).float()  # (B, N, axis, L)
    common = {"size": size, "target_sigma": target_sigma, "loss": loss}
    return Reading(
        landmarks=decode(vectors, decoder=decoder, frame=frame, **common),
        sigma=spread(vectors, **common),
        confidence=confidence(vectors, **common).mean(dim=-1),
    )
