"""What a landmark scheme is: how many points, what they are called, and how they belong together."""

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
            width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
            return np.asarray(np.sqrt(width * height))
        first, second = self.normaliser
        apart = landmarks[..., first, :] - landmarks[..., second, :]
        return np.asarray(np.linalg.norm(apart, axis=-1))
