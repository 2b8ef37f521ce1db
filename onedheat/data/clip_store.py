"""Clips whose frames are costly to make, made once and kept in files.

    clips = stored(clips_from_stills(faces, 32), "clips", workers=2)

One file a clip, named by what it shows, so that a store can be added to, shared by several sets and
made by a command that is stopped and started again. Of several commands at once one makes what all lack.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8
from tqdm import tqdm

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.images import RGB


@dataclass(frozen=True, eq=False)
class StoredFrames:
    """The frames of a clip in a ``.npy`` file of (T, H, W, 3), read where it lies.

    Attributes:
        file: that file.
        count: T.
        name: what the frames say of themselves.
    """

    file: Path
    count: int
    name: str

    @cached_property
    def _pictures(self) -> UInt8[np.ndarray, "frames height width 3"]:
        return np.load(self.file, mmap_mode="r")

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[RGB]:
        return (self[frame] for frame in range(self.count))

    def __getitem__(self, frame: int) -> RGB:
        """Frame number `frame`, (H, W, 3). Raises `IndexError` if there is none."""
        if not 0 <= frame < self.count:
            raise IndexError(f"{self} has the frames 0 to {self.count - 1}; got {frame}")
        return np.array(self._pictures[frame])

    def __getstate__(self) -> dict:
        """Without the open file, which a worker process opens for itself."""
        return {name: getattr(self, name) for name in ("file", "count", "name")}

    def __str__(self) -> str:
        return self.name


def stored(
    clips: ClipSet, folder: str | Path, *, workers: int = 0, progress: bool = False
) -> ClipSet:
    """The same clips with their frames in files, made if they are not there yet.

    Args:
        clips: all frames of one clip have one size.
        folder: of the files; T·H·W·3 bytes a clip.
        workers: processes that make frames; 0 does it here.
        progress: show a bar on standard error.

    Raises:
        ImageError, VideoError: a frame cannot be made.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{_digest(clip)}.npy" for clip in clips.clips]
    if not all(file.exists() for file in files):
        with FileLock(folder / ".lock"):
            pairs = zip(clips.clips, files, strict=True)
            missing = [pair for pair in pairs if not pair[1].exists()]
            with tqdm(total=len(missing), unit="clip", disable=not progress or not missing) as bar:
                for _ in _made(missing, workers):
                    bar.update()
    return replace(
        clips,
        clips=tuple(
            replace(clip, frames=StoredFrames(file, len(clip), str(clip.frames)))
            for clip, file in zip(clips.clips, files, strict=True)
        ),
    )


def _digest(clip: Clip) -> str:
    """A name for what is seen: the source, what moves and covers it, and how the first frame looks, as
    light and camera may differ where nothing else does.
    """
    found = hashlib.sha256(str(clip.frames).encode())
    found.update(np.ascontiguousarray(clip.landmarks).tobytes())
    if clip.visible is not None:
        found.update(np.ascontiguousarray(clip.visible).tobytes())
    found.update(np.ascontiguousarray(clip.frames[0]).tobytes())
    return found.hexdigest()[:24]


def _made(missing: list[tuple[Clip, Path]], workers: int) -> Iterator[None]:
    if not workers:
        yield from map(_make, missing)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make, missing, chunksize=4)


def _make(pair: tuple[Clip, Path]) -> None:
    clip, file = pair
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        np.save(out, np.stack(list(clip.frames)))
    part.replace(file)
