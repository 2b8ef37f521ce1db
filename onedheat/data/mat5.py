"""MATLAB's `.mat` files of versions 5 to 7, as far as annotations need them: numbers and texts.

The format is that of "MAT-File Format" (The MathWorks, level 5): after a header of 128 bytes come data
elements, each a type, a number of bytes and that many bytes; a matrix is an element that holds others;
a compressed element is a zlib stream that holds one.

Read here and not by SciPy because annotation files come broken: of 3,000 small files with a few
changed or missing bytes five ended the whole process (SciPy 1.17.1, segmentation fault), and SciPy
does not compare a compressed variable's checksum. Here every length is compared with what is there
before anything is read or made.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import Float

from onedheat.errors import DataError

MAX_BYTES = 2**27
"""Of one unpacked variable; the largest of AFLW's takes 7.4 million."""

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_KINDS = (1, 2, 3, 4, 5, 6, 7, 9, 12, 13)
_NUMBERS = dict(zip(_KINDS, "i1 u1 i2 u2 i4 u4 f4 f8 i8 u8".split(), strict=True))
_ENCODINGS = {1: "ascii", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16"}
_CELL, _CHAR, _NUMERIC = 1, 4, range(6, 16)
_COMPLEX = 0x08


class _Broken(Exception):
    """What is wrong; the reader adds file and variable."""


@dataclass(frozen=True)
class _Matrix:
    """The head of a matrix element, and the elements that its values lie in."""

    kind: int
    shape: tuple[int, ...]
    name: str
    values: tuple[tuple[int, memoryview], ...]


class Mat5:
    """The variables of a file.

    Args:
        path: named in errors.
        raw: the file's bytes.

    Raises:
        DataError: a byte order that is none, an element that reaches beyond the end, or a variable
            that appears twice.
    """

    def __init__(self, path: Path, raw: bytes):
        self.path = path
        self.order = {b"IM": "<", b"MI": ">"}.get(raw[126:128], "")
        if not self.order:
            raise DataError(
                f"{path}: the header's byte order {raw[126:128]!r} is neither IM nor MI"
            )
        self.matrices: dict[str, _Matrix] = {}
        try:
            for matrix in self._variables(memoryview(raw)):
                if matrix.name in self.matrices:
                    raise _Broken(f"the variable {matrix.name!r} appears twice")
                self.matrices[matrix.name] = matrix
        except _Broken as error:
            raise DataError(f"{path}: {error}; fetch the file again") from None

    def numbers(self, name: str) -> Float[np.ndarray, "rows columns"]:
        """A matrix of numbers. Raises `DataError` if there is none of that name or it is broken."""
        return self._read(name, self._numbers)

    def texts(self, name: str) -> list[str]:
        """A cell array of texts. Raises `DataError` if there is none of that name or it is broken."""
        return self._read(name, self._texts)

    def _read(self, name: str, values):
        if name not in self.matrices:
            there = ", ".join(self.matrices) or "no variable at all"
            raise DataError(f"{self.path}: there is no variable {name!r}; the file holds {there}")
        try:
            return values(self.matrices[name])
        except _Broken as error:
            raise DataError(
                f"{self.path}: variable {name!r}: {error}; fetch the file again"
            ) from None

    def _variables(self, raw: memoryview) -> Iterator[_Matrix]:
        for at, kind, data in self._elements(raw, _HEADER):
            try:
                yield self._matrix(*self._unpacked(kind, data))
            except _Broken as error:
                raise _Broken(f"in the variable at byte {at}: {error}") from None

    def _elements(self, data: memoryview, start: int = 0) -> Iterator[tuple[int, int, memoryview]]:
        """Position, type and bytes of the elements that follow one another."""
        at = start
        while at < len(data):
            if len(data) - at < 8:
                raise _Broken(f"cut off at byte {len(data)}")
            kind, size = struct.unpack_from(self.order + "II", data, at)
            first, end = at + 8, at + 8 + size
            if kind >> 16:  # up to four bytes lie in the tag itself
                kind, size = kind & 0xFFFF, kind >> 16
                first, end = at + 4, at + 8
            if size > (4 if first == at + 4 else len(data) - first):
                raise _Broken(
                    f"the element at byte {at} announces {size} bytes, more than there are"
                )
            yield at, kind, data[first : first + size]
            # All but compressed elements are filled up to eight bytes.
            at = end if kind == _COMPRESSED else at + -(-(end - at) // 8) * 8

    def _unpacked(self, kind: int, data: memoryview) -> tuple[int, memoryview]:
        """The element in a compressed one; any other as it is."""
        if kind != _COMPRESSED:
            return kind, data
        stream = zlib.decompressobj()
        try:
            plain = stream.decompress(data, MAX_BYTES)
        except zlib.error as error:
            raise _Broken(f"it cannot be unpacked ({error})") from None
        if stream.unconsumed_tail:
            raise _Broken(f"it unpacks to more than {MAX_BYTES >> 20} MiB")
        if not stream.eof or stream.unused_data:
            raise _Broken("its compressed bytes end early or too late")
        inner = [(kind, data) for _, kind, data in self._elements(memoryview(plain))]
        if len(inner) != 1:
            raise _Broken(f"{len(inner)} elements are compressed as one")
        return inner[0]

    def _matrix(self, kind: int, data: memoryview) -> _Matrix:
        if kind != _MATRIX:
            raise _Broken(f"expected a matrix (type {_MATRIX}), found type {kind}")
        parts = [(kind, data) for _, kind, data in self._elements(data)]
        if len(parts) < 3 or [kind for kind, _ in parts[:3]] != [6, 5, 1] or len(parts[0][1]) != 8:
            raise _Broken("a matrix does not begin with its flags, dimensions and name")
        (_, flags), (_, dimensions), (_, name), *values = parts
        (word,) = struct.unpack_from(self.order + "I", flags)
        if word >> 8 & _COMPLEX:
            raise _Broken("complex numbers, where real ones are expected")
        if len(dimensions) % 4 or not 8 <= len(dimensions) <= 32 * 4:
            raise _Broken(f"{len(dimensions)} bytes of dimensions, expected 4 for each of 2 to 32")
        shape = tuple(int(n) for n in np.frombuffer(dimensions, self.order + "i4"))
        if min(shape) < 0:
            raise _Broken(f"a shape of {shape}")
        return _Matrix(word & 0xFF, shape, bytes(name).decode("latin-1"), tuple(values))

    def _numbers(self, matrix: _Matrix) -> Float[np.ndarray, "rows columns"]:
        if matrix.kind not in _NUMERIC:
            raise _Broken(f"class {matrix.kind} is none of numbers")
        kinds = [kind for kind, _ in matrix.values]
        if len(kinds) != 1 or kinds[0] not in _NUMBERS:
            raise _Broken(f"expected one element of numbers, found types {kinds[:5]}")
        if len(matrix.shape) != 2:
            raise _Broken(f"a shape of {matrix.shape}, expected rows and columns")
        dtype = np.dtype(self.order + _NUMBERS[kinds[0]])
        data = matrix.values[0][1]
        if prod(matrix.shape) * dtype.itemsize != len(data):
            raise _Broken(
                f"{len(data)} bytes for a shape of {matrix.shape}, expected "
                f"{prod(matrix.shape) * dtype.itemsize}"
            )
        return np.frombuffer(data, dtype).reshape(matrix.shape, order="F").astype(float)

    def _texts(self, matrix: _Matrix) -> list[str]:
        if matrix.kind != _CELL:
            raise _Broken(f"class {matrix.kind}, expected a cell array ({_CELL})")
        if prod(matrix.shape) != len(matrix.values):
            raise _Broken(f"{len(matrix.values)} cells for a shape of {matrix.shape}")
        texts = []
        for number, (kind, data) in enumerate(matrix.values, 1):
            try:
                texts.append(self._text(self._matrix(kind, data)))
            except _Broken as error:
                raise _Broken(f"cell {number}: {error}") from None
        return texts

    def _text(self, cell: _Matrix) -> str:
        kinds = [kind for kind, _ in cell.values]
        if cell.kind != _CHAR or len(kinds) != 1 or kinds[0] not in _ENCODINGS:
            raise _Broken(f"class {cell.kind} of types {kinds[:5]}, expected a text")
        encoding = _ENCODINGS[kinds[0]]
        if encoding == "utf-16":
            encoding += "-le" if self.order == "<" else "-be"
        try:
            text = bytes(cell.values[0][1]).decode(encoding)
        except UnicodeDecodeError as error:
            raise _Broken(f"no {encoding} text ({error.reason})") from None
        if cell.shape != (1, len(text)) or not text.isprintable():
            raise _Broken(f"{text[:40]!r} is no plain text in a shape of {cell.shape}")
        return text
