"""The drawn clips that the atlas' trackers are trained and measured on, drawn once and kept in files."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8

from onedheat.atlas.drawing import drawn_once
from onedheat.atlas.faces import PICTURE
from onedheat.data.clips import Clip, ClipSet
from onedheat.data.images import RGB
from onedheat.data.occluders.passing import PassingConfig
from onedheat.data.occluders.shapes import Family
from onedheat.data.synthetic.clips import NAME, SyntheticFrames
from onedheat.files import write_atomically
from onedheat.landmarks import IBUG68

FPS = 15.0
"""Frames a second. Half of what a camera gives: 16 frames then last as long as a thing takes to pass, and
half as many need to be drawn and looked at for it."""

PASSING = PassingConfig(every=0.9, share=1.0, lasting=(0.3, 0.8), radius=(0.2, 0.45), aside=0.1)
"""What passes in front: more often than in the package's clips, as a tracker learns from little else; and
sooner gone, as none of them could remember for seconds."""


@dataclass(frozen=True, eq=False)
class KeptFrames:
    """The frames of one clip of many in an array.

    Attributes:
        pictures: (T, H, W, 3).
        name: what the frames say of themselves.
    """

    pictures: UInt8[np.ndarray, "frames size size 3"]
    name: str

    def __len__(self) -> int:
        return len(self.pictures)

    def __iter__(self) -> Iterator[RGB]:
        return (self[frame] for frame in range(len(self)))

    def __getitem__(self, frame: int) -> RGB:
        """Frame number `frame`, (H, W, 3). Raises `IndexError` if there is none."""
        if not 0 <= frame < len(self):
            raise IndexError(f"{self} has the frames 0 to {len(self) - 1}, not {frame}")
        return np.array(self.pictures[frame])

    def __str__(self) -> str:
        return self.name


def drawn_clip(index: int, frames: int, seed: int, occluders: Family) -> Clip:
    """One clip of the endless set of a seed, with things that pass in front of the face.

    `visible` says of a landmark that nothing passes before it: what the head hides of itself by being
    turned is no matter of time.

    Args:
        index: its number.
        frames: T.
        seed: of the set.
        occluders: family of what passes.
    """
    drawn = SyntheticFrames(seed, index, frames, PICTURE, FPS, occluders, PASSING)
    landmarks = np.stack([drawn.posed(t).landmarks() for t in range(frames)])
    uncovered = np.stack([drawn.uncovered(t, points) for t, points in enumerate(landmarks)])
    return Clip(drawn, landmarks, f"{NAME} clip {seed}/{index}", occluders, uncovered)


def kept_clips(
    count: int,
    frames: int,
    seed: int,
    file: Path,
    *,
    occluders: Family = "train",
    workers: int = 0,
    progress: bool = False,
) -> ClipSet:
    """Synthetic clips whose pictures lie in a file, drawn into it if it is not there yet.

    Args:
        count: how many clips, each of another person.
        frames: T of each.
        seed: of the endless set that they are taken from.
        file: a ``.npy`` file of (count, T, 112, 112, 3); it is read where it lies, not into memory.
            Beside it lies an ``.npz`` file with the landmarks.
        occluders: family of what passes in front of the faces, see `onedheat.data.occluders`.
        workers: processes that draw.
        progress: show a bar on standard error.

    Raises:
        ValueError: the file holds other pictures.
    """
    shape = (count, frames, PICTURE, PICTURE, 3)
    drawn = _drawn(count, frames, seed, occluders, workers)
    pictures = drawn_once(file, shape, drawn, unit="clip", progress=progress)
    landmarks, uncovered = _annotation(file.with_suffix(".npz"), count, frames, seed, occluders)
    clips = tuple(
        Clip(
            KeptFrames(pictures[index], f"{NAME} clip {index} of seed {seed}"),
            landmarks[index],
            f"{NAME} clip {seed}/{index}",
            occluders,
            uncovered[index],
        )
        for index in range(count)
    )
    return ClipSet(NAME, occluders, IBUG68, clips)


def _drawn(
    count: int, frames: int, seed: int, occluders: Family, workers: int
) -> Iterator[UInt8[np.ndarray, "1 frames size size 3"]]:
    asked = [(index, frames, seed, occluders) for index in range(count)]
    if not workers:
        yield from map(_pictures_of, asked)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_pictures_of, asked, chunksize=4)


def _pictures_of(asked: tuple[int, int, int, Family]) -> UInt8[np.ndarray, "1 frames size size 3"]:
    return np.stack(list(drawn_clip(*asked).frames))[None]


def _annotation(
    file: Path, count: int, frames: int, seed: int, occluders: Family
) -> tuple[Float[np.ndarray, "clips frames 68 2"], Bool[np.ndarray, "clips frames 68"]]:
    """Landmarks, and whether nothing passes before them, read from a file or made and written there."""
    if not file.exists():
        clips = [drawn_clip(index, frames, seed, occluders) for index in range(count)]
        content = BytesIO()
        np.savez(
            content,
            landmarks=np.stack([clip.landmarks for clip in clips]),
            uncovered=np.stack([clip.visible for clip in clips]),
        )
        write_atomically(file, content.getvalue())
    with np.load(file) as there:
        return there["landmarks"], there["uncovered"]
