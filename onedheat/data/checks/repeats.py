"""Photos that a set holds twice: copied, saved anew, or mirrored.

A face that stands in training and test data makes a test say too much, mirrored or not.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from onedheat.data.checks.report import Fault
from onedheat.data.images import RGB, read_image
from onedheat.geometry import Landmarks

_SMALL, _LARGE = 16, 128  # pixels a side, to find pictures that are alike and to verify it
_SAME = 4.0  # grey levels (root of the mean square) that storing a picture again as JPEG may cost
_BLOCK = 256  # pictures compared at once


@dataclass(frozen=True, eq=False)
class Look:
    """What a photo looks like.

    Attributes:
        photo: its path.
        digest: of its bytes.
        width: in pixels.
        height: in pixels.
        small: the picture shrunk to 16 × 16 grey values, 0 to 255.
    """

    photo: Path
    digest: str
    width: int
    height: int
    small: Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, eq=False)
class Looked:
    """A face whose photo was looked at.

    Attributes:
        where: its label, as faults name it.
        place: the subset or split it belongs to.
        look: at its photo.
        landmarks: (N, 2), where they could be read.
    """

    where: str
    place: str
    look: Look
    landmarks: Landmarks | None


def look_at(photo: Path) -> Look:
    """Decodes a photo. Raises `ImageError` if it cannot be read."""
    image = read_image(photo)
    digest = hashlib.sha1(photo.read_bytes()).hexdigest()
    return Look(photo, digest, image.shape[1], image.shape[0], _grey(image, _SMALL))


def _grey(image: RGB, side: int) -> Float[np.ndarray, "rows columns"]:
    """A picture as `side` × `side` mean grey values."""
    import cv2

    # Shrunk before it is made grey: the grey picture of a large photo would be as large.
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def repeats(faces: Sequence[Looked]) -> list[Fault]:
    """The faces whose photo, or its mirror image, is also that of another face.

    Several faces of one photo are no fault, as long as they are different faces of one subset; nor are
    photos of one subset that look the same, as those of a series do.
    """
    return [*_copies(faces), *_stored_again(faces)]


def _copies(faces: Sequence[Looked]) -> Iterator[Fault]:
    known: dict[str, list[Looked]] = {}
    for face in faces:
        before = known.setdefault(face.look.digest, [])
        elsewhere = next((other for other in before if other.place != face.place), None)
        same = next((other for other in before if _same_landmarks(face, other)), None)
        if elsewhere:
            what = f"its photo is also that of {elsewhere.where}: one of them is a copy"
            yield Fault("warning", face.where, what)
        elif same:
            yield Fault("warning", face.where, f"the same face of the same photo as {same.where}")
        before.append(face)


def _same_landmarks(face: Looked, other: Looked) -> bool:
    if face.landmarks is None or other.landmarks is None:
        return False
    if face.landmarks.shape != other.landmarks.shape:
        return False
    apart = np.linalg.norm(face.landmarks - other.landmarks, axis=1).mean()
    return bool(apart < 0.02 * np.ptp(face.landmarks, axis=0).max())


def _stored_again(faces: Sequence[Looked]) -> Iterator[Fault]:
    """Photos made of one another: mirrored, or, where they stand in another subset, saved anew."""
    # One face a photo is enough.
    first = list({face.look.digest: face for face in reversed(faces)}.values())[::-1]
    for i, j, mirrored in _similar(first):
        if _is_stored_again(first[i].look, first[j].look, mirrored):
            alike = "is the mirror image of" if mirrored else "looks like"
            what = f"its photo {alike} that of {first[i].where}: one was made of the other"
            yield Fault("warning", first[j].where, what)


def _similar(faces: Sequence[Looked]) -> Iterator[tuple[int, int, bool]]:
    """Pairs i < j that may be copies, mirrored or not, by their small pictures."""
    if not faces:
        return
    looks = [face.look for face in faces]
    plain = np.stack([look.small.ravel() for look in looks])
    flipped = np.stack([look.small[:, ::-1].ravel() for look in looks])
    size = np.array([(look.width, look.height) for look in looks])
    place = np.unique([face.place for face in faces], return_inverse=True)[1]
    # Pictures of nothing all look the same.
    bare = plain.std(axis=1) < 2 * _SAME
    length = (plain**2).sum(axis=1)
    for start in range(0, len(plain), _BLOCK):
        part = slice(start, start + _BLOCK)

        def alike(pictures, part=part):
            apart = length[part, None] + length - 2 * pictures[part] @ plain.T
            return apart / plain.shape[1] < _SAME**2

        if place.any():
            elsewhere = (place[part, None] != place) & ~bare
            for i, j in zip(*np.nonzero(alike(plain) & elsewhere), strict=True):
                if i + start < j:
                    yield int(i) + start, int(j), False
        for i, j in zip(*np.nonzero(alike(flipped)), strict=True):
            i = i + start
            if i < j and (size[i] == size[j]).all():
                # What looks the same either way round, such as an empty frame, is no mirror image.
                unlike = ((plain[i] - plain[j]) ** 2).mean()
                if unlike > 4 * max(((flipped[i] - plain[j]) ** 2).mean(), 1.0):
                    yield int(i), int(j), True


def _is_stored_again(one: Look, other: Look, mirrored: bool) -> bool:
    first, second = (_grey(read_image(look.photo), _LARGE) for look in (one, other))
    return bool(((first[:, :: -1 if mirrored else 1] - second) ** 2).mean() < _SAME**2)
