"""Where one box of a face lies in another: a shift and a scale, in sides of the other.

A face finder draws its boxes in a way of its own, and so do the landmarks of a network: one for the
points of an eye was shown boxes around eyes, while finders know whole faces. A `Place` leads from the
one to the other.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from onedheat.geometry import square_box

Boxes = Float[np.ndarray, "faces 4"]


class Place(NamedTuple):
    """How a box has to move to lie where another lies.

    In units of its own side √(width · height): `shift_x` to the right and `shift_y` down, then `scale`
    sides about the centre.
    """

    shift_x: float
    shift_y: float
    scale: float

    def __call__(self, boxes: Boxes) -> Boxes:
        """The square boxes (K, 4) that lie there in boxes (K, 4)."""
        centers, sides = centers_and_sides(boxes)
        centers = centers + sides[:, None] * (self.shift_x, self.shift_y)
        placed = [
            square_box(center, side)
            for center, side in zip(centers, sides * self.scale, strict=True)
        ]
        return np.array(placed).reshape(-1, 4)

    @classmethod
    def from_json(cls, values: Any) -> "Place":
        """The place that `_asdict` gave.

        Raises:
            ValueError: keys that are missing or unknown, or a value that does not fit.
        """
        if not isinstance(values, dict) or set(values) != set(cls._fields):
            raise ValueError(
                f"place must have the keys {', '.join(cls._fields)} and no other, got {values!r}"
            )
        for name, value in values.items():
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            if not (plain and math.isfinite(value) and (value > 0 or name != "scale")):
                least = " above 0" if name == "scale" else ""
                raise ValueError(f"place: {name} must be a finite number{least}, got {value!r}")
        return cls(**values)


def fit_place(found: Boxes, wanted: Boxes) -> Place:
    """The place that takes boxes (K, 4) that were found to those that are wanted (K, 4), by medians."""
    from_centers, from_sides = centers_and_sides(found)
    to_centers, to_sides = centers_and_sides(wanted)
    shift_x, shift_y = np.median((to_centers - from_centers) / from_sides[:, None], axis=0)
    return Place(float(shift_x), float(shift_y), float(np.median(to_sides / from_sides)))


def centers_and_sides(
    boxes: Boxes,
) -> tuple[Float[np.ndarray, "faces 2"], Float[np.ndarray, "faces"]]:
    """The centres (K, 2) of boxes (K, 4) and their sides √(width · height) (K,)."""
    low, high = boxes[:, :2], boxes[:, 2:]
    return (low + high) / 2, np.sqrt(np.prod(high - low, axis=1))
