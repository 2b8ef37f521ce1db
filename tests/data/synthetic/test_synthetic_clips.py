import numpy as np
import pytest

from onedheat.data import DataError
from onedheat.data.occluders.passing import PassingConfig
from onedheat.data.synthetic.clips import POSE_LIMITS, SyntheticFrames, synthetic_clips


@pytest.fixture(scope="module")
def clip():
    return synthetic_clips(1, 60, seed=3, size=64).clips[0]


def test_any_frame_can_be_asked_for_alone(clip):
    in_order = list(clip.frames)
    again = SyntheticFrames(3, 0, 60, 64, 30.0, "train")
    for frame in (59, 0, 31):
        np.testing.assert_array_equal(again[frame], in_order[frame])


def test_a_longer_clip_begins_like_the_shorter_one(clip):
    longer = SyntheticFrames(3, 0, 500, 64, 30.0, "train")
    np.testing.assert_array_equal(longer[20], clip.frames[20])
    np.testing.assert_array_equal(longer.posed(20).landmarks(), clip.landmarks[20])


def test_landmarks_are_those_of_the_drawn_head(clip):
    for frame in (0, 30):
        posed = clip.frames.posed(frame)
        np.testing.assert_array_equal(clip.landmarks[frame], posed.landmarks())


def test_motion_has_no_jumps():
    for index in range(4):
        frames = SyntheticFrames(7, index, 120, 128, 120.0, None)
        landmarks = np.stack([frames.posed(t).landmarks() for t in range(120)])
        # At 120 frames a second even lids and eyes move little from frame to frame.
        assert np.linalg.norm(np.diff(landmarks[:, 17:], axis=0), axis=2).max() < 3


def test_heads_turn_blink_and_talk_within_their_limits():
    yaw, lids, gaps = [], [], []
    for index in range(6):
        frames = SyntheticFrames(1, index, 300, 64, 10.0, None)
        for t in range(0, 300, 3):
            posed = frames.posed(t)
            pose = np.abs([posed.camera.yaw, posed.camera.pitch, posed.camera.roll])
            assert (pose <= POSE_LIMITS).all()
            yaw.append(posed.camera.yaw)
            lids.append(posed.expression.lids[0])
            gaps.append(posed.controls[66, 1] - posed.controls[62, 1])
    assert np.std(yaw) > 4
    assert 0.01 < np.mean(np.array(lids) > 0.5) < 0.2
    assert np.ptp(gaps) > 8  # mm


def test_a_passing_thing_hides_what_it_covers():
    with_things = synthetic_clips(2, 90, seed=4, size=64)
    without = synthetic_clips(2, 90, seed=4, size=64, occluders=None)
    seen = np.concatenate([c.visible for c in with_things.clips])
    free = np.concatenate([c.visible for c in without.clips])
    assert not (seen & ~free).any()
    assert (free & ~seen).any()
    for one, other in zip(with_things.clips, without.clips, strict=True):
        np.testing.assert_array_equal(one.landmarks, other.landmarks)
        covered = np.flatnonzero((other.visible & ~one.visible).any(axis=1))
        if len(covered):
            frame = int(covered[len(covered) // 2])
            assert (one.frames[frame] != other.frames[frame]).any()


def test_things_pass_as_often_as_is_asked_for():
    often, never = (PassingConfig(share=share) for share in (1.0, 0.0))
    usual, many, none = (
        SyntheticFrames(4, 1, 90, 64, 30.0, "train", passing) for passing in (None, often, never)
    )
    points = [usual.posed(t).landmarks() for t in range(90)]
    covered = [
        sum((~frames.uncovered(t, points[t])).sum() for t in range(90))
        for frames in (many, usual, none)
    ]
    assert covered[0] >= covered[1] >= covered[2] == 0 and covered[0] > 0
    with_thing = next(t for t in range(90) if not many.uncovered(t, points[t]).all())
    assert (many[with_thing] != none[with_thing]).any()


def test_light_changes_over_a_clip(clip):
    means = [clip.frames[t].mean() for t in range(0, 60, 12)]
    assert np.ptp(means) > 0.5


@pytest.mark.parametrize("request_", [(0, 10, 30.0), (1, 0, 30.0), (1, 10, 0.0)])
def test_nothing_cannot_be_asked_for(request_):
    count, frames, fps = request_
    with pytest.raises(DataError, match="at least 1 clip"):
        synthetic_clips(count, frames, fps=fps)


def test_frames_beyond_the_end_are_refused(clip):
    with pytest.raises(IndexError, match="0 to 59"):
        clip.frames[60]


def test_19_points_can_be_had():
    clips = synthetic_clips(1, 2, size=64, markup="aflw19")
    assert clips.scheme.name == "aflw19" and clips.clips[0].landmarks.shape == (2, 19, 2)
