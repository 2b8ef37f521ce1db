"""A first landmark scheme for points that nobody has described, guessed from labelled faces.

Faces are nearly the same as their mirror images. So the mean of many faces is laid on its own mirror
image, and points that come to lie on one another change places in the mirror. The guess is for a person
to check: `onedheat data scheme FOLDER` draws it.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.geometry import Landmarks
from onedheat.landmarks import Scheme

_ROUNDS = 10
_TURNS = np.radians(np.arange(-45, 46, 5))


def propose_scheme(
    faces: Float[np.ndarray, "faces landmarks 2"], name: str, points: Sequence[str] | None = None
) -> tuple[Scheme, tuple[int, ...]]:
    """A scheme for labelled faces.

    Args:
        faces: (B, N, 2) in pixels; most of them upright, and turned to either side about as often.
        name: of the scheme.
        points: their names; p0, p1, … by default.

    Returns:
        The scheme, whose normaliser is the pair of points that lies farthest apart; and the points
        about which the mirror gave no answer. These are taken to lie on the middle line.
    """
    shape = mean_shape(faces)
    matched = _mirrored_onto(shape)
    pairs = {i: int(j) for i, j in enumerate(matched) if matched[j] == i}
    doubtful = tuple(i for i in range(len(shape)) if i not in pairs)
    mirror = tuple(pairs.get(i, i) for i in range(len(shape)))
    swapped = [(i, j) for i, j in enumerate(mirror) if i < j]
    everyone = [(i, j) for i in range(len(shape)) for j in range(i + 1, len(shape))]
    normaliser = max(
        swapped or everyone, key=lambda pair: float(np.linalg.norm(shape[pair[0]] - shape[pair[1]]))
    )
    return Scheme(
        name=name,
        points=tuple(points or (f"p{i}" for i in range(len(shape)))),
        mirror=mirror,
        areas={},
        normaliser=normaliser,
    ), doubtful


def mean_shape(faces: Float[np.ndarray, "faces landmarks 2"]) -> Landmarks:
    """The mean of faces moved, scaled and turned onto one another (generalised Procrustes analysis).

    Args:
        faces: (B, N, 2) in pixels.

    Returns:
        (N, 2) around the origin, of mean squared distance 1 from it, upright where most faces are.
    """
    shapes = [_normalised(face) for face in faces]
    mean = _normalised(np.mean(shapes, axis=0))
    for _ in range(_ROUNDS):
        mean = _normalised(np.mean([shape @ _turn_onto(shape, mean) for shape in shapes], axis=0))
    return mean


def mirror_misfit(shape: Landmarks, mirror: Sequence[int]) -> float:
    """How far a mean shape is from its mirror image, point by point as `mirror` pairs them.

    Args:
        shape: of `mean_shape`.
        mirror: as in `Scheme`.

    Returns:
        The root of the mean squared distance after the best turn, in units of the shape's own size;
        about 0.05 for faces that look straight on the whole.
    """
    image = (shape * (-1, 1))[list(mirror)]
    image = image @ _turn_onto(image, shape)
    return float(np.sqrt(((image - shape) ** 2).sum(axis=1).mean()))


def _normalised(shape: Landmarks) -> Landmarks:
    centred = shape - shape.mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=1).mean())


def _turn_onto(shape: Landmarks, other: Landmarks) -> Float[np.ndarray, "2 2"]:
    """The rotation R for which `shape @ R` comes closest to `other`, point by point."""
    u, _, vt = np.linalg.svd(shape.T @ other)
    return u @ np.diag([1.0, np.linalg.det(u @ vt)]) @ vt


def _mirrored_onto(shape: Landmarks) -> np.ndarray:
    """For each point of a shape, the point that its mirror image falls on.

    Which points correspond and where the middle line lies depend on each other: they are found in
    turns (iterated closest points), begun at several slants of the line since faces may be turned.
    """
    from scipy.optimize import linear_sum_assignment

    best, least = np.arange(len(shape)), np.inf
    for turn in _TURNS:
        cos, sin = np.cos(turn), np.sin(turn)
        image = shape * (-1, 1) @ np.array([[cos, -sin], [sin, cos]])
        matched = None
        for _ in range(_ROUNDS):
            apart = ((image[:, None] - shape[None]) ** 2).sum(axis=2)
            found = linear_sum_assignment(apart)[1]
            cost = float(apart[np.arange(len(shape)), found].sum())
            if matched is not None and (found == matched).all():
                break
            matched = found
            image = image @ _turn_onto(image, shape[matched])
        if cost < least - 1e-12:
            best, least = matched, cost
    return best
