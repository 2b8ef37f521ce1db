"""The `.pts` files of 300W, 300VW and Talking Face.

    version: 1
    n_points:  68
    {
    30.0 51.25
    …
    }

Coordinates count from 1, as Matlab does. They are turned into pixel-centre coordinates that start at
0 here and nowhere else.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from onedheat.geometry import Landmarks


class PtsError(ValueError):
    """A `.pts` file that cannot be read; the message names file, line and what is wrong."""


def read_pts(path: str | Path, points: int | None = 68) -> Landmarks:
    """Landmarks of a `.pts` file, (N, 2) in pixels, the first pixel's centre being 0.

    Accepts ``version: 1.0``, any spacing, blank lines, Windows line ends, exponents, and a missing
    newline at the end.

    Args:
        path: the file.
        points: how many landmarks there must be; None takes what the header says.

    Raises:
        PtsError: a wrong count, something that is no finite number, or a broken frame of braces.
        OSError: the file cannot be opened.
    """
    path = Path(path)

    def fault(line: int, what: str) -> PtsError:
        return PtsError(f"{path}:{line}: {what}")

    try:
        text = path.read_bytes().decode("ascii")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise fault(line, "a byte that is no plain text; is this a .pts file?") from None
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, words) for number, words in lines if words]
    last = lines[-1][0] if lines else 1

    header: dict[str, str] = {}
    while lines and lines[0][1] != ["{"]:
        number, words = lines.pop(0)
        key, colon, value = " ".join(words).partition(":")
        if not colon or key.strip() in header:
            raise fault(
                number, f"expected 'version:', 'n_points:' or '{{', got {' '.join(words)!r}"
            )
        header[key.strip()] = value.strip()
    if not lines:
        raise fault(last, "there is no '{'; a .pts file lists its points between '{' and '}'")
    try:
        announced = int(header["n_points"])
    except (KeyError, ValueError):
        raise fault(1, "there is no line 'n_points: N' with a whole number") from None
    if points is not None and announced != points:
        raise fault(1, f"announces {announced} points; {points} are expected here")
    start, _ = lines.pop(0)

    found = []
    while lines and lines[0][1] != ["}"]:
        number, words = lines.pop(0)
        found.append(_point(words, lambda what, number=number: fault(number, what)))
    if not lines:
        raise fault(last, "there is no '}' after the points; the file seems cut off")
    if len(lines) > 1:
        raise fault(lines[1][0], f"something follows the '}}': {' '.join(lines[1][1])!r}")
    if len(found) != announced:
        raise fault(
            start, f"{announced} points are announced, {len(found)} stand between '{{' and '}}'"
        )
    return np.array(found, dtype=float).reshape(-1, 2) - 1


@dataclass(frozen=True)
class PtsFiles:
    """The annotation of a clip in one `.pts` file per frame (see `onedheat.data.clips.Annotation`).

    Attributes:
        folder: that holds the files.
        names: of the files, frame by frame.
        points: how many landmarks there must be in each.
    """

    folder: Path
    names: tuple[str, ...]
    points: int = 68

    def __len__(self) -> int:
        return len(self.names)

    def read(self) -> Float[np.ndarray, "frames landmarks 2"]:
        """(T, N, 2) in pixels. Raises `PtsError` and `OSError` as `read_pts` does."""
        return np.stack([read_pts(self.folder / name, self.points) for name in self.names])


def _point(words: list[str], fault) -> tuple[float, float]:
    if len(words) != 2:
        raise fault(f"expected 'x y', got {' '.join(words)!r}")
    try:
        x, y = (float(word) for word in words)
    except ValueError:
        raise fault(f"expected two numbers, got {' '.join(words)!r}") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise fault(f"coordinates must be finite, got {' '.join(words)!r}")
    return x, y


def looks_zero_based(landmarks: Landmarks) -> bool:
    """Whether a `.pts` file held a coordinate of exactly 0, which a file that counts from 1 hardly
    does: its landmarks would then all be one pixel off.
    """
    return bool((landmarks == -1).any())
