"""The landmarks of every frame of a video, as a CSV.

    frame,time,face,x0,y0,sigma_x0,sigma_y0,x1,…,score,passes
    0,0.000,0,211.42,180.07,0.81,0.77,213.90,…,0.9812,1

One row for each face of each frame: the frame's number from 0 on, when it is shown in seconds, the
face's number, x, y and their σ in pixels for each landmark, the score, and in how many passes a frame
was looked at. A frame without faces has no row.
"""

import csv
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float

from onedheat.errors import TableError
from onedheat.pipeline import TrackedFace

SYNC_SECONDS = 1.0  # after so many at most, what was written outlasts a loss of power, too


def columns(landmarks: int) -> list[str]:
    """The names of the columns for that many landmarks."""
    each = [f"{name}{i}" for i in range(landmarks) for name in ("x", "y", "sigma_x", "sigma_y")]
    return ["frame", "time", "face", *each, "score", "passes"]


class TrackTable:
    """A CSV that is whole whenever the process is killed.

    The rows of a frame are one write to the file, at once: nothing waits in memory.

    Args:
        path: the file; what was there is replaced.
        landmarks: N.
        passes: how often the network runs a frame.

    Raises:
        TableError: the file cannot be written, now or later.
    """

    def __init__(self, path: str | os.PathLike, landmarks: int, passes: int):
        self.path, self.passes = Path(path), passes
        with self._failing_in_words():
            self._file = self.path.open("wb", buffering=0)
            # Of pipes and devices nothing can be had on a disk.
            self._can_sync = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        try:
            self._write(",".join(columns(landmarks)) + "\n")
        except TableError:
            self._file.close()
            raise
        self._synced = time.monotonic()

    def write(self, frame: int, seconds: float, faces: Sequence[TrackedFace]) -> None:
        """Adds the faces of a frame."""
        rows = "".join(self._row(frame, seconds, face) for face in faces)
        if rows:
            self._write(rows)
        if self._can_sync and time.monotonic() - self._synced > SYNC_SECONDS:
            with self._failing_in_words():
                os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Ends the table; a second time does nothing."""
        with self._failing_in_words():
            self._file.close()

    def __enter__(self) -> "TrackTable":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _row(self, frame: int, seconds: float, face: TrackedFace) -> str:
        points = np.concatenate([face.landmarks, face.sigma], axis=1).ravel()
        values = ",".join(f"{value:.2f}" for value in points.tolist())
        head = f"{frame},{seconds:.3f},{face.identity}"
        return f"{head},{values},{face.score:.4f},{self.passes}\n"

    def _write(self, text: str) -> None:
        left = memoryview(text.encode())
        with self._failing_in_words():
            while left:
                left = left[self._file.write(left) :]

    @contextmanager
    def _failing_in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TableError(
                f"{self.path} cannot be written: {error.strerror}; make room, or give another file"
            ) from error


class Tracks:
    """What a CSV holds.

    Attributes:
        frame: (R,), of each row.
        seconds: (R,).
        identity: (R,).
        landmarks: (R, N, 2) in pixels.
        sigma: (R, N, 2) in pixels.
        score: (R,).
        passes: of the tracker, 1 or 2; 0 where there is no row.
    """

    def __init__(self, rows: Float[np.ndarray, "rows columns"]):
        points = rows[:, 3:-2].reshape(len(rows), (rows.shape[1] - 5) // 4, 4)
        self.frame = rows[:, 0].astype(int)
        self.seconds = rows[:, 1]
        self.identity = rows[:, 2].astype(int)
        self.landmarks, self.sigma = points[..., :2], points[..., 2:]
        self.score = rows[:, -2]
        self.passes = int(rows[0, -1]) if len(rows) else 0

    def __len__(self) -> int:
        return len(self.frame)

    def of(self, identity: int, frames: int) -> Float[np.ndarray, "frames landmarks 2"]:
        """The landmarks of one face in the first `frames` frames, NaN where it was not seen."""
        track = np.full((frames, *self.landmarks.shape[1:]), np.nan)
        mine = (self.identity == identity) & (self.frame < frames)
        track[self.frame[mine]] = self.landmarks[mine]
        return track


def read_tracks(path: str | os.PathLike) -> Tracks:
    """The tracks of a CSV that `TrackTable` wrote; a last row without its end is left out.

    Raises:
        ValueError: no text, another header, or a row that is none; the message names file and line.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # as Excel saves it
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} holds no tracks: it is no text in UTF-8; give a CSV that `onedheat track` wrote"
        ) from error
    lines = text[: text.rfind("\n") + 1].splitlines()
    header = next(csv.reader(lines[:1]), [])
    landmarks = (len(header) - 5) // 4
    if landmarks < 1 or header != columns(landmarks):
        raise ValueError(
            f"{path} holds no tracks: its first line is not frame,time,face,x0,y0,…,score,passes"
        )
    rows = np.zeros((len(lines) - 1, len(header)))
    for number, line in enumerate(lines[1:]):
        try:
            values = [float(value) for value in line.split(",")]
            rows[number] = np.reshape(values, len(header))  # which refuses fewer and more
        except ValueError:
            raise ValueError(
                f"{path}, line {number + 2}: expected {len(header)} numbers, got {line[:60]!r}"
            ) from None
    return Tracks(rows)
