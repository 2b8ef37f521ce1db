"""Checks a WFLW folder."""

from collections.abc import Iterator
from pathlib import Path

from onedheat.data import wflw
from onedheat.data.checks.listed import Face, check_listed
from onedheat.data.checks.report import CheckReport, Fault, Subset, told_of
from onedheat.data.folders import folders_below, photo_folders
from onedheat.errors import DataError


def check_wflw(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Reads every line of every list and every photo of a WFLW folder and reports what is wrong.

    Args:
        root: as for `read_wflw`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder.
    """
    folders = folders_below(root, wflw.LAYOUT)
    listed: dict[str, list[wflw.ListedFace]] = {}
    faults: list[Fault] = []
    for split in wflw.SPLITS:
        listed[split] = []
        for found in _read(folders, split):
            (faults if isinstance(found, Fault) else listed[split]).append(found)
    faces = [
        Face(face.place, split, face.photo, face.landmarks, face.box)
        for split in wflw.COUNTS
        for face in listed[split]
    ]
    checked = check_listed(faces, photo_folders(folders, wflw.IMAGES), progress=progress)
    for subset in wflw.SUBSETS:
        faults += _strangers(listed[subset], listed["test"])
    present = [face.split for face in checked.present]
    subsets = [
        *(Subset(split, present.count(split), count) for split, count in wflw.COUNTS.items()),
        *(
            Subset(split, len(listed[split]), count, part_of="test")
            for split, count in wflw.SUBSETS.items()
        ),
    ]
    return CheckReport(wflw.NAME, str(root), tuple(subsets), (*faults, *checked.faults))


def _read(folders: list[Path], split: str) -> Iterator[wflw.ListedFace | Fault]:
    """The faces of a list, and a fault for each line that cannot be read."""
    try:
        path = wflw.list_of(folders, split)
    except DataError as error:
        # The two lists are enough to train and to test.
        level = "error" if split in wflw.COUNTS else "warning"
        yield Fault(level, wflw.list_name(split), str(error))
        return
    for place, words in wflw.lines(path):
        try:
            yield wflw.parse(place, words, wflw.words_a_line(path))
        except DataError as error:
            yield told_of(place, error)


def _strangers(subset: list[wflw.ListedFace], tested: list[wflw.ListedFace]) -> Iterator[Fault]:
    """The first face of a subset that is no test face, if there is one."""
    try:
        wflw.match(subset, tested)
    except DataError as error:
        yield told_of(str(error).partition(": ")[0], error)
