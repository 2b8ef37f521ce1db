"""Checks the `.pts` files of a clip, of which there are thousands."""

from collections.abc import Iterable
from pathlib import Path

from onedheat.data.checks.report import Fault, implausible, told_of
from onedheat.data.pts import PtsError, PtsFiles, read_pts
from onedheat.geometry import Landmarks

SHOWN = 5
"""Faults of one kind that are listed for a clip; a clip with one often has them in every frame."""


def readable(files: PtsFiles) -> tuple[dict[Path, Landmarks], list[Fault]]:
    """The landmarks of each file that can be read, and what is wrong with the others."""
    landmarks, faults = {}, []
    for name in files.names:
        path = files.folder / name
        try:
            landmarks[path] = read_pts(path, files.points)
        except PtsError as error:
            faults.append(told_of(path, error))
    return landmarks, shortened(faults)


def misplaced(landmarks: dict[Path, Landmarks], width: int, height: int) -> list[Fault]:
    """What makes a person doubt that these landmarks belong to frames of that size.

    A coordinate of exactly 0 is told once for all files.
    """
    found: dict[str, list[Fault]] = {"error": [], "warning": []}
    for path, points in landmarks.items():
        for fault in implausible(path, points, width, height):
            found[fault.level].append(fault)
    warnings = found["warning"][:1]
    if len(found["warning"]) > 1:
        first = warnings[0]
        warnings = [
            Fault(first.level, first.path, f"{first.what} So in {len(found['warning'])} files")
        ]
    return [*shortened(found["error"]), *warnings]


def shortened(faults: Iterable[Fault]) -> list[Fault]:
    """The first few of many faults of one kind, and how many more there are."""
    faults = list(faults)
    more = len(faults) - SHOWN
    if more <= 0:
        return faults
    folder = str(Path(faults[0].path).parent)
    return [*faults[:SHOWN], Fault(faults[0].level, folder, f"{more} more files of that kind")]
