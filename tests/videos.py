"""Small videos for tests. Each frame shows its own number, in squares that survive any compression."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, SQUARE, BITS = 160, 120, 40, 12
CODECS = {"xvid.avi": "XVID", "mjpg.avi": "MJPG", "mp4v.mp4": "mp4v", "vp8.webm": "VP80"}


def numbered_frame(number: int) -> np.ndarray:
    """(120, 160, 3) uint8: twelve bright or dark squares, the bits of `number`."""
    bits = np.array([number >> bit & 1 for bit in range(BITS)]).reshape(3, 4)
    squares = np.kron(np.where(bits, 230, 20), np.ones((SQUARE, SQUARE)))
    return np.repeat(squares[..., None], 3, axis=2).astype(np.uint8)


def number_of(picture: np.ndarray) -> int:
    """The number that a frame shows."""
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.uint8
    middles = picture[SQUARE // 2 :: SQUARE, SQUARE // 2 :: SQUARE, 1].ravel()
    return sum(1 << bit for bit in range(BITS) if middles[bit] > 128)


def write_video(path: Path, frames: Iterable[np.ndarray], fps: float = 25.0) -> Path:
    """RGB frames as a video by OpenCV; the name's ending and stem choose the codec, else XVID."""
    frames = iter(frames)
    first = next(frames)
    codec = cv2.VideoWriter_fourcc(*CODECS.get(path.name, "XVID"))
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), codec, fps, (first.shape[1], first.shape[0]))
    assert writer.isOpened(), f"OpenCV cannot write {path.name}"
    for frame in chain([first], frames):
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def write_numbered(path: Path, count: int) -> Path:
    """A video whose frames show 0 to count − 1."""
    return write_video(path, map(numbered_frame, range(count)))
