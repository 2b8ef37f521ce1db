"""Synthetic faces and clips as data sets, like those that are read from folders."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8

from onedheat.data.clips import ClipSet
from onedheat.data.images import RGB
from onedheat.data.samples import FaceSet, Sample
from onedheat.data.synthetic.clips import synthetic_clips
from onedheat.data.synthetic.faces import FACES_EACH, check_markup, pose_face, render_face
from onedheat.errors import DataError
from onedheat.landmarks import IBUG68, scheme

NAME = "synthetic"
SIZE = 192
CLIPS = 20  # of a split, where no number is asked for
SPLITS = {"train": (0, 10_000), "test": (1, 500)}  # seed and number of faces


@dataclass(frozen=True)
class SyntheticFace:
    """The picture of a synthetic face, drawn when it is asked for."""

    seed: int
    index: int
    size: int

    def read(self) -> RGB:
        """(size, size, 3) RGB."""
        return render_face(self.seed, self.index, self.size).image

    def __str__(self) -> str:
        return f"synthetic face {self.index} of seed {self.seed}"


def synthetic_faces(
    count: int,
    *,
    seed: int = 0,
    size: int = SIZE,
    markup: str = IBUG68.name,
    visibility: bool = False,
    split: str = "train",
) -> FaceSet:
    """Synthetic faces as a data set; each picture is drawn when it is asked for.

    Args:
        count: how many faces.
        seed: another seed, other faces.
        size: side of the pictures in pixels; a face's landmarks take 48 to 66 % of it.
        markup: ``"ibug68"`` or ``"aflw19"``.
        visibility: say of each landmark whether it can be seen. Unlike the landmarks it is not known
            before a face is drawn, so this draws each once, at about 50 a second.
        split: what the set calls itself.

    Raises:
        DataError: no face asked for, or a markup that the head does not have.
    """
    _check_request(count, size)
    check_markup(markup)
    samples = []
    for index in range(count):
        landmarks = pose_face(seed, index, size).landmarks(markup)
        group = f"synthetic {seed}/{index // FACES_EACH}"
        visible = render_face(seed, index, size, markup).visible if visibility else None
        source = SyntheticFace(seed, index, size)
        samples.append(Sample(source, landmarks, group, split, visible))
    return FaceSet(NAME, split, scheme(markup), tuple(samples))


def read_synthetic(root: None, split: str = "train") -> FaceSet:
    """The faces of a split, as the command line names it.

    Args:
        root: None; nothing is read.
        split: ``"train"`` (10,000 faces) or ``"test"`` (500 others); ``"train:2000"`` for another
            number of them.

    Raises:
        DataError: no such split.
    """
    name, number = _parted(split)
    seed, count = SPLITS[name]
    return synthetic_faces(count if number is None else number, seed=seed, split=split)


def make_clips(split: str, frames: int) -> ClipSet:
    """The clips of a split, as the command line names it.

    Args:
        split: ``"train"`` or ``"test"``, 20 clips each, with the occluders of that name; ``"test:5"``
            for another number of them.
        frames: of each clip.

    Raises:
        DataError: no such split.
    """
    name, number = _parted(split)
    seed, _ = SPLITS[name]
    return synthetic_clips(
        CLIPS if number is None else number, frames, seed=seed, occluders=name, split=split
    )


def _parted(split: str) -> tuple[str, int | None]:
    """A split's name, and the number behind its colon, if there is one."""
    name, colon, number = split.partition(":")
    if name not in SPLITS or (colon and not number.isdecimal()):
        raise DataError(
            f"synthetic has no split {split!r}; there are: {', '.join(SPLITS)}, each with a number of "
            "faces or clips behind a colon if you like, as in train:2000"
        )
    return name, int(number) if number else None


class Batch(NamedTuple):
    """B synthetic faces: (B, F, F, 3) pictures, (B, N, 2) landmarks in pixels, (B, N) seen or hidden."""

    images: UInt8[np.ndarray, "batch size size 3"]
    landmarks: Float[np.ndarray, "batch landmarks 2"]
    visible: Bool[np.ndarray, "batch landmarks"]


def render_faces(
    count: int,
    *,
    seed: int = 0,
    start: int = 0,
    size: int = 128,
    batch: int = 64,
    workers: int = 0,
) -> Iterator[Batch]:
    """Draws synthetic faces, batch by batch.

    Args:
        count: how many faces; the last batch may be smaller.
        seed: of the endless set they are taken from.
        start: number of the first face in it.
        size: side of the pictures in pixels.
        batch: faces in a batch.
        workers: processes that draw; 0 draws here.

    Raises:
        DataError: no face asked for.
    """
    _check_request(count, size)
    from torch.utils.data import DataLoader

    draw = partial(_drawn, seed, size)
    return iter(
        DataLoader(range(start, start + count), batch, num_workers=workers, collate_fn=draw)
    )


def _drawn(seed: int, size: int, indices: list[int]) -> Batch:
    faces = [render_face(seed, index, size) for index in indices]
    return Batch(*map(np.stack, zip(*faces, strict=True)))


def _check_request(count: int, size: int) -> None:
    if count < 1 or size < 16:
        raise DataError(
            f"asked for {count} faces of {size} px; at least 1 face of 16 px can be drawn"
        )
