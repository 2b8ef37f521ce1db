"""Cameras that are not there, or not any more."""

import cv2
import numpy as np
import pytest

from onedheat.cameras import MAX_CAMERAS, read_camera
from onedheat.video import VideoError


@pytest.mark.parametrize("index", [-1, MAX_CAMERAS, 2**31, 99_999_999_999])
def test_numbers_that_no_camera_has_are_refused_in_words(index):
    with pytest.raises(VideoError, match=f"no camera {index}; give a number from 0.* to 99"):
        read_camera(index)


def test_opencv_says_nothing_of_its_own_about_a_camera(capfd):
    with pytest.raises(VideoError, match="no camera 97 that can be opened"):
        read_camera(97)
    assert capfd.readouterr().err == ""


class _Camera:
    """Gives some frames, and then none."""

    def __init__(self, frames: int):
        self.left, self.is_held = frames, True

    def isOpened(self) -> bool:
        return True

    def read(self):
        self.left -= 1
        return (
            (True, np.full((4, 6, 3), (0, 0, 255), np.uint8)) if self.left >= 0 else (False, None)
        )

    def release(self) -> None:
        self.is_held = False


@pytest.fixture
def camera(monkeypatch):
    camera = _Camera(frames=3)
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: camera)
    return camera


def test_a_camera_that_is_unplugged_gives_its_frames_and_then_says_so(camera):
    seen = []
    with pytest.raises(VideoError, match="camera 0 gives no more frames; was it unplugged"):
        for seconds, picture in read_camera(0):
            seen.append(seconds)
            assert picture[0, 0].tolist() == [255, 0, 0]
    assert len(seen) == 3 and seen == sorted(seen) and seen[0] == 0
    assert not camera.is_held


def test_a_camera_is_given_back_by_who_stops_early(camera):
    frames = read_camera(0)
    next(frames)
    assert camera.is_held
    frames.close()
    assert not camera.is_held
