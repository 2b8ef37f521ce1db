"""The drawn faces that the atlas is trained and measured on, drawn once and kept in a file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from onedheat.atlas.drawing import drawn_once
from onedheat.data.images import RGB
from onedheat.data.samples import FaceSet
from onedheat.data.synthetic import render_faces, synthetic_faces

PICTURE = 112  # px; a face's box is then 64 px wide or a little more, the size it is looked at


@dataclass(frozen=True, eq=False)
class KeptPicture:
    """One picture of many in an array."""

    pictures: UInt8[np.ndarray, "faces size size 3"]
    index: int
    name: str

    def read(self) -> RGB:
        """(size, size, 3) RGB."""
        return np.array(self.pictures[self.index])

    def __str__(self) -> str:
        return self.name


def kept_faces(
    count: int, seed: int, file: Path, *, workers: int = 0, progress: bool = False
) -> FaceSet:
    """Synthetic faces whose pictures lie in a file, drawn into it if it is not there yet.

    Args:
        count: how many faces.
        seed: of the endless set that they are taken from.
        file: a ``.npy`` file of (count, 112, 112, 3); it is read where it lies, not into memory.
        workers: processes that draw.
        progress: show a bar on standard error.
    """
    shape = (count, PICTURE, PICTURE, 3)
    drawn = _drawn(count, seed, workers)
    pictures = drawn_once(file, shape, drawn, unit="face", progress=progress)
    faces = synthetic_faces(count, seed=seed, size=PICTURE)
    return replace(
        faces,
        samples=tuple(
            replace(sample, source=KeptPicture(pictures, index, str(sample.source)))
            for index, sample in enumerate(faces.samples)
        ),
    )


def _drawn(count: int, seed: int, workers: int) -> Iterator[UInt8[np.ndarray, "faces size size 3"]]:
    for batch in render_faces(count, seed=seed, size=PICTURE, workers=workers):
        yield batch.images
