"""Faces to learn from: annotated photos and clips, and what turns them into training batches."""

from pathlib import Path

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.datasets import DATASETS, DataSet, dataset
from onedheat.data.samples import FaceSet, Sample, union
from onedheat.errors import DataError

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


def read(name: str, root: str | Path | None = None, split: str | None = None) -> FaceSet:
    """The faces of a split of a data set.

    Args:
        name: a key of `DATASETS`, or a folder of one's own faces.
        root: the folder of a published data set.
        split: see the data set's own reader; by default the training split.

    Raises:
        DataError: no such data set or split, or nothing there; a `.pts` file at fault raises
            `PtsError`, which names file and line.
    """
    return dataset(name).read(root, split)
