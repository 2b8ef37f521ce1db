"""Faces to learn from: annotated photos, and what turns them into training batches."""

from pathlib import Path

from onedheat.data.samples import FaceSet, Sample, union
from onedheat.data.w300 import DataError, read_300w

READERS = {"300w": read_300w}

__all__ = ["READERS", "DataError", "FaceSet", "Sample", "read", "union"]


def read(dataset: str, root: str | Path, split: str) -> FaceSet:
    """The faces of a split of a data set.

    Args:
        dataset: a key of `READERS`.
        root: its folder.
        split: see the data set's own reader.

    Raises:
        DataError: no such data set or split, or nothing there; a `.pts` file at fault raises
            `PtsError`, which names file and line.
    """
    if dataset not in READERS:
        raise DataError(f"no data set {dataset!r}; there are: {', '.join(READERS)}")
    return READERS[dataset](root, split)
