"""The drawn faces that the atlas is trained and measured on, drawn once and kept in a file."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

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
    if not file.exists():
        _draw(count, seed, file, workers, progress)
    pictures = np.load(file, mmap_mode="r")
    if pictures.shape != (count, PICTURE, PICTURE, 3):
        raise ValueError(
            f"{file} holds pictures of shape {pictures.shape}, expected "
            f"{(count, PICTURE, PICTURE, 3)}; remove it, and it is drawn again"
        )
    faces = synthetic_faces(count, seed=seed, size=PICTURE)
    return replace(
        faces,
        samples=tuple(
            replace(sample, source=KeptPicture(pictures, index, str(sample.source)))
            for index, sample in enumerate(faces.samples)
        ),
    )


def _draw(count: int, seed: int, file: Path, workers: int, progress: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npy")
    pictures = np.lib.format.open_memmap(
        part, mode="w+", dtype=np.uint8, shape=(count, PICTURE, PICTURE, 3)
    )
    done = 0
    with tqdm(total=count, unit="face", desc="drawing", disable=not progress) as bar:
        for batch in render_faces(count, seed=seed, size=PICTURE, workers=workers):
            pictures[done : done + len(batch.images)] = batch.images
            done += len(batch.images)
            bar.update(len(batch.images))
    pictures.flush()
    del pictures
    part.replace(file)
