"""Clips whose frames are costly to make, made once and kept in files.

    clips = stored(clips_from_stills(faces, 32), "clips", workers=2)

One file a clip, named by what it shows, so that a store can be added to, shared by several sets and
made by a command that is stopped and started again. Of several commands at once one makes what all lack.
A file that is not as long as it should be, after a broken disk or copy, is made anew.
"""

import hashlib
import logging
import math
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from tokenize import TokenError

import numpy as np
from filelock import FileLock
from jaxtyping import UInt8
from tqdm import tqdm

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.images import RGB, ImageError
from onedheat.errors import DataError
from onedheat.files import file_written_atomically
from onedheat.processes import end_with_parent

_DAMAGE = (ValueError, SyntaxError, TokenError)  # what NumPy raises on damaged headers

_log = logging.getLogger(__name__)


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
        try:
            return np.lib.format.open_memmap(self.file, mode="r")
        except (OSError, *_DAMAGE) as error:
            raise ImageError(
                f"{self.file} is gone or damaged; start the same command again, which makes it anew"
            ) from error

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[RGB]:
        return (self[frame] for frame in range(self.count))

    def __getitem__(self, frame: int) -> RGB:
        """Frame number `frame`, (H, W, 3).

        Raises:
            IndexError: there is none.
            ImageError: the file has gone or been damaged since it was made.
        """
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

    Whatever ends it, files that are made are kept. One that is damaged is made anew, and a warning
    names it.

    Args:
        clips: all frames of one clip have one size.
        folder: of the files; T·H·W·3 bytes a clip.
        workers: processes that make frames; 0 does it here.
        progress: show a bar on standard error.

    Raises:
        ImageError, VideoError: a frame cannot be made.
        DataError: a file cannot be written.
    """
    folder = Path(folder)
    with _refused_in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{_digest(clip)}.npy" for clip in clips.clips]
    if not all(map(_is_whole, files, clips.clips)):
        with _refused_in_words(folder):
            held = FileLock(folder / ".lock").acquire()
        with held:
            _remove_parts(folder)
            pairs = zip(clips.clips, files, strict=True)
            missing = [(clip, file) for clip, file in pairs if not _is_whole(file, clip)]
            if damaged := [file for _, file in missing if file.exists()]:
                what = "%s is damaged and is made anew, the first of %d such files"
                _log.warning(what, damaged[0], len(damaged))
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


def _is_whole(file: Path, clip: Clip) -> bool:
    """Whether a clip's file is there, with a header that fits the clip, and as long as that says."""
    try:
        with file.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
            length = stream.tell() + math.prod(shape)
        fits = (version, by_column, dtype) == ((1, 0), False, np.uint8)
        fits = fits and (shape[:1], shape[3:]) == ((len(clip),), (3,))
        return fits and file.stat().st_size == length
    except (OSError, *_DAMAGE):
        return False


def _remove_parts(folder: Path) -> None:
    """Removes what a kill has left of files that were being written; nobody else writes any now."""
    with _refused_in_words(folder):
        for part in folder.glob(".*.npy.*.part"):
            part.unlink(missing_ok=True)


def _made(missing: list[tuple[Clip, Path]], workers: int) -> Iterator[None]:
    if not workers:
        yield from map(_make, missing)
        return
    how = {"mp_context": get_context("spawn"), "initializer": end_with_parent}
    with ProcessPoolExecutor(workers, **how) as pool:
        yield from pool.map(_make, missing, chunksize=4)


def _make(pair: tuple[Clip, Path]) -> None:
    clip, file = pair
    frames = np.stack(list(clip.frames))
    with _refused_in_words(file), file_written_atomically(file) as stream:
        # What np.save does, without the C stream of `tofile`, which hides why a disk refuses.
        np.lib.format.write_array_header_1_0(
            stream, np.lib.format.header_data_from_array_1_0(frames)
        )
        stream.write(frames.data)


@contextmanager
def _refused_in_words(path: Path) -> Iterator[None]:
    """Turns what keeps a file from being written into a `DataError` that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror}; make room, or give another folder for the "
            "store, and the same command makes what is not there yet"
        ) from error
