"""Landmark schemes: how many points, what they are called, and how they belong together.

Everything that depends on a markup (names, mirror pairs, facial areas, the distance that errors are
divided by, the lines a drawing connects) is here and nowhere else, so that the rest of the package
works with any number of points.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

FACE_SIZE = "face_size"


@dataclass(frozen=True)
class Scheme:
    """A landmark markup.

    Attributes:
        name: what checkpoints and data sets call it.
        points: one name per landmark, in order.
        mirror: `mirror[i]` is the landmark that takes place i when the image is mirrored.
        areas: facial area → indices of its landmarks.
        normaliser: the two landmarks whose distance errors are divided by, or ``"face_size"`` for the
            root of the area of the data set's own face box (AFLW).
        lines: polylines (indices) that a drawing connects; closed ones repeat their first index.

    Raises:
        ValueError: `mirror` is not its own inverse, or an index is out of range.
    """

    name: str
    points: tuple[str, ...]
    mirror: tuple[int, ...]
    areas: dict[str, tuple[int, ...]]
    normaliser: tuple[int, int] | Literal["face_size"]
    lines: tuple[tuple[int, ...], ...] = field(default=())

    def __post_init__(self):
        count = len(self.points)
        if sorted(self.mirror) != list(range(count)) or any(
            self.mirror[self.mirror[i]] != i for i in range(count)
        ):
            raise ValueError(
                f"scheme {self.name!r}: mirror must list each of 0…{count - 1} once and be its own "
                "inverse (mirroring an image twice gives it back)"
            )
        named = [*self.areas.values(), *self.lines]
        if self.normaliser != FACE_SIZE:
            named.append(self.normaliser)
        wrong = sorted({i for group in named for i in group if not 0 <= i < count})
        if wrong:
            raise ValueError(
                f"scheme {self.name!r} has {count} points, but names the points {wrong}"
            )

    def __len__(self) -> int:
        return len(self.points)

    def normalising_distance(
        self,
        landmarks: Float[np.ndarray, "*batch landmarks 2"],
        boxes: Float[np.ndarray, "*batch 4"] | None = None,
    ) -> Float[np.ndarray, "*batch"]:
        """What errors are divided by, in pixels.

        For the 68 points of 300W it is the distance of the outer eye corners, the field's
        *inter-ocular* distance (convention of the 300W challenge); for AFLW's 19 it is the face size
        √(w·h) of the annotated box.

        Args:
            landmarks: (…, N, 2) in pixels.
            boxes: (…, 4) edges of the data set's own face boxes; only a scheme that is normalised by
                face size needs them.

        Raises:
            ValueError: boxes are needed and not given.
        """
        if self.normaliser == FACE_SIZE:
            if boxes is None:
                raise ValueError(
                    f"errors of scheme {self.name!r} are divided by the face size, and there are no "
                    "annotated face boxes to take it from"
                )
            return np.sqrt((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))
        first, second = self.normaliser
        return np.linalg.norm(landmarks[..., first, :] - landmarks[..., second, :], axis=-1)


def _span(first: int, last: int) -> tuple[int, ...]:
    """Indices from first to last, both included, in whichever direction that is."""
    return tuple(range(first, last + 1) if first <= last else range(first, last - 1, -1))


def _ibug68() -> Scheme:
    parts = {  # name → first and last index, in the order of the 300W annotation
        "contour": (0, 16),
        "right_brow": (17, 21),
        "left_brow": (22, 26),
        "nose_bridge": (27, 30),
        "nose_base": (31, 35),
        "right_eye": (36, 41),
        "left_eye": (42, 47),
        "outer_lip": (48, 59),
        "inner_lip": (60, 67),
    }
    names = tuple(
        f"{part}_{i - first}" for part, (first, last) in parts.items() for i in _span(first, last)
    )
    mirror = (
        *_span(16, 0), *_span(26, 17), *_span(27, 30), *_span(35, 31),
        *_span(45, 42), 47, 46, *_span(39, 36), 41, 40,
        *_span(54, 48), *_span(59, 55), *_span(64, 60), *_span(67, 65),
    )  # fmt: skip
    closed = {"right_eye", "left_eye", "outer_lip", "inner_lip"}
    return Scheme(
        name="ibug68",
        points=names,
        mirror=mirror,
        areas={
            "contour": _span(0, 16),
            "brows": _span(17, 26),
            "nose": _span(27, 35),
            "eyes": _span(36, 47),
            "mouth": _span(48, 67),
        },
        normaliser=(36, 45),
        lines=tuple(
            _span(first, last) + ((first,) if part in closed else ())
            for part, (first, last) in parts.items()
        ),
    )


IBUG68 = _ibug68()
"""The 68 points of 300W and 300VW. `right` and `left` are the person's own."""

SCHEMES: dict[str, Scheme] = {IBUG68.name: IBUG68}


def scheme(name: str) -> Scheme:
    """The scheme of that name.

    Raises:
        KeyError: no such scheme; the message lists those there are.
    """
    if name not in SCHEMES:
        raise KeyError(f"no landmark scheme {name!r}; there are: {', '.join(sorted(SCHEMES))}")
    return SCHEMES[name]
