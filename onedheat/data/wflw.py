"""WFLW (Wu et al. 2018, "Look at boundary"): 98 points, and what is difficult about each face.

    ROOT/WFLW_images/0--Parade/*.jpg  1--Handshaking/*.jpg  …
    ROOT/WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{train,test}.txt
    ROOT/WFLW_annotations/list_98pt_test/list_98pt_test_{largepose,expression,illumination,makeup,
                                                         occlusion,blur}.txt

A line of the first two lists is one face in 207 words: x and y of the 98 points, the face box x0 y0
x1 y1, six flags that are 0 or 1, and the photo's path below `WFLW_images`. The lists of the six
subsets of the test faces repeat the points and the path only, 197 words.

Coordinates are taken as they are, the first pixel being 0. The data set does not say from where it
counts; the published readers (HRNet-Facial-Landmark-Detection, PIPNet) do the same.
"""

import codecs
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onedheat.data.folders import find_file, find_photo, folders_below, photo_folders
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.errors import DataError
from onedheat.geometry import Box, Landmarks
from onedheat.landmarks import WFLW98

NAME = "wflw"
COUNTS = {"train": 7500, "test": 2500}  # faces as distributed
SUBSETS = {  # of the test faces
    "largepose": 326,
    "expression": 314,
    "illumination": 698,
    "makeup": 206,
    "occlusion": 736,
    "blur": 773,
}
SPLITS = (*COUNTS, *SUBSETS)
FLAGS = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
IMAGES = "WFLW_images"
LAYOUT = f"{IMAGES} and WFLW_annotations"

_COORDINATES = 2 * len(WFLW98)
_BOX_END = _COORDINATES + 4
_WORDS = _BOX_END + len(FLAGS) + 1
_SUBSET_WORDS = _COORDINATES + 1
_SAME = 1e-3  # pixels between the same point in two lists


@dataclass(frozen=True, eq=False)
class ListedFace:
    """One line of a list.

    Attributes:
        place: file and line, as errors name it.
        landmarks: (98, 2) in pixels.
        photo: its path below the folder of photos.
        box: (4,) edges in pixels; the lists of the subsets have none.
        flags: those of `FLAGS` that are set.
    """

    place: str
    landmarks: Landmarks
    photo: str
    box: Box | None = None
    flags: frozenset[str] = frozenset()


def read_wflw(root: str | Path, split: str = "train") -> FaceSet:
    """The faces of a split of WFLW, in the order of its list.

    Args:
        root: the folder that holds `WFLW_images` and `WFLW_annotations`, or one above it.
        split: ``train``, ``test``, or a subset of the test faces: ``largepose``, ``expression``,
            ``illumination``, ``makeup``, ``occlusion``, ``blur``.

    Returns:
        Samples with the data set's own box and, as `tags`, the flags that are set. Faces of one photo
        are one group.

    Raises:
        DataError: an unknown split, no list, a line that cannot be read (with its number), a photo
            that is not there, or a face of a subset that is none of the test faces.
    """
    if split not in SPLITS:
        raise DataError(f"wflw has no split {split!r}; there are: {', '.join(SPLITS)}")
    folders = folders_below(root, LAYOUT)
    if split in COUNTS:
        faces = list(read_list(list_of(folders, split)))
    else:
        tested = list(read_list(list_of(folders, "test")))
        faces = match(read_list(list_of(folders, split)), tested)
    photos = photo_folders(folders, IMAGES)
    return FaceSet(NAME, split, WFLW98, tuple(_sample(face, split, photos) for face in faces))


def _sample(face: ListedFace, split: str, photos: list[Path]) -> Sample:
    photo = find_photo(photos, face.photo)
    if photo is None:
        raise DataError(
            f"{face.place}: there is no photo {face.photo} in {', '.join(map(str, photos))}; "
            f"unpack WFLW_images.tar.gz so that {IMAGES} lies beside WFLW_annotations"
        )
    return Sample(
        Photo(photo), face.landmarks, f"wflw:{face.photo}", split, box=face.box, tags=face.flags
    )


def list_name(split: str) -> str:
    """What the list of a split is called."""
    return f"list_98pt_rect_attr_{split}.txt" if split in COUNTS else f"list_98pt_test_{split}.txt"


def list_of(folders: list[Path], split: str) -> Path:
    """The list of a split. Raises `DataError` if none of the folders holds it."""
    name = list_name(split)
    path = find_file(folders, name)
    if path is None:
        raise DataError(
            f"there is no {name} in {folders[0]} or below it; unpack WFLW_annotations.tar.gz there"
        )
    return path


def lines(path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """File and number of each line, and its words; empty lines are left out."""
    text = path.read_bytes().removeprefix(codecs.BOM_UTF8)  # as Windows' editors begin a file
    for number, line in enumerate(text.splitlines(), 1):
        if words := line.split():
            yield f"{path}:{number}", words


def read_list(path: Path) -> Iterator[ListedFace]:
    """The faces of the training or test list, or of a subset's.

    Raises:
        DataError: the list is empty, or a line of it cannot be read; the message names the line.
    """
    empty = True
    for place, words in lines(path):
        empty = False
        yield parse(place, words, words_a_line(path))
    if empty:
        raise DataError(f"{path}:1: the list is empty; unpack or fetch it again")


def words_a_line(path: Path) -> int:
    """How many words each line of a list has."""
    return _SUBSET_WORDS if path.name in map(list_name, SUBSETS) else _WORDS


def parse(place: str, words: list[bytes], expected: int) -> ListedFace:
    """The face of a line.

    Args:
        place: file and line, with which errors begin.
        words: of the line.
        expected: how many words there must be: 207, or 197 without box and flags.

    Raises:
        DataError: another number of words, something that is no finite number, a flag that is neither
            0 nor 1, or a path that is no text.
    """
    if len(words) != expected:
        extra = "box, flags, path" if expected == _WORDS else "path"
        content = f"{_COORDINATES} coordinates, {extra}"
        raise DataError(f"{place}: {len(words)} words; expected {expected}: {content}")
    landmarks = np.array([_number(place, word) for word in words[:_COORDINATES]]).reshape(-1, 2)
    try:
        photo = words[-1].decode()
    except UnicodeDecodeError:
        raise DataError(f"{place}: the photo's path {_said(words[-1])} is no text") from None
    if expected == _SUBSET_WORDS:
        return ListedFace(place, landmarks, photo)
    box = np.array([_number(place, word) for word in words[_COORDINATES:_BOX_END]])
    marks = words[_BOX_END:-1]
    if not set(marks) <= {b"0", b"1"}:
        raise DataError(f"{place}: the six flags must be 0 or 1, got {_said(b' '.join(marks))}")
    flags = frozenset(flag for flag, mark in zip(FLAGS, marks, strict=True) if mark == b"1")
    return ListedFace(place, landmarks, photo, box, flags)


def _number(place: str, word: bytes) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or b"_" in word:  # Python would read 1_0 as 10
        raise DataError(f"{place}: expected a finite number, got {_said(word)}")
    return value


def _said(word: bytes) -> str:
    return repr(word[:60].decode(errors="replace"))


def match(subset: Iterable[ListedFace], tested: list[ListedFace]) -> list[ListedFace]:
    """The test faces that a subset lists; they have boxes and flags, which its list has not.

    Raises:
        DataError: a face of the subset is no test face, or stands in it twice.
    """
    by_photo: dict[str, list[ListedFace]] = {}
    for face in tested:
        by_photo.setdefault(face.photo, []).append(face)
    return [_take(face, by_photo) for face in subset]


def _take(face: ListedFace, by_photo: dict[str, list[ListedFace]]) -> ListedFace:
    left = by_photo.get(face.photo, [])
    for i, test in enumerate(left):
        if np.allclose(test.landmarks, face.landmarks, rtol=0, atol=_SAME):
            return left.pop(i)
    raise DataError(
        f"{face.place}: no face of {list_name('test')} has these points in {face.photo} (or this "
        "face is listed twice); the lists do not belong together, fetch both again"
    )
