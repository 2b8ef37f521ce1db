"""Where things are on a head: named points in millimetres, and how people and expressions move them.

The axes are those of a picture: x to the right, y down, z toward the viewer. The origin lies between
the ears at the height of the eyes; the head looks along +z. Distances are everyday anthropometry
(outer eye corners 92 mm apart, cheekbones 140, chin 115 below the eyes), placed by hand: no scan and no
labelled photo was measured for them. Where the 300W annotation wants a point (on the upper edge of a
brow, where the jaw line begins) was learned by looking: at real faces beside drawn ones, and at where a
detector trained on 300W sees the points of drawn ones.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onedheat.landmarks import IBUG68

Points = Float[np.ndarray, "_ 3"]

CENTER = np.array([0.0, 20.0, 0.0])
"""The surface is a distance from here for every direction."""


def direction(azimuth, elevation) -> Float[np.ndarray, "*angles 3"]:
    """The unit vector (…, 3) of angles in radians: to the right, downward."""
    level = np.cos(elevation)
    x, y, z = level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)
    return np.stack([x, y, z], axis=-1)


EYE_RADIUS = 12.5
EYES = np.array([[-31.3, 0.0, 60.5], [31.3, 0.0, 60.5]])
"""Centres of the eyeballs, the person's right eye (left in the picture) first."""

# Half of the 68 landmarks: index → point on the side of positive x, or on the middle.
_HALF = {
    8: (0, 116, 80), 9: (24, 111.5, 70), 10: (43, 98.5, 51), 11: (54.5, 85.5, 35), 12: (61, 73, 22),
    13: (67, 57.5, 13), 14: (70, 40, 9), 15: (72, 22.5, 6), 16: (72, 5, 4),
    22: (10, -21, 85), 23: (22, -27, 83.5), 24: (35, -28.5, 77.5), 25: (47, -25, 68), 26: (56.5, -16.5, 55.5),
    27: (0, -3, 85), 28: (0, 9, 92), 29: (0, 21, 101), 30: (0, 33, 110),
    33: (0, 47, 96), 34: (6, 46, 93), 35: (12.5, 44, 86),
    42: (16.5, 1.5, 68.5), 43: (26, -5.0, 73.3), 44: (37, -5.0, 72.3), 45: (46, 0, 62.5),
    46: (38, 4.6, 71.8), 47: (26, 4.8, 73),
    51: (0, 61, 98.5), 52: (6.5, 59.5, 97.5), 53: (15.5, 63, 92), 54: (26.5, 71, 80),
    55: (18, 78, 87.5), 56: (9, 81.5, 93), 57: (0, 82.5, 94),
    62: (0, 69, 96.5), 63: (9.5, 69, 94.5), 64: (22.5, 71, 83), 65: (9.5, 72.5, 92.5),
    66: (0, 73, 93.5),
}  # fmt: skip

# Points beside the landmarks that give the head its form; those with x > 0 stand for both sides.
_FORM = np.array([
    # forehead and skull
    (0, -20, 87), (0, -38, 90), (0, -62, 84), (0, -86, 62), (0, -106, 22), (0, -110, -25),
    (0, -95, -68), (0, -50, -97), (0, 0, -97), (0, 45, -78), (0, 85, -50),
    (25, -42, 86), (45, -42, 71), (60, -40, 44), (28, -66, 77), (50, -66, 53), (66, -60, 12),
    (30, -90, 48), (52, -88, 8), (46, -86, -48), (70, -48, -38), (50, -40, -80), (64, -15, 40),
    (71, -14, 10), (74, -16, -22), (73, 20, -25), (60, 20, -68), (42, 60, -60), (62, 62, -20),
    # around the eyes
    (15, -9, 77.5), (30, -12.5, 76), (44, -10, 66.5), (55, -2, 55), (19, 11.5, 73.5), (30, 13.5, 74.5),
    (43, 10, 67.5),
    # nose
    (8, -1, 78), (10.5, 12, 82), (12.5, 24, 86.5), (17.5, 37.5, 86), (13, 32, 94.5), (16.5, 29, 82.5),
    (7.5, 38, 105), (16, 44.5, 82), (0, 42, 105),
    # cheeks
    (26, 24, 79), (42, 23, 73.5), (56, 20, 57), (66, 17, 35), (29, 40, 80.5), (46, 42, 71.5),
    (59, 45, 48), (67, 46, 22), (25, 53, 82.5), (36, 68, 76), (48, 67, 63), (58, 66, 36),
    # lips and chin
    (0, 54.5, 97.5), (10, 55, 95), (31, 78, 75), (0, 90, 89.5), (0, 102, 93), (13, 100, 90),
    (16, 90, 86.5), (28, 92, 77), (30, 106, 63), (43, 86, 60), (0, 119, 68), (0, 121, 42), (26, 115, 30),
    (45, 98, 15), (0, 110, 10),
])  # fmt: skip


def _both_sides(half: np.ndarray) -> np.ndarray:
    mirrored = half[half[:, 0] > 0] * (-1, 1, 1)
    return np.concatenate([half, mirrored])


def _landmarks() -> np.ndarray:
    points = np.full((68, 3), np.nan)
    for index, point in _HALF.items():
        points[index] = point
        points[IBUG68.mirror[index]] = np.multiply(point, (-1, 1, 1))
    return points


CONTROLS: Points = np.concatenate([_landmarks(), _both_sides(_FORM)])
"""All named points, (C, 3): the 68 landmarks, then the points of form."""


# How heads differ and move ------------------------------------------------------------------------


@dataclass(frozen=True)
class Push:
    """A smooth displacement: `vector` (mm) at `center`, falling off with distance like a Gaussian.

    A push beside the middle acts on both sides, mirrored, unless it is one-sided.
    """

    center: tuple[float, float, float]
    radius: float
    vector: tuple[float, float, float]
    one_sided: bool = False

    def on(self, points: Points) -> Points:
        """What it adds to each point, (P, 3) in mm."""
        moved = self._field(points, np.array(self.center), np.array(self.vector))
        if self.center[0] and not self.one_sided:
            flip = np.array([-1, 1, 1])
            moved = moved + self._field(points, self.center * flip, self.vector * flip)
        return moved

    def _field(self, points, center, vector):
        distance = ((points - center) ** 2).sum(axis=1)
        return np.exp(-distance / (2 * self.radius**2))[:, None] * vector


# What makes people different: name → pushes for one standard deviation.
IDENTITY = {
    "broad face": [Push((68, 40, 20), 38, (3.0, 0, 0))],
    "broad jaw": [Push((55, 88, 30), 22, (4.0, 0, 1))],
    "broad cheekbones": [Push((62, 18, 45), 20, (3.0, 0, 1.5))],
    "narrow temples": [Push((64, -25, 35), 24, (-2.5, 0, 0))],
    "long chin": [Push((0, 116, 80), 26, (0, 5, 1))],
    "chin forward": [Push((0, 104, 92), 22, (0, 0, 4))],
    "long lower face": [Push((0, 100, 80), 45, (0, 4, 0)), Push((55, 95, 35), 30, (0, 4, 0))],
    "high forehead": [Push((0, -75, 75), 35, (0, -6, -2))],
    "forehead forward": [Push((0, -45, 88), 30, (0, 0, 4))],
    "full cheeks": [Push((48, 50, 65), 18, (2.5, 0, 4.0))],
    "wide eyes apart": [Push((31, 0, 68), 13, (1.7, 0, 0))],
    "low eyes": [Push((31, 0, 68), 14, (0, 1.6, 0))],
    "tilted eyes": [Push((46, 0, 62), 7, (0, -1.5, 0)), Push((16, 1, 68), 7, (0, 0.8, 0))],
    "long eyes": [Push((46, 0, 62), 6, (1.4, 0, -0.8)), Push((16, 1, 68), 5, (-0.8, 0, 0))],
    "open eyes": [Push((31, -6, 73), 5.5, (0, -1.1, 0)), Push((31, 5, 72), 5.5, (0, 0.5, 0))],
    "high brows": [Push((33, -22, 78), 15, (0, -2.6, 0))],
    "arched brows": [Push((38, -24, 75), 9, (0, -1.9, 0)), Push((12, -18, 84), 8, (0, 1.0, 0))],
    "brows together": [Push((12, -18, 84), 10, (-1.8, 0.6, 0))],
    "heavy brow ridge": [Push((28, -17, 82), 14, (0, 0, 2.6))],
    "long nose": [Push((0, 38, 105), 17, (0, 3.2, 0.8))],
    "nose forward": [Push((0, 33, 110), 12, (0, 0, 4.5))],
    "nose turned up": [Push((0, 33, 110), 10, (0, -2.6, 0))],
    "wide nose": [Push((16, 38, 86), 10, (2.3, 0, 0))],
    "high bridge": [Push((0, 6, 90), 12, (0, 0, 3.0))],
    "wide bridge": [Push((10, 12, 82), 9, (1.6, 0, 0.6))],
    "wide mouth": [Push((27, 71, 80), 12, (2.7, 0, -0.6))],
    "low mouth": [Push((0, 71, 90), 20, (0, 2.2, 0))],
    "full upper lip": [Push((0, 60, 98), 8.5, (0, -1.3, 0.9)), Push((15, 63, 92), 7, (0, -0.8, 0.6))],
    "full lower lip": [Push((0, 82, 94), 9, (0, 1.5, 1.0)), Push((16, 78, 88), 7, (0, 0.8, 0.6))],
    "lips forward": [Push((0, 70, 95), 16, (0, 0, 2.6))],
    "uneven": [Push((40, 60, 60), 30, (1.0, 1.2, 0), one_sided=True)],
}  # fmt: skip

# What a face does: name → pushes at full strength. The jaw and the lids turn, see `head`.
EXPRESSION = {
    "smile": [Push((27, 71, 80), 11, (7.5, -6.0, -4.0)), Push((44, 28, 72), 15, (1.0, -4.5, 2.5)),
              Push((0, 60, 98), 9, (0, -2.2, -2)), Push((31, 7, 72), 6, (0, -1.6, 0)),
              Push((0, 82, 94), 9, (0, -0.6, -2))],
    "sad": [Push((27, 71, 80), 10, (1.0, 5.0, -1.0)), Push((12, -18, 84), 8, (-1.0, -3.5, 0))],
    "pucker": [Push((27, 71, 80), 11, (-9.0, 0, 4.0)), Push((0, 71, 95), 14, (0, 0, 5.0))],
    "stretch": [Push((27, 71, 80), 12, (5.0, 2.0, -3.0))],
    "press": [Push((0, 60, 98), 8, (0, 3.0, -1.5)), Push((0, 82, 94), 9, (0, -4.0, -1.5)),
              Push((15, 62, 92), 7, (0, 2.2, -1)), Push((17, 78, 88), 7, (0, -2.8, -1))],
    "lip up": [Push((0, 60, 98), 10, (0, -4.5, 0.5)), Push((15, 62, 92), 9, (0, -3.5, 0)),
               Push((16, 38, 86), 8, (0.8, -1.8, 0))],
    "brows up": [Push((33, -22, 78), 15, (0, -6.0, 0)), Push((12, -18, 84), 10, (0, -4.0, 0))],
    "frown": [Push((12, -18, 84), 10, (-3.0, 4.5, 0.8)), Push((33, -22, 78), 10, (-0.8, 2.5, 0))],
    "skew": [Push((27, 71, 80), 14, (4.0, -5.0, -1.0), one_sided=True),
             Push((-27, 71, 80), 14, (2.0, 1.0, 0), one_sided=True)],
    "one brow": [Push((33, -22, 78), 14, (0, -6.0, 0), one_sided=True)],
}  # fmt: skip

# How far each control follows the jaw as it drops, in [0, 1].
_JAW = {**dict.fromkeys((5, 6, 7, 8, 9, 10, 11), 1.0), **dict.fromkeys((4, 12), 0.55),
        **dict.fromkeys((3, 13), 0.2), **dict.fromkeys((55, 56, 57, 58, 59, 65, 66, 67), 1.0),
        **dict.fromkeys((48, 54, 60, 64), 0.42)}  # fmt: skip
UPPER_LIDS = ((37, 38), (43, 44))
LOWER_LIDS = ((41, 40), (47, 46))


def jaw_weights() -> Float[np.ndarray, "controls"]:
    """How far each control follows the jaw, (C,) in [0, 1]."""
    x, y, z = CONTROLS.T
    weights = np.clip((y - 76) / 14, 0, 1) * np.clip((z + 5) / 35, 0, 1)
    weights[:68] = 0
    for index, weight in _JAW.items():
        weights[index] = weight
    return weights
