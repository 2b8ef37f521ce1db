"""Faces to learn from: annotated photos and clips, and what turns them into training batches."""

from pathlib import Path

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.datasets import DATASETS, DataSet, dataset
from onedheat.data.errors import DataError
from onedheat.data.samples import FaceSet, Sample, union

__all__ = [
    "DATASETS",
    "Clip",
    "ClipSet",
    "DataError",
    "DataSet",
    "FaceSet",
    "Sample",
    "dataset",
    "read",
    "union",
]


def read(name: str, root: str | Path, split: str) -> FaceSet:
    """The faces of a split of a data set.

    Args:
        name: a key of `DATASETS`.
        root: its folder.
        split: see the data set's own reader.

    Raises:
        DataError: no such data set or split, or nothing there; a `.pts` file at fault raises
            `PtsError`, which names file and line.
    """
    return dataset(name).read(root, split)
