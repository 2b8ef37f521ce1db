"""What a check of a data set finds: counts, faults, a verdict; and the faults that any set can have."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from onedheat.data.pts import looks_zero_based, no_places
from onedheat.geometry import Landmarks


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. An error makes the set unusable, a warning wants to be looked at."""

    level: Literal["error", "warning"]
    path: str
    what: str


@dataclass(frozen=True)
class Subset:
    """How many faces of a subset there are, and how many were published, if it was; of a set of videos,
    in how many clips.

    One that is part of another is not counted a second time in the whole.
    """

    name: str
    faces: int
    official: int | None = None
    clips: int | None = None
    official_clips: int | None = None
    part_of: str | None = None


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
        return sum(subset.faces for subset in self.subsets if subset.part_of is None)

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
        published = any(subset.official is not None for subset in self.subsets)
        lines += [f"  {'subset':16s} {'faces':>6s}" + f" {'official':>9s}" * published]
        for subset in self.subsets:
            faces, official = subset.faces, subset.official
            note = f"  {faces - official:+d}" if official not in (None, faces) else ""
            if subset.clips is not None:
                note += f"  {subset.clips} of {subset.official_clips} clips"
            shown = "–" if official is None else official
            lines.append(f"  {subset.name:16s} {faces:6d}" + f" {shown:>9}" * published + note)
        lines += ["", *(f"{f.level}: {f.path}: {f.what}" for f in self.faults)]
        errors = sum(fault.level == "error" for fault in self.faults)
        counts = (self.faces, "face"), (errors, "error"), (len(self.faults) - errors, "warning")
        said = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)
        verdict = "usable" if self.usable else "not usable"
        lines.append(f"{said}: {verdict}")
        return "\n".join(lines)


def told_of(path: str | Path, error: Exception) -> Fault:
    """An error whose sentence may begin with the file it is about, and a line, as a fault of these."""
    said = str(error).removeprefix(str(path))
    line, colon, what = said.partition(": ")
    if colon and (line == "" or line[0] == ":" and line[1:].isdigit()):
        return Fault("error", f"{path}{line}", what)
    return Fault("error", str(path), said.lstrip())


def implausible(
    annotation: str | Path,
    landmarks: Landmarks,
    width: int,
    height: int,
    *,
    counts_from_1: bool = True,
) -> Iterable[Fault]:
    """What makes a person doubt that these landmarks belong to this picture.

    Args:
        annotation: file, or file and line.
        landmarks: (N, 2) in pixels, from 0.
        width: of the picture.
        height: of the picture.
        counts_from_1: whether the file's own coordinates do.
    """
    if counts_from_1 and looks_zero_based(landmarks):
        yield Fault(
            "warning",
            str(annotation),
            "a coordinate is exactly 0, but .pts files count from 1: does this one count from 0?",
        )
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = (high - low).max()
    if side == 0:
        yield Fault("error", str(annotation), "all landmarks lie in one place")
    elif fault := no_places(landmarks, counts_from_1=counts_from_1):
        yield Fault("error", str(annotation), fault)
        return
    beyond = np.maximum(-low, high - (width - 1, height - 1)).max()
    if side > 0 and beyond > side / 2:
        yield Fault(
            "error",
            str(annotation),
            f"a landmark lies {beyond:.0f} px outside its {width} × {height} photo, more than half a "
            "face: do the two files belong together?",
        )
