"""What a lesson keeps of a video: faces of every frame, a few pictures, the longest track."""

import numpy as np
import pytest
from boxes import assert_every_control_moves_its_picture
from pictures import assert_fit_to_be_read

from onedheat.course.explorers.your_own import video_box
from onedheat.course.followed import MOST, FollowedVideo
from onedheat.pipeline import TrackedFace
from onedheat.plots.own import TrackedVideo, frames_in_a_row

PICTURE = np.zeros((40, 60, 3), np.uint8)


def face(identity: int, x: float) -> TrackedFace:
    """A face of four landmarks at x, with σ of a tenth of that."""
    points = np.full((4, 2), x)
    return TrackedFace(points, points / 10, np.array([0.0, 0, 9, 9]), np.ones(4), identity)


def followed(*frames: list[TrackedFace]) -> FollowedVideo:
    video = FollowedVideo()
    for number, faces in enumerate(frames):
        video.add(number / 25, PICTURE + number % 200, faces)
    return video


def test_the_longest_track_is_that_of_the_face_in_most_frames():
    video = followed(
        [face(0, 1.0)], [face(1, 5.0), face(0, 2.0)], [face(1, 6.0)], [], [face(1, 7.0)]
    )
    track, sigma = video.longest()
    assert track.shape == (5, 4, 2)
    assert track[:, 0, 0] == pytest.approx([np.nan, 5, 6, np.nan, 7], nan_ok=True)
    assert sigma[:, 3, 1] == pytest.approx([np.nan, 0.5, 0.6, np.nan, 0.7], nan_ok=True)
    assert video.seconds == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_pictures_are_few_and_evenly_spread_however_long_the_video():
    video = followed(*([[face(0, 1.0)]] * 150))
    assert list(video.pictures) == list(range(0, 150, 4)) and len(video.pictures) <= MOST
    assert (video.pictures[148] == 148).all() and len(video.faces) == 150


def test_large_pictures_are_kept_in_less_than_their_share_of_memory(monkeypatch):
    monkeypatch.setattr("onedheat.course.followed.BYTES", 3 * PICTURE.nbytes)
    assert list(followed(*([[]] * 9)).pictures) == [0, 4, 8]


def test_a_video_without_a_face_says_what_to_do():
    with pytest.raises(ValueError, match='no face was found in the video.*finder = "yunet"'):
        followed([], []).longest()


@pytest.fixture(scope="module")
def walked():
    """A face that goes right, seen in 12 frames of 13."""
    faces = [[face(0, 10.0 + t)] for t in range(13)]
    faces[5] = []
    return followed(*faces)


def test_frames_in_a_row_show_the_dots_of_their_frame(walked):
    track, _ = walked.longest()
    figure = frames_in_a_row(walked.pictures, track, np.array(walked.seconds), count=4)
    assert_fit_to_be_read(figure)
    shown = [axes.get_label() for axes in figure.axes]
    assert shown == ["frame 0", "frame 4", "frame 8", "frame 12"]
    assert figure.axes[2].lines[0].get_xydata()[0].tolist() == [18.0, 18.0]
    assert "at 0.00, 0.16, 0.32, 0.48 seconds" in figure.alt and "seen in 12 frames" in figure.alt


def test_the_way_of_a_landmark_has_a_band_of_one_sigma(walked):
    track, sigma = walked.longest()
    how = {"landmark": 2, "name": "chin"}
    figure = TrackedVideo(walked.pictures, track, np.array(walked.seconds), sigma=sigma, **how)
    assert_fit_to_be_read(figure)
    curves = figure.axes[1]
    lines = [line for line in curves.lines if len(line.get_xdata()) == 13]
    assert len(curves.collections) == 2 and len(lines) == 2
    first = curves.collections[0].get_paths()[0].vertices
    at_start = first[np.isclose(first[:, 0], 0.0), 1]
    assert np.ptp(at_start) == pytest.approx(2 * 1.0)  # σ is 1 there
    assert "x = 14.0 ± 1.4, y = 14.0 ± 1.4 pixels" in figure.move(4).alt
    assert "was not seen" in figure.move(5).alt
    without = TrackedVideo(walked.pictures, track, np.array(walked.seconds), **how)
    assert not without.axes[1].collections and "±" not in without.move(4).alt
    assert_every_control_moves_its_picture(video_box(figure), 1)
