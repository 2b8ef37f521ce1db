"""What Chromium's fake camera shows: a drawn-up clip as a Y4M file, which it plays over and over."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np


def write_y4m(path: Path, frames: Iterable[np.ndarray], fps: int) -> Path:
    """Frames (H, W, 3) RGB of even sides as an uncompressed video."""
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            if number == 0:
                height, width = frame.shape[:2]
                file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420mpeg2\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


def camera_flags(y4m: Path | None) -> Sequence[str]:
    """Chromium's flags for a machine whose one camera shows that file; for None it shows a pattern."""
    file = [f"--use-file-for-fake-video-capture={y4m}"] if y4m else []
    return ["--use-fake-device-for-media-stream", *file]
