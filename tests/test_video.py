"""Video files as pictures: exact frames in any order, and words for every kind of broken file."""

import multiprocessing
import os
import pickle
import random
import subprocess
import sys
import threading
import warnings
from fractions import Fraction

import numpy as np
import pytest
from videos import CODECS, number_of, numbered_frame, write_numbered, write_video

import onedheat
from onedheat import video
from onedheat.video import (
    MAX_OPEN,
    VideoError,
    VideoFrames,
    count_decodable,
    frame_times,
    quiet_opencv,
    read_timed_video,
    read_video,
)

COUNT = 150


@pytest.fixture(scope="module", params=CODECS)
def numbered(request, tmp_path_factory):
    return write_numbered(tmp_path_factory.mktemp("videos") / request.param, COUNT)


def test_frames_come_in_order_and_rgb(numbered, tmp_path):
    assert [number_of(frame) for frame in onedheat.read_video(numbered)] == list(range(COUNT))
    orange = np.full((48, 64, 3), (230, 120, 20), np.uint8)
    (frame,) = read_video(write_video(tmp_path / "orange.avi", [orange]))
    assert np.abs(frame.astype(int) - orange).max() < 12


def test_frames_are_counted_without_decoding(numbered):
    assert len(VideoFrames(numbered)) == count_decodable(numbered) == COUNT


def test_any_frame_is_the_frame_of_that_number_in_order(numbered):
    frames = VideoFrames(numbered)
    in_order = list(frames)
    rng = random.Random(0)
    for number in [COUNT - 1, 0, 1, 1, COUNT - 2, *rng.choices(range(COUNT), k=60)]:
        assert np.array_equal(frames[number], in_order[number]), number


def _coded(path, codec: str, *, b_frames: int = 0, time=None, options=None, container_options=None):
    """A numbered video by FFmpeg, with B frames or with frames shown at `time(number)` ms."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=Fraction(30000, 1001), options=options or {})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.gop_size = 50
        stream.codec_context.max_b_frames = b_frames
        if time is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            if time is not None:
                frame.pts, frame.time_base = time(number), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _uneven(number: int) -> int:
    return 33 * number + 3 * (number % 7) + (500 if number > 70 else 0)


@pytest.mark.parametrize(
    ("name", "codec", "how"),
    [
        ("b.avi", "mpeg4", {"b_frames": 2}),
        ("b.mp4", "libx264", {"b_frames": 3}),
        ("uneven.mp4", "libx264", {"b_frames": 2, "time": _uneven}),
        ("uneven.mkv", "libx264", {"b_frames": 2, "time": _uneven}),
        ("late.mkv", "libx264", {"time": lambda number: 5000 + 40 * number}),
        ("stream.mpg", "mpeg2video", {"b_frames": 2}),
        ("stream.ts", "libx264", {"b_frames": 2}),
        ("hidden.webm", "libvpx", {"options": {"auto-alt-ref": "1", "lag-in-frames": "16"}}),
    ],
)
def test_frames_are_exact_where_seeking_by_number_is_not(tmp_path, name, codec, how):
    """B frames, variable rate, a late start, hidden frames: OpenCV's own seek misses in half of them."""
    frames = VideoFrames(_coded(tmp_path / name, codec, **how))
    assert len(frames) == COUNT
    assert [number_of(frame) for frame in read_video(frames.path)] == list(range(COUNT))
    rng = random.Random(0)
    for number in [COUNT - 1, 0, COUNT - 1, COUNT - 2, *rng.choices(range(COUNT), k=60)]:
        assert number_of(frames[number]) == number


def test_rising_access_decodes_each_frame_once(numbered, monkeypatch):
    grabs, seeks = [], []
    grab, seek = video._Reader.grab, video._Reader.seek
    monkeypatch.setattr(
        video._Reader, "grab", lambda self: (grabs.append(self.position), grab(self))[1]
    )
    monkeypatch.setattr(
        video._Reader, "seek", lambda self, *to: (seeks.append(to[0]), seek(self, *to))[1]
    )
    frames = VideoFrames(numbered)
    for number in range(0, COUNT, 5):
        frames[number]
    assert seeks == [] or seeks == [
        0
    ]  # back to the beginning, if a test before has left it elsewhere
    assert len(grabs) <= COUNT + 1


def test_few_decoders_stay_open_and_a_replaced_file_is_read_anew(tmp_path):
    for number in range(MAX_OPEN + 3):
        one = VideoFrames(write_numbered(tmp_path / f"{number}.avi", 3))
        assert number_of(one[2]) == 2
    assert len(video._open_readers.readers) == MAX_OPEN
    assert len(one) == 3
    write_numbered(one.path, 8)
    os.utime(one.path, ns=(1, 1))
    assert number_of(VideoFrames(one.path)[7]) == 7


def _numbers(frames: VideoFrames, wanted: list[int]) -> list[int]:
    return [number_of(frames[number]) for number in wanted]


def test_workers_read_the_same_video_without_disturbing_one_another(numbered):
    frames = VideoFrames(numbered)
    assert _numbers(pickle.loads(pickle.dumps(frames)), [7, 90]) == [7, 90]
    rng = random.Random(0)
    orders = [rng.sample(range(COUNT), 40) for _ in range(3)]
    number_of(frames[50])  # open before the fork
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking where threads are
        with multiprocessing.get_context("fork").Pool(2) as pool:
            others = pool.starmap_async(_numbers, [(frames, order) for order in orders[:2]])
            assert _numbers(frames, orders[2]) == orders[2]
            assert others.get(timeout=60) == orders[:2]


def test_fewer_frames_can_be_asked_for_than_there_are(numbered):
    first = VideoFrames(numbered, 10)
    assert len(first) == len(list(first)) == 10
    for outside in (10, -1):
        with pytest.raises(IndexError, match="frames 0 to 9"):
            first[outside]


def test_a_video_that_ends_early_is_named_after_its_frames(numbered):
    longer = VideoFrames(numbered, COUNT + 2)
    seen = []
    with pytest.raises(
        VideoError, match=f"ends after {COUNT} frames, and {COUNT + 2} are expected"
    ):
        for frame in longer:
            seen.append(number_of(frame))
    assert seen == list(range(COUNT))
    with pytest.raises(VideoError, match=f"ends after {COUNT} frames"):
        longer[COUNT + 1]
    assert number_of(longer[3]) == 3


@pytest.mark.parametrize("name", ["xvid.avi", "mjpg.avi", "vp8.webm"])
def test_a_file_that_is_cut_off_gives_its_frames_and_then_says_so(tmp_path, name):
    whole = write_numbered(tmp_path / name, COUNT)
    cut = tmp_path / f"cut {name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    seen = []
    with pytest.raises(VideoError, match=r"cut .*is cut off: after \d+ frames"):
        for frame in read_video(cut):
            seen.append(number_of(frame))
    assert len(seen) > 10 and seen[:-1] == list(range(len(seen) - 1))


def test_a_file_that_goes_while_it_is_read_gives_its_frames_and_then_says_so(tmp_path):
    frames = read_video(write_numbered(tmp_path / "mjpg.avi", 20))
    next(frames)
    (tmp_path / "mjpg.avi").unlink()
    with pytest.raises(VideoError, match="mjpg.avi does not exist"):
        assert [number_of(frame) for frame in frames] == list(range(1, 20))


def test_an_mp4_that_is_cut_off_before_its_index_cannot_be_opened(tmp_path):
    whole = write_numbered(tmp_path / "mp4v.mp4", 50)
    whole.write_bytes(whole.read_bytes()[:-500])
    with pytest.raises(VideoError, match="damaged"):
        read_video(whole)


def test_an_mp4_with_its_index_in_front_says_what_it_lacks(tmp_path):
    fast = _coded(tmp_path / "fast.mp4", "libx264", container_options={"movflags": "faststart"})
    data = fast.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    fast.write_bytes(data[:-1000])
    with pytest.raises(VideoError, match="1,000 of its bytes"):
        list(read_video(fast))


def _until_a_fault(path) -> tuple[dict[int, float], str]:
    """The seconds of each frame of a video by the number that it shows, and the fault in words."""
    seen = {}
    with pytest.raises(VideoError) as caught:
        for seconds, picture in read_timed_video(path):
            seen[number_of(picture)] = seconds
    return seen, str(caught.value)


def _with_damage(path, damaged: range):
    """A video of which every frame stands alone, and those packets hold rubbish."""
    av = pytest.importorskip("av")
    _coded(path, "libx264", options={"x264-params": "keyint=1"})
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    raw = bytearray(path.read_bytes())
    for number in damaged:
        at, size = packets[number]
        raw[at : at + size] = b"\xff" * size
    path.write_bytes(raw)
    return path


def test_a_video_goes_on_behind_damaged_frames_and_says_so_at_its_end(tmp_path):
    broken = _with_damage(tmp_path / "broken.mp4", range(60, 63))
    seen, fault = _until_a_fault(broken)
    assert list(seen) == [*range(60), *range(63, COUNT)]
    assert all(abs(seconds - number * 1001 / 30000) < 1e-3 for number, seconds in seen.items())
    assert f"broken.mp4 is damaged: {COUNT - 3} of its {COUNT} frames" in fault
    assert len(frame_times(broken)) == COUNT and count_decodable(broken) == COUNT - 3


def test_frames_by_number_end_before_damage_as_numbers_behind_it_would_be_guesses(tmp_path):
    frames = VideoFrames(_with_damage(tmp_path / "broken.mp4", range(60, 63)))
    for number in (59, 60, 61, 90, 60, 3):
        if number < 60:
            assert number_of(frames[number]) == number
        else:
            with pytest.raises(VideoError, match=f"ends after 60 frames, and {COUNT} are expected"):
                frames[number]


@pytest.mark.parametrize("name", ["broken.mp4", "broken.mkv"])
def test_a_video_whose_packets_end_before_the_length_it_announces_is_damaged(tmp_path, name):
    if name.endswith("mp4"):
        broken = _with_damage(tmp_path / name, range(100, COUNT))
    else:
        broken = _coded(tmp_path / name, "libx264", options={"x264-params": "keyint=1"})
        raw = bytearray(broken.read_bytes())
        raw[len(raw) // 2 :] = b"\xff" * (len(raw) - len(raw) // 2)
        broken.write_bytes(raw)
    seen, fault = _until_a_fault(broken)
    assert list(seen) == list(range(len(seen))) and 10 < len(seen) <= 100
    assert f"{len(seen)} of its {COUNT} frames" in fault


def test_sound_alone_is_no_video(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "song.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.int16), format="s16", layout="mono"
        )
        silence.rate = 8000
        container.mux(stream.encode(silence))
    with pytest.raises(VideoError, match="song.wav holds no video that can be read.*sound only"):
        read_video(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b"", "is empty"), (b"no video\n" * 99, "holds no video")],
)
def test_what_is_no_video_is_refused_at_once(tmp_path, content, words):
    path = tmp_path / "a: video.avi"
    if content is not None:
        path.write_bytes(content)
    for use in (read_video, lambda p: VideoFrames(p)[0], lambda p: len(VideoFrames(p))):
        with pytest.raises(VideoError, match=words):
            use(path)


def test_folders_and_impossible_paths_are_refused(tmp_path):
    with pytest.raises(VideoError, match="is a folder"):
        read_video(tmp_path)
    with pytest.raises(VideoError, match="cannot be opened"):
        read_video("x" * 5000)
    with pytest.raises(VideoError, match="cannot be opened"):
        read_video("a\0b")


def test_a_name_that_is_not_in_utf_8_is_refused_and_ends_no_process(tmp_path):
    try:
        path = write_numbered(tmp_path / "video.avi", 2).rename(tmp_path / "bad\udcff.avi")
    except (OSError, UnicodeError):
        pytest.skip("this file system has no such names")
    with pytest.raises(VideoError, match=r"bad\\udcff.avi' is not in UTF-8.*rename it"):
        read_video(path)


_READ_ALL = """
import sys
from onedheat.video import VideoError, read_video
for path in sys.argv[1:]:
    try:
        list(read_video(path))
    except VideoError as error:
        print(error)
"""


def test_opencv_says_nothing_of_its_own_about_bad_videos(tmp_path):
    """In a process that reads only: FFmpeg asks but once how much it may say."""
    (tmp_path / "bad.mp4").write_bytes(b"no video\n" * 99)
    (tmp_path / "text.avi").write_text("no video")
    _with_damage(tmp_path / "broken.mp4", range(60, 63))
    command = [sys.executable, "-c", _READ_ALL, *sorted(map(str, tmp_path.iterdir()))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert len(run.stdout.splitlines()) == 3 and run.stderr == ""


def test_opencv_speaks_again_once_the_last_thread_wants_no_quiet():
    logs = pytest.importorskip("cv2").utils.logging
    before, first_is_in, second_is_in = logs.getLogLevel(), threading.Event(), threading.Event()
    assert before != logs.LOG_LEVEL_SILENT

    def first():
        with quiet_opencv():
            first_is_in.set()
            second_is_in.wait(10)

    other = threading.Thread(target=first)
    other.start()
    first_is_in.wait(10)
    with quiet_opencv():
        second_is_in.set()
        other.join(10)
        assert logs.getLogLevel() == logs.LOG_LEVEL_SILENT
    assert logs.getLogLevel() == before
