"""Cameras that are not there."""

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
