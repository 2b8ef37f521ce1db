"""What containers say of their videos: edits, which are no damage, and parts that are missing, which are."""

import random
import struct
from fractions import Fraction

import numpy as np
import pytest
from broken import broken
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import number_of, numbered_frame, write_numbered

from onedheat.containers import edited_times, is_broken, missing_bytes
from onedheat.video import VideoError, VideoFrames, count_decodable, read_timed_video, read_video

COUNT, FPS = 150, 25
SECOND = 12800  # in ticks of the tracks that FFmpeg writes at 25 frames a second


def _boxes(data, begin: int, end: int) -> dict[bytes, int]:
    """Where the first of each kind of an MP4's boxes begins between two places."""
    found = {}
    while begin < end:
        found.setdefault(bytes(data[begin + 4 : begin + 8]), begin)
        begin += int.from_bytes(data[begin : begin + 4], "big")
    return found


def _inside(data, at: int) -> dict[bytes, int]:
    return _boxes(data, at + 8, at + int.from_bytes(data[at : at + 4], "big"))


def with_edits(path, edits: list[tuple[float, int]], *, wide: bool = False):
    """Gives an MP4's only track other edits: how many seconds each lasts, and the tick it begins at."""
    data = bytearray(path.read_bytes())
    movie = _boxes(data, 0, len(data))[b"moov"]
    assert movie > data.index(b"mdat"), "places of frames would change"
    scale = int.from_bytes(data[movie + 28 : movie + 32], "big")
    track = _inside(data, movie)[b"trak"]
    row = ">QqI" if wide else ">IiI"
    rows = b"".join(struct.pack(row, round(long * scale), start, 1 << 16) for long, start in edits)
    table = struct.pack(">I4sII", 16 + len(rows), b"elst", wide << 24, len(edits)) + rows
    box = struct.pack(">I4s", 8 + len(table), b"edts") + table
    parts = _inside(data, track)
    at = parts.get(b"edts", parts[b"mdia"])
    before = int.from_bytes(data[at : at + 4], "big") if b"edts" in parts else 0
    data[at : at + before] = box
    for outer in (movie, track):
        length = int.from_bytes(data[outer : outer + 4], "big") + len(box) - before
        data[outer : outer + 4] = length.to_bytes(4, "big")
    path.write_bytes(data)
    return path


def _coded(path, *, b_frames: int = 0, shown=lambda number: 40 * number):
    """A numbered H.264 video whose frames are shown at `shown(number)` ms; a key frame in 50."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 50, b_frames
        stream.codec_context.time_base = stream.time_base = Fraction(1, SECOND)
        for number in range(COUNT):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            frame.pts, frame.time_base = shown(number), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _assert_shows(path, numbers: list[int]) -> None:
    """Demands those frames in order, no fault, and each by its number."""
    assert [number_of(frame) for frame in read_video(path)] == numbers
    frames = VideoFrames(path)
    assert len(frames) == len(numbers)
    rng = random.Random(0)
    for number in [len(numbers) - 1, 0, *rng.choices(range(len(numbers)), k=30)]:
        assert number_of(frames[number]) == numbers[number]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    ("edits", "numbers"),
    [
        ([(3.0, int(1.32 * SECOND))], range(33, 108)),
        ([(1.0, 0)], range(25)),
        ([(0.5, -1), (2.0, SECOND + 1)], range(26, 76)),
        ([(1.0, SECOND), (1.5, 3 * SECOND)], [*range(25, 50), *range(75, 113)]),
        ([(1.0, 3 * SECOND), (1.0, SECOND)], [*range(75, 100), *range(25, 50)]),
    ],
    ids=["trimmed", "cut at the end", "late", "two", "turned round"],
)
def test_frames_that_an_edit_list_leaves_out_are_not_missed(tmp_path, edits, numbers, wide):
    path = write_numbered(tmp_path / "mp4v.mp4", COUNT)
    _assert_shows(path, list(range(COUNT)))
    assert edited_times(path) is None
    _assert_shows(with_edits(path, edits, wide=wide), list(numbers))


def test_edits_are_exact_with_b_frames_and_at_a_variable_rate(tmp_path):
    path = _coded(tmp_path / "b.mp4", b_frames=3)
    late = 2 * SECOND // FPS  # FFmpeg decodes B frames so much before the first is shown
    with_edits(path, [(1.0, late + SECOND), (1.0, late + 4 * SECOND)])
    _assert_shows(path, [*range(25, 50), *range(100, 125)])
    uneven = [
        40 * number + 7 * (number % 5) + (900 if number > 60 else 0) for number in range(COUNT)
    ]
    path = _coded(tmp_path / "uneven.mp4", shown=lambda number: uneven[number])
    ticks = SECOND * 1001 // 1000
    _assert_shows(
        with_edits(path, [(3.0, ticks)]),
        [number for number, ms in enumerate(uneven) if 1001 <= ms < 4001],
    )


def test_a_trimmed_video_that_is_damaged_says_so(tmp_path):
    path = with_edits(write_numbered(tmp_path / "mp4v.mp4", COUNT), [(4.0, SECOND)])
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    middle = begin + (end - begin) // 2
    data[middle:end] = b"\xff" * (end - middle)
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"mp4v.mp4 is damaged: \d+ of its 100 frames"):
        list(read_video(path))


def test_an_edit_list_is_not_used_where_the_tables_beside_it_are_missing_or_disagree(tmp_path):
    path = with_edits(write_numbered(tmp_path / "mp4v.mp4", COUNT), [(4.0, SECOND)])
    whole = path.read_bytes()
    assert len(edited_times(path)) == 100
    for kind in (b"mvhd", b"mdhd", b"elst", b"stts", b"stsz"):
        path.write_bytes(whole.replace(kind, b"free"))
        assert edited_times(path) is None


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    path = write_numbered(tmp_path_factory.mktemp("edited") / "mp4v.mp4", 20)
    return with_edits(path, [(0.5, 1024)])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_index_gives_times_or_none(edited, data):
    other = edited.with_name("damaged.mp4")
    whole = edited.read_bytes()
    at = whole.index(b"moov") - 4
    other.write_bytes(whole[:at] + data.draw(broken(whole[at:])))
    times = edited_times(other)
    assert times is None or np.all(np.diff(times) >= 0)
    missing_bytes(other)


def test_bytes_behind_an_mp4_are_no_beginning_of_another_box(tmp_path):
    path = write_numbered(tmp_path / "mp4v.mp4", 5)
    path.write_bytes(path.read_bytes() + b"end\n")
    assert missing_bytes(path) == 0 and len(list(read_video(path))) == 5


def _zeroed(path, share: float):
    """Overwrites some of the middle of a file, as a disk or a download does that has lost a piece."""
    data = bytearray(path.read_bytes())
    middle, length = len(data) // 2, int(len(data) * share)
    data[middle : middle + length] = bytes(length)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["vp8.webm", "h264.mkv", "h264.ts"])
def test_a_piece_that_is_lost_from_the_middle_is_told_however_small(tmp_path, name):
    path = tmp_path / name
    write_numbered(path, COUNT) if name == "vp8.webm" else _coded(path)
    assert not is_broken(path)
    assert is_broken(_zeroed(path, 0.03))
    assert count_decodable(path) > 0.5 * COUNT
    with pytest.raises(VideoError, match="is damaged"):
        list(read_video(path))


@pytest.mark.parametrize("name", ["phone.mkv", "phone.ts", "phone.mp4"])
def test_pauses_in_a_video_are_no_damage(tmp_path, name):
    paused = [40 * number + 2000 * (number > 30) + 5000 * (number > 90) for number in range(COUNT)]
    path = _coded(tmp_path / name, shown=lambda number: paused[number])
    assert not is_broken(path)
    seconds, frames = zip(*read_timed_video(path), strict=True)
    assert np.allclose(seconds, np.array(paused) / 1000, atol=2e-3)
    assert [number_of(frame) for frame in frames] == list(range(COUNT))


@pytest.mark.parametrize("behind", [b"end\n", bytes(1000)])
@pytest.mark.parametrize("name", ["phone.mkv", "phone.ts"])
def test_bytes_behind_a_video_with_pauses_are_no_damage(tmp_path, name, behind):
    path = _coded(tmp_path / name, shown=lambda number: 40 * number + 2000 * (number > 30))
    path.write_bytes(path.read_bytes() + behind)
    assert not is_broken(path)
    assert [number_of(frame) for frame in read_video(path)] == list(range(COUNT))


def test_videos_one_behind_another_in_a_file_are_no_damage(tmp_path):
    path = write_numbered(tmp_path / "vp8.webm", 20)
    path.write_bytes(2 * path.read_bytes())
    assert not is_broken(path)
    assert [number_of(frame) for frame in read_video(path)] == 2 * list(range(20))


def test_the_last_frames_of_an_avi_with_b_frames_come_after_the_others(tmp_path):
    av = pytest.importorskip("av")
    path = tmp_path / "b.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.max_b_frames = 2
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert np.allclose([seconds for seconds, _ in read_timed_video(path)], np.arange(30) / FPS)
