"""A first landmark scheme for points that nobody has described, guessed from labelled faces.

Faces are nearly the same as their mirror images. So the mean of many faces is laid on its own mirror
image, and points that come to lie on one another change places in the mirror. The guess is for a person
to check: `onedheat data scheme FOLDER` draws it.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.errors import DataError
from onedheat.geometry import Landmarks
from onedheat.landmarks import Scheme

_ROUNDS = 10
_FEW = 8  # faces: of fewer too little is known to say that one is strange
_FAR = 0.5  # of a face's size (the root of its points' mean squared distance from their middle)
_TIMES = 6  # the median face's
_ALIKE = 0.45  # of a face's size: the root of the mean squared distance of faces that are alike
_TURNED = 60  # degrees from most others
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

    Raises:
        DataError: as `mean_shape`.
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

    Raises:
        DataError: faces of one point, or whose points all lie in one place.
    """
    aligned, turns = _aligned(faces)
    mean = _normalised(aligned.mean(axis=0))
    return mean @ turns[_usual(turns)].T


def strangers(faces: Float[np.ndarray, "faces landmarks 2"]) -> dict[int, str]:
    """The faces that differ from all others so much that their labels are doubted → what is said.

    A face's points are misplaced if one lies six times as far from the mean shape as the farthest of
    the median face: none of the 2,233 faces of 300W that were at hand, by any of eleven choices of
    points, of which one's lay 5.8 times as far. A face is turned if it stands more than 60° from most
    others and is like them once it is turned back: no face of 300W stands more than 35° from them, and
    labels made before a photo's rotation was applied stand 90° from them, more or less. Which way is up
    is not known where less than three quarters of all stand alike.

    Args:
        faces: (B, N, 2) in pixels.
    """
    if len(faces) < _FEW:
        return {}
    aligned, turns = _aligned(faces)
    mean = _normalised(aligned.mean(axis=0))
    slants = _slants(turns) - _slants(turns)[_usual(turns)]
    slants = np.abs((slants + 180) % 360 - 180)
    apart = np.linalg.norm(aligned - mean, axis=2)
    found = {}
    farthest = apart.max(axis=1)
    for i in np.flatnonzero(farthest > max(_FAR, _TIMES * np.median(farthest))):
        found[int(i)] = (
            "its points do not lie as those of other faces do; is one misplaced, or their order another?"
        )
    if (slants < 45).mean() >= 0.75:
        alike = np.sqrt((apart**2).mean(axis=1)) < _ALIKE
        for i in np.flatnonzero((slants > _TURNED) & alike):
            found[int(i)] = (
                f"is turned by {slants[i]:.0f}° against most other faces; are the photo's rotation and "
                "the order of its points right?"
            )
    return found


def _aligned(faces: Float[np.ndarray, "faces landmarks 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Faces moved, scaled and turned onto their mean, (B, N, 2), and by which rotations, (B, 2, 2).

    The first mean is the first face: faces that are not yet turned onto one another may cancel out.
    """
    shapes = np.stack([_normalised(face) for face in faces])
    mean = shapes[0]
    for _ in range(_ROUNDS):
        turns = np.stack([_turn_onto(shape, mean) for shape in shapes])
        mean = _normalised((shapes @ turns).mean(axis=0))
    return shapes @ turns, turns


def _slants(turns: Float[np.ndarray, "faces 2 2"]) -> Float[np.ndarray, " faces"]:
    """The angles of rotations, in degrees."""
    return np.degrees(np.arctan2(turns[:, 0, 1], turns[:, 0, 0]))


def _usual(turns: Float[np.ndarray, "faces 2 2"]) -> int:
    """The face that stands as most do: its slant is the median one, on the circle."""
    slants = _slants(turns)
    few = slants[:: -(-len(slants) // 500)]  # all with all
    apart = np.abs((slants[:, None] - few + 180) % 360 - 180).sum(axis=1)
    return int(apart.argmin())


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
    size = np.sqrt((centred**2).sum(axis=1).mean())
    if not size > 0:
        what = "one point has" if len(shape) == 1 else "points that lie in one place have"
        raise DataError(f"{what} no size to crop by; give each face at least two places")
    return centred / size


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
