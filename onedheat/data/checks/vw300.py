"""Checks a 300VW folder."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from onedheat.data import vw300
from onedheat.data.checks.labels import misplaced, readable
from onedheat.data.checks.report import CheckReport, Fault, Subset, told_of
from onedheat.errors import DataError
from onedheat.video import VideoError, VideoFrames, count_decodable


def check_300vw(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Decodes every video and reads every `.pts` file of a 300VW folder and reports what is wrong.

    Takes minutes for all 114 clips. Those that `exclude.txt` names are not looked at.

    Args:
        root: as for `read_300vw`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder, or `exclude.txt` names no clip.
    """
    left_out = vw300.excluded(root)
    folders = {
        name: folder for name, folder in vw300.find_clips(root).items() if name not in left_out
    }
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(_check_clip, folders.values())
        found = list(tqdm(checked, total=len(folders), unit="clip", disable=not progress))
    frames = {name: count for name, (count, _) in zip(folders, found, strict=True)}
    faults = [fault for _, faults in found for fault in faults]
    faults += _left_out(root, left_out)
    for part, names in vw300.CLIPS.items():
        missing = [name for name in names if name not in folders and name not in left_out]
        if missing and len(missing) < len(names):
            what = f"{part} lacks {len(missing)} of {len(names)} clips, the first {missing[0]}"
            faults.append(Fault("warning", str(root), what))
    if not folders:
        faults.append(Fault("error", str(root), f"holds no clip of 300VW; expected {vw300.LAYOUT}"))
    subsets = tuple(_subset(part, frames) for part in vw300.CLIPS)
    return CheckReport(vw300.NAME, str(root), subsets, tuple(faults))


def _subset(part: str, frames: dict[str, int]) -> Subset:
    names = vw300.CLIPS[part]
    present = [frames[name] for name in names if name in frames]
    return Subset(
        part, sum(present), vw300.FRAMES.get(part), clips=len(present), official_clips=len(names)
    )


def _left_out(root: str | Path, left_out: dict[str, str]) -> Iterable[Fault]:
    if left_out:
        names = ", ".join(left_out)
        yield Fault(
            "warning",
            str(Path(root) / vw300.EXCLUDE),
            f"leaves out {len(left_out)} clips: {names}; figures are then of the others only",
        )


def _check_clip(folder: Path) -> tuple[int, list[Fault]]:
    """How many frames of a clip are annotated, and what is wrong with it."""
    try:
        files = vw300.annotation_files(folder)
    except DataError as error:
        return 0, [Fault("error", str(folder), str(error))]
    faults = []
    lacking, first = vw300.gaps(files)
    if lacking:
        faults.append(
            Fault("error", str(files.folder), f"lacks {lacking} frames, the first {first:06d}.pts")
        )
    landmarks, unreadable = readable(files)
    faults += unreadable
    video = folder / vw300.VIDEO
    try:
        height, width = VideoFrames(video, 1)[0].shape[:2]
        decoded = count_decodable(video)
    except VideoError as error:
        return len(files), [*faults, told_of(video, error)]
    faults += misplaced(landmarks, width, height)
    if decoded < len(files):
        what = f"holds {decoded} frames, and {len(files)} are annotated; fetch it again"
        faults.append(Fault("error", str(video), what))
    elif decoded > len(files):
        what = f"holds {decoded} frames, and only the first {len(files)} are annotated"
        faults.append(Fault("warning", str(video), what))
    return len(files), faults
