"""300W (Sagonas et al. 2016): 68 points in photos of AFW, Helen, LFPW and iBUG.

    ROOT/afw/*.jpg
    ROOT/helen/{trainset,testset}/*.jpg
    ROOT/lfpw/{trainset,testset}/*.png
    ROOT/ibug/*.jpg
    ROOT/01_Indoor/*.png  ROOT/02_Outdoor/*.png     (the separate "private" test set)

each photo with a `.pts` file beside it.
"""

import csv
import hashlib
import io
import re
from pathlib import Path

from onedheat.data.folders import entries_in, folders_below
from onedheat.data.landmark_csv import csv_text
from onedheat.data.pts import read_places, warn_if_zero_based
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68

NAME = "300w"
COUNTS = {  # faces as distributed
    "afw": 337,
    "helen/trainset": 2000,
    "helen/testset": 330,
    "lfpw/trainset": 811,
    "lfpw/testset": 224,
    "ibug": 135,
    "01_Indoor": 300,
    "02_Outdoor": 300,
}
SPLITS = {
    "train": ("afw", "helen/trainset", "lfpw/trainset"),
    "common": ("helen/testset", "lfpw/testset"),
    "challenging": ("ibug",),
    "full": ("helen/testset", "lfpw/testset", "ibug"),
    "private": ("01_Indoor", "02_Outdoor"),
    **{subset: (subset,) for subset in COUNTS},
}
PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}
GROUPS = "photo_groups.csv"


def read_300w(root: str | Path, split: str = "train") -> FaceSet:
    """The faces of a split of 300W, sorted by path.

    Args:
        root: the folder that holds `afw`, `helen`, …, or one above it.
        split: ``train``, ``common``, ``challenging``, ``full``, ``private``, or the name of one
            subset such as ``lfpw/testset``.

    Returns:
        Whatever part of the split is there; `onedheat data check` compares with the official counts.

    Raises:
        DataError: an unknown split, no such folder, no face in it, a `.pts` file without a photo, or a
            `photo_groups.csv` that cannot be read.
        PtsError: a `.pts` file that cannot be read, or whose numbers are no places (`no_places`).

    Warns:
        UserWarning: coordinates of exactly 0, as in files that count from 0.
    """
    if split not in SPLITS:
        raise DataError(f"300w has no split {split!r}; there are: {', '.join(SPLITS)}")
    folders = find_subsets(root)
    present = [subset for subset in SPLITS[split] if subset in folders]
    grouping = PhotoGroups(root)
    samples = []
    for subset in present:
        for annotation in annotations(folders[subset]):
            photo = photo_of(annotation)
            if photo is None:
                raise DataError(
                    f"{annotation} has no photo beside it; fetch it or move the file away"
                )
            landmarks = read_places(annotation, len(IBUG68))
            samples.append(Sample(Photo(photo), landmarks, grouping.of(photo, subset), subset))
    if not samples:
        raise DataError(
            f"no annotated face of 300w's split {split!r} in {root}; expected "
            f"{', '.join(SPLITS[split])} with photos and .pts files in it"
        )
    warn_if_zero_based((f"beside {sample.source}", sample.landmarks) for sample in samples)
    return FaceSet(NAME, split, IBUG68, tuple(samples))


def official_faces(split: str) -> int | None:
    """How many faces a split has as distributed; None of a split that there is not."""
    return sum(COUNTS[subset] for subset in SPLITS[split]) if split in SPLITS else None


def find_subsets(root: str | Path) -> dict[str, Path]:
    """Where each subset lies under `root`, which may have a folder level more than it should, and folders
    in capital letters.

    Raises:
        DataError: `root` is no folder.
    """
    root = Path(root)
    known = {name.lower(): name for name in COUNTS}
    found: dict[str, Path] = {}
    folders = folders_below(root, "afw, helen, lfpw, …")
    # Where a folder is there in small and in capital letters, the first is the data set's own.
    for folder in sorted(folders, key=lambda folder: folder.name != folder.name.lower()):
        parts = [part.lower() for part in (root.resolve().name, *folder.relative_to(root).parts)]
        # Some archives unpack helen/trainset to helen/helen/trainset.
        parts = [part for part, before in zip(parts, ("", *parts), strict=False) if part != before]
        name = known.get("/".join(parts[-2:])) or known.get("".join(parts[-1:]))
        if name and any(annotations(folder)):
            found.setdefault(name, folder)
    return found


def annotations(folder: Path) -> list[Path]:
    """The `.pts` files of a folder, without hidden files and the mirrored copies of dlib's archive."""
    return sorted(
        Path(entry)
        for entry in entries_in(folder)
        if entry.name[-4:].lower() == ".pts" and not entry.name[:-4].endswith("_mirror")
    )


def photo_of(annotation: Path) -> Path | None:
    """The photo that lies beside a `.pts` file, or None."""
    for suffix in sorted(PICTURES):
        for written in (suffix, suffix.upper()):
            photo = annotation.with_name(annotation.stem + written)
            if photo.exists():
                return photo
    return None


class PhotoGroups:
    """Says which faces come from one photo.

    A `photo_groups.csv` (columns image, photo_group) in the root decides where there is one. Else
    the file's name does, where it ends in a face number (`79378097_6`, `image_092 _01`), else the
    picture's own bytes: a copy of a photo belongs to its group.

    Raises:
        DataError: there is a `photo_groups.csv` and it cannot be read; the message names file and line.
    """

    _NUMBERED = re.compile(r"(\d+)_\d+|(.+ )_\d+")

    def __init__(self, root: str | Path):
        path = Path(root) / GROUPS
        self.known = _groups_of(path) if path.exists() else {}

    def of(self, photo: Path, subset: str) -> str:
        """The group of a photo."""
        if group := self.known.get(f"{subset}/{photo.stem}"):
            return group
        if numbered := self._NUMBERED.fullmatch(photo.stem):
            return f"{subset}:{(numbered[1] or numbered[2]).strip()}"
        return hashlib.sha1(photo.read_bytes()).hexdigest()


def _groups_of(table: Path) -> dict[str, str]:
    """The group of each image that a `photo_groups.csv` names."""
    try:
        rows = csv.DictReader(io.StringIO(csv_text(table), newline=""), strict=True)
        if not {"image", "photo_group"} <= set(rows.fieldnames or ()):
            raise DataError(
                f"{table}:1: expected the columns image and photo_group, separated by commas"
            )
        return {row["image"]: row["photo_group"] for row in rows}
    except csv.Error as error:
        raise DataError(f"{table}:{rows.reader.line_num}: a broken quote ({error})") from None
    except OSError as error:
        raise DataError(f"{table}: cannot be read ({error.strerror})") from None
