"""Where in a face the landmarks lie that a network was trained for.

A face finder knows whole faces, and a network for the points of one eye knows eyes: it was shown boxes
around them. Between the two lies a shift and a scale, which belongs to the weights.
"""

import math
from typing import Any, NamedTuple


class Place(NamedTuple):
    """How the box of a whole face, as finders give it, has to move to lie where the box of a network's
    landmarks lies, both as `tight_box` 1.25.

    In sides of the face's box: `shift_x` to the right and `shift_y` down, then `scale` sides about the
    centre.
    """

    shift_x: float
    shift_y: float
    scale: float

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
