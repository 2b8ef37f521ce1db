"""A head as a smooth surface: a distance from the centre for every direction, bent by its named points.

The surface goes exactly through `anatomy.CONTROLS`. When the controls move (another person, another
expression) the whole surface follows, by thin-plate interpolation over directions. Landmarks are
controls, so they are exact by construction.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Int

from onedheat.data.synthetic.anatomy import (
    CENTER,
    CONTROLS,
    EXPRESSION,
    EYE_RADIUS,
    EYES,
    IDENTITY,
    LOWER_LIDS,
    UPPER_LIDS,
    direction,
    jaw_weights,
)

Points = Float[np.ndarray, "_ 3"]
_PIECE = 400  # vertices
_JAW_HINGE = np.array([0.0, 12.0, 5.0])


def directions(points: Points) -> Points:
    """Unit vectors from the head's centre."""
    away = points - CENTER
    return away / np.linalg.norm(away, axis=1, keepdims=True)


def _kernel(first: Points, second: Points) -> Float[np.ndarray, "first second"]:
    """Thin-plate spline over directions: d² log d of the chord d."""
    squared = np.maximum(2 - 2 * first @ second.T, 1e-18)
    return 0.5 * squared * np.log(squared)


@dataclass(frozen=True)
class Template:
    """The average head as a grid over directions, and how it follows its controls.

    Attributes:
        rows, columns: of the grid; rows go from crown to neck, columns round the head, the middle one
            being the face's.
        vertices: (V, 3) mm.
        corners: (T, 3) vertices of each triangle.
        follow: (C, V): displacement of each vertex per displacement of each control.
    """

    rows: int
    columns: int
    vertices: Points
    corners: Int[np.ndarray, "triangles 3"]
    follow: Float[np.ndarray, "controls vertices"]

    @cached_property
    def uv(self) -> Float[np.ndarray, "vertices 2"]:
        """Texture coordinates of the vertices, in [0, 1]."""
        v, u = np.meshgrid(
            np.linspace(0, 1, self.rows), np.linspace(0, 1, self.columns), indexing="ij"
        )
        return np.stack([u.ravel(), v.ravel()], axis=1)

    @cached_property
    def angles(self) -> Float[np.ndarray, "vertices 2"]:
        """(azimuth, elevation) of the vertices in degrees."""
        return angles_of(self.uv)

    @cached_property
    def jaw(self) -> Float[np.ndarray, "controls"]:
        """How far each control follows the jaw."""
        return jaw_weights()


# The grid is finer where the face is. Texture coordinate → angle, and back.
_AZIMUTH = (0.36, 0.64)  # shares of the linear and the cubic part
_ELEVATION = (0.5, 0.5)
_MIDDLE, _UP, _DOWN = 12.0, 102.0, 78.0  # degrees; elevation grows downward


def angles_of(uv: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """(azimuth, elevation) in degrees of texture coordinates."""
    s, t = 2 * uv[:, 0] - 1, 2 * uv[:, 1] - 1
    azimuth = 180 * (_AZIMUTH[0] * s + _AZIMUTH[1] * s**3)
    elevation = _MIDDLE + np.where(t < 0, _UP, _DOWN) * (_ELEVATION[0] * t + _ELEVATION[1] * t**3)
    return np.stack([azimuth, elevation], axis=1)


def uv_of(points: Points) -> Float[np.ndarray, "points 2"]:
    """Texture coordinates of points of the average head."""
    way = directions(points)
    azimuth = np.degrees(np.arctan2(way[:, 0], way[:, 2]))
    elevation = np.degrees(np.arcsin(np.clip(way[:, 1], -1, 1)))
    fine = np.linspace(0, 1, 4001)
    u, v = angles_of(np.stack([fine, fine], axis=1)).T
    return np.stack([np.interp(azimuth, u, fine), np.interp(elevation, v, fine)], axis=1)


def follow_weights(way: Points) -> Float[np.ndarray, "points controls"]:
    """How points of the surface in the given directions follow the controls: (P, C) weights of a
    thin-plate spline with an affine part, so that the controls themselves are met exactly.
    """
    known = directions(CONTROLS)
    count = len(known)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = _kernel(known, known)
    system[:count, count] = system[count, :count] = 1
    system[:count, count + 1 :] = known
    system[count + 1 :, :count] = known.T
    at = np.concatenate([_kernel(way, known), np.ones((len(way), 1)), way], axis=1)
    return np.linalg.solve(system, at.T).T[:, :count]


@lru_cache(maxsize=1)
def template() -> Template:
    """The average head, made once."""
    rows, columns = 62, 74
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    azimuth, elevation = np.radians(angles_of(np.stack([u.ravel(), v.ravel()], axis=1))).T
    way = direction(azimuth, elevation)
    follow = np.ascontiguousarray(follow_weights(way).T)
    radius = np.linalg.norm(CONTROLS - CENTER, axis=1) @ follow
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (
        part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)])
    return Template(rows, columns, CENTER + radius[:, None] * way, corners, follow)


def normals(vertices: Points, rows: int, columns: int) -> Points:
    """Outward unit normals of a grid of vertices, (V, 3)."""
    grid = vertices.reshape(rows, columns, 3)
    along = np.empty_like(grid)
    along[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    along[:, 0] = along[:, -1] = grid[:, 1] - grid[:, -2]
    down = np.gradient(grid, axis=0)
    normal = np.cross(along, down).reshape(-1, 3)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)


# People ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Person:
    """The form of one head at rest.

    Attributes:
        controls: (C, 3) mm.
        eyes: (2, 3) centres of the eyeballs.
    """

    controls: Points
    eyes: Points


@lru_cache(maxsize=1)
def _ways_to_differ() -> tuple[Float[np.ndarray, "ways controls 3"], Float[np.ndarray, "ways 2 3"]]:
    """How each way of `anatomy.IDENTITY` moves controls and eyeballs at one standard deviation, in mm."""
    of_controls = [sum(push.on(CONTROLS) for push in pushes) for pushes in IDENTITY.values()]
    # An eyeball turns in its socket: it moves with the eye, not with its lids.
    front, still = EYES + (0, 0, EYE_RADIUS), np.zeros_like(EYES)
    of_eyes = [
        sum((push.on(front) for push in pushes if push.radius > 12), still)
        for pushes in IDENTITY.values()
    ]
    return np.stack(of_controls), np.stack(of_eyes)


@lru_cache(maxsize=1)
def _ways_to_move() -> dict[str, Float[np.ndarray, "controls 3"]]:
    """How each expression moves the controls at full strength, in mm."""
    return {name: sum(p.on(CONTROLS) for p in pushes) for name, pushes in EXPRESSION.items()}


def draw_person(rng: np.random.Generator, strength: float = 1.0) -> Person:
    """A random head: every way of `anatomy.IDENTITY` in a random amount, then a stretch along each axis."""
    of_controls, of_eyes = _ways_to_differ()
    amounts = strength * np.clip(rng.standard_normal(len(of_controls)), -2.2, 2.2)
    controls = CONTROLS + np.einsum("w,wcx->cx", amounts, of_controls)
    eyes = EYES + np.einsum("w,wex->ex", amounts, of_eyes)
    stretch = 1 + strength * 0.035 * np.clip(rng.standard_normal(3), -2, 2)
    return Person(CENTER + (controls - CENTER) * stretch, CENTER + (eyes - CENTER) * stretch)


@dataclass(frozen=True)
class Expression:
    """What a face does at one moment.

    Attributes:
        amounts: name in `anatomy.EXPRESSION` → strength, 1 for full.
        jaw: how far the mouth is open, in degrees of the jaw.
        lids: how far the (right, left) eye is closed, in [0, 1]; below 0 it is wide open.
        gaze: where the eyes look, (azimuth, elevation) in degrees.
    """

    amounts: dict[str, float]
    jaw: float = 0.0
    lids: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)


def express(person: Person, expression: Expression) -> Points:
    """The controls of a face that does something, (C, 3) mm."""
    controls = person.controls.copy()
    for name, amount in expression.amounts.items():
        if amount:
            controls += amount * _ways_to_move()[name]
    controls = _drop_jaw(controls, expression.jaw)
    for eye, closed in enumerate(expression.lids):
        _close_lid(controls, person.eyes[eye], eye, closed)
    return controls


def _drop_jaw(controls: Points, degrees: float) -> Points:
    turn = np.radians(degrees) * template().jaw
    y, z = (controls - _JAW_HINGE)[:, 1:].T
    moved = controls.copy()
    moved[:, 1] = _JAW_HINGE[1] + np.cos(turn) * y + np.sin(turn) * z
    moved[:, 2] = _JAW_HINGE[2] - np.sin(turn) * y + np.cos(turn) * z
    return moved


def _close_lid(controls: Points, eye: np.ndarray, which: int, closed: float) -> None:
    """Turns a lid about the eyeball, so that it slides over it instead of cutting through."""
    for upper, lower in zip(UPPER_LIDS[which], LOWER_LIDS[which], strict=True):
        gap = controls[lower] - controls[upper]
        meeting = controls[upper] + 0.85 * gap
        for lid, target, amount in ((upper, meeting, closed), (lower, meeting, max(closed, 0.0))):
            moved = controls[lid] + amount * (target - controls[lid])
            away = moved - eye
            distance = max(np.linalg.norm(controls[lid] - eye), EYE_RADIUS + 0.8)
            controls[lid] = eye + away * (distance / np.linalg.norm(away))


def surface(controls: Points) -> Points:
    """The vertices of the head whose controls these are, (V, 3) mm."""
    average = template()
    return average.vertices + pulled(average.follow, controls - CONTROLS)


def pulled(
    follow: Float[np.ndarray, "controls vertices"], moved: Float[np.ndarray, "controls 3"]
) -> Float[np.ndarray, "vertices 3"]:
    """How far vertices move, (V, 3) mm, when the controls move.

    A matrix product, in pieces that a linear algebra library does on one thread: for one this thin its
    threads take longer to meet than to compute, all the more where several faces are drawn at once.
    """
    out = np.empty((follow.shape[1], 3))
    for start in range(0, len(out), _PIECE):
        np.matmul(follow[:, start : start + _PIECE].T, moved, out=out[start : start + _PIECE])
    return out
