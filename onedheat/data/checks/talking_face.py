"""Checks a Talking Face folder."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from onedheat.data import talking_face
from onedheat.data.checks.labels import misplaced, readable, shortened
from onedheat.data.checks.report import CheckReport, Fault, Subset, told_of
from onedheat.data.images import ImageError, read_image
from onedheat.data.pts import PtsFiles
from onedheat.landmarks import FGNET68


def check_talking_face(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Reads every picture and every `.pts` file of the video and reports what is wrong.

    Any part of the 5,000 frames is usable. The labels that are known to be bad are not complained of.

    Args:
        root: as for `read_talking_face`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder.
    """
    files = talking_face.find_files(root)
    subset = Subset(talking_face.NAME, len(files.annotations), talking_face.FRAMES)
    if not files.annotations:
        nothing = Fault("error", str(root), f"holds no points; expected {talking_face.LAYOUT}")
        return CheckReport(talking_face.NAME, str(root), (subset,), (nothing,))
    with ThreadPoolExecutor() as pool:
        looked = pool.map(_look_at, files.pictures.values())
        sizes = list(tqdm(looked, total=len(files.pictures), unit="frame", disable=not progress))
    faults = shortened(size for size in sizes if isinstance(size, Fault))
    faults += _unpaired(files, root)
    paths = list(files.annotations.values())
    folder = paths[0].parent
    landmarks, unreadable = readable(
        PtsFiles(folder, tuple(path.name for path in paths), len(FGNET68))
    )
    faults += unreadable
    for number in talking_face.BAD_LABELS & files.annotations.keys():
        landmarks.pop(files.annotations[number], None)
    size = next((size for size in sizes if not isinstance(size, Fault)), None)
    if size is not None:
        faults += misplaced(landmarks, *size)
    return CheckReport(talking_face.NAME, str(root), (subset,), tuple(faults))


def _look_at(picture: Path) -> tuple[int, int] | Fault:
    """Width and height of a picture, or why it cannot be read."""
    try:
        height, width = read_image(picture).shape[:2]
    except ImageError as error:
        return told_of(picture, error)
    return width, height


def _unpaired(files: talking_face.Files, root: str | Path) -> Iterable[Fault]:
    """Points without a picture, pictures without points, and frames that are not there at all."""
    without_picture = files.annotations.keys() - files.pictures.keys()
    yield from shortened(
        Fault("error", str(files.annotations[number]), "has no picture")
        for number in sorted(without_picture)
    )
    without_points = files.pictures.keys() - files.annotations.keys()
    yield from shortened(
        Fault("warning", str(files.pictures[number]), "a picture without points; it is not read")
        for number in sorted(without_points)
    )
    missing = [n for n in range(talking_face.FRAMES) if n not in files.annotations]
    if missing:
        what = (
            f"{len(missing)} of {talking_face.FRAMES} frames are not here, the first {missing[0]}"
        )
        yield Fault("warning", str(root), what)
