"""The Talking Face video (FG-NET, 2004): one person talking for 5,000 frames, 68 points of another markup.

    ROOT/franck_00000.jpg  franck_00000.pts  franck_00001.jpg  …      (frames count from 0)

or pictures and points in two folders of ROOT. The points were found by an active appearance model and
checked by eye; they move by about 0.15 pixels by themselves. Seven of them are also of 300W's 68
(see `onedheat.landmarks.correspondence`), by which models trained there are measured here.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from onedheat.data.clips import Clip, ClipSet, PhotoFrames
from onedheat.data.folders import folders_below
from onedheat.data.pts import PtsFiles
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError
from onedheat.landmarks import FGNET68

NAME = "talking-face"
FRAMES = 5000
BAD_LABELS = frozenset({*range(3977, 4011), 4183, 4184})
"""Frames whose labels are not on the face: 3977's is broken, the others' are loose."""
SPLITS = ("all", "sound")
LAYOUT = "franck_00000.jpg, franck_00000.pts, …"

_NAME = re.compile(r"franck_(\d{5})\.(pts|jpg)")


@dataclass(frozen=True)
class Files:
    """What lies in a folder: paths by frame number, ascending."""

    annotations: dict[int, Path]
    pictures: dict[int, Path]


def read_talking_face(root: str | Path, split: str = "sound") -> ClipSet:
    """The video as clips of frames that follow one another: one, or more where frames are missing.

    Args:
        root: the folder that holds the files, or one above it; any part of the video will do.
        split: ``sound`` leaves out the 36 frames of `BAD_LABELS`, ``all`` keeps them.

    Raises:
        DataError: an unknown split, no such folder, nothing in it, or points without a picture.
    """
    if split not in SPLITS:
        raise DataError(f"{NAME} has no split {split!r}; there are: {', '.join(SPLITS)}")
    files = find_files(root)
    if not files.annotations:
        raise DataError(f"no franck_00000.pts or the like in {root}; expected {LAYOUT}")
    for number, annotation in files.annotations.items():
        if number not in files.pictures:
            raise DataError(
                f"{annotation} has no picture {annotation.stem}.jpg; fetch it or move the file away"
            )
    left_out = BAD_LABELS if split == "sound" else ()
    numbers = [number for number in files.annotations if number not in left_out]
    if not numbers:
        raise DataError(f"{root} holds only frames whose labels are bad; the split all keeps them")
    return ClipSet(NAME, split, FGNET68, tuple(_clip(run, files) for run in _runs(numbers)))


def read_talking_face_faces(root: str | Path, split: str = "sound") -> FaceSet:
    """Every frame as an annotated face; see `read_talking_face`.

    Raises:
        DataError: as `read_talking_face`.
        PtsError: a `.pts` file that cannot be read.
    """
    return read_talking_face(root, split).faces()


def _clip(numbers: list[int], files: Files) -> Clip:
    annotations = [files.annotations[number] for number in numbers]
    return Clip(
        PhotoFrames(tuple(files.pictures[number] for number in numbers)),
        PtsFiles(annotations[0].parent, tuple(path.name for path in annotations), len(FGNET68)),
        f"{NAME}:franck",
        NAME,
    )


def _runs(numbers: list[int]) -> list[list[int]]:
    """Ascending numbers cut where one is missing."""
    runs: list[list[int]] = []
    for number in numbers:
        if not runs or number != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(number)
    return runs


def find_files(root: str | Path) -> Files:
    """The points and the pictures, each from the first folder at or below `root` that has any.

    Raises:
        DataError: `root` is no folder.
    """
    found: dict[str, dict[int, Path]] = {"pts": {}, "jpg": {}}
    for folder in folders_below(root, LAYOUT):
        here: dict[str, dict[int, Path]] = {"pts": {}, "jpg": {}}
        for path in sorted(folder.iterdir()):
            if match := _NAME.fullmatch(path.name):
                here[match[2]][int(match[1])] = path
        for kind, paths in here.items():
            found[kind] = found[kind] or paths
    return Files(found["pts"], found["jpg"])
