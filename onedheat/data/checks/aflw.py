"""Checks an AFLW folder."""

from pathlib import Path

from onedheat.data import aflw
from onedheat.data.checks.listed import Face, check_listed
from onedheat.data.checks.report import CheckReport, Fault, Subset
from onedheat.data.folders import folders_below, photo_folders
from onedheat.errors import DataError


def check_aflw(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Reads the annotations and every photo of an AFLW folder and reports what is wrong.

    Args:
        root: as for `read_aflw`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder.
        ImportError: the annotations are in a MATLAB 7.3 file, and h5py is not installed.
    """
    folders = folders_below(root, aflw.LAYOUT)
    try:
        listed = aflw.read_annotations(aflw.list_of(folders), aflw.FACES)
    except DataError as error:
        place, _, what = str(error).partition(": ")
        fault = Fault("error", place if what else str(root), what or place)
        empty = tuple(Subset(split, 0, count) for split, count in aflw.COUNTS.items())
        return CheckReport(aflw.NAME, str(root), empty, (fault,))
    faces = [
        Face(
            f"{listed.path}: face {row + 1}",
            split,
            listed.photos[row],
            listed.landmarks[row],
            listed.boxes[row],
        )
        for split in aflw.COUNTS
        for row in listed.rows(split).tolist()
    ]
    checked = check_listed(faces, photo_folders(folders, aflw.IMAGES), progress=progress)
    present = [face.split for face in checked.present]
    subsets = [Subset(split, present.count(split), n) for split, n in aflw.COUNTS.items()]
    subsets.append(Subset("frontal", len(listed.rows("frontal")), part_of="test"))
    return CheckReport(aflw.NAME, str(root), tuple(subsets), checked.faults)
