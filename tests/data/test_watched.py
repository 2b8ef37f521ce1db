"""Clips to measure on, of sets that have none of their own."""

import numpy as np
import pytest
from faces300w import make_300w

from onedheat.data import DataError, dataset


def test_synthetic_heads_move_with_the_occluders_of_their_split():
    clips = dataset("synthetic").watched(None, "test:2", 5)
    assert (clips.name, clips.split, [len(clip) for clip in clips.clips]) == (
        "synthetic", "test:2", [5, 5],
    )  # fmt: skip
    assert all(clip.frames.occluders == "test" for clip in clips.clips)
    assert clips.clips[0].visible is not None
    other = dataset("synthetic").watched(None, "train:1", 5)
    assert other.clips[0].frames.occluders == "train"
    assert not np.allclose(other.clips[0].landmarks, clips.clips[0].landmarks)


def test_photos_move_as_before_a_camera_with_the_occluders_of_tests(tmp_path):
    root = make_300w(tmp_path, faces=4)
    clips = dataset("300w").watched(root, "train", 7)
    assert clips.split == "train-moving" and {len(clip) for clip in clips.clips} == {7}
    assert len(clips) == 4 == len(dataset("300w").read(root, "train"))
    assert all(clip.frames.config.occluders == "test" for clip in clips.clips)


def test_a_split_that_is_none_is_refused():
    with pytest.raises(DataError, match="no split 'tset:3'"):
        dataset("synthetic").watched(None, "tset:3", 5)
    with pytest.raises(DataError, match="asked for 0 clips"):
        dataset("synthetic").watched(None, "test:0", 5)


def test_photos_to_train_trackers_on_begin_anywhere_and_are_often_covered(tmp_path):
    root = make_300w(tmp_path, faces=24)
    clips = dataset("300w").moving(root, "train", 16)
    hidden = 1 - np.mean([clip.visible for clip in clips.clips])
    assert 0.02 < hidden < 0.2
    assert all(clip.frames.config.occluders == "train" for clip in clips.clips)
    comes = [(clip.visible[:-1] & ~clip.visible[1:]).any() for clip in clips.clips]
    assert np.mean(comes) > 0.4  # seen in one frame, hidden in the next
