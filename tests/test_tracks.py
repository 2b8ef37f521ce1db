"""A video becomes rows that are whole after any end, a copy that a browser plays, and two figures."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dots import Watcher, dot_landmarker, face_at, picture_of
from typer.testing import CliRunner
from videos import write_video

from onedheat import pipeline, video_writing
from onedheat.cameras import read_camera
from onedheat.cli import app, finding
from onedheat.landmarks import SCHEMES
from onedheat.metrics import jitter
from onedheat.pipeline import TrackedFace
from onedheat.plots.tracks import jitter_over_time, time_of_frames
from onedheat.tracks import (
    JitterMeter,
    SpeedMeter,
    TableError,
    TrackTable,
    columns,
    read_tracks,
    table,
    track_video,
)
from onedheat.video import VideoError, VideoFrames, read_timed_video, read_video
from onedheat.video_writing import h264_encoder, open_video

WAY = [face_at(80 + 3 * t, 70 + t) for t in range(20)]


class Follower(Watcher):
    """A finder that knows where the face of WAY is, by the dots themselves."""

    def __call__(self, image):
        self.asked += 1
        places = [np.argwhere(image[..., i] > 200)[:, ::-1] for i in range(3)]
        if not all(map(len, places)):
            return np.zeros((0, 4)), np.zeros(0)
        self.faces = [np.stack([place.mean(axis=0) for place in places])]
        return super().__call__(image)


def landmarker():
    return dot_landmarker(Follower())


def footage(way=WAY, fps=25.0):
    return [(t / fps, picture_of(face)) for t, face in enumerate(way)]


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.avi", [picture_of(face) for face in WAY])


@pytest.fixture
def track(monkeypatch):
    monkeypatch.setattr(pipeline, "load", lambda name, **options: landmarker())
    return lambda *arguments: CliRunner().invoke(app, ["track", *map(str, arguments)])


# The table ----------------------------------------------------------------------------------------


def test_rows_hold_what_the_tracker_gives(tmp_path):
    table = TrackTable(tmp_path / "t.csv", 3, passes=1)
    report = track_video(landmarker().tracker(), footage(), table=table)
    tracker = landmarker().tracker()
    expected = [tracker(image)[0] for _, image in footage()]
    tracks = read_tracks(tmp_path / "t.csv")
    assert (report.frames, report.with_faces, report.identities) == (20, 20, {0})
    assert tracks.frame.tolist() == list(range(20)) and set(tracks.identity.tolist()) == {0}
    assert tracks.seconds == pytest.approx(np.arange(20) / 25, abs=1e-3)
    assert np.allclose(tracks.landmarks, [face.landmarks for face in expected], atol=0.0051)
    assert np.allclose(tracks.sigma, [face.sigma for face in expected], atol=0.0051)
    assert np.allclose(tracks.score, [face.score for face in expected], atol=1e-4)
    assert tracks.passes == 1
    assert (tmp_path / "t.csv").read_text().splitlines()[0].split(",") == columns(3)
    whole = tracks.of(0, 22)
    assert np.allclose(whole[:20], tracks.landmarks) and np.isnan(whole[20:]).all()


def test_the_table_of_a_video_without_faces_is_read_as_one_without_rows(tmp_path):
    TrackTable(tmp_path / "t.csv", 68, 1).close()
    tracks = read_tracks(tmp_path / "t.csv")
    assert len(tracks) == 0 and tracks.landmarks.shape == (0, 68, 2) and tracks.passes == 0


def test_a_row_without_its_end_is_left_out_and_other_tables_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    track_video(landmarker().tracker(), footage(), table=TrackTable(path, 3, passes=2))
    text = path.read_text()
    path.write_text(text[:-9])
    assert len(read_tracks(path)) == 19 and read_tracks(path).passes == 2
    path.write_text(text.replace("\n5,", "\nfive,"))
    with pytest.raises(ValueError, match="t.csv, line 7: expected 17 numbers, got 'five"):
        read_tracks(path)
    path.write_text("frame,x,y\n")
    with pytest.raises(ValueError, match="holds no tracks"):
        read_tracks(path)


@pytest.mark.parametrize("row", ["7", "7,0.280", "7," * 17 + "7"])
def test_a_row_of_another_length_is_refused(tmp_path, row):
    path = tmp_path / "t.csv"
    path.write_text(",".join(columns(3)) + "\n" + row + "\n")
    with pytest.raises(ValueError, match="t.csv, line 2: expected 17 numbers, got '7"):
        read_tracks(path)


def test_a_table_that_excel_has_saved_is_read_and_what_is_no_text_is_named(tmp_path):
    path = tmp_path / "t.csv"
    track_video(landmarker().tracker(), footage(), table=TrackTable(path, 3, passes=1))
    before = read_tracks(path).landmarks
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
    path.write_bytes(text.encode("utf-8-sig"))
    assert np.array_equal(read_tracks(path).landmarks, before)
    path.write_bytes(b"\xff\xfe\x00binary\n")
    with pytest.raises(ValueError, match="t.csv holds no tracks: it is no text in UTF-8"):
        read_tracks(path)


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_is_a_fault_and_keeps_what_was_done(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    kept = TrackTable(path, 3, passes=1)

    def filling():
        yield from footage()[:5]
        monkeypatch.setattr(kept, "_file", SimpleNamespace(write=full, close=kept._file.close))
        yield from footage()[5:]

    report = track_video(landmarker().tracker(), filling(), table=kept)
    assert report.frames == len(read_tracks(path)) == 5
    assert report.fault == (
        f"{path} cannot be written: No space left on device; make room, or give another file"
    )
    with pytest.raises(TableError, match="nowhere.*cannot be written: No such file or directory"):
        TrackTable(tmp_path / "nowhere" / "t.csv", 3, passes=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_takes_the_rows_of_many_seconds(tmp_path, monkeypatch):
    """What is no file cannot be asked to be on the disk."""
    monkeypatch.setattr(table, "SYNC_SECONDS", -1.0)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDWR | os.O_NONBLOCK)
    try:
        sink = TrackTable(tmp_path / "pipe", 3, passes=1)
        report = track_video(landmarker().tracker(), footage(), table=sink)
        rows = os.read(reader, 100_000).decode().splitlines()
    finally:
        os.close(reader)
    assert report.fault is None and len(rows) == 21


_ENDLESS = """
import itertools, sys
sys.path.insert(0, "tests")
from test_tracks import landmarker
from dots import face_at, picture_of
from onedheat.tracks import TrackTable, track_video
faces = ((t / 25, picture_of(face_at(100 + t % 50, 70))) for t in itertools.count())
track_video(landmarker().tracker(), faces, table=TrackTable(sys.argv[1], 3, passes=1))
"""


@pytest.mark.timeout(300)
def test_after_a_kill_every_row_is_whole(tmp_path, root):
    path = tmp_path / "t.csv"
    run = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)], cwd=root)
    try:
        until = time.monotonic() + 240
        while time.monotonic() < until and run.poll() is None:
            if path.exists() and path.stat().st_size > 4000:
                break
            time.sleep(0.05)
        seen = path.stat().st_size
    finally:
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert path.stat().st_size >= seen > 4000
    assert path.read_bytes().endswith(b"\n")
    tracks = read_tracks(path)
    assert tracks.frame.tolist() == list(range(len(tracks))) and len(tracks) > 30
    truth = np.stack([face_at(100 + t % 50, 70) for t in range(50)])
    assert np.abs(tracks.landmarks[5:50] - truth[5 : len(tracks)][:45]).max() < 1


# Annotated video ----------------------------------------------------------------------------------


def test_h264_is_written_with_the_times_of_the_frames(tmp_path):
    av = pytest.importorskip("av")
    times = [0.0, 0.04, 0.08, 0.3, 0.34]
    with open_video(tmp_path / "out.mp4", 25.0) as writer:
        for seconds in times:
            writer.write(picture_of(WAY[0], height=121, width=161), seconds)
    with av.open(str(tmp_path / "out.mp4")) as container:
        (stream,) = container.streams.video
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    shown = frames[0].to_ndarray(format="rgb24")
    assert shown.shape == (122, 162, 3)
    difference = shown[:121, :161].astype(int) - picture_of(WAY[0], height=121, width=161)
    assert np.abs(difference).mean() < 6


def test_a_video_that_was_not_closed_can_be_played_all_the_same(tmp_path):
    pytest.importorskip("av")
    writer = open_video(tmp_path / "out.mp4", 25.0)
    for t in range(400):
        writer.write(picture_of(WAY[t % 20], height=64, width=64), t / 25)
    (tmp_path / "killed.mp4").write_bytes((tmp_path / "out.mp4").read_bytes())
    writer.close()
    assert len(VideoFrames(tmp_path / "out.mp4")) == 400
    assert len(VideoFrames(tmp_path / "killed.mp4")) >= 50


def test_without_h264_it_is_webm_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(video_writing, "h264_encoder", lambda: None)
    with open_video(tmp_path / "out.mp4", 25.0) as writer:
        assert writer.path == tmp_path / "out.webm"
        for t in range(5):
            writer.write(picture_of(WAY[0]), t / 25)
    (first, *rest) = read_video(tmp_path / "out.webm")
    assert len(rest) == 4
    assert np.abs(first.astype(int) - picture_of(WAY[0])).mean() < 8


def test_a_steady_rate_knows_how_far_it_is_off(tmp_path, monkeypatch):
    monkeypatch.setattr(video_writing, "h264_encoder", lambda: None)
    with open_video(tmp_path / "out.mp4", 25.0) as writer:
        for t in range(4):
            writer.write(picture_of(WAY[0]), t / 25)
        assert writer.off == pytest.approx(0, abs=1e-9)
        writer.write(picture_of(WAY[0]), 1.56 + 4 / 25)
        assert writer.off == pytest.approx(1.56)


def test_opencv_that_cannot_write_is_an_error_not_silence(tmp_path):
    writer = open_video(tmp_path / "a.webm", 25.0)
    writer.path = tmp_path / "no such folder" / "a.webm"
    with pytest.raises(VideoError, match="cannot be written"):
        writer.write(picture_of(WAY[0]), 0.0)
    for name in ("a.avi", "b", "nowhere/a.mp4"):
        with pytest.raises(VideoError, match="written"):
            open_video(tmp_path / name, 25.0)


def test_a_frame_of_another_size_is_fitted_on_black(tmp_path):
    white = np.full((60, 120, 3), 255, np.uint8)
    fitted = video_writing._fitted(white, (100, 100))
    assert fitted.shape == (100, 100, 3)
    assert (fitted[25:75] == 255).all() and (fitted[:24] == 0).all() and (fitted[76:] == 0).all()


# The run ------------------------------------------------------------------------------------------


def test_a_fault_keeps_what_was_done_and_is_said(tmp_path):
    def broken():
        yield from footage()[:7]
        raise VideoError("clip.mp4 is cut off: after 7 frames")

    table = TrackTable(tmp_path / "t.csv", 3, passes=1)
    with open_video(tmp_path / "out.webm", 25.0) as video:
        report = track_video(landmarker().tracker(), broken(), table=table, video=video)
    assert report.fault == "clip.mp4 is cut off: after 7 frames" and report.frames == 7
    assert len(read_tracks(tmp_path / "t.csv")) == 7
    assert len(list(read_video(tmp_path / "out.webm"))) == 7


def test_ctrl_c_keeps_what_was_done(tmp_path):
    def interrupted():
        yield from footage()[:5]
        raise KeyboardInterrupt

    table = TrackTable(tmp_path / "t.csv", 3, passes=1)
    report = track_video(landmarker().tracker(), interrupted(), table=table)
    assert report.stopped and report.frames == len(read_tracks(tmp_path / "t.csv")) == 5


def test_jitter_is_that_of_the_metric_face_by_face():
    rng = np.random.default_rng(0)
    tracks = rng.normal(0, 1, (2, 30, 68, 2)) + rng.uniform(100, 200, (68, 2))
    meter = JitterMeter(SCHEMES["ibug68"])
    for t in range(30):
        faces = [
            TrackedFace(tracks[i, t], np.ones((68, 2)), np.zeros(4), np.ones(68), identity=i)
            for i in range(2)
        ]
        meter.add(t / 10, faces)
    for i in range(2):
        distance = meter.scheme.normalising_distance(tracks[i])
        assert meter.faces[i].mean == pytest.approx(jitter(tracks[i], distance))
        assert meter.faces[i].by_second()[:, 0].tolist() == [0.5, 1.5, 2.5]
    means = [meter.faces[i].mean for i in range(2)]
    assert meter.mean == pytest.approx(np.mean(means))


def test_a_gap_in_a_track_is_no_jitter():
    meter = JitterMeter(SCHEMES["ibug68"])
    still = np.random.default_rng(0).uniform(0, 100, (68, 2))
    for t in range(9):
        at = still + (0 if t < 4 else 50)
        face = TrackedFace(at, np.ones((68, 2)), np.zeros(4), np.ones(68), identity=0)
        meter.add(t / 25, [] if t == 4 else [face])
    assert meter.mean == 0


# The command --------------------------------------------------------------------------------------


def test_the_command_writes_everything(track, clip, tmp_path):
    done = track(
        clip, "--csv", tmp_path / "t.csv", "--out", tmp_path / "o.mp4", "--figures", tmp_path / "f"
    )
    assert done.exit_code == 0, done.output
    assert "20 frames, 1 face, detector network, one pass a frame" in done.stdout
    assert "jitter" in done.stdout and "ms a frame (read" in done.stdout
    tracks = read_tracks(tmp_path / "t.csv")
    assert tracks.frame.tolist() == list(range(20))
    assert np.abs(tracks.landmarks[5:] - WAY[5:]).max() < 1.5
    written = tmp_path / ("o.mp4" if h264_encoder() else "o.webm")
    assert len(list(read_video(written))) == 20
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"jitter.png", "speed.png"}
    assert "Milliseconds of a frame" in done.stdout


def test_two_passes_are_named(track, clip, tmp_path):
    done = track(clip, "--two-pass", "--csv", tmp_path / "t.csv")
    assert "two passes a frame" in done.stdout
    assert read_tracks(tmp_path / "t.csv").passes == 2


def test_a_truncated_video_keeps_what_was_done(track, tmp_path):
    cut = tmp_path / "cut.avi"
    whole = write_video(tmp_path / "whole.avi", [picture_of(face) for face in 5 * WAY])
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    done = track(cut, "--csv", tmp_path / "t.csv", "--out", tmp_path / "o.mp4")
    assert done.exit_code == 1
    assert "cut.avi is cut off" in done.stderr and "frames is kept" in done.stderr
    tracks = read_tracks(tmp_path / "t.csv")
    assert 10 < len(tracks) < 100
    assert tracks.frame[-1] >= len(tracks) - 1 and read_tracks(tmp_path / "t.csv").passes == 1


def test_a_video_without_frames_or_pictures_is_one_sentence(track, tmp_path):
    (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(5000))
    for name in ("song.mp3", "nowhere.mp4"):
        done = track(tmp_path / name, "--csv", tmp_path / "t.csv")
        assert done.exit_code == 1 and done.stderr.startswith("onedheat: ")
        assert name in done.stderr and done.stderr.count("\n") == 1
        assert not (tmp_path / "t.csv").exists()


def test_a_camera_that_is_not_there_is_one_sentence(track):
    with pytest.raises(VideoError, match="no camera 97"):
        read_camera(97)
    done = track("97")
    assert done.exit_code == 1
    assert done.stderr.startswith("onedheat: there is no camera 97 that can be opened")


def test_the_video_itself_is_never_written_over(track, clip, tmp_path):
    before = clip.read_bytes()
    for option in ("--csv", "--out"):
        copy = tmp_path / "clip.mp4"
        copy.write_bytes(before)
        done = track(copy, option, copy)
        said = " ".join(done.stderr.replace("│", "").split())  # from its box
        assert done.exit_code == 2 and "is the video itself" in said
        assert copy.read_bytes() == before
    assert track(clip, "--csv", tmp_path / "no" / "t.csv").exit_code == 2


def plain(said):
    """What stands in the box of a wrong option, in one line."""
    return " ".join(said.replace("│", " ").split())


def test_two_results_never_share_a_file(track, clip, tmp_path):
    one, link = tmp_path / "same.webm", tmp_path / "link.csv"
    link.symlink_to(one)
    for more in (
        ("--csv", one, "--out", one),
        ("--csv", link, "--out", one),
        ("--csv", tmp_path / "jitter.png", "--figures", tmp_path),
    ):
        done = track(clip, *more)
        assert done.exit_code == 2 and "is what --csv writes" in plain(done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.avi", "link.csv"]


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("--csv", "-", "standard output has the summary"),
        ("--csv", "a" * 252 + ".csv", "File name too long; give another name"),
        ("--out", "a" * 252 + ".mp4", "File name too long; give another name"),
    ],
)
def test_what_cannot_be_a_file_is_said_before_the_work_begins(track, clip, option, name, says):
    done = track(clip, option, name)
    assert done.exit_code == 2 and says in plain(done.stderr) and not done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_table_that_takes_nothing_is_one_sentence(track, clip, tmp_path):
    (tmp_path / "full.csv").symlink_to("/dev/full")
    done = track(clip, "--csv", tmp_path / "full.csv")
    assert done.exit_code == 1 and not done.stdout
    assert done.stderr == (
        f"onedheat: {tmp_path / 'full.csv'} cannot be written: No space left on device; make room, or "
        "give another file\n"
    )


def test_a_table_that_fails_later_leaves_the_summary_and_the_figures(
    track, clip, tmp_path, monkeypatch
):
    write = TrackTable.write

    def failing(self, frame, seconds, faces):
        if frame == 7:
            raise TableError("t.csv cannot be written: No space left on device")
        write(self, frame, seconds, faces)

    monkeypatch.setattr(TrackTable, "write", failing)
    done = track(clip, "--csv", tmp_path / "t.csv", "--figures", tmp_path / "f")
    assert done.exit_code == 1 and "7 frames, 1 face" in done.stdout
    assert "onedheat: t.csv cannot be written" in done.stderr
    assert "what was found in 7 frames is kept" in done.stderr
    assert len(read_tracks(tmp_path / "t.csv")) == 7
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"jitter.png", "speed.png"}


def interrupted_after(frames, monkeypatch):
    """Has Ctrl-C come after so many frames of the video."""

    def footage_of(_):
        def some():
            yield from footage()[:frames]
            raise KeyboardInterrupt

        return some(), 20, 25.0

    monkeypatch.setattr(finding, "_footage", footage_of)


def test_only_what_there_is_was_written(track, clip, tmp_path, monkeypatch):
    interrupted_after(0, monkeypatch)
    done = track(clip, "--csv", tmp_path / "t.csv", "--out", tmp_path / "o.mp4")
    assert done.exit_code == 130 and "stopped after 0 frames" in done.stderr
    assert f"written: {tmp_path / 't.csv'}" in done.stdout and "o.mp4" not in done.stdout


def test_a_file_in_the_place_of_the_figures_is_refused_before_the_work(track, clip, tmp_path):
    (tmp_path / "f").write_text("a letter")
    done = track(clip, "--csv", tmp_path / "t.csv", "--figures", tmp_path / "f")
    assert done.exit_code == 2 and "--figures" in plain(done.stderr)
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(("frames", "code"), [(5, 130), (20, 1)])
def test_figures_that_cannot_be_written_are_said_last(
    track, clip, tmp_path, monkeypatch, frames, code
):
    if frames < 20:
        interrupted_after(frames, monkeypatch)
    monkeypatch.setattr("onedheat.files.write_atomically", full)
    done = track(clip, "--figures", tmp_path / "f")
    assert done.exit_code == code and f"{frames} frames, 1 face" in done.stdout
    assert done.stderr.splitlines()[-1] == (
        f"onedheat: {tmp_path / 'f' / 'jitter.png'} cannot be written: No space left on device; make "
        "room, or give another name"
    )


def test_a_copy_that_is_out_of_time_is_said(track, clip, tmp_path, monkeypatch):
    late = [
        (seconds + (1.5 if t > 9 else 0), image) for t, (seconds, image) in enumerate(footage())
    ]
    monkeypatch.setattr(finding, "_footage", lambda _: (iter(late), 20, 25.0))
    done = track(clip, "--out", tmp_path / "o.webm")
    assert done.exit_code == 0
    assert "puts frames up to 1.50 s from their times; pip install 'onedheat[video]'" in done.stderr


def test_frames_come_with_their_seconds(clip):
    seconds = [at for at, _ in read_timed_video(clip)]
    assert seconds == pytest.approx([t / 25 for t in range(20)], abs=1e-3)


# Figures ------------------------------------------------------------------------------------------


def test_the_figures_tell_their_numbers():
    seconds = np.arange(5) + 0.5
    faces = {i: np.stack([seconds, 0.3 + 0.1 * i + 0 * seconds], axis=1) for i in range(8)}
    figure = jitter_over_time(faces, {i: 0.3 + 0.1 * i for i in faces}, "one pass a frame")
    assert "face 2 0.50 per cent in the mean" in figure.alt and "2 more faces" in figure.alt
    (axes,) = figure.axes
    assert len(axes.lines) == 8
    empty = jitter_over_time({}, {}, "one pass a frame")
    assert "no face was seen" in empty.alt
    meter = SpeedMeter()
    for t in range(50):
        meter.add(t / 10, read=1.0, track=8.0, write=3.0)
    stages = {name: means.by_second() for name, means in meter.stages.items()}
    means = {name: means.mean for name, means in meter.stages.items()}
    speed = time_of_frames(stages, means, "two passes a frame")
    assert meter.milliseconds == pytest.approx(12.0)
    assert "together 12.0 milliseconds, which is 83 frames a second" in speed.alt
    assert sum(patch.get_height() for patch in speed.axes[0].patches) == pytest.approx(60.0)
