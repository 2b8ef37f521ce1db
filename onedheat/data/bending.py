"""A flat photo of a face that moves as a live one does: what lies on it shifts against what lies beside.

A face that talks or smiles moves its mouth alone; one that turns moves its nose, which is nearer,
against its eyes. Of either a photo shows one moment, and a camera that moves before it shows a face as
stiff as a playing card. Here several places on the face, wherever they are, each pull what is around
them to and fro. No expression comes of it that a person would make, but where a landmark lies no longer
follows from where the others do.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.data.images import RGB
from onedheat.data.motion import rest_and_move, smooth_path, soft_limit
from onedheat.geometry import Bend, Landmarks, tight_box

_PLACES = 6
_WIDTH = (0.25, 0.6)  # standard deviations of what a place pulls along, in radii
# What a place is moved by along an axis at most, of its width. A Gaussian's slope is 0.61 of its height
# over its width at most: of all places together it stays below 0.8, and the photo folds nowhere.
_FARTHEST = 0.15
_COARSE = 8  # pixels between the places at which bending is worked out for a picture


def draw_bend(landmarks: Landmarks, spread: float, rng: np.random.Generator) -> Bend:
    """A photo bent once, at random, as `Bending` bends it at one moment.

    Args:
        landmarks: (N, 2) of the face, in pixels of the photo.
        spread: standard deviation of what a place is moved by along an axis, in radii of the face (half
            the side of its `tight_box`).
        rng: what is drawn from.
    """
    box = tight_box(landmarks, 1.0)
    middle, radius = (box[:2] + box[2:]) / 2, (box[2] - box[0]) / 2
    places, widths, liveliness = _scattered(rng)
    pulls = _limited(spread * liveliness * rng.standard_normal((_PLACES, 2)), widths)
    return Bend(middle + radius * places, radius * widths, radius * pulls)


def _scattered(
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "places 2"], Float[np.ndarray, "places"], float]:
    """Places on a face and their widths, in radii from its middle, and how lively it is."""
    angle, far = rng.uniform(0, 2 * np.pi, _PLACES), np.sqrt(rng.random(_PLACES))
    places = 0.9 * far[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return places, rng.uniform(*_WIDTH, _PLACES), rng.uniform(0.3, 1.7)


def _limited(
    moved: Float[np.ndarray, "*times places 2"], widths: Float[np.ndarray, "places"]
) -> Float[np.ndarray, "*times places 2"]:
    return soft_limit(moved, np.broadcast_to(_FARTHEST * widths[:, None], moved.shape))


class Bending:
    """How one photo is bent in the course of one clip.

    Args:
        seed: words that tell this clip from others.
        middle: of the face, in pixels of the photo.
        radius: of the face, in pixels of the photo.
        spread: standard deviation of what a place is moved by along an axis, in radii, of all clips; in
            lively ones it is up to six times that in calm ones. Large shifts are limited.
    """

    def __init__(
        self, seed: Sequence[int], middle: Float[np.ndarray, "2"], radius: float, spread: float
    ):
        rng = np.random.default_rng(seed)
        self._middle, self._radius, self._spread = middle, radius, spread
        self._places, self._widths, self._liveliness = _scattered(rng)
        self._moves = rest_and_move(rng, 2 * _PLACES, 0.6, (0.1, 0.5))
        self._drift = smooth_path(rng, 2 * _PLACES, timescale=0.4)

    def bent(
        self, points: Float[np.ndarray, "points 2"], seconds: Float[np.ndarray, "times"]
    ) -> Float[np.ndarray, "times points 2"]:
        """Where points of the photo lie in the bent one at each moment, in pixels; NaN stay NaN."""
        there = (points - self._middle) / self._radius
        there = np.broadcast_to(there, (len(seconds), *there.shape))
        bent = Bend(self._places, self._widths, self._pulls(seconds)).bent(there)
        return bent * self._radius + self._middle

    def bend(self, photo: RGB, matrix: Float[np.ndarray, "3 3"], seconds: float) -> RGB:
        """The photo at one moment, bent.

        Args:
            photo: (S, S, 3), of which `matrix` says where it lies.
            matrix: (3, 3), pixels of the photo that this was made for → of this one.
            seconds: the moment.
        """
        import cv2

        height, width = photo.shape[:2]
        # The grid's own pixels are spread over the photo's as `resize` does it.
        rows, columns = (max(2, round(side / _COARSE)) for side in (height, width))
        y = (np.arange(rows) + 0.5) * height / rows - 0.5
        x = (np.arange(columns) + 0.5) * width / columns - 0.5
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        scale = matrix[0, 0] * self._radius
        middle = matrix[:2, :2] @ self._middle + matrix[:2, 2]
        (pulls,) = self._pulls(np.array([seconds]))
        shift = scale * Bend(self._places, self._widths, pulls).shift((grid - middle) / scale)
        fine = cv2.resize(shift.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        fine[..., 0] += np.arange(width, dtype=np.float32)
        fine[..., 1] += np.arange(height, dtype=np.float32)[:, None]
        return cv2.remap(
            photo, fine, None, interpolation=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )

    def _pulls(self, seconds: Float[np.ndarray, "times"]) -> Float[np.ndarray, "times places 2"]:
        """What each place is moved by, in radii."""
        moved = 0.9 * self._moves.at(seconds) + 0.45 * self._drift.at(seconds)
        moved = self._spread * self._liveliness * moved.reshape(len(seconds), _PLACES, 2)
        return _limited(moved, self._widths)
