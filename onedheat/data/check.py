"""Says what is wrong with a data set's folder, file by file, before a training run trips over it."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from onedheat.data import w300
from onedheat.data.images import ImageError, read_image
from onedheat.data.pts import PtsError, looks_zero_based, read_pts
from onedheat.landmarks import IBUG68


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. An error makes the set unusable, a warning wants to be looked at."""

    level: Literal["error", "warning"]
    path: str
    what: str


@dataclass(frozen=True)
class Subset:
    """How many faces of a subset there are, and how many were published."""

    name: str
    faces: int
    official: int


@dataclass(frozen=True)
class CheckReport:
    """All that was found out about a data set's folder."""

    dataset: str
    root: str
    subsets: tuple[Subset, ...]
    faults: tuple[Fault, ...] = field(default=())

    @property
    def faces(self) -> int:
        """Annotated faces in all."""
        return sum(subset.faces for subset in self.subsets)

    @property
    def usable(self) -> bool:
        """Whether it can be read: at least one face, and no error."""
        return self.faces > 0 and not any(fault.level == "error" for fault in self.faults)

    def as_json(self) -> dict:
        """Everything, as plain values."""
        return {**asdict(self), "faces": self.faces, "usable": self.usable}

    def as_text(self) -> str:
        """A table for people, then every fault in a line of its own."""
        lines = [f"{self.dataset} in {self.root}", ""]
        lines += [f"  {'subset':16s} {'faces':>6s} {'official':>9s}"]
        for subset in self.subsets:
            note = (
                "" if subset.faces == subset.official else f"  {subset.faces - subset.official:+d}"
            )
            lines.append(f"  {subset.name:16s} {subset.faces:6d} {subset.official:9d}{note}")
        lines += ["", *(f"{f.level}: {f.path}: {f.what}" for f in self.faults)]
        errors = sum(fault.level == "error" for fault in self.faults)
        warnings = len(self.faults) - errors
        verdict = "usable" if self.usable else "not usable"
        lines.append(f"{self.faces} faces, {errors} errors, {warnings} warnings: {verdict}")
        return "\n".join(lines)


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
    faults += _copies(
        {path: digest for path, (digest, _) in zip(every, found, strict=True) if digest}
    )
    for folder in folders.values():
        faults += _photos_without_points(folder)
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


def _check_face(annotation: Path) -> tuple[str | None, list[Fault]]:
    """The digest of a face's photo, if it can be read, and what is wrong with the two files."""
    faults, landmarks = [], None
    try:
        landmarks = read_pts(annotation, len(IBUG68))
    except (PtsError, OSError) as error:
        path, _, what = str(error).partition(": ")
        faults.append(Fault("error", path, what))
    photo = w300.photo_of(annotation)
    if photo is None:
        return None, [*faults, Fault("error", str(annotation), "has no photo beside it")]
    try:
        height, width = read_image(photo).shape[:2]
    except ImageError as error:
        return None, [*faults, Fault("error", str(photo), str(error))]
    if landmarks is not None:
        faults += _implausible(annotation, landmarks, width, height)
    return hashlib.sha1(photo.read_bytes()).hexdigest(), faults


def _implausible(annotation: Path, landmarks, width: int, height: int) -> Iterable[Fault]:
    if looks_zero_based(landmarks):
        yield Fault(
            "warning",
            str(annotation),
            "a coordinate is exactly 0, but 300W counts from 1: does this file count from 0?",
        )
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = (high - low).max()
    if side == 0:
        yield Fault("error", str(annotation), "all landmarks lie in one place")
    beyond = np.maximum(-low, high - (width - 1, height - 1)).max()
    if side > 0 and beyond > side / 2:
        yield Fault(
            "error",
            str(annotation),
            f"a landmark lies {beyond:.0f} px outside its {width} × {height} photo, more than half a "
            "face: do the two files belong together?",
        )


def _copies(digests: dict[Path, str]) -> Iterable[Fault]:
    first: dict[str, Path] = {}
    for path, digest in digests.items():
        if digest in first and first[digest].parent != path.parent:
            yield Fault(
                "warning",
                str(path),
                f"its photo is also that of {first[digest]}: one of them is a copy",
            )
        first.setdefault(digest, path)


def _photos_without_points(folder: Path) -> Iterable[Fault]:
    annotated = {annotation.stem for annotation in w300.annotations(folder)}
    for photo in sorted(folder.iterdir()):
        known = photo.suffix.lower() in w300.PICTURES and not photo.name.startswith(".")
        if known and photo.stem not in annotated and not photo.stem.endswith("_mirror"):
            yield Fault("warning", str(photo), "a photo without a .pts file; it is not read")
