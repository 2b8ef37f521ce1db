"""A camera that moves in front of a flat photo: where each point of the photo is seen at a moment.

The photo is a plane that shifts, comes nearer, rolls and tilts as a head does: holding still, moving,
drifting all the while. The camera sees it in perspective, and shakes if it is held in hands. What
results is one homography a moment, so a landmark's place is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onedheat.data.motion import hand_shake, rest_and_move, smooth_path, soft_limit
from onedheat.geometry import Landmarks

Homography = Float[np.ndarray, "3 3"]

_MAX_TILT = 35.0  # degrees; a flat face that turns further looks like a playing card
_MAX_DEPTH = 0.75  # how far a point of the circle comes nearer at most, tilted both ways, in radii
_SHAKING_ROLL = 40.0  # degrees of roll to a shake by the picture's shorter side
_SEPARATE = 0.7  # weights of a clip's own usual pose and of its motion, of variance 0.5 each


@dataclass(frozen=True)
class MotionConfig:
    """How faces move in their pictures.

    Spreads are standard deviations over all clips and moments; about half of each is between clips.

    Attributes:
        fill: smallest and largest diameter of the circle around the landmarks, as shares of the
            picture's shorter side. (The square around the landmarks is 0.7 to 1 times as wide.)
        zoom: how readily the whole of that range is used; 0 keeps to its middle, 1 uses it all.
        shift: spread of the place, as a share of the room that the face has in the picture. It never
            leaves it.
        roll: spread of the roll, in degrees.
        tilt: spread of the tilts to a side and up or down, in degrees; at most 35.
        distance: nearest and farthest place of the camera, in radii of that circle: near is strong
            perspective.
        rest: seconds between a head's moves on average.
        lasting: shortest and longest move, in seconds.
        liveliness: a clip's motion is multiplied by anything between these.
        handheld: share of the clips whose camera shakes.
        shake: standard deviation of the shake as a share of the picture's shorter side, at most.
        exposure: shortest and longest exposure as a share of the time between two frames.
    """

    fill: tuple[float, float] = (0.5, 0.85)
    zoom: float = 0.6
    shift: float = 0.45
    roll: float = 14.0
    tilt: float = 16.0
    distance: tuple[float, float] = (5.0, 12.0)
    rest: float = 1.3
    lasting: tuple[float, float] = (0.25, 1.2)
    liveliness: tuple[float, float] = (0.15, 1.4)
    handheld: float = 0.5
    shake: float = 0.012
    exposure: tuple[float, float] = (0.1, 0.8)

    def __post_init__(self):
        if not 0 < self.fill[0] <= self.fill[1] <= 0.95:
            raise ValueError(
                f"faces fill more than 0 and at most 0.95 of a picture's shorter side, the smaller "
                f"share first; got fill={self.fill}"
            )
        if not 0 <= self.exposure[0] <= self.exposure[1] <= 1:
            raise ValueError(
                "an exposure takes between 0 and 1 of the time between two frames, the shorter first; "
                f"got exposure={self.exposure}"
            )
        if not 2 <= self.distance[0] <= self.distance[1]:
            raise ValueError(
                "the camera is at least 2 radii away from the face, the nearer place first; got "
                f"distance={self.distance}"
            )


class VirtualCamera:
    """Where one photo is seen in the pictures of one clip.

    Args:
        seed: words that tell this clip from others.
        landmarks: (N, 2) in pixels of the photo; NaN where there is none.
        config: how the face moves.
        width: of the pictures.
        height: of the pictures.

    Attributes:
        exposure: share of the time between two frames.
        middle: of the circle around the landmarks, in pixels of the photo.
        radius: of that circle, in pixels of the photo.
        closest: the same in pixels of a picture, at most.
        farthest: and at least.
    """

    def __init__(
        self,
        seed: Sequence[int],
        landmarks: Landmarks,
        config: MotionConfig,
        width: int,
        height: int,
    ):
        rng = np.random.default_rng([*seed, 0])
        self.config, self.width, self.height = config, width, height
        self.middle, self.radius = _circle_around(landmarks)
        self.farthest, self.closest = (share * min(width, height) / 2 for share in config.fill)
        self.exposure = rng.uniform(*config.exposure)
        self._distance = rng.uniform(*config.distance)
        self._liveliness = rng.uniform(*config.liveliness)
        self._usual = rng.standard_normal(6)
        self._moves = rest_and_move(rng, 6, config.rest, config.lasting)
        self._drift = smooth_path(rng, 6, timescale=1.2)
        held, strength = rng.random(2)
        self._shake_size = config.shake * strength * (held < config.handheld)
        self._shake = hand_shake(rng, 3)

    def matrix(
        self, seconds: float | Float[np.ndarray, "*times"]
    ) -> Float[np.ndarray, "*times 3 3"]:
        """Photo → picture at one moment, (3, 3), or many, (…, 3, 3), in pixel-centre coordinates."""
        moved = 0.9 * self._moves.at(seconds) + 0.45 * self._drift.at(seconds)
        pose = _SEPARATE * (self._usual + self._liveliness * moved)
        radius = self._radius(pose[..., 0])
        tilts = soft_limit(self.config.tilt * pose[..., 1:3], _MAX_TILT)
        shake = self._shake_size * self._shake.at(seconds)
        roll = soft_limit(self.config.roll * pose[..., 3], 45.0) + _SHAKING_ROLL * shake[..., 2]
        center = self._center(pose[..., 4:6], radius, shake[..., :2])
        plane = _rotation(*np.radians([tilts[..., 0], tilts[..., 1], roll]))
        return _through_lens(plane, self._distance, radius, center) @ self._to_plane()

    def _to_plane(self) -> Homography:
        x, y = self.middle
        return np.array([[1, 0, -x], [0, 1, -y], [0, 0, self.radius]]) / self.radius

    def _radius(self, nearness):
        """Of the circle around the landmarks, in pixels of the picture."""
        share = soft_limit(self.config.zoom * nearness, 1.0)
        return self.farthest * (self.closest / self.farthest) ** (0.5 + 0.5 * share)

    def _center(self, place, radius, shake):
        """Of that circle in the picture; so far from its border that the circle stays inside."""
        size = np.array([self.width, self.height], dtype=float)
        # A tilted circle's near side looks larger.
        tilted = radius / (1 - _MAX_DEPTH / self._distance)
        room = np.maximum(size / 2 - tilted[..., None], 1e-3)
        wanted = self.config.shift * room * place + size.min() * shake
        return (size - 1) / 2 + soft_limit(wanted, room)


def project(
    matrix: Float[np.ndarray, "*times 3 3"], points: Float[np.ndarray, "*#times points 2"]
) -> Float[np.ndarray, "*times points 2"]:
    """Points (N, 2), or others at each time (…, N, 2), moved by homographies (…, 3, 3), in float64."""
    moved = points @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]
    return moved[..., :2] / moved[..., 2:]


def _circle_around(landmarks: Landmarks) -> tuple[Float[np.ndarray, "2"], float]:
    """Middle of the smallest box around the landmarks and their largest distance from it."""
    known = landmarks[np.isfinite(landmarks).all(axis=1)]
    if len(known) == 0 or np.ptp(known, axis=0).max() == 0:
        raise ValueError(
            f"{len(known)} of {len(landmarks)} landmarks are known, and they must not lie in one "
            "place: there is no telling how large the face is"
        )
    middle = (known.min(axis=0) + known.max(axis=0)) / 2
    return middle, float(np.linalg.norm(known - middle, axis=1).max())


def _rotation(yaw, pitch, roll) -> Float[np.ndarray, "*times 3 2"]:
    """What happens to the plane's x and y axes: turned sideways, up or down, then rolled; radians."""
    (sy, sp, sr), (cy, cp, cr) = np.sin([yaw, pitch, roll]), np.cos([yaw, pitch, roll])
    x = [cr * cy - sr * sp * sy, sr * cy + cr * sp * sy, -cp * sy]
    y = [-sr * cp, cr * cp, sp]
    return np.stack([np.stack(x, axis=-1), np.stack(y, axis=-1)], axis=-1)


def _through_lens(plane, distance: float, radius, center) -> Float[np.ndarray, "*times 3 3"]:
    """The homography from a turned plane, in radii, to pixels of the picture.

    The plane's (0, 0) lies `distance` radii in front of the camera and is seen at `center`; there one
    radius is `radius` pixels.
    """
    matrix = np.zeros((*plane.shape[:-2], 3, 3))
    matrix[..., :2, :2] = radius[..., None, None] * plane[..., :2, :]
    matrix[..., 2, :2] = plane[..., 2, :] / distance
    matrix[..., 2, 2] = 1
    # Moves the picture so that (0, 0) is seen at the centre.
    matrix[..., :2, :] += center[..., :, None] * matrix[..., 2:, :]
    return matrix
