"""Talking Face: any part of the video, its bad labels, and what is said of faults."""

from pathlib import Path

import numpy as np
import pytest
from faces300w import add_face

from onedheat.data import DataError, dataset, read
from onedheat.data.checks.talking_face import check_talking_face
from onedheat.data.pts import PtsError
from onedheat.data.talking_face import BAD_LABELS, read_talking_face
from onedheat.landmarks import FGNET68


def add_frames(root: Path, *numbers: int) -> dict[int, np.ndarray]:
    return {number: add_face(root, f"franck_{number:05d}", seed=number) for number in numbers}


def test_a_part_of_the_video_is_one_clip_in_order(tmp_path):
    landmarks = add_frames(tmp_path, 12, 10, 11)
    (clip,) = read_talking_face(tmp_path).clips
    assert len(clip) == len(list(clip)) == 3
    assert np.allclose(clip.landmarks, [landmarks[n] for n in (10, 11, 12)], atol=1e-6)
    assert [path.name for path in clip.frames.paths] == [f"franck_000{n}.jpg" for n in (10, 11, 12)]
    assert (clip.sample(1).image() == clip.frames[1]).all()
    with pytest.raises(IndexError, match="frames 0 to 2"):
        clip.frames[3]


def test_it_is_known_by_name_and_in_its_own_markup(tmp_path):
    add_frames(tmp_path, 0, 1)
    faces = read("talking-face", tmp_path)
    assert (len(faces), faces.scheme) == (2, FGNET68)
    assert dataset("talking-face").test_split == "sound"
    assert len({sample.group for sample in faces.samples}) == 1


def test_labels_that_are_not_on_the_face_are_left_out_unless_asked_for(tmp_path):
    assert len(BAD_LABELS) == 36 and {3977, 3978, 4010, 4183, 4184} <= BAD_LABELS
    add_frames(tmp_path, 3975, 3976, 3977, 4010, 4011)
    before, after = read_talking_face(tmp_path).clips
    assert (len(before), len(after)) == (2, 1)
    assert sum(map(len, read_talking_face(tmp_path, "all").clips)) == 5


def test_a_clip_ends_where_frames_are_missing(tmp_path):
    add_frames(tmp_path, 0, 1, 2, 5, 6)
    assert [len(clip) for clip in read_talking_face(tmp_path).clips] == [3, 2]


def test_points_and_pictures_may_lie_in_two_folders(tmp_path):
    landmarks = add_frames(tmp_path / "images", 0, 1)
    (tmp_path / "points").mkdir()
    for path in (tmp_path / "images").glob("*.pts"):
        path.rename(tmp_path / "points" / path.name)
    (clip,) = read_talking_face(tmp_path).clips
    assert np.allclose(clip.landmarks[1], landmarks[1], atol=1e-6)
    assert clip.frames[1].shape == (120, 120, 3)


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        read_talking_face(tmp_path / "nowhere")
    with pytest.raises(DataError, match="expected franck_00000.jpg"):
        read_talking_face(tmp_path)
    with pytest.raises(DataError, match="no split 'test'; there are: all, sound"):
        read_talking_face(tmp_path, "test")
    add_frames(tmp_path, 3977, 3978)
    with pytest.raises(DataError, match="labels are bad"):
        read_talking_face(tmp_path)
    (tmp_path / "franck_03978.jpg").unlink()
    with pytest.raises(DataError, match=r"franck_03978\.pts has no picture"):
        read_talking_face(tmp_path)


def test_a_broken_annotation_is_named_with_its_line(tmp_path):
    add_frames(tmp_path, 0, 1)
    (tmp_path / "franck_00001.pts").write_text("version: 1\nn_points: 68\n{\n}\n")
    with pytest.raises(PtsError, match=r"franck_00001\.pts:3"):
        read("talking-face", tmp_path)


def test_check_takes_a_part_for_usable_and_says_what_is_missing(tmp_path):
    add_frames(tmp_path, 3, 4, 3977)
    (tmp_path / "franck_03977.pts").write_text(
        (tmp_path / "franck_03977.pts").read_text().replace("\n{\n", "\n{\n900", 1)
    )  # known to be broken: nobody is told
    report = check_talking_face(tmp_path)
    assert report.usable and report.faces == 3
    assert "4997 of 5000 frames are not here, the first 0" in report.as_text()
    assert [fault.level for fault in report.faults] == ["warning"]


def test_check_finds_every_fault_and_names_it(tmp_path):
    landmarks = add_frames(tmp_path, *range(12))
    (tmp_path / "franck_00000.pts").write_text("version: 1\nn_points: 68\n{\nnan 1\n}\n")
    (tmp_path / "franck_00001.jpg").write_bytes(b"no picture")
    (tmp_path / "franck_00002.jpg").unlink()
    (tmp_path / "franck_00003.pts").unlink()
    for number in range(4, 12):
        rows = "\n".join(f"{x + 700:.3f} {y:.3f}" for x, y in landmarks[number])
        (tmp_path / f"franck_{number:05d}.pts").write_text(
            f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n"
        )
    report = check_talking_face(tmp_path)
    said = report.as_text()
    assert not report.usable
    for expected in (
        "franck_00000.pts:4: coordinates must be finite",
        "franck_00001.jpg",
        "franck_00002.pts: has no picture",
        "franck_00003.jpg: a picture without points",
        "franck_00004.pts: a landmark lies",
        "3 more files of that kind",
    ):
        assert expected in said, expected


def test_an_empty_folder_is_not_usable(tmp_path):
    report = check_talking_face(tmp_path)
    assert not report.usable and "holds no points" in report.as_text()


def test_the_real_frames_are_all_read(real_data):
    clips = read_talking_face(real_data / "talking_face")
    (clip,) = clips.clips
    assert len(clip) == 500 and clip.frames[499].shape == (576, 720, 3)
    eyes = FGNET68.normalising_distance(clip.landmarks)
    assert 140 < eyes.min() and eyes.max() < 190
    assert len(clips.faces(every=7)) == 72
