"""Frames that are made once: the same pictures, in files that are whole or not there."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from onedheat.data import DataError, clip_store
from onedheat.data.clip_store import stored
from onedheat.data.images import ImageError
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


# Damage, full disks, and ends from outside -----------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:1000],
        lambda raw: b"",
        lambda raw: bytes(len(raw)),
        lambda raw: raw + b"more",
        lambda raw: raw.replace(b"(3, 32, 32, 3)", b"(2, 48, 32, 3)"),
        lambda raw: raw.replace(b"|u1", b"|i1"),
        lambda raw: raw.replace(b"(3, 32", b"((((32"),
        lambda raw: b"no array",
    ],
    ids=["cut", "empty", "zeros", "longer", "frames", "kind", "header", "text"],
)
def test_a_damaged_file_is_made_anew_and_named(clips, tmp_path, caplog, damage):
    one, other = (clip.frames.file for clip in stored(clips, tmp_path).clips)
    before = other.stat().st_mtime_ns
    one.write_bytes(damage(one.read_bytes()))
    kept = stored(clips, tmp_path)
    assert np.array_equal(list(kept.clips[0].frames), list(clips.clips[0].frames))
    assert other.stat().st_mtime_ns == before
    (said,) = caplog.messages
    assert said == f"{one} is damaged and is made anew, the first of 1 such files"


def test_a_file_that_is_damaged_while_it_is_used_is_an_error_of_its_frames(clips, tmp_path):
    kept = stored(clips, tmp_path).clips
    kept[0].frames.file.write_bytes(b"")
    kept[1].frames.file.unlink()
    for clip in kept:
        with pytest.raises(ImageError, match=r"\.npy is gone or damaged; start the same command"):
            clip.frames[0]


def test_a_file_is_on_the_disk_before_it_has_its_name(clips, tmp_path, monkeypatch):
    there, fsync = [], os.fsync

    def noted(handle):
        there.append(len(list(tmp_path.glob("*.npy"))))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    stored(clips, tmp_path)
    assert there == [0, 1]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_full_disk_is_said_and_what_is_made_is_kept(clips, tmp_path, workers):
    resource = pytest.importorskip("resource")  # not on Windows
    longer = synthetic_clips(1, frames=30, size=32, seed=9)
    both = replace(clips, clips=(clips.clips[0], *longer.clips))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # bytes; the second has 92,288
    try:
        with pytest.raises(DataError, match=r"\.npy cannot be written: File too large; make room"):
            stored(both, tmp_path, workers=workers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (made,) = (path for path in tmp_path.iterdir() if path.name != ".lock")
    time = made.stat().st_mtime_ns
    first, second = stored(both, tmp_path).clips
    assert first.frames.file == made and made.stat().st_mtime_ns == time
    assert np.array_equal(second.frames[29], longer.clips[0].frames[29])


def test_a_store_that_cannot_be_written_is_said(clips, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file/store cannot be written: Not a directory; make room"):
        stored(clips, tmp_path / "file/store")
    (tmp_path / "store/.lock").mkdir(parents=True)
    with pytest.raises(DataError, match="store cannot be written: Is a directory; make room"):
        stored(clips, tmp_path / "store")


def test_what_a_kill_has_left_half_made_is_removed_and_nothing_else(clips, tmp_path):
    half = tmp_path / ".1365d2bea6da89dfdfb36559.npy.123.part"
    for path in (half, tmp_path / "my.part"):
        path.touch()
    stored(clips, tmp_path)
    assert not half.exists() and (tmp_path / "my.part").exists()


NEVER_DONE = """
import sys
import time
from dataclasses import replace

from onedheat.data.clip_store import stored
from onedheat.data.synthetic import synthetic_clips


class Endless:
    def __len__(self):
        return 3

    def __iter__(self):
        print("begun", flush=True)
        time.sleep(600)

    def __getitem__(self, frame):
        return clips.clips[0].frames[frame]


clips = synthetic_clips(1, frames=3, size=32)
if __name__ == "__main__":
    endless = (replace(clips.clips[0], frames=Endless()),)
    stored(replace(clips, clips=endless), sys.argv[1], workers=2)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals and process groups")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_processes_that_make_frames_end_with_the_one_that_started_them(tmp_path, name):
    end = getattr(signal, name)
    script = tmp_path / "never_done.py"
    script.write_text(NEVER_DONE)
    command = [sys.executable, str(script), str(tmp_path / "store")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as leader:
        try:
            assert leader.stdout.readline() == b"begun\n"
            leader.send_signal(end)
            leader.communicate(timeout=30)  # until nobody holds its standard output
            assert leader.returncode == -end
        finally:
            try:
                os.killpg(leader.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # as it should be
