"""How much faces shake and how long a frame takes, counted while a video runs.

Means of each second are kept, so that an hour of video needs no more than a few thousand numbers.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.landmarks import Scheme
from onedheat.metrics import jitter
from onedheat.pipeline import TrackedFace

STAGES = ("read", "track", "write")
"""What a frame's time goes to: decoding it; finding its faces; drawing, encoding and the CSV."""


class Means:
    """Means by the second."""

    def __init__(self):
        self._sums: dict[int, list[float]] = {}

    def add(self, seconds: float, value: float) -> None:
        total = self._sums.setdefault(int(seconds), [0.0, 0])
        total[0] += value
        total[1] += 1

    def merge(self, other: "Means") -> None:
        """Takes in all values of another."""
        for at, (total, count) in other._sums.items():
            mine = self._sums.setdefault(at, [0.0, 0])
            mine[0] += total
            mine[1] += count

    @property
    def mean(self) -> float:
        """Of all values; NaN where there is none."""
        total, count = np.sum(list(self._sums.values()) or [[0.0, 0]], axis=0)
        return float(total / count) if count else float("nan")

    def by_second(self) -> Float[np.ndarray, "seconds 2"]:
        """(S, 2): the middle of each second that has values, and their mean."""
        each = sorted(self._sums.items())
        return np.array([[at + 0.5, total / count] for at, (total, count) in each]).reshape(-1, 2)


class JitterMeter:
    """The label-free jitter (`onedheat.metrics.jitter`) of each face, in per cent of the normaliser.

    Attributes:
        faces: identity → means by the second.
    """

    def __init__(self, scheme: Scheme):
        self.scheme = scheme
        self.faces: dict[int, Means] = defaultdict(Means)
        self._last: dict[int, deque[TrackedFace]] = {}

    def add(self, seconds: float, faces: Sequence[TrackedFace]) -> None:
        """Takes in the faces of the next frame; whoever is not among them begins anew."""
        self._last = {
            face.identity: self._last.get(face.identity, deque(maxlen=3)) for face in faces
        }
        for face in faces:
            window = self._last[face.identity]
            window.append(face)
            if len(window) < 3:
                continue
            landmarks = np.stack([one.landmarks for one in window])
            boxes = np.stack([one.box for one in window])
            distance = self.scheme.normalising_distance(landmarks, boxes)
            if (distance > 0).all():
                self.faces[face.identity].add(seconds, jitter(landmarks, distance))

    @property
    def mean(self) -> float:
        """Of all faces together, each frame of each counting alike; NaN where none was long enough."""
        whole = Means()
        for face in self.faces.values():
            whole.merge(face)
        return whole.mean


class SpeedMeter:
    """Milliseconds of each stage of a frame.

    Attributes:
        stages: name → means by the second.
        frames: how many were counted.
    """

    def __init__(self):
        self.stages = {name: Means() for name in STAGES}
        self.frames = 0

    def add(self, seconds: float, **milliseconds: float) -> None:
        """Counts one frame: milliseconds of each of `STAGES`."""
        self.frames += 1
        for name in STAGES:
            self.stages[name].add(seconds, milliseconds[name])

    @property
    def milliseconds(self) -> float:
        """Of a frame in the mean, all stages together; NaN where there was none."""
        return float(sum(stage.mean for stage in self.stages.values()))
