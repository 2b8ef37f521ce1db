"""Which of the faces that were seen is which of those that are known.

A face has no name: what tells it from another is where it was, and where it was going.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from onedheat.faces import centered_in
from onedheat.geometry import Box, box_overlaps, square_box, tight_box

Points = Float[np.ndarray, "landmarks 2"]

COASTING = 15  # frames for which a face that is hidden is taken to go on, half a second

BOX_FOLLOWS = 0.2
"""Share of a frame in the size of the next one's box, and in its place on the face.

The box hangs on the outermost landmarks, and what shakes it shakes all landmarks of the next frame: on
the first 100 frames of Talking Face `tiny68` in one pass has a label-free jitter of 0.87 % where the
box follows at once, 0.80 at 0.3 and 0.79 at 0.1, at the same error and lag."""


@dataclass
class Motion:
    """Where a face is and how fast it moves, in pixels of the video.

    Attributes:
        landmarks: (N, 2), as they were last seen.
        velocity: (2,), pixels a frame of the face as a whole.
        shape: (3,), of its box: from the landmarks' mean to the centre in x and y, and the side.
        unseen: frames since it was seen.
    """

    landmarks: Points
    velocity: Float[np.ndarray, "2"]
    shape: Float[np.ndarray, "3"]
    unseen: int = 0

    @classmethod
    def at_rest(cls, landmarks: Points) -> "Motion":
        """Of a face that was seen for the first time, its landmarks not all on one spot."""
        return cls(landmarks, np.zeros(2), _shape_of(landmarks))

    def expected(self) -> Points:
        """Where its landmarks should be in the next frame: it goes on as it went, for a while."""
        return self.landmarks + min(self.unseen + 1, COASTING) * self.velocity

    def expected_box(self) -> Box:
        """Where to look for it in the next frame."""
        return square_box(self.expected().mean(axis=0) + self.shape[:2], float(self.shape[2]))

    def see(self, landmarks: Points) -> None:
        """Takes in the next frame's landmarks.

        The velocity follows over about three frames: the last looks at a face that is being hidden
        slide off it, and must not say where it comes out again.
        """
        step = (landmarks - self.landmarks).mean(axis=0) / (self.unseen + 1)
        self.velocity = self.velocity + (step - self.velocity) / 3
        self.shape = self.shape + BOX_FOLLOWS * (_shape_of(landmarks) - self.shape)
        self.landmarks, self.unseen = landmarks, 0

    def miss(self) -> None:
        """It was not seen in the next frame."""
        self.unseen += 1

    def scale(self, factors: Float[np.ndarray, "2"]) -> None:
        """Frames have another size from now on, as many times as wide and high."""
        self.landmarks = (self.landmarks + 0.5) * factors - 0.5
        self.velocity = self.velocity * factors
        self.shape = self.shape * np.append(factors, factors.max())


def _shape_of(landmarks: Points) -> Float[np.ndarray, "3"]:
    """Of `tight_box(landmarks, 1.25)`, as `Motion.shape` has it."""
    x0, y0, x1, y1 = tight_box(landmarks, 1.25)
    center = np.array([x0 + x1, y0 + y1]) / 2
    return np.append(center - landmarks.mean(axis=0), x1 - x0)


def same_faces(boxes: Float[np.ndarray, "faces 4"], overlap: float) -> Bool[np.ndarray, "_ _"]:
    """Which boxes show one face: [i, j] is the same for [j, i]."""
    same = (box_overlaps(boxes) > overlap) | centered_in(boxes)
    return same | same.T


def distances(
    expected: Float[np.ndarray, "known landmarks 2"], seen: Float[np.ndarray, "seen landmarks 2"]
) -> Float[np.ndarray, "known seen"]:
    """How far each face seen is from where each known one should be, in sides of the known one.

    The mean over landmarks: size and pose count along with the place.
    """
    apart = np.linalg.norm(expected[:, None] - seen[None], axis=-1).mean(axis=-1)
    sides = np.ptp(expected, axis=1).max(axis=-1)
    return apart / np.maximum(sides, 1e-6)[:, None]


def pair_nearest(
    costs: Float[np.ndarray, "known seen"], most: Float[np.ndarray, "known"]
) -> list[tuple[int, int]]:
    """Pairs (known, seen), each at most once, the nearest first.

    Faces are few and rarely within reach of two, so that the nearest first is as good as the best sum.

    Args:
        costs: (K, S), see `distances`; infinite where two are no pair.
        most: (K,) what each known face may differ by.
    """
    pairs: list[tuple[int, int]] = []
    left = np.where(costs <= most[:, None], costs, np.inf)
    while left.size and np.isfinite(left.min()):
        known, seen = (int(i) for i in np.unravel_index(left.argmin(), left.shape))
        pairs.append((known, seen))
        left[known], left[:, seen] = np.inf, np.inf
    return pairs
