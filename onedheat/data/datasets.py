"""The data sets by name: who published each, how its folder looks, what reads and what checks it.

Readers are imported when they are used, so that listing the data sets costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from onedheat.data.checks.report import CheckReport
from onedheat.data.clips import ClipSet
from onedheat.data.errors import DataError
from onedheat.data.samples import FaceSet


@dataclass(frozen=True)
class DataSet:
    """A published data set.

    Attributes:
        name: as on the command line.
        title: its name and paper.
        page: the official page, where its owners give it out.
        terms: under which.
        layout: the folder that its reader expects, as a tree.
        splits: the names of its official splits, the training one first.
        reader: module and function (root, split) → `FaceSet`.
        checker: module and function (root, progress=) → `CheckReport`.
        clip_reader: module and function (root, split) → `ClipSet`, of a set of videos.
    """

    name: str
    title: str
    page: str
    terms: str
    layout: str
    splits: tuple[str, ...]
    reader: str
    checker: str
    clip_reader: str | None = None

    def read(self, root: str | Path, split: str) -> FaceSet:
        """The faces of a split. Raises `DataError` if there are none."""
        return _function(self.reader)(root, split)

    def clips(self, root: str | Path, split: str) -> ClipSet:
        """The clips of a split of a set of videos. Raises `DataError` if there are none."""
        if self.clip_reader is None:
            raise DataError(f"{self.name} has photos only; read() gives its faces")
        return _function(self.clip_reader)(root, split)

    def check(self, root: str | Path, *, progress: bool = False) -> CheckReport:
        """What is wrong with a folder. Raises `DataError` if there is none."""
        return _function(self.checker)(root, progress=progress)


def _function(path: str) -> Callable:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


DATASETS = {
    entry.name: entry
    for entry in (
        DataSet(
            name="300w",
            title="300W (Sagonas et al. 2016): 68 points in photos of AFW, Helen, LFPW and iBUG",
            page="https://ibug.doc.ic.ac.uk/resources/300-W/",
            terms="for research only",
            layout=(
                "afw/*.jpg  helen/{trainset,testset}/*.jpg  lfpw/{trainset,testset}/*.png\n"
                "ibug/*.jpg  01_Indoor/*.png  02_Outdoor/*.png, each photo with its .pts beside it"
            ),
            splits=("train", "common", "challenging", "full", "private"),
            reader="onedheat.data.w300.read_300w",
            checker="onedheat.data.checks.w300.check_300w",
        ),
    )
}


def dataset(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        DataError: no such data set; the message lists those there are.
    """
    if name not in DATASETS:
        raise DataError(f"no data set {name!r}; there are: {', '.join(DATASETS)}")
    return DATASETS[name]
