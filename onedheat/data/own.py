"""A folder of one's own annotated faces, with any number of points.

Either photos with a `.pts` file beside each (coordinates count from **1**, see `onedheat.data.pts`), in
folders as deep as one likes:

    FOLDER/scheme.json
    FOLDER/anna.jpg  FOLDER/anna.pts
    FOLDER/test/ben.jpg  FOLDER/test/ben.pts

or photos and one CSV file (coordinates count from **0**, see `onedheat.data.landmark_csv`):

    FOLDER/scheme.json
    FOLDER/landmarks.csv
    FOLDER/anna.jpg  FOLDER/test/ben.jpg

`scheme.json` says what the points are (see `onedheat.landmarks.written`); `onedheat data scheme FOLDER`
proposes one from the labels and draws it.

A face belongs to the split that the CSV's column `split` names, else to that of the folder at the top
that its photo lies in, if this is called train, val, valid, validation or test; else to ``train``.

Faces that must stay on one side when training faces are divided: those of one group in the CSV's column
`group`, else in `photo_groups.csv` (columns image, photo_group; image without its ending), else those
whose photos are the same file, byte for byte.
"""

import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from onedheat.data.errors import DataError
from onedheat.data.images import SUFFIXES
from onedheat.data.landmark_csv import CsvError, read_landmark_csv
from onedheat.data.pts import PtsError, looks_zero_based, read_pts
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.data.scheme_file import SCHEME, demand_folder, read_scheme
from onedheat.data.w300 import GROUPS, PhotoGroups
from onedheat.geometry import Box, Landmarks
from onedheat.landmarks import FACE_SIZE, Scheme

SPLIT_FOLDERS = ("train", "val", "valid", "validation", "test")


@dataclass(frozen=True, eq=False)
class LabelledFace:
    """One face as its label says it.

    Attributes:
        where: the label: a `.pts` file, or a CSV file and its line.
        photo: path of the picture.
        landmarks: (N, 2) in pixels, from 0.
        split: which part of the data it belongs to.
        counts_from_1: whether the label's coordinates did.
        group, visible, box: as in `Sample`, where the label says so.
    """

    where: str
    photo: Path
    landmarks: Landmarks
    split: str
    counts_from_1: bool
    group: str | None = None
    visible: Bool[np.ndarray, "landmarks"] | None = None
    box: Box | None = None


@dataclass(frozen=True, eq=False)
class Labels:
    """All labels of a folder.

    Attributes:
        faces: those that can be used.
        faults: what is wrong with others; each begins with its file and line.
        points: the points' names, where the labels name them.
    """

    faces: tuple[LabelledFace, ...]
    faults: tuple[str, ...]
    points: tuple[str, ...] | None = None


def read_own(root: str | Path, split: str = "train") -> FaceSet:
    """The faces of a split of a folder of one's own, sorted by path or in the order of the CSV.

    Args:
        root: the folder.
        split: see the module; ``"train"`` is everything where nothing is divided.

    Raises:
        DataError: no such folder, split or face, no `scheme.json`, or a label or `photo_groups.csv` at
            fault, which is named with file and line.

    Warns:
        UserWarning: `.pts` files that seem to count from 0.
    """
    scheme = read_scheme(root)
    labels = read_labels(root, scheme)
    if labels.faults:
        more = len(labels.faults) - 1
        raise DataError(
            labels.faults[0] + (f" (and {more} more faults)" if more else "")
            + f"; `onedheat data check {root}` lists all"
        )  # fmt: skip
    faces = [face for face in labels.faces if face.split == split]
    if not faces:
        there = ", ".join(dict.fromkeys(face.split for face in labels.faces))
        raise DataError(f"{root} has no faces of a split {split!r}; there are: {there}")
    suspects = [face for face in faces if face.counts_from_1 and looks_zero_based(face.landmarks)]
    if suspects:
        warnings.warn(
            f"{len(suspects)} of {len(faces)} .pts files have a coordinate of exactly 0, the first "
            f"{suspects[0].where}: .pts files count from 1. If these count from 0, add 1 to all their "
            "coordinates; otherwise every landmark is one pixel off.",
            stacklevel=2,
        )
    groups = _groups(Path(root), faces)
    samples = tuple(
        Sample(Photo(face.photo), face.landmarks, group, face.split, face.visible, face.box)
        for face, group in zip(faces, groups, strict=True)
    )
    return FaceSet(Path(root).resolve().name, split, scheme, samples)


def read_labels(root: str | Path, scheme: Scheme | None = None) -> Labels:
    """Every label of a folder, whatever is wrong with some of them.

    Args:
        root: the folder.
        scheme: what the points must be; without one, as many as the first label has.

    Raises:
        DataError: no such folder, no labels in it, or more than one kind or CSV file of them.
    """
    root = Path(root)
    demand_folder(root)
    files = [path for path in sorted(root.rglob("*")) if not _hidden(path, root)]
    annotations = [path for path in files if path.suffix.lower() == ".pts"]
    tables = [
        path
        for path in files
        if path.parent == root and path.suffix.lower() == ".csv" and path.name != GROUPS
    ]
    if len(tables) + bool(annotations) > 1:
        found = [str(path.relative_to(root)) for path in (*tables, *annotations[:1])]
        raise DataError(
            f"{root} holds several sets of labels ({', '.join(found)}); keep one CSV file, or .pts files"
        )
    if annotations:
        labels = _from_pts(root, files, annotations, scheme)
    elif tables:
        labels = _from_csv(root, tables[0], scheme)
    else:
        raise DataError(
            f"{root} holds no labels; expected photos with a .pts file beside each, or one CSV file "
            "with the columns image,x0,y0,x1,y1,…"
        )
    return _without_degenerate(labels, scheme)


def photos_of(root: str | Path) -> list[Path]:
    """The image files in and below a folder, sorted, without the drawing of its scheme."""
    root = Path(root)
    drawing = (root / SCHEME).with_suffix(".png")
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path != drawing and not _hidden(path, root)
    ]


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _from_pts(
    root: Path, files: Iterable[Path], annotations: list[Path], scheme: Scheme | None
) -> Labels:
    photos = defaultdict(list)
    for path in files:
        if path.suffix.lower() in SUFFIXES:
            photos[path.with_suffix("")].append(path)
    faces, faults, count = [], [], len(scheme) if scheme else None
    expected = f"{SCHEME} has" if scheme else f"{annotations[0]} has"
    for annotation in annotations:
        beside = photos[annotation.with_suffix("")]
        try:
            landmarks = read_pts(annotation, None)
        except PtsError as error:
            faults.append(str(error))
            continue
        except OSError as error:
            faults.append(f"{annotation}: cannot be read ({error.strerror})")
            continue
        count = len(landmarks) if count is None else count
        if len(landmarks) != count:
            faults.append(f"{annotation}: holds {len(landmarks)} points, {expected} {count}")
        elif not beside:
            faults.append(f"{annotation}: has no photo beside it; fetch it or move the file away")
        elif len(beside) > 1:
            names = " and ".join(path.name for path in beside)
            faults.append(f"{annotation}: belongs to {names}; keep the photo that was annotated")
        else:
            split = _split_of(beside[0].relative_to(root))
            faces.append(LabelledFace(str(annotation), beside[0], landmarks, split, True))
    return Labels(tuple(faces), tuple(faults))


def _from_csv(root: Path, path: Path, scheme: Scheme | None) -> Labels:
    try:
        table = read_landmark_csv(path)
    except CsvError as error:
        return Labels((), (str(error),))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if scheme and len(scheme) != table.count:
        fault = f"{path}:1: names {table.count} points, {root / SCHEME} has {len(scheme)}"
        return Labels((), (fault,), table.points)
    if scheme and table.points not in (None, scheme.points):
        at = [a != b for a, b in zip(table.points, scheme.points, strict=True)].index(True)
        fault = (
            f"{path}:1: point {at} is {table.points[at]!r}, in {root / SCHEME} it is "
            f"{scheme.points[at]!r}; give both the same names in the same order"
        )
        return Labels((), (fault,), table.points)
    if not (table.rows or table.faults):
        fault = f"{path}:1: names columns, and no face follows; write one face a line below them"
        return Labels((), (fault,), table.points)
    faces, faults = [], [str(fault) for fault in table.faults]
    for row in table.rows:
        where, photo = f"{path}:{row.line}", root / row.image
        if not os.path.isfile(photo):  # unlike Path.is_file, says no to any text at all
            faults.append(f"{where}: there is no photo {str(photo)!r}")
            continue
        split = row.split or _split_of(Path(row.image))
        faces.append(
            LabelledFace(where, photo, row.landmarks, split, False, row.group, row.visible, row.box)
        )
    return Labels(tuple(faces), tuple(faults), table.points)


def _split_of(photo: Path) -> str:
    """The split of a photo by its path from the folder."""
    top = photo.parts[0].lower() if len(photo.parts) > 1 else ""
    return top if top in SPLIT_FOLDERS else "train"


def _without_degenerate(labels: Labels, scheme: Scheme | None) -> Labels:
    """The labels without those that no crop or no error can be computed from."""
    faces, faults = [], list(labels.faults)
    for face in labels.faces:
        if np.ptp(face.landmarks, axis=0).max() == 0:
            faults.append(f"{face.where}: all points lie in one place")
        elif scheme and scheme.normaliser == FACE_SIZE and face.box is None:
            faults.append(f"{face.where}: no box, but {SCHEME} divides errors by the face size")
        elif scheme and scheme.normalising_distance(face.landmarks, face.box) == 0:
            faults.append(f"{face.where}: the two points of the normaliser lie in one place")
        else:
            faces.append(face)
    return Labels(tuple(faces), tuple(faults), labels.points)


def _groups(root: Path, faces: list[LabelledFace]) -> Iterator[str]:
    """The group of each face."""
    known = PhotoGroups(root).known
    sizes = defaultdict(set)
    for face in faces:
        sizes[face.photo.stat().st_size].add(face.photo)
    for face in faces:
        named = Path(os.path.relpath(face.photo, root)).with_suffix("").as_posix()
        if group := face.group or known.get(named):
            yield group
        elif len(sizes[face.photo.stat().st_size]) == 1:
            # No other file is as long, so none is the same. Called alike wherever the folder lies.
            yield f"{root.resolve().name}/{named}"
        else:
            yield hashlib.sha1(face.photo.read_bytes()).hexdigest()
