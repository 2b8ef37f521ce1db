"""Checks faces that a list names: several in one photo, each photo somewhere below a folder."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from onedheat.data.checks.repeats import Look, Looked, look_at, repeats
from onedheat.data.checks.report import Fault, implausible, told_of
from onedheat.data.folders import find_photo
from onedheat.data.images import ImageError
from onedheat.geometry import Box, Landmarks

NAMED = 5  # missing photos that are named


@dataclass(frozen=True, eq=False)
class Face:
    """A face as a list has it.

    Attributes:
        where: its place in the list, with which faults begin.
        split: it belongs to.
        photo: its path below the folder of photos.
        landmarks: (N, 2) in pixels.
        box: (4,) edges in pixels.
    """

    where: str
    split: str
    photo: str
    landmarks: Landmarks
    box: Box


@dataclass(frozen=True)
class Checked:
    """The faces whose photos are there, and what is wrong with them or the others."""

    present: tuple[Face, ...]
    faults: tuple[Fault, ...]


def check_listed(
    faces: Sequence[Face], folders: Sequence[Path], *, progress: bool = False
) -> Checked:
    """Looks for every face's photo, reads it, and compares it with the annotations.

    Args:
        faces: of all splits.
        folders: below which photos lie.
        progress: show a bar on standard error.
    """
    found = {name: find_photo(folders, name) for name in dict.fromkeys(f.photo for f in faces)}
    there = {name: photo for name, photo in found.items() if photo is not None}
    faults = list(_missing([name for name, photo in found.items() if photo is None], folders))
    with ThreadPoolExecutor() as pool:
        seen = tqdm(
            pool.map(_try_to_look, there.values()),
            total=len(there),
            unit="photo",
            disable=not progress,
        )
        looks = dict(zip(there, seen, strict=True))
    faults += [look for look in looks.values() if isinstance(look, Fault)]
    looked = []
    for face in faces:
        look = looks.get(face.photo)
        if isinstance(look, Look):
            faults += _misplaced(face, look)
            # One place for all splits: that both have faces of one photo is told once, below.
            looked.append(Looked(face.where, "", look, face.landmarks))
    faults += [*repeats(looked), *_divided(faces)]
    return Checked(tuple(face for face in faces if face.photo in there), tuple(faults))


def _missing(names: Sequence[str], folders: Sequence[Path]) -> Iterable[Fault]:
    if names:
        first = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
        where = ", ".join(map(str, folders))
        yield Fault("error", where, f"listed photos that are not there ({len(names)}): {first}")


def _divided(faces: Sequence[Face]) -> Iterable[Fault]:
    """The photos with faces in two splits, as one fault: published splits divide faces, not photos."""
    first: dict[str, Face] = {}
    divided = {}
    for face in faces:
        if first.setdefault(face.photo, face).split != face.split:
            divided.setdefault(face.photo, face)
    if divided:
        face = next(iter(divided.values()))
        yield Fault(
            "warning",
            face.where,
            f"its photo has faces in {first[face.photo].split} and in {face.split}; the first of "
            f"{len(divided)} such photos",
        )


def _try_to_look(photo: Path) -> Look | Fault:
    try:
        return look_at(photo)
    except ImageError as error:
        return told_of(photo, error)


def _misplaced(face: Face, look: Look) -> Iterable[Fault]:
    yield from implausible(face.where, face.landmarks, look.width, look.height, counts_from_1=False)
    x0, y0, x1, y1 = face.box
    if x1 <= x0 or y1 <= y0:
        yield Fault("error", face.where, f"a box without area: {face.box.tolist()}")
    elif min(x1, look.width) <= max(x0, 0) or min(y1, look.height) <= max(y0, 0):
        yield Fault(
            "error",
            face.where,
            f"its box {face.box.tolist()} lies outside its {look.width} × {look.height} photo",
        )
    else:
        inside = (face.landmarks >= (x0, y0)) & (face.landmarks <= (x1, y1))
        if not inside.all(axis=1).any():
            yield Fault("error", face.where, f"no landmark lies in its box {face.box.tolist()}")
