"""The tracker of the paper (section 4.2, Fig. 2b): a clip in, refined heatmaps of each frame out.

The heatmaps E that a detector finds in a frame become features U, to which what is left of those of
the frames before is added; what the sum V says is added to E:

    U_t = CNN₃(E_t)        V_t = U_t + λ·V_{t−1}  (Eq. 13)        heatmaps = E_t + CNN₄(V_t)

V is all that one frame hands to the next. It lies in the bins of its crop: where the crop moves with
the face, it moves along.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from onedheat.heatmaps import Heatmaps, confidence, log_heights
from onedheat.models.clips import ClipNetwork, Pictures, apart, merged
from onedheat.models.detector import Detector, DetectorConfig
from onedheat.models.network import MOST, Reading

Vectors = Float[Tensor, "batch landmarks bins"]
Features = Float[Tensor, "batch features positions"]

# Features of a tracker of few landmarks. With one each, CNN₄ can hardly learn to tell when the present
# frame says enough: of 3 landmarks, refinements with 3 features learned nothing, with 24 they did.
FEWEST = 32

LOOKS = 3  # positions that CNN₃ looks at together


@dataclass(frozen=True, kw_only=True)
class TrackerConfig(DetectorConfig):
    """What a tracker is: its detector's settings, and these.

    Attributes:
        decay: λ of Eq. 13, in [0, 1]; 0 forgets every frame at once.
        features: C, channels of U and V; 0 for one a landmark, or 32 where landmarks are fewer.
        density: positions that U and V have for each position of the trunk's features, at most. Each
            stands for `step` bins, the smallest divisor of M with which they are no denser.
        reach: how far a landmark may move from one frame to the next and still be carried along, as a
            share of the face's side. CNN₄'s kernel follows from it, whatever L is.

    Raises:
        ValueError: a value that no network can be built with, said by name.
    """

    kind: ClassVar[str] = "tracker"

    decay: float = 0.3
    features: int = 0
    density: int = 3
    reach: float = 0.04

    def __post_init__(self):
        super().__post_init__()
        self.demand(0 <= self.decay <= 1, f"decay must be in [0, 1], got {self.decay}")
        self.demand(
            0 <= self.features <= MOST, f"features must be from 0 to {MOST}, got {self.features}"
        )
        self.demand(
            1 <= self.density <= MOST, f"density must be from 1 to {MOST}, got {self.density}"
        )
        self.demand(0 <= self.reach <= 1, f"reach must be in [0, 1], got {self.reach}")
        self.demand(
            self.feature_count >= self.landmarks,
            f"features must be 0 or at least one a landmark, {self.landmarks}, got {self.features}",
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrackerConfig":
        """The config of a checkpoint; see `NetworkConfig.from_dict`."""
        if "reads" in values:
            raise ValueError(
                "tracker config: unknown reads; CNN₃ of an older onedheat read every bin, and its weights "
                "fit no tracker of this one: train it again from its detector"
            )
        return super().from_dict(values)

    @property
    def feature_count(self) -> int:
        """C."""
        return self.features or max(self.landmarks, FEWEST)

    @property
    def detector(self) -> DetectorConfig:
        """The settings of the detector inside."""
        return DetectorConfig(**{f.name: getattr(self, f.name) for f in fields(DetectorConfig)})

    @property
    def step(self) -> int:
        """Bins that a position of U stands for."""
        least = math.ceil(self.upsample / self.density)
        return next(n for n in range(least, self.upsample + 1) if self.upsample % n == 0)

    @property
    def positions(self) -> int:
        """P, the length of U and V."""
        return self.bins // self.step

    @property
    def kernel(self) -> int:
        """Positions that CNN₄ looks at together: what a bin says reaches every bin within `reach`."""
        left = self.reach * self.positions - LOOKS // 2
        return 2 * max(1, math.ceil(left)) + 1


class TrackerState(NamedTuple):
    """V of both axes after the last frame (Eq. 13), of several faces."""

    x: Features
    y: Features


class ThirdCNN(nn.Sequential):
    """CNN₃: E, the landmarks as channels of a signal of L bins, (B, N, L) → U of (B, C, P).

    Of E it reads the heights, averaged over the bins of a position, on a logarithmic scale. At first
    feature n is landmark n alone, so that V begins as a fading memory of what was found. Without batch
    norm: heights have a scale already, and a frame's features depend on no other frame.
    """

    def __init__(self, config: TrackerConfig):
        convolution = nn.Conv1d(config.landmarks, config.feature_count, LOOKS, padding=LOOKS // 2)
        weight, bias = (part.detach()[: config.landmarks] for part in convolution.parameters())
        nn.init.dirac_(weight)
        nn.init.zeros_(bias)
        super().__init__(convolution, nn.ReLU())
        self.step, self.meaning = config.step, config.meaning

    def forward(self, detected: Vectors) -> Features:
        return self.features(self.seen(detected))

    def seen(
        self, detected: Float[Tensor, "*batch landmarks bins"]
    ) -> Float[Tensor, "*batch landmarks positions"]:
        """What the convolution is given of E."""
        return log_heights(detected, **self.meaning, step=self.step)

    def features(self, seen: Float[Tensor, "batch landmarks positions"]) -> Features:
        """U of what is seen of E."""
        # Heights are float32 at least, the weights may be narrower.
        return super().forward(seen.to(self[0].weight.dtype))


class FourthCNN(nn.Sequential):
    """CNN₄: V of (B, C, P) → the refinement (B, N, L). It begins as none: its last weights are 0.

    The first layer begins by handing V on as it is.

    A ReLU stands between its layers: without one, the refinement would be a sum over the frames, and
    could not depend on whether the present frame says enough by itself.
    """

    def __init__(self, config: TrackerConfig):
        features, kernel, step = config.feature_count, config.kernel, config.step
        near = nn.Conv1d(features, features, kernel, padding=kernel // 2)
        nn.init.dirac_(near.weight)
        nn.init.zeros_(near.bias)
        last = nn.ConvTranspose1d(features, config.landmarks, step, stride=step)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        super().__init__(near, nn.ReLU(), last)


def decayed_sums(
    features: Float[Tensor, "batch frames features positions"], decay: float
) -> Float[Tensor, "batch frames features positions"]:
    """Eq. 13 for every frame: V_t = U_t + Σ_{τ<t} λ^{t−τ}·U_τ, by the recurrence V_t = U_t + λ·V_{t−1}.

    One multiplication and addition a frame, which autograd keeps nothing of. Where all frames are alike
    V comes to U/(1 − λ), at λ = 1 to t·U: there it grows with the clip.
    """
    sums = [features[:, 0]]
    for frame in features.unbind(dim=1)[1:]:
        sums.append(torch.add(frame, sums[-1], alpha=decay))
    return torch.stack(sums, dim=1)


class Tracker(ClipNetwork):
    """A detector whose heatmaps are refined by those of the frames before (Eq. 8).

    With fresh refinement weights it gives what its detector gives.

    Attributes:
        detector: finds the heatmaps E of each frame.

    Example:
        >>> tracker = Tracker(TrackerConfig(landmarks=5, upsample=3)).eval()
        >>> clips = torch.rand(2, 4, 3, 128, 128)  # 2 faces, 4 frames
        >>> tracker(clips).x.shape
        torch.Size([2, 4, 5, 96])
        >>> state = tracker.start(faces=2)
        >>> for frame in range(4):
        ...     heatmaps, state = tracker.step(clips[:, frame], state)
        >>> heatmaps.x.shape
        torch.Size([2, 5, 96])
    """

    Config = TrackerConfig
    decoders = Detector.decoders
    config: TrackerConfig

    def __init__(self, config: TrackerConfig):
        super().__init__()
        self.config = config
        self.detector = Detector(config.detector)
        self.third_x, self.third_y = ThirdCNN(config), ThirdCNN(config)
        self.fourth_x, self.fourth_y = FourthCNN(config), FourthCNN(config)
        self.detector_is_frozen = False

    @classmethod
    def from_detector(cls, detector: Detector, **settings) -> "Tracker":
        """A tracker around a copy of a trained detector.

        Args:
            detector: left as it is.
            settings: `decay`, `features`, `density`, `reach` and `distance` of its config.
        """
        shared = {f.name: getattr(detector.config, f.name) for f in fields(DetectorConfig)}
        tracker = cls(TrackerConfig(**shared | settings))
        tracker.detector.load_state_dict(detector.state_dict())
        return tracker.to(next(detector.parameters()).device).train(detector.training)

    # Training the detector along, or not

    def freeze_detector(self) -> None:
        """Training now leaves the detector as it is, its batch norms' running statistics included."""
        self.detector_is_frozen = True
        self.detector.requires_grad_(False).eval()

    def unfreeze_detector(self) -> None:
        """Training now teaches the detector too."""
        self.detector_is_frozen = False
        self.detector.requires_grad_(True).train(self.training)

    def train(self, mode: bool = True) -> "Tracker":
        """Training or eval mode; a frozen detector stays in eval mode."""
        super().train(mode)
        if self.detector_is_frozen:
            self.detector.eval()
        return self

    @property
    def has_idle_weights(self) -> bool:
        """Some of the detector's, where it is taught: of several stacks the last alone is used."""
        inside = self.detector
        return not self.detector_is_frozen and (inside.has_idle_weights or len(inside.early) > 0)

    # Whole clips

    def forward(self, images: Pictures) -> Heatmaps:
        """Heatmaps (B, T, N, L) of clips (B, T, 3, F, F) of RGB pictures with values in [0, 1].

        Pictures (B, 3, F, F) are clips of one frame each and give (B, N, L).

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        self.check(images)
        detected = self.detect(images)
        if images.ndim == 5:
            return self.refine_clip(detected)
        return self.refine(detected, self.start(images.shape[0]))[0]

    def detect(self, images: Pictures) -> Heatmaps:
        """E: what the detector finds in each frame by itself, (B, T, N, L) or (B, N, L).

        All frames are one batch of pictures.
        """
        found = self.detector(merged(images, 3))
        found = found[-1] if isinstance(found, list) else found  # of supervised stacks the last
        return Heatmaps(*(apart(vectors, images.shape[:-3]) for vectors in found))

    def refine_clip(self, detected: Heatmaps) -> Heatmaps:
        """Everything after the detector, of whole clips: E of (B, T, N, L) → refined heatmaps.

        With a frozen detector E can be computed once and kept.
        """
        sizes = detected.x.shape[:2]
        features = self._encode(Heatmaps(*(merged(vectors, 2) for vectors in detected)))
        sums = (decayed_sums(apart(part, sizes), self.config.decay) for part in features)
        refinement = self._decode(TrackerState(*(merged(part, 2) for part in sums)))
        return _added(detected, Heatmaps(*(apart(part, sizes) for part in refinement)))

    # One frame at a time

    def start(self, faces: int | torch.SymInt = 1) -> TrackerState:
        """The state of so many faces of which no frame has been seen: V_0 = 0."""
        like = self.third_x[0].weight
        shape = (faces, self.config.feature_count, self.config.positions)
        return TrackerState(x=like.new_zeros(shape), y=like.new_zeros(shape))

    def step(
        self, images: Float[Tensor, "batch 3 size size"], state: TrackerState
    ) -> tuple[Heatmaps, TrackerState]:
        """Heatmaps (B, N, L) of the next frame of each face, and the state after it.

        Raises:
            ValueError: pictures of another shape, dtype or range, or not as many as the state has faces.
        """
        self.check(images)
        return self.refine(self.detect(images), state)

    def refine(self, detected: Heatmaps, state: TrackerState) -> tuple[Heatmaps, TrackerState]:
        """Everything after the detector, of the next frame: E of (B, N, L) → refined heatmaps, state.

        Raises:
            ValueError: not as many heatmaps as the state has faces.
        """
        # Not len: it would be a constant in ONNX.
        pictures, faces = detected.x.shape[0], state.x.shape[0]
        if pictures != faces:
            raise ValueError(
                f"the state is of {faces} faces, and there are pictures of {pictures}; "
                "give one picture for each face, in the state's order"
            )
        decay = self.config.decay
        now = TrackerState(
            *(
                torch.add(part, before, alpha=decay)
                for part, before in zip(self._encode(detected), state, strict=True)
            )
        )
        return _added(detected, self._decode(now)), now

    def peaks(self, detected: Heatmaps) -> Float[Tensor, "batch landmarks"]:
        """How high E, (B, N, L), peaks, mean of the two vectors, in [0, 1].

        Whether a face is there is to be asked of the present frame: what is refined is sharp where a
        face was.
        """
        both = torch.stack(list(detected)).float()
        return confidence(both, **self.config.meaning).mean(dim=0)

    def _encode(self, detected: Heatmaps) -> TrackerState:
        """U, without what came before."""
        # Of one face the number of calls is what costs: E of both axes is looked at together.
        x, y = self.third_x.seen(torch.stack(list(detected)))
        return TrackerState(x=self.third_x.features(x), y=self.third_y.features(y))

    def _decode(self, sums: TrackerState) -> Heatmaps:
        """The refinement."""
        return Heatmaps(x=self.fourth_x(sums.x), y=self.fourth_y(sums.y))

    # What it means

    def loss(
        self, output: Heatmaps, landmarks: Float[Tensor, "*batch landmarks 2"]
    ) -> Float[Tensor, ""]:
        """Eq. 14: the detector's loss (Eq. 11) of each frame, summed over the frames of a clip.

        As there it is averaged over the landmarks that are annotated; the others are NaN. `distance`
        matters more here than there: a heatmap that is sharp at a place it remembers is dear by Eq. 14 if
        that is a little off, and Eq. 14 alone remembers less than serves the landmarks.

        Args:
            output: (B, T, N, L), or (B, N, L) of clips of one frame.
            landmarks: (B, T, N, 2), or (B, N, 2), in pixels of each picture.
        """
        frames = landmarks.shape[1] if landmarks.ndim == 4 else 1
        heatmaps = Heatmaps(*(merged(vectors, 2) for vectors in output))
        return frames * self.detector.loss(heatmaps, merged(landmarks, 2))

    def read(self, output: Heatmaps, decoder: str | None = None) -> Reading:
        """Landmarks of heatmaps (B, N, L), or (B, T, N, L), with the same axes before N."""
        return self.detector.read(output, decoder)


def _added(detected: Heatmaps, refinement: Heatmaps) -> Heatmaps:
    return Heatmaps(*(e + more for e, more in zip(detected, refinement, strict=True)))
