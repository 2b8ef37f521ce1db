"""Checks a 300W folder."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from onedheat.data import w300
from onedheat.data.checks.repeats import Looked, look_at, repeats
from onedheat.data.checks.report import CheckReport, Fault, Subset, implausible, told_of
from onedheat.data.images import ImageError
from onedheat.data.pts import PtsError, read_pts
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68


def check_300w(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Reads every photo and every `.pts` file of a 300W folder and reports what is wrong.

    Args:
        root: as for `read_300w`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder.
    """
    folders = w300.find_subsets(root)
    files = {name: w300.annotations(folder) for name, folder in folders.items()}
    every = [annotation for annotations in files.values() for annotation in annotations]
    with ThreadPoolExecutor() as pool:
        checked = pool.map(_check_face, every)
        found = list(tqdm(checked, total=len(every), unit="face", disable=not progress))
    faults = [fault for _, faults in found for fault in faults]
    faults += repeats([looked for looked, _ in found if looked])
    faults += _unreadable_groups(root)
    for folder in folders.values():
        faults += [*_photos_without_points(folder), *_mirrored_by_name(folder)]
    subsets = [
        Subset(name, len(files.get(name, ())), official) for name, official in w300.COUNTS.items()
    ]
    if not every:
        faults.append(
            Fault(
                "error", str(root), f"holds none of {', '.join(w300.COUNTS)} with .pts files in it"
            )
        )
    return CheckReport(w300.NAME, str(root), tuple(subsets), tuple(faults))


def _check_face(annotation: Path) -> tuple[Looked | None, list[Fault]]:
    """What a face's photo looks like, if it can be read, and what is wrong with the two files."""
    faults, landmarks = [], None
    try:
        landmarks = read_pts(annotation, len(IBUG68))
    except PtsError as error:
        faults.append(told_of(annotation, error))
    photo = w300.photo_of(annotation)
    if photo is None:
        return None, [*faults, Fault("error", str(annotation), "has no photo beside it")]
    try:
        look = look_at(photo)
    except ImageError as error:
        return None, [*faults, told_of(photo, error)]
    if landmarks is not None:
        faults += implausible(annotation, landmarks, look.width, look.height)
    return Looked(str(annotation), str(photo.parent), look, landmarks), faults


def _unreadable_groups(root: str | Path) -> Iterable[Fault]:
    """What is wrong with `photo_groups.csv`, if there is one."""
    try:
        w300.PhotoGroups(root)
    except DataError as error:
        yield told_of(Path(root) / w300.GROUPS, error)


def _photos_without_points(folder: Path) -> Iterable[Fault]:
    annotated = {annotation.stem for annotation in w300.annotations(folder)}
    for photo in sorted(folder.iterdir()):
        known = photo.suffix.lower() in w300.PICTURES and not photo.name.startswith(".")
        if known and photo.stem not in annotated and not photo.stem.endswith("_mirror"):
            yield Fault("warning", str(photo), "a photo without a .pts file; it is not read")


def _mirrored_by_name(folder: Path) -> Iterable[Fault]:
    """The mirrored copies of dlib's archive, which the reader leaves out."""
    mirrored = sorted(folder.glob("*_mirror.pts"))
    if mirrored:
        yield Fault(
            "warning",
            str(mirrored[0]),
            f"one of {len(mirrored)} mirrored copies in this folder, by their names; they are not read",
        )
