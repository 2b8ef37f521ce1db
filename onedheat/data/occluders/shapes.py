"""The outlines of occluders, as signed distances: what one covers is computed, not read off pixels."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from onedheat.geometry import transform

Family = Literal["train", "test"]
Matrix = Float[np.ndarray, "3 3"]
Points = Float[np.ndarray, "*shape 2"]
Distances = Float[np.ndarray, "*shape"]
Kinds = TypeVar("Kinds")

_WEB = 0.04  # how far apart capsules still grow together, in own units


@dataclass(frozen=True, eq=False)
class Shape:
    """The outline of an occluder.

    It is a polygon or a union of capsules (segments with a radius), and all that lies nearer to it
    than `rounding`, seen through a stretch.

    Attributes:
        name: of its kind.
        softness: width of the edge in which it becomes transparent, in own units; half transparent
            is where the signed distance is 0.
        polygon: corners (V, 2), or none.
        segments: both ends of each capsule's axis, (C, 2, 2), or none.
        radii: of the capsules, (C,).
        rounding: added around, in own units.
        stretch: (2,), factors along x and y, of which the larger is 1.
    """

    name: str
    softness: float
    polygon: Float[np.ndarray, "corners 2"] | None = None
    segments: Float[np.ndarray, "capsules 2 2"] | None = None
    radii: Float[np.ndarray, "capsules"] | None = None
    rounding: float = 0.0
    stretch: tuple[float, float] = (1.0, 1.0)

    def distance(self, points: Points) -> Distances:
        """Signed distance of points (…, 2) from the outline, below 0 inside, in own units.

        In a stretched shape its zero is exact and its size is that of the unstretched one times the
        smaller factor. Where capsules meet it is smaller than the true one by up to 0.04 times the
        logarithm of their number.
        """
        points = points / np.array(self.stretch)
        if self.polygon is not None:
            distance = _distance_from_polygon(points, self.polygon)
        else:
            distance = _distance_from_capsules(points, self.segments, self.radii)
        return (distance - self.rounding) * min(self.stretch)

    def covers(self, to_picture: Matrix, points: Points) -> Bool[np.ndarray, "*shape"]:
        """Which points (…, 2) of a picture are behind it, in pixels: more than half opaque there."""
        return self.distance(transform(np.linalg.inv(to_picture), points)) < 0


def draw_shape(rng: np.random.Generator, family: Family) -> Shape:
    """A random shape of a family."""
    kinds = of_family(family, SHAPES)
    name = list(kinds)[rng.integers(len(kinds))]
    return kinds[name](rng, name, float(np.exp(rng.uniform(math.log(0.03), math.log(0.25)))))


def of_family(family: str, kinds: dict[str, Kinds]) -> Kinds:
    """What belongs to a family.

    Raises:
        ValueError: there is no such family.
    """
    if family not in kinds:
        raise ValueError(f"no family of occluders {family!r}; there are: {', '.join(kinds)}")
    return kinds[family]


# Each fits into the square from −1 to 1, its soft edge included.


def _rectangle(rng: np.random.Generator, name: str, softness: float) -> Shape:
    half = np.array([1.0, rng.uniform(0.5, 1.0)]) * 0.6
    return _rounded_box(name, softness, half, rng.uniform(0.02, 0.2))


def _bar(rng: np.random.Generator, name: str, softness: float) -> Shape:
    half = np.array([0.85, rng.uniform(0.12, 0.28)])
    return _rounded_box(name, min(softness, 0.12), half, rng.uniform(0.0, 0.1))


def _rounded_box(name: str, softness: float, half: Float[np.ndarray, "2"], rounding: float):
    rounding = min(rounding, 0.9 * half.min())
    corners = (half - rounding) * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return Shape(name, softness, polygon=corners, rounding=rounding)


def _ellipse(rng: np.random.Generator, name: str, softness: float) -> Shape:
    return Shape(
        name,
        softness,
        segments=np.zeros((1, 2, 2)),
        radii=np.array([0.72]),
        stretch=(1.0, rng.uniform(0.5, 1.0)),
    )


def _star(rng: np.random.Generator, name: str, softness: float) -> Shape:
    points = int(rng.integers(4, 9))
    angle = math.pi * np.arange(2 * points) / points
    # From 0.6 on a star of four points would be a rectangle, which belongs to the other family.
    radius = np.where(np.arange(2 * points) % 2, rng.uniform(0.3, 0.45), 0.85)
    corners = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Shape(name, min(softness, 0.15), polygon=corners, rounding=0.02)


def _hand(rng: np.random.Generator, name: str, softness: float) -> Shape:
    """A palm, four fingers more or less spread, a thumb, and a wrist that leads away."""
    spread = rng.uniform(0.05, 0.22)
    knuckle_x = np.array([-0.24, -0.08, 0.08, 0.23])
    length = np.array([0.40, 0.48, 0.45, 0.34]) * rng.uniform(0.75, 1.0)
    lean = spread * np.array([-1.5, -0.5, 0.5, 1.5]) + rng.normal(0, 0.04, 4)
    knuckles = np.stack([knuckle_x, np.full(4, -0.18)], axis=1)
    tips = knuckles + length[:, None] * np.stack([np.sin(lean), -np.cos(lean)], axis=1)
    thumb = np.array([[-0.2, 0.2], [-0.5, rng.uniform(-0.25, 0.0)]])
    palm = np.array([[[-0.12, -0.02], [-0.1, 0.26]], [[0.12, -0.02], [0.1, 0.26]]])
    wrist = np.array([[0.0, 0.3], [rng.uniform(-0.1, 0.1), 0.68]])
    segments = np.concatenate([np.stack([knuckles, tips], axis=1), thumb[None], palm, wrist[None]])
    radii = np.array([0.075, 0.08, 0.08, 0.07, 0.085, 0.2, 0.2, 0.16])
    mirrored = segments * np.array([-1.0, 1.0]) if rng.random() < 0.5 else segments
    return Shape(name, min(softness, 0.1), segments=mirrored, radii=radii)


def _distance_from_polygon(points: Points, corners: Float[np.ndarray, "corners 2"]) -> Distances:
    nearest = np.full(points.shape[:-1], np.inf)
    inside = np.zeros(points.shape[:-1], dtype=bool)
    x, y = points[..., 0], points[..., 1]
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        nearest = np.minimum(nearest, _distance_from_segment(points, start, end))
        # A ray to the right of a point inside crosses the outline an odd number of times.
        if start[1] != end[1]:
            crossing = start[0] + (y - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
            inside ^= ((start[1] > y) != (end[1] > y)) & (x < crossing)
    return np.where(inside, -nearest, nearest)


def _distance_from_capsules(points: Points, segments: np.ndarray, radii: np.ndarray) -> Distances:
    each = [
        _distance_from_segment(points, start, end) - radius
        for (start, end), radius in zip(segments, radii, strict=True)
    ]
    # A smooth minimum: of the plain one, gaps between fingers end in cracks too narrow for any picture
    # to show, and what is behind a crack would count as seen.
    return -_WEB * np.logaddexp.reduce(-np.stack(each) / _WEB, axis=0)


def _distance_from_segment(points: Points, start: np.ndarray, end: np.ndarray) -> Distances:
    along, offset = end - start, points - start
    share = np.clip(offset @ along / max(along @ along, 1e-12), 0, 1)
    return np.linalg.norm(offset - share[..., None] * along, axis=-1)


SHAPES: dict[str, dict[str, Callable[[np.random.Generator, str, float], Shape]]] = {
    "train": {"rectangle": _rectangle, "ellipse": _ellipse, "bar": _bar},
    "test": {"hand": _hand, "star": _star},
}
