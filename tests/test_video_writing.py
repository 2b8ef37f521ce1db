"""A disk that is full, or a path that cannot be written, is one sentence: no traceback and no crash."""

import subprocess
import sys
from pathlib import Path

import pytest
from dots import face_at, picture_of
from videos import write_video

from onedheat.tracks import read_tracks
from onedheat.video import VideoError, VideoFrames
from onedheat.video_writing import h264_encoder, open_video

needs_h264 = pytest.mark.skipif(
    not h264_encoder(), reason="no H.264: pip install 'onedheat[video]'"
)
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")

# In processes of their own, as FFmpeg has crashed where it was given more after a failure.

_WRITES = """
import resource, sys
from pathlib import Path
import numpy as np
from onedheat import video_writing
from onedheat.video import VideoError
path, limit = sys.argv[1], int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
noise = np.random.default_rng(0).integers(0, 256, (60, 120, 160, 3), dtype=np.uint8)
said = set()
try:
    with video_writing.open_video(path, 10.0) as video:
        for t, picture in enumerate(noise):
            try:
                video.write(picture, t / 10)
            except VideoError as error:  # and goes on, as if nothing were
                said.add(str(error))
except VideoError as error:
    said.add(str(error))
print(*said, sep="\\n")
"""


def written(path, root, limit=0):
    arguments = [sys.executable, "-c", _WRITES, str(path), str(limit)]
    run = subprocess.run(arguments, cwd=root, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@needs_h264
@needs_full
def test_a_full_disk_is_one_sentence_also_for_who_goes_on_writing(tmp_path, root):
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    said = f"{path} cannot be written: No space left on device; make room, or give another file"
    assert written(path, root) == [said]


@needs_h264
def test_what_was_written_before_the_disk_was_full_can_be_played(tmp_path, root):
    path = tmp_path / "out.mp4"
    (said,) = written(path, root, limit=500_000)
    assert said.startswith(f"{path} cannot be written: File too large; make room")
    assert len(VideoFrames(path)) >= 20  # two seconds, from one key frame to the next


def test_webm_that_was_cut_short_is_said_too(tmp_path, root):
    (said,) = written(tmp_path / "out.webm", root, limit=200_000)
    assert "out.webm holds " in said and " of 60 frames, the others could not be written" in said


@needs_h264
@pytest.mark.parametrize("frames", [1, 30])  # an encoder keeps the first dozen for itself
def test_a_folder_that_is_gone_is_one_sentence(tmp_path, frames):
    (tmp_path / "gone").mkdir()
    video = open_video(tmp_path / "gone" / "out.mp4", 25.0)
    (tmp_path / "gone").rmdir()
    with pytest.raises(VideoError, match="out.mp4 cannot be written: No such file or directory"):
        with video:
            for t in range(frames):
                video.write(picture_of(face_at(80, 70)), t / 25)


@needs_h264
def test_a_name_with_a_colon_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open_video("take:2.mp4", 25.0) as video:
        video.write(picture_of(face_at(80, 70)), 0.0)
    assert len(VideoFrames(tmp_path / "take:2.mp4")) == 1


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    with pytest.raises(VideoError, match="cannot be written: File name too long; give another"):
        open_video(tmp_path / ("a" * 252 + ".webm"), 25.0)


def test_a_name_that_is_no_text_is_refused_before_opencv_ends_the_process(tmp_path):
    with pytest.raises(VideoError, match=r"caf\\udce9.webm' is not in UTF-8, which OpenCV needs"):
        open_video(tmp_path / "caf\udce9.webm", 25.0)


_TRACKS = """
import sys
sys.path.insert(0, "tests")
from test_tracks import landmarker
from onedheat import pipeline
from onedheat.cli import app
pipeline.load = lambda name, **options: landmarker()
app(["track", *sys.argv[1:]])
"""


@needs_h264
@needs_full
def test_the_command_says_it_and_keeps_the_table(tmp_path, root):
    clip = write_video(tmp_path / "clip.avi", [picture_of(face_at(80 + t, 70)) for t in range(40)])
    full, table = tmp_path / "full.mp4", tmp_path / "t.csv"
    full.symlink_to("/dev/full")
    run = subprocess.run(
        [sys.executable, "-c", _TRACKS, clip, "--csv", table, "--out", full],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 1 and "Traceback" not in run.stderr, run.stderr
    assert run.stderr.splitlines()[-1] == (
        f"onedheat: {full} cannot be written: No space left on device; make room, or give another file"
    )
    assert table.read_bytes().endswith(b"\n")
    rows = read_tracks(table)
    assert len(rows) >= 10 and rows.frame.tolist() == list(range(len(rows)))
