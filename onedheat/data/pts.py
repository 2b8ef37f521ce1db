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

import codecs
import io
import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from onedheat.errors import DataError
from onedheat.geometry import Landmarks

MAX_BYTES = 1_000_000  # a file of 68 points has 2,000; what is larger is another file by that name
FARTHEST = 1e7
"""Pixels; no coordinate of a label is that large, whatever file it stands in."""

SMALLEST = 4.0
"""Pixels; no face of which anything can be seen is smaller."""


class PtsError(DataError):
    """A `.pts` file that cannot be read; the message names file, line and what is wrong."""


def read_pts(path: str | Path, points: int | None = None) -> Landmarks:
    """Landmarks of a `.pts` file, (N, 2) in pixels, the first pixel's centre being 0.

    Accepts ``version: 1.0``, ``Version:``, any spacing, blank lines, Windows line ends, exponents, a
    missing newline at the end, and the mark (BOM) that Windows' editors begin a file with.

    Args:
        path: the file.
        points: how many landmarks there must be; None takes as many as the header says.

    Raises:
        PtsError: the file cannot be opened, a wrong count, something that is no finite number below
            `FARTHEST`, or a broken frame of braces.
    """
    path = Path(path)

    def fault(line: int, what: str) -> PtsError:
        return PtsError(f"{path}:{line}: {what}")

    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PtsError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > MAX_BYTES:
        raise fault(1, f"the file has more than {MAX_BYTES:,} bytes; is this a .pts file?")
    number, lines = 1, _lines(raw.removeprefix(codecs.BOM_UTF8).decode("latin-1"), fault)

    header: dict[str, tuple[int, str]] = {}
    for number, words in lines:
        if words == ["{"]:
            break
        key, colon, value = " ".join(words).partition(":")
        key = key.strip().lower()
        if not colon or key in header:
            raise fault(number, f"expected 'version:', 'n_points:' or '{{', got {_said(words)}")
        header[key] = number, value.strip()
    else:
        raise fault(number, "there is no '{'; a .pts file lists its points between '{' and '}'")
    start = number
    line, announced = header.get("n_points", (start, ""))
    if not announced.isdigit() or len(announced) > 9:
        raise fault(line, "there is no line 'n_points: N' with a whole number before the points")
    if points is not None and int(announced) != points:
        raise fault(line, f"announces {announced} points; {points} are expected here")
    if not int(announced):
        raise fault(line, "announces 0 points; label the face, or move the file away")

    found = []
    for number, words in lines:
        if words == ["}"]:
            break
        found.append(_point(words, lambda what, number=number: fault(number, what)))
    else:
        raise fault(number, "there is no '}' after the points; the file seems cut off")
    for number, words in lines:
        raise fault(number, f"something follows the '}}': {_said(words)}")
    if len(found) != int(announced):
        raise fault(
            start, f"{announced} points are announced, {len(found)} stand between '{{' and '}}'"
        )
    return np.array(found, dtype=float).reshape(-1, 2) - 1


def _lines(text: str, fault) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that has any."""
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if not (line.isascii() and line.rstrip("\n").replace("\t", " ").isprintable()):
            raise fault(number, "a byte that is no plain text; is this a .pts file?")
        if words := line.split():
            yield number, words


def _said(words: list[str]) -> str:
    return repr(" ".join(words)[:60])


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
    points: int

    def __len__(self) -> int:
        return len(self.names)

    def read(self) -> Float[np.ndarray, "frames landmarks 2"]:
        """(T, N, 2) in pixels.

        Raises:
            PtsError: as `read_places` does.
        """
        return np.stack([read_places(self.folder / name, self.points) for name in self.names])


def _point(words: list[str], fault) -> tuple[float, float]:
    if len(words) != 2:
        raise fault(f"expected 'x y', got {_said(words)}")
    try:
        x, y = (float(word) for word in words)
    except ValueError:
        raise fault(f"expected two numbers, got {_said(words)}") from None
    if "_" in words[0] + words[1]:  # Python reads 1_0 as 10
        raise fault(f"expected two numbers, got {_said(words)}")
    if not (math.isfinite(x) and math.isfinite(y)):
        raise fault(f"coordinates must be finite, got {_said(words)}")
    for word, number in zip(words, (x, y), strict=True):
        if abs(number) >= FARTHEST:
            raise fault(no_coordinate(word))
    return x, y


def no_coordinate(word: str) -> str:
    """What is said of a word that stands for a coordinate and is none, or lies beyond `FARTHEST`."""
    return f"{word[:60]!r} is no pixel coordinate"


def no_places(landmarks: Landmarks, *, counts_from_1: bool = True) -> str | None:
    """What says that a face's numbers are no places in a photo; None if nothing does.

    A missing point is written as -1, -1, and in tables as 0, 0 too; coordinates are sometimes shares
    of the picture's width and height.

    Args:
        landmarks: (N, 2) in pixels, from 0.
        counts_from_1: whether the file's own coordinates do, as those of `.pts` files; a 0, 0 in one is
            what `looks_zero_based` doubts.
    """
    written = landmarks + 1 if counts_from_1 else landmarks
    for mark in (-1,) if counts_from_1 else (-1, 0):
        missing = np.flatnonzero((written == mark).all(axis=1))
        if len(missing):
            otherwise = "leave the face out" if counts_from_1 else "mark it as not visible"
            joined = "or" if counts_from_1 else "and"
            return (
                f"point {missing[0]} is at {mark}, {mark}, which looks like 'missing'; give it the place "
                f"where it must be, {joined} {otherwise}"
            )
    side = np.ptp(landmarks, axis=0).max()
    if side < SMALLEST:
        return (
            f"the whole face is {side:.2g} px large; coordinates seem to be shares of the picture, "
            "multiply them by its width and height"
        )
    return None


def read_places(path: Path, points: int) -> Landmarks:
    """As `read_pts`; numbers that are no places (`no_places`) raise `PtsError` too."""
    landmarks = read_pts(path, points)
    if fault := no_places(landmarks):
        raise PtsError(f"{path}: {fault}")
    return landmarks


def looks_zero_based(landmarks: Landmarks) -> bool:
    """Whether a `.pts` file held a coordinate of exactly 0, which a file that counts from 1 hardly
    does: its landmarks would then all be one pixel off.
    """
    return bool((landmarks == -1).any())


def warn_if_zero_based(labels: Iterable[tuple[object, Landmarks]]) -> None:
    """Warns the caller's caller of `.pts` files that seem to count from 0; each comes with what it is
    called.
    """
    labels = list(labels)
    if suspects := [called for called, landmarks in labels if looks_zero_based(landmarks)]:
        warnings.warn(
            f"{len(suspects)} of {len(labels)} .pts files have a coordinate of exactly 0, the first "
            f"{suspects[0]}: .pts files count from 1. If these count from 0, add 1 to all their "
            "coordinates; otherwise every landmark is one pixel off.",
            stacklevel=3,
        )
