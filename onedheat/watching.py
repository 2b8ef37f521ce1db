"""A landmarker that goes through annotated clips, and what it finds in every frame of them.

Clips go side by side, so that their frames are batches, and each frame is read once, however many look.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from onedheat.data import DataError, FaceSet
from onedheat.data.clips import ClipSet
from onedheat.data.images import RGB
from onedheat.geometry import Box, tight_box
from onedheat.landmarks import Scheme, correspondence
from onedheat.pipeline import Landmarker, landmarks_box
from onedheat.pipeline.following import NOTHING, Follower, Memory
from onedheat.pipeline.identities import Motion
from onedheat.reports import Report, summarize


@dataclass(frozen=True)
class Moment:
    """Frame number `t` of every clip that has one, of those that go side by side.

    Attributes:
        t: from 0 on.
        numbers: of the clips.
        images: the frame of each, (H, W, 3).
    """

    t: int
    numbers: list[int]
    images: list[RGB]


def moments(clips: ClipSet, *, progress: bool = False) -> Iterator[Moment]:
    """All frames of some clips, each read once: clips side by side, 16 at most, then the next.

    Args:
        clips: of any lengths.
        progress: show a bar on standard error.
    """
    total = sum(map(len, clips.clips))
    with tqdm(total=total, unit="frame", disable=not progress) as bar:
        for start in range(0, len(clips), 16):
            together = range(start, min(start + 16, len(clips)))
            for t in range(max(len(clips.clips[number]) for number in together)):
                going = [number for number in together if t < len(clips.clips[number])]
                yield Moment(t, going, [clips.clips[number].frames[t] for number in going])
                bar.update(len(going))


class Watcher:
    """A landmarker that goes through clips, one moment after the other.

    Args:
        landmarker: and
        clips: and
        follow: and
        two_pass: see `onedheat.evaluation.evaluate_clips`.

    Attributes:
        landmarks: of each clip (T, N, 2), all that the network finds; NaN where it has not been yet.
        sigma: likewise.

    Raises:
        DataError: a network whose landmarks are not known to be any of the clips'.
        ValueError: a landmarker that cannot follow faces, see `Follower`.
    """

    def __init__(
        self,
        landmarker: Landmarker,
        clips: ClipSet,
        *,
        follow: bool = False,
        two_pass: bool = False,
    ):
        self.points, self.found = common_points(clips, landmarker.scheme)
        self.landmarker, self.clips, self._follow = landmarker, clips, follow
        self._follower = Follower(landmarker, two_pass=two_pass)
        sizes = [(len(clip), len(landmarker.scheme), 2) for clip in clips.clips]
        self.landmarks = [np.full(size, np.nan) for size in sizes]
        self.sigma = [np.full(size, np.nan) for size in sizes]
        self._memories: dict[int, Memory] = {}
        self._motions: dict[int, Motion] = {}

    @property
    def box(self) -> str:
        """Where it looks, in words for a report."""
        where = "followed" if self._follow else "tight, of the last frame"
        return f"{where}, two passes" if self._follower.passes == 2 else where

    def look(self, moment: Moment) -> None:
        """Finds the landmarks of each frame of a moment; the moments of a clip come in their order.

        Raises:
            ValueError: the network gives values that are not finite.
        """
        if moment.t == 0:  # other clips than before
            self._memories, self._motions = dict.fromkeys(moment.numbers, NOTHING), {}
        boxes = np.stack([self._box(number, moment.t) for number in moment.numbers])
        remembered = [self._memories[number] for number in moment.numbers]
        located, after = self._follower.look(moment.images, boxes, remembered)
        for place, number in enumerate(moment.numbers):
            landmarks, self._memories[number] = located.landmarks[place], after[place]
            self.landmarks[number][moment.t] = landmarks
            self.sigma[number][moment.t] = located.sigma[place]
            if self._follow and landmarks_box(landmarks) is not None:
                self._motions.setdefault(number, Motion.at_rest(landmarks)).see(landmarks)

    def _box(self, number: int, t: int) -> Box:
        if number in self._motions:
            return self._motions[number].expected_box()
        return tight_box(self.clips.clips[number].landmarks[max(0, t - 1)], 1.25)

    def report(self, *, weights: str = "") -> Report:
        """What it found, measured."""
        return summarize(
            np.concatenate(self.landmarks)[:, self.found],
            self.clips.faces(),
            sigma=np.concatenate(self.sigma)[:, self.found],
            points=self.points,
            box=self.box,
            decoder=self.landmarker.decoder,
            flip=self.landmarker.flip,
            weights=weights,
        )


def common_points(faces: FaceSet | ClipSet, own: Scheme) -> tuple[list[int], list[int]]:
    """The landmarks that can be compared, as indices into the labels and into the network's.

    Raises:
        DataError: they are not known to have any in common.
    """
    try:
        labelled, found = correspondence(faces.scheme, own)
    except ValueError as error:
        raise DataError(
            f"these weights find the {own.name} landmarks, {faces.name} is annotated with "
            f"{faces.scheme.name}: {error}"
        ) from error
    return list(labelled), list(found)
