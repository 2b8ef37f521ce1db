"""300VW (Shen et al. 2015): 68 points in every frame of 114 videos.

    ROOT/001/vid.avi
    ROOT/001/annot/000001.pts  000002.pts  …        (frames count from 1)

The videos are read as they are, frame by frame. The test videos are of three scenarios: well lit
(scenario 1), unconstrained in light (scenario 2), and completely unconstrained (scenario 3).

Papers differ in the videos they leave out. A text file `exclude.txt` in ROOT names the folders to leave
out, one a line, with `#` before remarks; every report says how many clips were used.
"""

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.folders import folders_below
from onedheat.data.pts import PtsFiles
from onedheat.data.samples import FaceSet
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68
from onedheat.video import VideoFrames

NAME = "300vw"
CLIPS = {  # folders of each part, as published
    "train": (
        "001 002 003 004 007 009 010 011 013 015 016 017 018 019 020 022 025 027 028 029 031 033 034 "
        "035 037 039 041 043 044 046 047 048 049 053 057 059 112 113 115 119 120 123 138 143 144 160 "
        "204 205 223 225"
    ).split(),
    "scenario1": (
        "114 124 125 126 150 158 401 402 505 506 507 508 509 510 511 514 515 518 519 520 521 522 524 "
        "525 537 538 540 541 546 547 548"
    ).split(),
    "scenario2": (
        "203 208 211 212 213 214 218 224 403 404 405 406 407 408 409 412 550 551 553"
    ).split(),
    "scenario3": "410 411 516 517 526 528 529 530 531 533 557 558 559 562".split(),
}
FRAMES = {"train": 95_192}  # as published
SPLITS = {
    "train": ("train",),
    "test": ("scenario1", "scenario2", "scenario3"),
    **{part: (part,) for part in CLIPS if part != "train"},
}
VIDEO, ANNOTATION, EXCLUDE = "vid.avi", "annot", "exclude.txt"
LAYOUT = f"001/{VIDEO}, 001/{ANNOTATION}/000001.pts, …"

_FRAME_NUMBER = re.compile(r"0*([1-9]\d{0,8})\.pts")


def read_300vw(root: str | Path, split: str = "train") -> ClipSet:
    """The clips of a split of 300VW, by the number of their folder within each scenario.

    Annotations are read when a clip's landmarks are first asked for, frames when they are.

    Args:
        root: the folder that holds `001`, `002`, …, or one above it.
        split: ``train``, ``test`` (all three scenarios), ``scenario1``, ``scenario2``, ``scenario3``.

    Returns:
        Whatever part of the split is there, without the clips that `exclude.txt` names;
        `onedheat data check` compares with the official counts.

    Raises:
        DataError: an unknown split, no such folder, no clip in it, a clip without video, a gap in the
            numbers of its `.pts` files, or an `exclude.txt` that names no clip.
    """
    if split not in SPLITS:
        raise DataError(f"300vw has no split {split!r}; there are: {', '.join(SPLITS)}")
    folders = find_clips(root)
    left_out = excluded(root)
    clips = tuple(
        _clip(folders[name], part)
        for part in SPLITS[split]
        for name in CLIPS[part]
        if name in folders and name not in left_out
    )
    if not clips:
        raise DataError(
            f"no clip of 300vw's split {split!r} in {root}; expected folders such as "
            f"{', '.join(CLIPS[SPLITS[split][0]][:3])} with {VIDEO} and {ANNOTATION}/000001.pts in them"
        )
    return ClipSet(NAME, split, IBUG68, clips)


def read_300vw_faces(root: str | Path, split: str = "train") -> FaceSet:
    """Every frame of a split of 300VW as an annotated face; see `read_300vw`.

    Frames next to each other differ little: to train on, ``read_300vw(root).faces(every=5)`` takes a
    fifth of the time. With 300W: ``union(read_300vw(root).faces(every=5), read_300w(root_300w))``.

    Raises:
        DataError: as `read_300vw`.
        PtsError: a `.pts` file that cannot be read.
    """
    return read_300vw(root, split).faces()


def _clip(folder: Path, part: str) -> Clip:
    video = folder / VIDEO
    if not video.is_file():
        raise DataError(
            f"{folder} has no {VIDEO}; fetch it again, or name the clip in {EXCLUDE} to leave it out"
        )
    files = annotation_files(folder)
    lacking, first = gaps(files)
    if lacking:
        raise DataError(
            f"{files.folder} lacks {lacking} frames, the first {first:06d}.pts; fetch it again, or name "
            f"the clip in {EXCLUDE} to leave it out"
        )
    return Clip(VideoFrames(video, len(files)), files, f"{NAME}:{folder.name}", part)


def find_clips(root: str | Path) -> dict[str, Path]:
    """Where the folder of each clip lies under `root`, which may have a folder level more than it
    should.

    Raises:
        DataError: `root` is no folder.
    """
    known = {name for names in CLIPS.values() for name in names}
    found: dict[str, Path] = {}
    for folder in folders_below(root, LAYOUT):
        if folder.name in known and (folder / ANNOTATION).is_dir():
            found.setdefault(folder.name, folder)
    return found


def annotation_files(folder: Path) -> PtsFiles:
    """The `.pts` files of a clip's folder, by frame number; other and hidden files are left out.

    Raises:
        DataError: a `.pts` file whose name is no number, or two of one number.
    """
    place = folder / ANNOTATION
    by_number: dict[int, str] = {}
    for name in sorted(os.listdir(place)):
        if name.startswith(".") or not name.endswith(".pts"):
            continue
        number = _FRAME_NUMBER.fullmatch(name)
        if number is None:
            raise DataError(f"{place / name} is not named after its frame, as 000001.pts is")
        if other := by_number.get(int(number[1])):
            raise DataError(f"{place / name} and {other} are of one frame; move one of them away")
        by_number[int(number[1])] = name
    return PtsFiles(place, tuple(by_number[number] for number in sorted(by_number)), len(IBUG68))


def gaps(files: PtsFiles) -> tuple[int, int]:
    """How many frames up to the last annotated one have no file, and the first without. A clip
    without any annotation lacks frame 1.
    """
    numbers = {int(Path(name).stem) for name in files.names}
    first = next(number for number in count(1) if number not in numbers)
    return max(numbers, default=1) - len(numbers), first


def excluded(root: str | Path) -> dict[str, str]:
    """The clips that `exclude.txt` in `root` leaves out → file and line that name them.

    Raises:
        DataError: a line names no clip of 300VW.
    """
    path = Path(root) / EXCLUDE
    if not path.is_file():
        return {}
    known = {name for names in CLIPS.values() for name in names}
    named = dict(_names(path))
    for name, place in named.items():
        if name not in known:
            raise DataError(
                f"{place}: {name!r} is no clip of 300VW; expected the name of a folder, such as 401"
            )
    return named


def _names(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if name := line.partition("#")[0].strip():
            yield name, f"{path}:{number}"
