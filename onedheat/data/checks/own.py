"""Checks a folder of one's own faces."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from onedheat.data.checks.repeats import Looked, look_at, repeats
from onedheat.data.checks.report import CheckReport, Fault, Subset, implausible, told_of
from onedheat.data.images import ImageError
from onedheat.data.own import LabelledFace, Labels, photos_of, read_labels
from onedheat.data.propose import mean_shape, mirror_misfit, propose_scheme, strangers
from onedheat.data.scheme_file import SCHEME, demand_folder, read_scheme
from onedheat.data.w300 import PhotoGroups
from onedheat.errors import DataError
from onedheat.landmarks import Scheme

_MISFIT = 0.1  # of the face's size that a scheme's mirror may be worse than the proposed one


def check_own(root: str | Path, *, progress: bool = False) -> CheckReport:
    """Reads every photo and every label of a folder and reports what is wrong.

    Args:
        root: as for `read_own`.
        progress: show a bar on standard error.

    Raises:
        DataError: `root` is no folder, or one below it cannot be read.
    """
    root = Path(root)
    demand_folder(root)
    faults: list[Fault] = []
    scheme = _attempt(lambda: read_scheme(root), root, faults)
    labels = _attempt(lambda: read_labels(root, scheme), root, faults) or Labels((), ())
    faults += [_fault(text, root) for text in labels.faults]
    _attempt(lambda: PhotoGroups(root), root, faults)
    by_photo = defaultdict(list)
    for face in labels.faces:
        by_photo[face.photo].append(face)
    with ThreadPoolExecutor() as pool:
        checked = pool.map(_check_photo, by_photo, by_photo.values())
        bar = tqdm(checked, total=len(by_photo), unit="photo", disable=not progress)
        found = list(bar)
    for _, of_photo in found:
        faults += of_photo
    faults += repeats([face for looked, _ in found for face in looked])
    faults += _photos_without_labels(root, by_photo)
    if labels.faces:
        landmarks = np.stack([face.landmarks for face in labels.faces])
        faults += [
            Fault("warning", labels.faces[i].where, what)
            for i, what in strangers(landmarks).items()
        ]
        if scheme:
            faults += _mirror_doubts(root, landmarks, scheme)
    counts = Counter(face.split for face in labels.faces)
    subsets = tuple(Subset(split, count) for split, count in counts.items())
    return CheckReport(root.resolve().name, str(root), subsets, tuple(faults))


def _attempt(read, root: Path, faults: list[Fault]):
    """What `read` gives; None, and a fault more, if it cannot."""
    try:
        return read()
    except DataError as error:
        faults.append(_fault(str(error), root))
        return None


def _fault(text: str, root: Path) -> Fault:
    """A sentence that begins with its file (and line) as a fault of that file, any other as one of the
    folder.
    """
    path, colon, what = text.partition(": ")
    if not colon:
        path, what = str(root), text.removeprefix(f"{root} ")
    return Fault("error", path, what)


def _check_photo(photo: Path, faces: list[LabelledFace]) -> tuple[list[Looked], list[Fault]]:
    """What was looked at, and what is wrong with a photo or with the labels of its faces."""
    try:
        look = look_at(photo)
    except ImageError as error:
        return [], [told_of(photo, error)]
    faults = []
    for face in faces:
        faults += implausible(
            face.where,
            face.landmarks,
            look.width,
            look.height,
            counts_from_1=face.counts_from_1,
        )
    return [Looked(face.where, face.split, look, face.landmarks) for face in faces], faults


def _photos_without_labels(root: Path, labelled: Iterable[Path]) -> Iterable[Fault]:
    known = {photo.resolve() for photo in labelled}
    alone = [
        photo
        for photo in photos_of(root)
        if photo.resolve() not in known and not photo.with_suffix(".pts").exists()
    ]
    if alone:
        yield Fault(
            "warning",
            str(alone[0]),
            f"has no label that can be used and is not read, the first of {len(alone)} such photos",
        )


def _mirror_doubts(
    root: Path, landmarks: Float[np.ndarray, "faces landmarks 2"], scheme: Scheme
) -> Iterable[Fault]:
    """Mirror pairs under which faces do not look like their mirror images."""
    proposed, _ = propose_scheme(landmarks, scheme.name)
    shape = mean_shape(landmarks)
    own, best = mirror_misfit(shape, scheme.mirror), mirror_misfit(shape, proposed.mirror)
    if own > best + _MISFIT:
        differing = [i for i in range(len(scheme)) if scheme.mirror[i] != proposed.mirror[i]]
        yield Fault(
            "warning",
            str(root / SCHEME),
            f"key 'mirror_pairs' does not fit the faces: their mean is {own:.0%} of its size away from "
            f"its mirror image, and {best:.0%} with other pairs of the points {differing}",
        )
