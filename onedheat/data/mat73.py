"""MATLAB's `.mat` files of version 7.3, which are HDF5 files, as far as annotations need them.

A matrix is a data set with its dimensions in reverse, a text one of UTF-16 code units, a cell array one
of references to its cells.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from onedheat.data.mat5 import MAX_BYTES
from onedheat.errors import DataError


class Mat73:
    """The variables of a file; each is read when asked for.

    Args:
        path: of the file.

    Raises:
        ImportError: h5py is not installed.
    """

    def __init__(self, path: Path):
        try:
            import h5py
        except ImportError as error:
            raise ImportError(
                f"{path} is a MATLAB 7.3 file, which is read by h5py: pip install 'onedheat[mat]'"
            ) from error
        self.path, self._open = path, h5py.File

    def numbers(self, name: str) -> Float[np.ndarray, "rows columns"]:
        """A matrix of numbers. Raises `DataError` if there is none of that name or it is broken."""
        return self._read(name, _numbers)

    def texts(self, name: str) -> list[str]:
        """A cell array of texts. Raises `DataError` if there is none of that name or it is broken."""
        return self._read(name, _texts)

    def _read(self, name: str, values: Callable) -> Any:
        try:
            with self._open(self.path, "r") as file:
                return values(file, name)
        except Exception as error:  # a broken file makes h5py raise nearly anything
            raise DataError(
                f"{self.path}: variable {name!r}: {error or type(error).__name__}; fetch the file again"
            ) from error


def _dataset(node: Any) -> np.ndarray:
    """The values of a data set, its size looked at before they are read."""
    if node.size * node.dtype.itemsize > MAX_BYTES:
        raise ValueError(f"it takes more than {MAX_BYTES >> 20} MiB")
    return node[()]


def _numbers(file: Any, name: str) -> Float[np.ndarray, "rows columns"]:
    values = _dataset(file[name])
    if values.dtype.kind not in "iuf" or values.ndim != 2:
        raise ValueError(f"{values.dtype} of shape {values.shape[::-1]}, expected rows of numbers")
    return values.T.astype(float)


def _texts(file: Any, name: str) -> list[str]:
    texts = []
    for number, reference in enumerate(_dataset(file[name]).ravel(order="F"), 1):
        units = _dataset(file[reference])
        if units.dtype != np.uint16 or units.shape[1:] != (1,):
            raise ValueError(
                f"cell {number}: {units.dtype} of shape {units.shape}, expected a text"
            )
        text = units.astype("<u2").tobytes().decode("utf-16-le")
        if not text.isprintable():
            raise ValueError(f"cell {number}: {text[:40]!r} is no plain text")
        texts.append(text)
    return texts
