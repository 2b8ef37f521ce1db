"""What a tracker is measured against: filters that steady landmarks after they were found.

Each takes the landmarks of one frame after the other and gives them steadied, from what came before
alone. What it gives lags behind: `lag` says by how many frames, of a slow motion, so that filters can be
compared at equal lag. A landmark that is NaN in a frame stays NaN there, and begins anew after it.
"""

import math
from abc import ABC, abstractmethod
from collections import deque

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "landmarks 2"]
Track = Float[np.ndarray, "frames landmarks 2"]


class LandmarkFilter(ABC):
    """Steadies the landmarks of one face."""

    @property
    @abstractmethod
    def lag(self) -> float:
        """Frames by which a slow motion comes out late."""

    @abstractmethod
    def reset(self) -> None:
        """Forgets every frame."""

    @abstractmethod
    def __call__(self, landmarks: Points) -> Points:
        """The landmarks of the next frame (N, 2), steadied."""

    def smooth(self, track: Track) -> Track:
        """A whole track (T, N, 2) from its beginning, each frame from those before it alone."""
        self.reset()
        return np.stack([self(landmarks) for landmarks in track])


class MovingAverage(LandmarkFilter):
    """The mean of the last frames, of fewer at the beginning. It lags by (frames − 1)/2.

    Args:
        frames: how many.

    Raises:
        ValueError: fewer than 1.
    """

    def __init__(self, frames: int):
        if frames < 1:
            raise ValueError(f"a moving average is of at least 1 frame, got {frames}")
        self.frames = frames
        self.reset()

    @property
    def lag(self) -> float:
        return (self.frames - 1) / 2

    def reset(self) -> None:
        self._window: deque[Points] = deque(maxlen=self.frames)

    def __call__(self, landmarks: Points) -> Points:
        gone = ~np.isfinite(landmarks).all(axis=1)
        for before in self._window:
            before[gone] = np.nan
        self._window.append(landmarks.astype(np.float64))
        window = np.stack(self._window)
        known = np.isfinite(window)
        with np.errstate(invalid="ignore"):  # 0/0 where nothing is known
            return np.where(known, window, 0).sum(axis=0) / known.sum(axis=0)


class OneEuro(LandmarkFilter):
    """The 1€ filter: a low-pass whose cut-off rises with the speed, of each coordinate by itself.

    Casiez, Roussel and Vogel 2012, "1€ filter: a simple speed-based low-pass filter for noisy input in
    interactive systems" (https://gery.casiez.net/1euro/). At rest it steadies most and lags most; `beta`
    above 0 lets it follow faster motion sooner. How they advise to tune it: first `min_cutoff` with
    `beta` 0 on a face at rest until it does not jitter, then `beta` up until fast motion does not lag.

    Args:
        min_cutoff: cut-off at rest, in hertz.
        beta: hertz by which the cut-off rises with each pixel a second; faces twice as large in their
            pictures want half of it.
        derivative_cutoff: cut-off of the speed's own low-pass, in hertz.
        rate: frames a second.

    Raises:
        ValueError: a frequency that is not above 0, or `beta` below 0.
    """

    def __init__(
        self,
        min_cutoff: float = 1.0,
        beta: float = 0.0,
        *,
        derivative_cutoff: float = 1.0,
        rate: float = 30.0,
    ):
        if not (min_cutoff > 0 and derivative_cutoff > 0 and rate > 0 and beta >= 0):
            raise ValueError(
                "cut-offs and rate must be above 0 and beta not below; got "
                f"min_cutoff={min_cutoff:g}, derivative_cutoff={derivative_cutoff:g}, rate={rate:g}, "
                f"beta={beta:g}"
            )
        self.min_cutoff, self.beta, self.rate = min_cutoff, beta, rate
        self.derivative_cutoff = derivative_cutoff
        self.reset()

    @classmethod
    def with_lag(cls, lag: float, *, beta: float = 0.0, rate: float = 30.0) -> "OneEuro":
        """The filter that at rest lags by so many frames (above 0)."""
        return cls(rate / (2 * math.pi * lag), beta, rate=rate)

    @property
    def lag(self) -> float:
        """At rest; with `beta` above 0 less in motion.

        A low-pass y ← α·x + (1 − α)·y lags by (1 − α)/α, which is rate/(2π·cut-off).
        """
        return self.rate / (2 * math.pi * self.min_cutoff)

    def reset(self) -> None:
        self._raw: Points | None = None

    def __call__(self, landmarks: Points) -> Points:
        landmarks = landmarks.astype(np.float64)
        if self._raw is None:
            self._raw = self._smooth = np.full_like(landmarks, np.nan)
            self._speed = np.zeros_like(landmarks)
        new = ~np.isfinite(self._raw)
        moved = np.where(new, 0, landmarks - self._raw) * self.rate
        speed = np.where(new, 0, _blend(moved, self._speed, self._share(self.derivative_cutoff)))
        share = self._share(self.min_cutoff + self.beta * np.abs(speed))
        smooth = np.where(new, landmarks, _blend(landmarks, self._smooth, share))
        self._raw, self._smooth, self._speed = landmarks, smooth, speed
        return smooth.copy()

    def _share(self, cutoff):
        """α, the share of the new value in a low-pass of that cut-off."""
        return 1 / (1 + self.rate / (2 * math.pi * cutoff))


def _blend(now, before, share):
    return share * now + (1 - share) * before
