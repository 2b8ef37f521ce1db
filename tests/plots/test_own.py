"""The pictures of notebook 09."""

import numpy as np
import pytest
from ownfaces import FIVE
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.plots.own import FoundPoints, OwnFace, TrackedVideo, errors_of_starts


def tracked() -> TrackedVideo:
    rng = np.random.default_rng(0)
    frames = {t: rng.integers(0, 255, (60, 80, 3), dtype=np.uint8) for t in (0, 3, 5)}
    track = 30 + rng.normal(size=(6, 5, 2)).cumsum(axis=0)
    track[3] = np.nan
    return TrackedVideo(frames, track, np.arange(6) / 25, landmark=2, name="nose")


def found() -> FoundPoints:
    rng = np.random.default_rng(1)
    faces = []
    for number in range(3):
        truth = rng.uniform(10, 50, (5, 2))
        picture = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
        guesses = {"from random weights": truth + 9, "adopted": truth + 1}
        errors = {"from random weights": 31.5 + number, "adopted": 4.25}
        faces.append(OwnFace(picture, truth, guesses, errors))
    return FoundPoints(faces, FIVE)


def test_a_tracked_video_shows_its_frame_and_says_where_the_landmark_is():
    video = tracked()
    assert_fit_to_be_read(video)
    assert_all_different([video.move(frame).png() for frame in (0, 3, 5)])
    assert_moved_is_fresh(video.move(5), tracked().move(5))
    x, y = video.track[5, 2]
    assert f"the nose at x = {x:.1f}, y = {y:.1f} pixels" in video.alt
    assert "frame 5" in video.alt.lower() and "0.20 seconds" in video.alt
    assert "the face was not seen" in video.move(3).alt


def test_found_points_stand_beside_the_annotation_with_their_errors():
    points = found()
    assert_fit_to_be_read(points)
    assert_all_different([points.move(face).png() for face in range(3)])
    assert_moved_is_fresh(points.move(1), found().move(1))
    assert "from random weights: 32.5 per cent; adopted: 4.2 per cent" in points.alt


def test_errors_of_starts_are_bars_of_the_mean():
    errors = {"mean": np.array([10.0, 30.0]), "trained": np.array([4.0, 5.0])}
    figure = errors_of_starts(errors, "the distance of the eyes")
    assert_fit_to_be_read(figure)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches[:2]] == pytest.approx([20.0, 4.5])
    assert "mean 20.0; trained 4.5" in figure.alt
