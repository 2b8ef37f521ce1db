"""A folder of one's own annotated faces, with two points or more.

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

A face belongs to the split that the CSV's column `split` names; else to that of a folder on the way
from FOLDER to its photo that is called train, val, valid, validation or test, in small letters or not;
else to ``train``. A photo in folders of two splits is refused.

Faces that must stay on one side when training faces are divided: those of one group in the CSV's column
`group`, else in `photo_groups.csv` (columns image, photo_group; image without its ending), else those
whose photos are the same file, byte for byte.
"""

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from onedheat.data.folders import files_below
from onedheat.data.images import SUFFIXES
from onedheat.data.landmark_csv import CsvError, read_landmark_csv
from onedheat.data.pts import PtsError, no_places, read_pts, warn_if_zero_based
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.data.scheme_file import SCHEME, demand_folder, read_scheme
from onedheat.data.w300 import GROUPS, PhotoGroups
from onedheat.errors import DataError
from onedheat.geometry import Box, Landmarks
from onedheat.landmarks import FACE_SIZE, Scheme

SPLIT_FOLDERS = ("train", "val", "valid", "validation", "test")
_PHONES = (".heic", ".heif")  # what phones write, and nothing here reads
_TABLES = (".csv", ".json", ".mat", ".tsv", ".xlsx", ".xml")  # what labels of other programs lie in


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
    warn_if_zero_based((face.where, face.landmarks) for face in faces if face.counts_from_1)
    groups = _groups(Path(root), faces)
    samples = tuple(
        Sample(Photo(face.photo), face.landmarks, group, face.split, face.visible, face.box)
        for face, group in zip(faces, groups, strict=True)
    )
    return FaceSet(Path(root).resolve().name, split, scheme, samples)


def read_labels(
    root: str | Path, scheme: Scheme | None = None, *, called: str | None = None
) -> Labels:
    """Every label of a folder, whatever is wrong with some of them.

    Args:
        root: the folder.
        scheme: what the points must be; without one, as many as the first label has.
        called: what faults call the scheme; by default it is the folder's `scheme.json`.

    Raises:
        DataError: no such folder, one that cannot be read, no labels in it, or more than one kind or
            CSV file of them.
    """
    root = Path(root)
    demand_folder(root)
    files = files_below(root)
    called = called or str(root / SCHEME)
    annotations = [path for path in files if path.suffix.lower() == ".pts"]
    tables = [
        path
        for path in files
        if path.parent == root and path.suffix.lower() == ".csv" and path.name != GROUPS
    ]
    if len(tables) + bool(annotations) > 1:
        found = [str(path.relative_to(root)) for path in (*tables, *annotations[:1])]
        raise DataError(
            f"{root} holds several sets of labels ({', '.join(found)}); keep .pts files, or one CSV file, "
            "whose column 'split' may say which faces are for train and which for test"
        )
    if annotations:
        labels = _from_pts(root, files, annotations, scheme, called)
    elif tables:
        labels = _from_csv(root, files, tables[0], scheme, called)
    else:
        tables = [path for path in files if path.suffix.lower() in _TABLES and path.is_file()]
        unread = [path for path in tables if path.name not in (SCHEME, GROUPS)]
        but = f" but {unread[0].relative_to(root)}, which is not read" if unread else ""
        raise DataError(
            f"{root} holds no labels{but}; expected photos with a .pts file beside each, or one CSV file "
            "in the folder itself with the columns image,x0,y0,x1,y1,…"
        )
    return _without_degenerate(labels, scheme, called)


def photos_of(root: str | Path) -> list[Path]:
    """The image files in and below a folder, sorted, without the drawing of its scheme."""
    root = Path(root)
    drawing = (root / SCHEME).with_suffix(".png")
    return [
        path for path in files_below(root) if path.suffix.lower() in SUFFIXES and path != drawing
    ]


def _from_pts(
    root: Path, files: list[Path], annotations: list[Path], scheme: Scheme | None, called: str
) -> Labels:
    photos, others = defaultdict(list), {}
    for path in files:
        bare = _composed(path.with_suffix(""))
        if path.suffix.lower() in _PHONES:
            others[bare.lower()] = f"convert {path.name} to JPEG"
        elif path.suffix.lower() in SUFFIXES and os.path.isfile(path):  # and no link to nothing
            photos[bare].append(path)
            for alike in (bare, _composed(path)):
                others[alike.lower()] = f"rename it to {path.with_suffix('.pts').name}"
    faces, faults, count = [], [], len(scheme) if scheme else None
    expected = f"{called} has" if scheme else f"{annotations[0]} has"
    for annotation in annotations:
        bare = _composed(annotation.with_suffix(""))
        beside = photos[bare]
        try:
            landmarks = read_pts(annotation, None)
        except PtsError as error:
            faults.append(str(error))
            continue
        count = len(landmarks) if count is None else count
        if len(landmarks) != count:
            faults.append(f"{annotation}: holds {len(landmarks)} points, {expected} {count}")
        elif not beside:
            mend = others.get(bare.lower(), "fetch it or move the file away")
            faults.append(f"{annotation}: has no photo beside it; {mend}")
        elif len(beside) > 1:
            names = " and ".join(path.name for path in beside)
            faults.append(f"{annotation}: belongs to {names}; keep the photo that was annotated")
        else:
            try:
                split = _split_of(beside[0], root)
            except DataError as error:
                faults.append(f"{annotation}: {error}")
                continue
            faces.append(LabelledFace(str(annotation), beside[0], landmarks, split, True))
    return Labels(tuple(faces), tuple(faults))


def _from_csv(
    root: Path, files: list[Path], path: Path, scheme: Scheme | None, called: str
) -> Labels:
    try:
        table = read_landmark_csv(path)
    except CsvError as error:
        return Labels((), (str(error),))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if scheme and len(scheme) != table.count:
        fault = f"{path}:1: names {table.count} points, {called} has {len(scheme)}"
        return Labels((), (fault,), table.points)
    if scheme and table.points not in (None, scheme.points):
        at = [a != b for a, b in zip(table.points, scheme.points, strict=True)].index(True)
        fault = (
            f"{path}:1: point {at} is {table.points[at]!r}, in {called} it is "
            f"{scheme.points[at]!r}; give both the same names in the same order"
        )
        return Labels((), (fault,), table.points)
    if not (table.rows or table.faults):
        fault = f"{path}:1: names columns, and no face follows; write one face a line below them"
        return Labels((), (fault,), table.points)
    faces, faults = [], [str(fault) for fault in table.faults]
    photos = [file for file in files if file.suffix.lower() in SUFFIXES]
    same = {_composed(photo): photo for photo in photos}
    similar = {_spelt_alike(photo): photo for photo in photos}
    for row in table.rows:
        where, named = f"{path}:{row.line}", root / row.image
        slashed = root / row.image.replace("\\", "/")  # tables are written on Windows too
        spellings = (named, slashed, same.get(_composed(slashed), slashed))
        photo = next(filter(os.path.isfile, spellings), None)  # it says no to any text at all
        if photo is None:
            there = similar.get(_spelt_alike(slashed))
            hint = f"; there is {str(there)!r}, write its name so" if there else ""
            faults.append(f"{where}: there is no photo {str(named)!r}{hint}")
            continue
        try:
            split = _split_named(row.split) if row.split else _split_of(photo, root)
        except DataError as error:
            faults.append(f"{where}: {error}, or add a column 'split'")
            continue
        faces.append(
            LabelledFace(where, photo, row.landmarks, split, False, row.group, row.visible, row.box)
        )
    return Labels(tuple(faces), tuple(faults), table.points)


def _composed(path: Path) -> str:
    """What is the same of two paths whose accents are written as letters of their own, as Macs do, or
    together with theirs.
    """
    return unicodedata.normalize("NFC", os.path.abspath(path))


def _spelt_alike(photo: Path) -> str:
    """What is the same of two paths that differ in capital letters or in how they end."""
    return os.path.splitext(_composed(photo))[0].lower()


def _split_named(split: str) -> str:
    """The split that a table names; Train is train."""
    return split.lower() if split.lower() in SPLIT_FOLDERS else split


def _split_of(photo: Path, root: Path) -> str:
    """The split of a photo by the folders between the data folder and it.

    Raises:
        DataError: they name two.
    """
    try:
        way = os.path.relpath(photo, root)
        if way.startswith(os.pardir):  # one of the two paths may go through a link
            way = os.path.relpath(os.path.realpath(photo), os.path.realpath(root))
    except ValueError:  # on another drive of Windows
        way = str(photo)
    folders = (part.lower() for part in Path(way).parts[:-1])
    splits = list(dict.fromkeys(part for part in folders if part in SPLIT_FOLDERS))
    if len(splits) > 1:
        raise DataError(
            f"its photo {way} lies in folders called {' and '.join(splits)}; rename one of them"
        )
    return splits[0] if splits else "train"


def _without_degenerate(labels: Labels, scheme: Scheme | None, called: str) -> Labels:
    """The labels without those that no crop or no error can be computed from, or that are no places."""
    faces, faults = [], list(labels.faults)
    for face in labels.faces:
        if len(face.landmarks) == 1:
            faults.append(f"{face.where}: one point has no size to crop by; give at least two")
        elif np.ptp(face.landmarks, axis=0).max() == 0:
            faults.append(f"{face.where}: all points lie in one place")
        elif fault := no_places(face.landmarks, counts_from_1=face.counts_from_1):
            faults.append(f"{face.where}: {fault}")
        elif scheme and scheme.normaliser == FACE_SIZE and face.box is None:
            faults.append(f"{face.where}: no box, but {called} divides errors by the face size")
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
