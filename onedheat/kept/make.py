"""Measures on real faces and keeps the errors: `python -m onedheat.kept --root DIR`.

DIR is a folder of 300W with ``lfpw/testset``. Without more options everything that the course shows is
measured, into the package. What is kept already of the same weights and the same faces is not measured
again, so the command may be killed and started anew, and after new weights have been trained it does
what is needed. `--anew` measures all of it. The model of the face detector YuNet is fetched once, or
taken from where the variable ONEDHEAT_YUNET says. To keep errors of your own weights, name them:

    python -m onedheat.kept --root DIR --out FOLDER --weights runs/mine/last --decoder dark --box tight
"""

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from onedheat.checkpoints import CONFIG, WEIGHTS, find
from onedheat.data.samples import FaceSet
from onedheat.data.w300 import read_300w
from onedheat.evaluation import find_landmarks
from onedheat.geometry import Crop, tight_box
from onedheat.kept import FACTS, HOME, KeptError
from onedheat.kept.files import (
    SUFFIX,
    FaceFacts,
    Measurement,
    name_of,
    read_facts,
    read_measurement,
    write_facts,
    write_measurement,
)
from onedheat.landmarks import scheme
from onedheat.metrics import errors_along, point_errors
from onedheat.pipeline import load
from onedheat.reports import normaliser_name, normalising_distances

SPLIT = "lfpw/testset"
EYES = (
    tuple(range(36, 42)),
    tuple(range(42, 48)),
)  # of the 68 points of 300W; a pupil is their mean


class BoxSource(NamedTuple):
    """Where the boxes come from that a network is shown.

    Attributes:
        rule: of `onedheat.evaluation`.
        finder: of faces, where the rule is ``"detector"``.
        redrawn: whether it looks a second time, at the box around what it found.
    """

    rule: str
    finder: str = "cascade"
    redrawn: bool = False


BOXES = {
    "tight": BoxSource("tight"),
    "jittered": BoxSource("jittered"),
    "redrawn": BoxSource("jittered", redrawn=True),
    "paper": BoxSource("paper"),
    "yunet": BoxSource("detector", "yunet"),
    "cascade": BoxSource("detector", "cascade"),
}
"""By the names they have in kept results. Only the last two look for the face."""


@dataclass(frozen=True)
class Entry:
    """One thing to measure.

    Attributes:
        weights: a shipped name or a folder.
        decoder: how coordinates are read off.
        flip: also look at each face in the mirror.
        box: one of `BOXES`.
    """

    weights: str
    decoder: str = "dark"
    flip: bool = False
    box: str = "tight"

    @property
    def called(self) -> str:
        """What its weights are called: ``"mine"`` for ``runs/mine/last``."""
        folder = Path(self.weights)
        return (folder.parent if folder.name == "last" else folder).name

    @property
    def name(self) -> str:
        """Of its file."""
        return name_of(self.called, self.decoder, self.flip, self.box)


PLAN = (
    Entry("tiny68"),
    Entry("tiny68", "centroid"),
    Entry("tiny68", "argmax"),
    Entry("tiny68", flip=True),
    Entry("tiny68", box="jittered"),
    Entry("tiny68", box="redrawn"),
    Entry("tiny68", box="paper"),
    Entry("tiny68", box="yunet"),
    Entry("tiny68", box="cascade"),
    Entry("synthetic68"),
)
"""What the course shows."""


def measure(entry: Entry, faces: FaceSet, *, progress: bool = False) -> Measurement:
    """Measures one entry.

    Raises:
        KeptError: weights of another markup than the faces'.
    """
    box = BOXES[entry.box]
    landmarker = load(
        entry.weights, decoder=entry.decoder, flip=entry.flip, finder=box.finder, engine="torch"
    )
    if scheme(landmarker.detector.config.scheme) != faces.scheme:
        raise KeptError(
            f"{entry.weights} finds the landmarks of {landmarker.scheme.name}, and the faces are "
            f"annotated with {faces.scheme.name}; errors are kept of weights of one markup with them"
        )
    predicted, _ = find_landmarks(
        landmarker, faces, box=box.rule, redrawn=box.redrawn, progress=progress
    )
    truth, distance = faces.landmarks(), normalising_distances(faces)
    errors = point_errors(predicted, truth, distance)
    along = errors_along(predicted, truth, distance, faces.scheme.lines)
    missed = np.isnan(errors)
    return Measurement(
        dataset=faces.name,
        split=faces.split,
        faces_digest=digest_of_faces(faces),
        scheme=faces.scheme.name,
        normaliser=normaliser_name(faces.scheme),
        weights=entry.called,
        weights_digest=digest_of_weights(entry.weights),
        decoder=entry.decoder,
        flip=entry.flip,
        box=entry.box,
        errors=np.where(missed, np.inf, errors),
        along=np.where(missed, np.inf, along),
    )


def look_at_labels(faces: FaceSet) -> FaceFacts:
    """What the lessons say of the faces as a whole."""
    truth, distance = faces.landmarks(), normalising_distances(faces)
    right, left = (truth[:, list(eye)].mean(axis=1) for eye in EYES)
    boxes = np.stack([tight_box(points, 1.25) for points in truth])
    sides = boxes[:, 2] - boxes[:, 0]
    in_boxes = np.stack(
        [Crop.from_box(box, 100).to_crop(points) for box, points in zip(boxes, truth, strict=True)]
    )
    first, second = faces.scheme.normaliser
    middle = (truth[:, first] + truth[:, second]) / 2
    from_eyes = 100 * (truth - middle[:, None]) / distance[:, None, None]
    return FaceFacts(
        dataset=faces.name,
        split=faces.split,
        faces_digest=digest_of_faces(faces),
        scheme=faces.scheme.name,
        factors={
            "inter-pupil": distance / np.linalg.norm(right - left, axis=1),
            "box side": distance / sides,
        },
        variance={"box": in_boxes.var(axis=0), "eyes": from_eyes.var(axis=0)},
    )


def digest_of_faces(faces: FaceSet) -> str:
    """Of the labels of all faces in their order; nothing can be had back from it."""
    return hashlib.sha256(faces.landmarks().astype("<f8").tobytes()).hexdigest()[:16]


def digest_of_weights(name: str) -> str:
    """Of the files of a checkpoint that its landmarks depend on."""
    folder, digest = find(name), hashlib.sha256()
    for file in (CONFIG, WEIGHTS):
        digest.update((folder / file).read_bytes())
    return digest.hexdigest()[:16]


def is_kept(entry: Entry, faces_digest: str, home: Path) -> bool:
    """Whether a usable file has the errors of these weights on these faces."""
    path = home / f"{entry.name}{SUFFIX}"
    if not path.exists():
        return False
    try:
        found = read_measurement(path)
    except KeptError:
        return False
    now = (faces_digest, digest_of_weights(entry.weights))
    return (found.faces_digest, found.weights_digest) == now


def make(
    faces: FaceSet,
    home: Path,
    entries: Sequence[Entry] = PLAN,
    *,
    anew: bool = False,
    progress: bool = False,
) -> list[str]:
    """Measures what is not kept yet.

    Args:
        faces: to measure on.
        home: the folder of the files; it is made where it is not there.
        entries: what is to be kept.
        anew: measure also what is kept already.
        progress: show bars on standard error.

    Returns:
        Names of what was measured now.
    """
    home.mkdir(parents=True, exist_ok=True)
    digest, done = digest_of_faces(faces), []
    if anew or not _facts_are_kept(digest, home / FACTS):
        write_facts(look_at_labels(faces), home / FACTS)
    todo = [entry for entry in entries if anew or not is_kept(entry, digest, home)]
    for entry in tqdm(todo, unit="measurement", disable=not progress):
        write_measurement(measure(entry, faces, progress=progress), home / f"{entry.name}{SUFFIX}")
        done.append(entry.name)
    return done


def _facts_are_kept(digest: str, path: Path) -> bool:
    try:
        return read_facts(path).faces_digest == digest
    except KeptError:
        return False


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m onedheat.kept",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of 300W")
    parser.add_argument("--out", type=Path, default=HOME, help="where files go; the package")
    parser.add_argument("--anew", action="store_true", help="measure what is kept already, too")
    parser.add_argument("--weights", help="keep these only; a name or a folder")
    parser.add_argument("--decoder", default="dark", help="with --weights (dark)")
    parser.add_argument(
        "--flip", action="store_true", help="with --weights: average with the mirror"
    )
    parser.add_argument("--box", choices=BOXES, default="tight", help="with --weights (tight)")
    given = parser.parse_args(arguments)
    entries = PLAN
    if given.weights:
        entries = (Entry(given.weights, given.decoder, given.flip, given.box),)
    faces = read_300w(given.root, SPLIT)
    done = make(faces, given.out, entries, anew=given.anew, progress=True)
    kept = ", ".join(entry.name for entry in entries if entry.name not in done)
    parser.exit(
        0, f"measured: {', '.join(done) or 'nothing'}; kept as it was: {kept or 'nothing'}\n"
    )
