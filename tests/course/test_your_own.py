"""What notebook 09 works on: a moving photograph, drawn examples with seven points, their errors."""

import numpy as np
import pytest
from boxes import assert_every_control_moves_its_picture

from onedheat.course.explorers.your_own import found_points_box, video_box
from onedheat.course.lessons.your_own import check
from onedheat.course.own_faces import (
    POINTS,
    errors_by_face,
    lay_mean,
    moving_photograph,
    own_faces,
    pick_frames,
    seven_points,
    write_clip,
    write_examples,
)
from onedheat.course.photos import photographs
from onedheat.data.own import read_own
from onedheat.data.own_scheme import own_scheme
from onedheat.data.synthetic import render_face
from onedheat.engines.export import sample_pictures
from onedheat.geometry import tight_box
from onedheat.metrics import jitter
from onedheat.pipeline import TrackedFace, to_batch
from onedheat.plots.own import FoundPoints, TrackedVideo
from onedheat.tracks import TrackTable, read_tracks
from onedheat.video import read_timed_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_examples(tmp_path_factory.mktemp("mine"), 5, 3)


def test_seven_points_are_what_they_are_called():
    landmarks = render_face(3, 0, 160).landmarks
    points = dict(zip(POINTS, seven_points(landmarks), strict=True))
    assert points["chin"] == pytest.approx(landmarks[8])
    assert points["right_eye"] == pytest.approx(landmarks[36:42].mean(0))
    assert landmarks[36, 0] < points["right_eye"][0] < landmarks[39, 0]
    assert points["mouth"] == pytest.approx((landmarks[62] + landmarks[66]) / 2)
    both, own = tight_box(landmarks, 1), tight_box(seven_points(landmarks), 1)
    assert (own[2] - own[0]) > 0.85 * (both[2] - both[0])  # they span the face


def test_drawn_examples_are_read_as_a_folder_of_ones_own(folder):
    found = own_scheme(folder)
    assert found.scheme.points == POINTS
    assert found.scheme.mirror == (1, 0, 3, 2, 4, 5, 6) and not found.doubtful
    train, test = read_own(folder, "train"), read_own(folder, "test")
    assert (len(train), len(test)) == (5, 3)
    drawn = render_face(123, 5 * 4, 160)
    assert test.samples[0].landmarks == pytest.approx(seven_points(drawn.landmarks), abs=0.051)
    assert (test.samples[0].image() == drawn.image).all()


def test_the_mean_laid_into_a_box_is_exact_where_faces_are_alike(folder):
    own_scheme(folder)
    test = read_own(folder, "test")
    one = test.where(lambda sample: sample is test.samples[0], "one")
    assert errors_by_face(lay_mean(one, one), one) == pytest.approx([0], abs=1e-9)
    assert (errors_by_face(lay_mean(read_own(folder), test), test) > 1).all()


def test_errors_are_those_of_the_report(folder):
    from onedheat.reports import summarize

    own_scheme(folder)
    test = read_own(folder, "test")
    found = test.landmarks() + np.array([3.0, 4.0])
    report = summarize(found, test, box="tight", decoder="dark", flip=False, weights="")
    assert errors_by_face(found, test).mean() == pytest.approx(report.nrmse)


def test_a_moving_photograph_is_written_read_and_its_frames_are_picked(tmp_path):
    photo = photographs()["Eileen Collins"]
    landmarks = 200 + 60 * np.random.default_rng(0).random((68, 2))
    clip = moving_photograph("Eileen Collins", photo, landmarks, 6)
    path = write_clip(tmp_path / "clip.mp4", clip.frames, 25)
    with TrackTable(tmp_path / "tracks.csv", 68, 1) as table:
        for t in (1, 2, 3, 4):
            points = clip.landmarks[t]
            box, sure = tight_box(points), np.full(68, 0.9)
            face = TrackedFace(points, np.ones((68, 2)), box, sure, identity=2)
            early = TrackedFace(points + 50, np.ones((68, 2)), box, sure, identity=1)
            table.write(t, t / 25, [early, face] if t == 1 else [face])
    tracks = read_tracks(tmp_path / "tracks.csv")
    kept, track, seconds = pick_frames(read_timed_video(path), tracks, most=2)
    assert list(kept) == [1, 4] and kept[1].shape == (240, 320, 3)
    assert seconds == pytest.approx(np.arange(5) / 25, abs=1e-3)
    assert np.isnan(track[0]).all() and track[2] == pytest.approx(clip.landmarks[2], abs=0.01)
    assert np.abs(kept[4].astype(float) - clip.frames[4]).mean() < 8


def test_a_video_without_a_face_is_said_to_be_one(tmp_path):
    TrackTable(tmp_path / "none.csv", 68, 1).close()
    with pytest.raises(ValueError, match="no face was found in the video; give one"):
        pick_frames([], read_tracks(tmp_path / "none.csv"))


def test_the_controls_move_their_pictures(folder):
    own_scheme(folder)
    test = read_own(folder, "test")
    found = {"one": test.landmarks() + 3, "another": test.landmarks() - 2}
    points = FoundPoints(own_faces(found, test, side=64), test.scheme)
    assert_every_control_moves_its_picture(found_points_box(points), 1)
    frames = {t: np.full((48, 64, 3), 40 * t, np.uint8) for t in (0, 2, 3)}
    track = np.random.default_rng(0).uniform(5, 40, (4, 7, 2))
    video = TrackedVideo(frames, track, np.arange(4) / 25, landmark=4, name="nose")
    assert_every_control_moves_its_picture(video_box(video), 1)


def test_the_solutions_agree_with_the_package():
    picture = (sample_pictures(128)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    assert check.as_input.solution(picture) == pytest.approx(to_batch([picture]).numpy(), abs=1e-6)
    way = np.random.default_rng(1).normal(size=(12, 2))
    mean = check.second_difference.solution(way).mean()
    assert mean == pytest.approx(jitter(way[:, None], np.full(12, 100.0)))
