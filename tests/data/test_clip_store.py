"""Frames that are made once: the same pictures, in files that are whole or not there."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from onedheat.data import clip_store
from onedheat.data.clip_store import stored
from onedheat.data.synthetic import synthetic_clips


@pytest.fixture(scope="module")
def clips():
    return synthetic_clips(2, frames=3, size=32)


@pytest.mark.parametrize("workers", [0, 2])
def test_stored_frames_are_the_frames(clips, tmp_path, workers):
    kept = stored(clips, tmp_path, workers=workers)
    for one, other in zip(clips.clips, kept.clips, strict=True):
        assert np.array_equal(np.stack(list(one.frames)), np.stack(list(other.frames)))
        assert np.array_equal(one.landmarks, other.landmarks) and str(one.frames) == str(
            other.frames
        )
        with pytest.raises(IndexError, match="has the frames 0 to 2; got 3"):
            other.frames[3]
    assert len(list(tmp_path.glob("*.npy"))) == 2


def test_what_is_there_is_not_made_again_and_what_differs_is(clips, tmp_path):
    stored(clips, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npy")}
    more = replace(
        clips, clips=(*clips.clips, *synthetic_clips(1, frames=3, size=32, seed=9).clips)
    )
    stored(more, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len(list(tmp_path.glob("*.npy"))) == 3


def test_clips_that_differ_in_their_light_alone_have_files_of_their_own(clips, tmp_path):
    class Darker:
        def __init__(self, frames):
            self.frames = frames

        def __len__(self):
            return len(self.frames)

        def __iter__(self):
            return (self[t] for t in range(len(self)))

        def __getitem__(self, frame):
            return self.frames[frame] // 2

        def __str__(self):
            return str(self.frames)

    dark = replace(clips, clips=tuple(replace(c, frames=Darker(c.frames)) for c in clips.clips))
    bright, dim = stored(clips, tmp_path), stored(dark, tmp_path)
    assert np.array_equal(dim.clips[1].frames[2], bright.clips[1].frames[2] // 2)


def test_a_clip_that_fails_leaves_no_file_of_its_name(clips, tmp_path):
    class Broken:
        def __len__(self):
            return 3

        def __iter__(self):
            raise OSError("gone")

        def __getitem__(self, frame):
            if frame:
                raise OSError("gone")
            return clips.clips[1].frames[0]

        def __str__(self):
            return "broken"

    bad = replace(clips, clips=(clips.clips[0], replace(clips.clips[1], frames=Broken())))
    with pytest.raises(OSError, match="gone"):
        stored(bad, tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 1


def test_stored_frames_go_to_worker_processes_without_their_file(clips, tmp_path):
    frames = stored(clips, tmp_path).clips[0].frames
    first = frames[0]
    assert len(pickle.dumps(frames)) < 1000
    assert np.array_equal(pickle.loads(pickle.dumps(frames))[0], first)


def test_of_two_commands_at_once_one_makes_what_both_lack(clips, tmp_path, monkeypatch):
    made, going = [], threading.Barrier(2, timeout=60)
    make, digest = clip_store._make, clip_store._digest

    def noted(pair):
        made.append(pair[1].name)
        make(pair)

    def together(clip):
        if clip is clips.clips[-1]:  # neither has looked which files are there
            going.wait()
        return digest(clip)

    monkeypatch.setattr(clip_store, "_make", noted)
    monkeypatch.setattr(clip_store, "_digest", together)
    with ThreadPoolExecutor(2) as both:
        found = [both.submit(stored, clips, tmp_path) for _ in range(2)]
        kept = [one.result() for one in found]
    assert sorted(made) == sorted(path.name for path in tmp_path.glob("*.npy")) and len(made) == 2
    assert np.array_equal(kept[0].clips[1].frames[2], kept[1].clips[1].frames[2])
