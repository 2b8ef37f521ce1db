"""300VW: the published parts, frames that belong to their landmarks, and what is said of faults."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from faces300w import make_300w, pts_text
from videos import number_of, write_numbered
from vw300 import add_clip, frame_of, landmarks_of

from onedheat.data import DataError, dataset, read, union
from onedheat.data.checks.vw300 import check_300vw
from onedheat.data.pts import PtsError
from onedheat.data.vw300 import CLIPS, SPLITS, read_300vw
from onedheat.data.w300 import read_300w
from onedheat.video import VideoError


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("300VW data")
    for name, frames in {"001": 30, "225": 12, "548": 9, "203": 7, "562": 6}.items():
        add_clip(root, name, frames)
    return root


def test_the_parts_are_the_published_ones():
    counts = {part: len(names) for part, names in CLIPS.items()}
    assert counts == {"train": 50, "scenario1": 31, "scenario2": 19, "scenario3": 14}
    every = [name for names in CLIPS.values() for name in names]
    assert len(set(every)) == len(every) == 114
    assert all(len(name) == 3 and name.isdigit() for name in every)
    assert sum(len(CLIPS[part]) for part in SPLITS["test"]) == 64


def test_splits_hold_their_clips_in_order(tree):
    def names(split):
        return [clip.group for clip in read_300vw(tree, split).clips]

    assert names("train") == ["300vw:001", "300vw:225"]
    assert names("test") == ["300vw:548", "300vw:203", "300vw:562"]
    assert names("scenario2") == ["300vw:203"]
    subsets = [clip.subset for clip in dataset("300vw").clips(tree, "test").clips]
    assert subsets == ["scenario1", "scenario2", "scenario3"]
    assert dataset("300vw").test_split == "test"


def test_each_frame_comes_with_its_own_landmarks(tree):
    clip = read_300vw(tree).clips[0]
    assert len(clip) == 30
    pairs = [(number_of(picture), frame_of(landmarks)) for picture, landmarks in clip]
    assert pairs == [(frame, frame) for frame in range(30)]
    assert np.abs(clip.landmarks[7] - landmarks_of(7)).max() < 1e-5  # they count from 0
    for frame in (29, 3, 17):
        sample = clip.sample(frame)
        assert (number_of(sample.image()), frame_of(sample.landmarks)) == (frame, frame)
        assert str(sample.source) == f"{tree / '001' / 'vid.avi'}, frame {frame}"


def test_frames_and_photos_are_one_set_in_one_call(tree, tmp_path):
    both = union(read_300vw(tree).faces(every=5), read_300w(make_300w(tmp_path, faces=6)))
    assert len(both) == 6 + 3 + 6
    assert [frame_of(sample.landmarks) for sample in both.samples[:6]] == [0, 5, 10, 15, 20, 25]
    assert len({sample.group for sample in both.samples[:9]}) == 2
    assert len(read("300vw", tree, "test")) == 9 + 7 + 6


def test_annotations_are_read_when_a_clip_is_first_used(tmp_path):
    add_clip(tmp_path, "001", 4)
    broken = add_clip(tmp_path, "002", 4) / "annot" / "000003.pts"
    broken.write_text(broken.read_text().replace("\n}", "\n1 2\n}"))
    good, bad = read_300vw(tmp_path).clips
    assert good.landmarks.shape == (4, 68, 2) and len(bad) == 4
    with pytest.raises(PtsError, match=r"000003\.pts:3: 68 points are announced, 69"):
        bad.landmarks  # noqa: B018


def test_clips_that_a_file_names_are_left_out(tmp_path):
    for name in ("001", "002", "401"):
        add_clip(tmp_path, name, 3)
    (tmp_path / "exclude.txt").write_text("# as in a paper\n\n002  # too dark\r\n")
    assert [clip.group for clip in read_300vw(tmp_path).clips] == ["300vw:001"]
    assert "leaves out 1 clips: 002" in check_300vw(tmp_path).as_text()
    (tmp_path / "exclude.txt").write_text("002\n2\n")
    with pytest.raises(DataError, match=r"exclude\.txt:2: '2' is no clip of 300VW"):
        read_300vw(tmp_path)
    (tmp_path / "exclude.txt").write_text("\ufeff002\n", encoding="utf-8")
    assert len(read_300vw(tmp_path)) == 1
    (tmp_path / "exclude.txt").write_text("001\n002\n")
    with pytest.raises(DataError, match="no clip of 300vw's split 'train'"):
        read_300vw(tmp_path)


def test_traps_of_the_archive(tmp_path):
    """A folder level more, a Mac's leftovers, other files, and frames without leading zeros."""
    root = tmp_path / "300VW_Dataset_2015_12_14"
    folder = add_clip(root, "001", 12)
    (folder / "annot" / "._000001.pts").write_bytes(b"\0\5\26")
    (folder / "annot" / "notes.txt").write_text("hello")
    (folder / "annot" / "000002.pts").rename(folder / "annot" / "2.pts")
    (root / "extra").mkdir()
    (clip,) = read_300vw(tmp_path).clips
    assert [frame_of(landmarks) for landmarks in clip.landmarks] == list(range(12))


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        read_300vw(tmp_path / "nowhere")
    with pytest.raises(DataError, match="expected folders such as 001, 002, 003"):
        read_300vw(tmp_path)
    with pytest.raises(DataError, match="no split 'common'.*scenario1"):
        read_300vw(tmp_path, "common")
    folder = add_clip(tmp_path, "001", 9)
    for frame in (4, 6):
        (folder / "annot" / f"{frame:06d}.pts").unlink()
    with pytest.raises(DataError, match="annot lacks 2 frames, the first 000004.pts"):
        read_300vw(tmp_path)
    (folder / "vid.avi").unlink()
    with pytest.raises(DataError, match="001 has no vid.avi"):
        read_300vw(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("000000.pts", "not named after its frame"),
        ("a.pts", "not named"),
        ("1.pts", "of one frame"),
    ],
)
def test_a_stray_annotation_is_refused_by_name(tmp_path, name, words):
    folder = add_clip(tmp_path, "001", 2)
    (folder / "annot" / name).write_text(pts_text(landmarks_of(0)))
    with pytest.raises(DataError, match=words):
        read_300vw(tmp_path)
    assert not check_300vw(tmp_path).usable


def test_a_huge_frame_number_is_a_gap_and_not_a_wait(tmp_path):
    folder = add_clip(tmp_path, "001", 2)
    (folder / "annot" / "999999999.pts").write_text(pts_text(landmarks_of(0)))
    with pytest.raises(DataError, match="lacks 999999996 frames, the first 000003.pts"):
        read_300vw(tmp_path)


def test_a_video_with_too_few_frames_gives_those_and_then_says_so(tmp_path):
    add_clip(tmp_path, "001", 5, annotated=8)
    (clip,) = read_300vw(tmp_path).clips
    seen = []
    with pytest.raises(VideoError, match="ends after 5 frames, and 8 are expected"):
        for picture, _ in clip:
            seen.append(number_of(picture))
    assert seen == [0, 1, 2, 3, 4]


def test_check_counts_clips_and_frames(tree):
    report = check_300vw(tree)
    assert report.usable
    rows = {s.name: (s.faces, s.clips, s.official_clips) for s in report.subsets}
    assert rows == {
        "train": (42, 2, 50),
        "scenario1": (9, 1, 31),
        "scenario2": (7, 1, 19),
        "scenario3": (6, 1, 14),
    }
    said = report.as_text()
    assert "2 of 50 clips" in said and "train lacks 48 of 50 clips, the first 002" in said
    assert report.as_json()["subsets"][1]["clips"] == 1


def test_check_finds_every_fault_and_names_it(tmp_path):
    bad = add_clip(tmp_path, "001", 12)
    for frame in range(3, 11):
        (bad / "annot" / f"{frame:06d}.pts").write_text("version: 1\nn_points: 68\n{\nnan 1\n}\n")
    (bad / "annot" / "000012.pts").write_text(pts_text(landmarks_of(0) + 900))
    add_clip(tmp_path, "002", 5, annotated=8)
    add_clip(tmp_path, "003", 8, annotated=5)
    (add_clip(tmp_path, "004", 3) / "vid.avi").write_bytes(b"no video")
    (add_clip(tmp_path, "007", 4) / "annot" / "000002.pts").unlink()
    whole = write_numbered(tmp_path / "whole.avi", 60).read_bytes()
    (add_clip(tmp_path, "009", 60) / "vid.avi").write_bytes(whole[: len(whole) // 2])
    report = check_300vw(tmp_path)
    said = report.as_text()
    assert not report.usable
    for expected in (
        f"error: {bad}/annot/000003.pts:4: coordinates must be finite",
        f"error: {bad}/annot: 3 more files of that kind",
        "000012.pts: a landmark lies",
        "002/vid.avi: holds 5 frames, and 8 are annotated",
        "warning: " + str(tmp_path / "003/vid.avi") + ": holds 8 frames, and only the first 5",
        "004/vid.avi: holds no video that can be read",
        "007/annot: lacks 1 frames, the first 000002.pts",
        "and 60 are annotated",
    ):
        assert expected in said, expected


def test_a_folder_without_clips_is_not_usable(tmp_path):
    report = check_300vw(tmp_path)
    assert not report.usable and "holds no clip of 300VW" in report.as_text()


_ITERATE = """
import sys
import psutil
from onedheat.data.vw300 import read_300vw

process = psutil.Process()  # what is used now: the peak that the system tells includes the parent's
(clip,) = read_300vw(sys.argv[1]).clips
used = []
for frame, (picture, landmarks) in enumerate(clip):
    if frame % 50 == 49:
        used.append(process.memory_info().rss / 1e6)
print(frame + 1, used[0], max(used), min(used))
"""


def _memory_of_a_long_clip(root: Path, frames: int) -> float:
    """By how many MB the memory in use changes at most while a clip is read to its end."""
    pytest.importorskip("psutil")
    add_clip(root, "001", frames)
    run = subprocess.run(
        [sys.executable, "-c", _ITERATE, str(root)], capture_output=True, text=True, timeout=500
    )
    assert run.returncode == 0, run.stderr
    seen, start, most, least = map(float, run.stdout.split())
    print(f"{seen:.0f} frames: {start:.1f} MB after 50 frames, then {least:.1f} to {most:.1f} MB")
    assert seen == frames
    return max(most - start, start - least)


def test_memory_stays_flat_over_a_clip(tmp_path):
    assert _memory_of_a_long_clip(tmp_path, 600) < 15


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_stays_flat_over_20000_frames(tmp_path):
    assert _memory_of_a_long_clip(tmp_path, 20_000) < 50
