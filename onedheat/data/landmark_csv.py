"""Landmarks of many photos in one CSV file: one face a line, in columns that a header names.

    image,x0,y0,x1,y1,x2,y2
    anna.jpg,101.5,88.0,140.2,87.1,120.9,113.4
    group/ben.jpg,61,70.5,98,69,80,95

or, with names,

    image,right_eye_x,right_eye_y,left_eye_x,left_eye_y,nose_x,nose_y

- `image` is a path from the folder of the CSV file. A photo with two faces stands in two lines.
- Coordinates are pixels; **the centre of the first pixel is 0** (not 1 as in `.pts` files). Every point
  has both. One that is hidden is estimated and marked as hidden.
- Optional: `v0`, `v1`, … or `right_eye_visible`, …: 1 or 0, whether the point can be seen.
- Optional: `box_x0`, `box_y0`, `box_x1`, `box_y1`: the edges of a face box; empty where there is none.
- Optional: `split`: which part of the data the face belongs to, e.g. train or test.
- Optional: `group`: faces of one group (a person, a video) are never on both sides of a division.

UTF-8, separated by commas. A column of any other name is refused, since a misspelt one would be lost.
"""

import csv
import io
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from onedheat.data.pts import FARTHEST, no_coordinate
from onedheat.errors import DataError
from onedheat.geometry import Box, Landmarks

_BOX = ("box_x0", "box_y0", "box_x1", "box_y1")
_ALONE = frozenset({"image", "split", "group", *_BOX})
_NUMBERED = re.compile(r"([xyv])(0|[1-9][0-9]{0,4})", re.ASCII)
_NAMED = re.compile(r"(.+)_(x|y|visible)", re.DOTALL)
_MISSING = frozenset({"", "nan", "na", "n/a", "#n/a", "<na>", "none", "null"})
# 1.0: as pandas writes a column that once had gaps
_TRUTH = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


class CsvError(DataError):
    """A CSV file that cannot be read; the message names file, line and what is wrong."""


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the file, which is one face; attributes as the columns."""

    line: int
    image: str
    landmarks: Landmarks
    visible: Bool[np.ndarray, "landmarks"] | None
    box: Box | None
    split: str | None
    group: str | None


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A file that was read.

    Attributes:
        points: the names of the points, or None where they are only numbered.
        count: of points.
        rows: the faces.
        faults: what is wrong with other lines, one each.
    """

    points: tuple[str, ...] | None
    count: int
    rows: tuple[Row, ...]
    faults: tuple[CsvError, ...]


def read_landmark_csv(path: str | Path) -> CsvTable:
    """The faces of a CSV file, and what is wrong with the lines that could not be read.

    Raises:
        CsvError: no text, or a header that does not say what the columns are.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(csv_text(path), newline=""), strict=True)
    rows, faults, columns = [], [], None
    while True:
        try:
            words = next(reader, None)
            if words is None:
                break
            words = [word.strip() for word in words]
            if not any(words):
                continue
            if columns is None:
                columns = _Columns(words)
            else:
                rows.append(columns.read(words, reader.line_num))
        except (_Fault, csv.Error) as error:
            what = f"a broken quote ({error})" if isinstance(error, csv.Error) else error
            fault = CsvError(f"{path}:{reader.line_num}: {what}")
            if columns is None:
                raise fault from None
            faults.append(fault)
            if isinstance(error, csv.Error):
                break  # where the next line begins is not known
    if columns is None:
        raise CsvError(f"{path}:1: the file is empty; expected a header 'image,x0,y0,x1,y1,…'")
    return CsvTable(columns.points, len(columns.x), tuple(rows), tuple(faults))


def csv_text(path: Path) -> str:
    """The text of a CSV file, without the mark (BOM) that Excel begins it with.

    Raises:
        CsvError: it is no UTF-8.
        OSError: the file cannot be opened.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CsvError(f"{path}:{line}: a byte that is no UTF-8; save it as CSV UTF-8") from None


class _Fault(ValueError):
    """What is wrong with a line."""


class _Columns:
    """Where each value stands, by the header."""

    def __init__(self, header: list[str]):
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            raise _Fault(
                "the columns are not separated by commas; export it as CSV with commas, and decimals "
                "with points"
            )
        if "image" not in header:
            raise _Fault(
                f"the header has no column 'image', the path of the photo; got {header[0]!r}"
            )
        for i, name in enumerate(header):
            if not name or name.startswith("Unnamed: "):
                raise _Fault(
                    f"column {i + 1} has no name; leave it out (pandas: to_csv(…, index=False))"
                )
            if name in header[:i]:
                raise _Fault(f"the header names the column {name!r} twice")
        self.header = header
        self.at = {name: i for i, name in enumerate(header)}
        coordinates = {name: i for name, i in self.at.items() if name not in _ALONE}
        numbered = {name: match for name in coordinates if (match := _NUMBERED.fullmatch(name))}
        matches = numbered or {
            name: match for name in coordinates if (match := _NAMED.fullmatch(name))
        }
        if unknown := [name for name in coordinates if name not in matches]:
            raise _Fault(
                f"column {unknown[0]!r} is not known; expected x0,y0,x1,y1,… or NAME_x,NAME_y,… (then "
                f"v0,… or NAME_visible), {', '.join(sorted(_ALONE))}"
            )
        self.points = None if numbered else tuple(dict.fromkeys(m[1] for m in matches.values()))
        if numbered:
            count = 1 + max(int(match[2]) for match in matches.values())
            if count > len(matches):
                raise _Fault("points must be numbered from 0 without a gap: x0,y0,x1,y1,…")
            self.x, self.y, seen = ([self.at.get(f"{a}{i}") for i in range(count)] for a in "xyv")
        else:
            self.x, self.y, seen = (
                [self.at.get(f"{point}_{part}") for point in self.points]
                for part in ("x", "y", "visible")
            )
        if not self.x:
            raise _Fault("the header names no points; expected x0,y0,x1,y1,… or NAME_x,NAME_y,…")
        for axis, places in (("x", self.x), ("y", self.y)):
            if None in places:
                point = places.index(None)
                raise _Fault(
                    f"point {self._name(point)} has no {axis} column; every point needs both, and "
                    "numbers run from 0 without a gap"
                )
        if None in seen and any(place is not None for place in seen):
            raise _Fault(
                f"point {self._name(seen.index(None))} has no column that says whether it is visible, "
                "but others have"
            )
        self.visible = None if None in seen else seen
        missing = [name for name in _BOX if name not in self.at]
        if 0 < len(missing) < 4:
            raise _Fault(f"a box needs all of {', '.join(_BOX)}; {missing[0]} is missing")
        self.box = None if missing else [self.at[name] for name in _BOX]

    def _name(self, point: int) -> str:
        return repr(self.points[point]) if self.points else str(point)

    def read(self, words: list[str], line: int) -> Row:
        if len(words) != len(self.header):
            raise _Fault(f"{len(words)} values, but the header names {len(self.header)} columns")
        if not words[self.at["image"]]:
            raise _Fault("column 'image' is empty")
        numbers = [[self._number(words, i) for i in places] for places in (self.x, self.y)]
        return Row(
            line,
            words[self.at["image"]],
            np.array(numbers).T.copy(),
            self._visible(words),
            self._box(words),
            self._text(words, "split"),
            self._text(words, "group"),
        )

    def _text(self, words: list[str], name: str) -> str | None:
        word = words[self.at[name]] if name in self.at else ""
        return None if word.lower() in _MISSING else word

    def _number(self, words: list[str], column: int) -> float:
        word = words[column]
        try:
            # float() takes 1_000 for a thousand; in a table it is more likely a slip.
            number = math.nan if "_" in word else float(word)
        except ValueError:
            number = math.nan
        if not abs(number) < FARTHEST:  # nan is not
            hint = ""
            if word.lower() in _MISSING:
                hint = "; give every point a place, and mark hidden ones as not visible"
            elif "," in word:
                hint = "; write it with a point and no comma, as 1234.5"
            raise _Fault(f"column {self.header[column]!r}: {no_coordinate(word)}{hint}")
        return number

    def _visible(self, words: list[str]) -> np.ndarray | None:
        if self.visible is None:
            return None
        for column in self.visible:
            if words[column].lower() not in _TRUTH:
                raise _Fault(
                    f"column {self.header[column]!r}: expected 1 (can be seen) or 0 (hidden), got "
                    f"{words[column]!r}"
                )
        return np.array([_TRUTH[words[column].lower()] for column in self.visible])

    def _box(self, words: list[str]) -> Box | None:
        if self.box is None:
            return None
        missing = [words[column].lower() in _MISSING for column in self.box]
        if all(missing):
            return None
        if any(missing):
            raise _Fault("a box has all of its four edges, or none where there is no box")
        x0, y0, x1, y1 = edges = [self._number(words, column) for column in self.box]
        if not (x0 < x1 and y0 < y1):
            raise _Fault(f"a box needs x0 < x1 and y0 < y1, got {edges}")
        return np.array(edges)
