"""The camera that looks at a head, and the light it is seen in."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CENTER

SUPERSAMPLE = 1.5
"""Pictures are drawn this much larger along each axis, then shrunk."""
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera in front of the head.

    Attributes:
        yaw, pitch, roll: of the head, in degrees; it turns to its left, looks down, and leans clockwise
            (as seen in the picture) for positive values.
        distance: from the head's centre, in mm.
        scale: pixels per mm at the head's centre.
        center: where the head's centre is seen, in pixels.
        size: F of the picture.
    """

    yaw: float
    pitch: float
    roll: float
    distance: float
    scale: float
    center: tuple[float, float]
    size: int

    @property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Head → camera."""
        y, p, r = np.radians([self.yaw, self.pitch, self.roll])
        turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
        lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        return lean @ nod @ turn

    def turned(self, points: head.Points, share: float = 1.0) -> head.Points:
        """Points of the head in the camera's axes, in mm; a neck follows only a share of the turn."""
        rotation = self.rotation
        if share < 1:
            less = replace(
                self, yaw=self.yaw * share, pitch=self.pitch * share, roll=self.roll * share
            )
            rotation = less.rotation
        return (points - CENTER) @ rotation.T

    def project(self, turned: head.Points) -> Float[np.ndarray, "points 2"]:
        """Pixels of points that are already turned."""
        nearer = self.distance / (self.distance - turned[:, 2:])
        return turned[:, :2] * nearer * self.scale + self.center

    def project_fine(self, turned: head.Points) -> Float[np.ndarray, "points 2"]:
        """The same in pixels of the picture as it is drawn, `SUPERSAMPLE` times larger."""
        return (self.project(turned) + 0.5) * SUPERSAMPLE - 0.5


def fine_size(size: int) -> int:
    """Side in pixels at which a picture of `size` is drawn."""
    return round(size * SUPERSAMPLE)


@dataclass(frozen=True)
class Light:
    """One lamp, and light from everywhere that changes from above to below.

    Attributes:
        key: direction toward the lamp, in the camera's axes, of length 1.
        key_color: of the lamp.
        above, below, side: light from the sky, from the ground, and how much more comes from the right.
        shine: of the skin.
        shadows: how dark the lamp's shadows are, in [0, 1].
    """

    key: Vector
    key_color: Vector
    above: Vector
    below: Vector
    side: float
    shine: float
    shadows: float
