"""Faces of a video, frame by frame, each under a number that it keeps.

A face that is known is looked at where it should be next; nobody searches the picture for it. A search
is made now and then for who came in, and at once when somebody was lost. What is kept of the past is of
one size, however long the video.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from onedheat.data.images import RGB, as_rgb, read_image
from onedheat.faces import unsuppressed
from onedheat.geometry import Box, box_overlap, tight_box
from onedheat.pipeline.cuts import CutDetector
from onedheat.pipeline.following import NOTHING, Follower, Memory
from onedheat.pipeline.identities import Motion, distances, pair_nearest, same_faces
from onedheat.pipeline.landmarker import MIN_PEAK, SAME_FACE, Found, Landmarker
from onedheat.pipeline.locating import Face, Located, landmarks_box

MIN_KEPT_PEAK = 0.4
"""A face that is followed is lost where its landmarks' mean peak is lower."""

MAX_KEPT_SIGMA = 0.025
"""It is lost, too, where the median σ of its landmarks is more than that share of its box's side."""

MIN_KEPT_AGREEMENT = 0.7
"""And where the box that was looked in and the one that its landmarks ask for overlap less (IoU).

Measured with `tiny68`: 84 looks at Talking Face had peaks of 0.87 and more and a σ of 1.0 % at most;
192 looks at moving stills of 300W's validation faces, with up to 51 % hidden by an occluder, 0.64 and
more, 1.9 % at most, and overlaps of 0.85 and more. None of 21 boxes beside the face in Talking Face
passes, looked at three times, each time in the box that the last look asked for: the highest peak is
0.30, the lowest σ 4.8 %. Weights trained before came up to 0.54 and down to 3.4 % there; such that are
less sure need the lower bounds, and MAX_DOUBTS."""

SEARCH_SOON = 5
"""Frames between two searches while a face is lost or there is none."""

MAX_DOUBTS = 4
"""Searches in a row that may find nothing where a face is followed whose peak is under `MIN_PEAK`:
something that its look has slid on."""

REACH, SLACK, FARTHEST = 0.4, 0.05, 1.0
"""How far from where it should be a face can be and be the one that is known, in sides of the box
around its landmarks: while it is seen; more for each frame that it was not; at most."""


@dataclass(frozen=True, eq=False)
class TrackedFace(Face):
    """One face of a frame, in pixels of the frame.

    Attributes:
        identity: its number, the same in each frame; numbers count up from 0 and are never given again.
            The others are those of `Face`.
    """

    identity: int


@dataclass(eq=False)
class _Known:
    """What is kept of a face.

    Attributes:
        doubts: searches in a row that did not find it.
    """

    identity: int
    motion: Motion
    memory: Memory = NOTHING
    doubts: int = 0


@dataclass(frozen=True, eq=False)
class _Sight:
    """A face that was seen in a frame.

    Attributes:
        by: the known face that was looked for there, or None if a search found it.
        sure: whether it needs no search to be believed.
    """

    face: Face
    by: _Known | None = None
    sure: bool = True


class FaceTracker:
    """Follows faces through a video: `for frame in frames: faces = tracker(frame)`.

    Frames may be of any size and rate, and the video may be long. A face that is hidden or leaves is not
    reported; if it is there again within `patience` frames, near where it was going, it has its number
    back, and afterwards another, as nothing tells it from a stranger. Faces may cross: who is hidden
    behind another is expected to go on as before. After a cut all faces are new.

    Args:
        landmarker: finds faces and their landmarks; usually called by its `tracker()`.
        two_pass: draw the box anew in each frame by the paper's protocol; twice the time.
        search_every: frames between two searches for faces that came in, while all known are seen.
        patience: frames for which a face that is not seen is remembered; 30 are a second.

    Attributes:
        nearest: of the searches since the last `reset` the one that came nearest to a face; it says why
            none was found. None before the first.

    Raises:
        ValueError: a landmarker or a setting that cannot be tracked with.
    """

    def __init__(
        self,
        landmarker: Landmarker,
        *,
        two_pass: bool = False,
        search_every: int = 15,
        patience: int = 30,
    ):
        if search_every < 1 or patience < 0:
            raise ValueError(
                "search_every must be at least 1 frame and patience at least 0; got "
                f"search_every={search_every}, patience={patience}"
            )
        self.landmarker = landmarker
        self.follower = Follower(landmarker, two_pass=two_pass)
        self.search_every, self.patience = search_every, patience
        self._cuts = CutDetector()
        self._next = 0
        self.reset()

    @property
    def method(self) -> str:
        """How it looks at a face, in words for a table or a figure."""
        network = f"{self.landmarker.detector.config.kind} network"
        if self.follower.passes == 2:
            return f"{network}, two passes a frame (box drawn anew)"
        return f"{network}, one pass a frame (box from the last frame)"

    def reset(self) -> None:
        """Forgets all faces and the last frame: before a jump in the video, or another one.

        Numbers go on, so that no two faces of one tracker ever share one.
        """
        self._cuts.reset()
        self._size: tuple[int, int] | None = None
        self.nearest: Found | None = None
        self._forget_faces()

    def _forget_faces(self) -> None:
        self._known: list[_Known] = []
        self._since_search: int | None = None  # frames; None before the first search

    def __call__(self, image: str | os.PathLike | np.ndarray) -> list[TrackedFace]:
        """The faces of the next frame, by their numbers.

        Args:
            image: path of an image file, or (H, W, 3) uint8 RGB; grey and RGBA too.

        Raises:
            ImageError: a frame that cannot be used.
            ValueError: the network gives values that are not finite.
        """
        is_path = isinstance(image, str | os.PathLike)
        image = read_image(image) if is_path else as_rgb(image)
        if self._cuts(image):
            self._forget_faces()
        self._fit_to(image)
        sights = self._look(image)
        if self._must_search(sights):
            searched = self._search(image)
            self._doubt(sights, searched)
            sights += searched
        seen = self._recognise(sights)
        for known in self._known:
            if known not in seen:
                known.motion.miss()
        self._known = [
            known
            for known in self._known
            if known.motion.unseen <= self.patience and known.doubts < MAX_DOUBTS
        ]
        faces = [
            TrackedFace(**vars(sight.face), identity=known.identity)
            for known, sight in seen.items()
            if known in self._known
        ]
        return sorted(faces, key=lambda face: face.identity)

    def _fit_to(self, image: RGB) -> None:
        """Frames of another size show the same scene scaled, or, of another shape, another scene."""
        size, before = image.shape[:2], self._size
        self._size = size
        if before is None or before == size:
            return
        factors = np.array([size[1] / before[1], size[0] / before[0]])
        if abs(factors[0] / factors[1] - 1) > 0.05:
            self._forget_faces()
        for known in self._known:
            known.motion.scale(factors)
            known.memory = known.memory.scaled(float(factors.mean()))

    # Seeing

    def _look(self, image: RGB) -> list[_Sight]:
        """The known faces that are where they should be."""
        height, width = image.shape[:2]
        looked_for, boxes = [], []
        for known in self._known:
            box = known.motion.expected_box()
            if (box[:2] < (width, height)).all() and (box[2:] > 0).all():
                looked_for.append(known)
                boxes.append(box)
        boxes = np.array(boxes).reshape(-1, 4)
        located, memories = self.follower(image, boxes, [known.memory for known in looked_for])
        asked = self.landmarker.least_peak
        sights = []
        for index, (known, memory) in enumerate(zip(looked_for, memories, strict=True)):
            known.memory = memory
            least = asked if known.motion.unseen else min(MIN_KEPT_PEAK, asked)
            if self._is_face(located, index, boxes[index], least, (width, height)):
                face = located.face(index, tight_box(located.landmarks[index]))
                sure = located.peak[index].mean() >= max(MIN_PEAK, asked)
                sights.append(_Sight(face, known, bool(sure)))
        return sights

    def _must_search(self, sights: Sequence[_Sight]) -> bool:
        """Whether it is time to look for faces all over the frame."""
        seen = {id(sight.by) for sight in sights}
        lost = [known for known in self._known if id(known) not in seen]
        just_lost = any(known.motion.unseen == 0 for known in lost)
        often = lost or not self._known
        every = min(SEARCH_SOON, self.search_every) if often else self.search_every
        due = self._since_search is None or self._since_search + 1 >= every
        if due or just_lost:
            self._since_search = 0
            return True
        self._since_search += 1
        return False

    def _search(self, image: RGB) -> list[_Sight]:
        """Every face of the frame."""
        found = self.landmarker.find(image)
        if self.nearest is None or _nearness(found) > _nearness(self.nearest):
            self.nearest = found
        return [_Sight(face) for face in found.faces]

    def _doubt(self, sights: Sequence[_Sight], searched: Sequence[_Sight]) -> None:
        """Counts searches that did not find a face that would not be taken for one anew."""
        count = len(sights)
        same = _which_are_same([*sights, *searched])[:count, count:]
        for sight, confirmed in zip(sights, same.any(axis=1), strict=True):
            sight.by.doubts = 0 if confirmed or sight.sure else sight.by.doubts + 1

    def _is_face(
        self, located: Located, index: int, box: Box, least: float, size: tuple[int, int]
    ) -> bool:
        """Whether what was found in a box is the face that was looked for there."""
        again = landmarks_box(located.landmarks[index])
        if again is None:
            return False
        center = (again[:2] + again[2:]) / 2
        inside = bool((center >= -0.5).all() and (center <= np.array(size) - 0.5).all())
        side = float(box[2] - box[0])
        vague = float(np.median(located.sigma[index])) > self._most_sigma * side
        sure = located.peak[index].mean() >= least and not vague
        return bool(sure and inside and box_overlap(box, again) >= MIN_KEPT_AGREEMENT)

    @property
    def _most_sigma(self) -> float:
        """Of a face that is kept, in sides of its box."""
        if self.landmarker.calibration:
            return MAX_KEPT_SIGMA
        # No peak of a network that is not calibrated is narrower than those it was taught.
        config = self.landmarker.detector.config
        return MAX_KEPT_SIGMA + getattr(config, "target_sigma", 0.0) / config.size

    # Knowing

    def _recognise(self, sights: Sequence[_Sight]) -> dict[_Known, _Sight]:
        """Which known face each face seen is. Those that a search found and nobody knows are new."""
        same = _which_are_same(sights)
        scores = np.array([sight.face.score for sight in sights])
        kept = unsuppressed(same, scores)
        seen = {}
        pairs = dict(self._pairs([sights[index] for index in kept]))
        for place, index in enumerate(kept):
            views = [sights[other] for other in np.flatnonzero(same[index])]
            if place in pairs:
                known = pairs[place]
                own = [view for view in views if view.by is known]
                seen[known] = own[0] if own else sights[index]
                if not own:
                    known.memory = NOTHING  # it lies in the bins of another crop
                known.motion.see(seen[known].face.landmarks)
            elif searched := [view for view in views if view.by is None]:
                known = _Known(self._next, Motion.at_rest(searched[0].face.landmarks))
                self._next += 1
                self._known.append(known)
                seen[known] = searched[0]
        return seen

    def _pairs(self, sights: Sequence[_Sight]) -> list[tuple[int, _Known]]:
        """Which sight is of which known face."""
        if not (self._known and sights):
            return []
        expected = np.stack([known.motion.expected() for known in self._known])
        costs = distances(expected, np.stack([sight.face.landmarks for sight in sights]))
        unseen = np.array([known.motion.unseen for known in self._known])
        reach = np.minimum(REACH + SLACK * unseen, FARTHEST)
        # Who was seen a frame ago comes first: a face in front is not the one hidden behind it.
        later = 10.0 * (unseen > 0)
        pairs = pair_nearest(costs + later[:, None], reach + later)
        return [(sight, self._known[known]) for known, sight in pairs]


def _nearness(found: Found) -> tuple[int, float, int]:
    return len(found.faces), found.highest or 0.0, found.proposed


def _which_are_same(sights: Sequence[_Sight]) -> Bool[np.ndarray, "sights sights"]:
    """Which sights are of one face."""
    return same_faces(np.array([sight.face.box for sight in sights]).reshape(-1, 4), SAME_FACE)
