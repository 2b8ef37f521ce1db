"""Frames of a camera, as they come."""

import time
from collections.abc import Iterator

from onedheat.video import Picture, VideoError, quiet_opencv

MAX_CAMERAS = 100
"""Of what OpenCV can open at once: a number from there on names another way to reach a camera."""


def read_camera(index: int) -> Iterator[tuple[float, Picture]]:
    """The frames of a camera, without end, each with the seconds since the first.

    Args:
        index: of the camera on this machine; the first is 0.

    Returns:
        Seconds and (H, W, 3) uint8 RGB frames. A frame that is not fetched in time is lost; there is
        no queue that would grow.

    Raises:
        VideoError: at once where there is no such camera; later where it stops giving frames.
    """
    import cv2

    if not 0 <= index < MAX_CAMERAS:
        raise VideoError(
            f"there is no camera {index}; give a number from 0, the first, to {MAX_CAMERAS - 1}, or for "
            "a file its path"
        )
    with quiet_opencv():
        capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        raise VideoError(
            f"there is no camera {index} that can be opened; is it connected, free and allowed? The "
            "first camera is 0; for a file give its path"
        )
    return _frames_of(capture, index)


def _frames_of(capture, index: int) -> Iterator[tuple[float, Picture]]:
    import cv2

    begun = None
    try:
        while True:
            found, picture = capture.read()
            if not found:
                raise VideoError(f"camera {index} gives no more frames; was it unplugged?")
            now = time.monotonic()
            begun = now if begun is None else begun
            yield now - begun, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()
