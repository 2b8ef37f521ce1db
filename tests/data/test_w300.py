import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from faces300w import add_face, make_300w, pts_text

from onedheat.data import DataError, read, union
from onedheat.data.checks.w300 import check_300w
from onedheat.data.pts import PtsError
from onedheat.data.w300 import read_300w


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300W data"))


def test_splits_are_the_official_folders(tree):
    assert len(read_300w(tree, "train")) == 24
    assert len(read_300w(tree, "common")) == len(read_300w(tree, "lfpw/testset")) == 8
    assert {s.subset for s in read_300w(tree, "train").samples} == {
        "afw", "helen/trainset", "lfpw/trainset",
    }  # fmt: skip


def test_landmarks_count_from_0(tmp_path):
    landmarks = add_face(tmp_path / "afw", "1_1", seed=3)
    assert np.allclose(read_300w(tmp_path).samples[0].landmarks, landmarks, atol=1e-6)


def test_the_order_does_not_depend_on_the_machine(tree):
    paths = [str(s.source.path.relative_to(tree)) for s in read_300w(tree).samples]
    assert paths == sorted(paths, key=lambda p: (p.rsplit("/", 1)[0], p))


def test_traps_of_the_archives(tmp_path):
    """Extra folder levels, the space in iBUG, dlib's mirrored copies, a Mac's leftovers, capitals."""
    root = tmp_path / "download"
    landmarks = add_face(root / "300w" / "ibug", "image_092 _01", seed=1)
    add_face(root / "300w" / "helen" / "helen" / "trainset", "1_1", seed=2)
    add_face(root / "300w" / "afw", "5_1", seed=3)
    add_face(root / "300w" / "afw", "5_1_mirror", seed=3)
    (root / "300w" / "afw" / "5_1.jpg").rename(root / "300w" / "afw" / "5_1.JPG")
    (root / "300w" / "afw" / "._5_1.pts").write_bytes(b"\0\5\26")
    (root / "300w" / "afw" / ".DS_Store").write_bytes(b"\0")
    assert np.allclose(read_300w(root, "challenging").samples[0].landmarks, landmarks, atol=1e-6)
    train = read_300w(root, "train")
    assert [s.source.path.name for s in train.samples] == ["5_1.JPG", "1_1.jpg"]


def test_faces_of_one_photo_stay_together(tree):
    training, validation = read_300w(tree).divided(0.3, seed=1)
    assert len(training) + len(validation) == 24
    assert not {s.group for s in training.samples} & {s.group for s in validation.samples}
    assert len(validation) >= 0.3 * 24


def test_the_group_is_the_photo_whatever_names_it(tmp_path):
    add_face(tmp_path / "afw", "79378097_1", seed=1)
    add_face(tmp_path / "afw", "79378097_6", seed=2)
    add_face(tmp_path / "lfpw/trainset", "image_0001", seed=3)
    add_face(tmp_path / "lfpw/trainset", "image_0002", seed=4)
    shutil.copy(
        tmp_path / "lfpw/trainset/image_0002.jpg", tmp_path / "lfpw/trainset/image_0003.jpg"
    )
    shutil.copy(
        tmp_path / "lfpw/trainset/image_0002.pts", tmp_path / "lfpw/trainset/image_0003.pts"
    )
    groups = [s.group for s in read_300w(tmp_path).samples]
    assert groups[0] == groups[1] == "afw:79378097"
    assert groups[2] != groups[3] == groups[4]  # the last two are one picture
    (tmp_path / "photo_groups.csv").write_text("image,photo_group\nlfpw/trainset/image_0001,mine\n")
    assert [s.group for s in read_300w(tmp_path).samples][2] == "mine"


def test_a_set_is_a_sequence_of_faces_and_says_in_a_line_what_it_holds(tree):
    faces = read_300w(tree, "train")
    assert [face.landmarks.shape for face in faces] == [(68, 2)] * len(faces)
    assert faces[-1] is faces.samples[-1]
    assert repr(faces) == f"<FaceSet 300w, train: {len(faces)} faces of 68 landmarks (ibug68)>"


def test_folders_and_endings_in_capital_letters_are_read(tmp_path):
    add_face(tmp_path / "AFW", "1_1", seed=1)
    add_face(tmp_path / "LFPW/TrainSet", "image_0001", seed=2)
    for path in tmp_path.rglob("*.*"):
        path.rename(path.with_suffix(path.suffix.upper()))
    (afw, lfpw) = read_300w(tmp_path).samples
    assert (afw.subset, afw.group, lfpw.subset) == ("afw", "afw:1", "lfpw/trainset")
    assert [part.faces for part in check_300w(tmp_path).subsets if part.faces] == [1, 1]


def test_of_two_spellings_of_a_folder_the_data_sets_own_is_read(tmp_path):
    add_face(tmp_path / "AFW", "1_1", seed=1)
    if (tmp_path / "afw").exists():
        pytest.skip("the disk does not tell small letters from capital ones")
    add_face(tmp_path / "afw", "2_1", seed=2)
    assert [sample.group for sample in read_300w(tmp_path).samples] == ["afw:2"]


def test_the_folder_one_is_in_may_be_the_root(tmp_path, monkeypatch):
    add_face(tmp_path / "afw", "1_1", seed=1)
    monkeypatch.chdir(tmp_path)
    assert len(read_300w(".")) == 1
    monkeypatch.chdir(tmp_path / "afw")
    assert [sample.subset for sample in read_300w(".").samples] == ["afw"]


def test_points_that_cannot_be_opened_are_said_with_their_file(tmp_path):
    add_face(tmp_path / "afw", "1_1", seed=1)
    path = tmp_path / "afw" / "1_1.pts"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(PtsError, match=r"1_1\.pts: cannot be read \(No such file"):
        read_300w(tmp_path)
    (fault,) = check_300w(tmp_path).faults
    assert (fault.path, fault.what[:14]) == (str(path), "cannot be read")


def test_a_folder_that_cannot_be_read_and_a_link_to_itself_are_no_crash(tmp_path, monkeypatch):
    add_face(tmp_path / "afw", "1_1", seed=1)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert len(read_300w(tmp_path)) == 1
    closed, scandir = tmp_path / "lost+found", os.scandir
    closed.mkdir()

    def scan(folder):
        if folder == closed:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(DataError, match=r"lost\+found: cannot be read \(Permission denied\); give"):
        read_300w(tmp_path)


def test_groups_that_excel_has_saved_are_read(tmp_path):
    add_face(tmp_path / "afw", "1_1", seed=1)
    table = "\ufeffimage,photo_group\r\nafw/1_1,Anaïs\r\n"
    (tmp_path / "photo_groups.csv").write_bytes(table.encode())
    assert [s.group for s in read_300w(tmp_path).samples] == ["Anaïs"]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("image,photo_group\nafw/1_1,Anaïs\n".encode("latin-1"), ":2: a byte that is no UTF-8; save it"),
        (b"image;photo_group\nafw/1_1;anna\n", ":1: expected the columns image and photo_group, sep"),
        (b'image,photo_group\nafw/1_1,"anna\n', ":2: a broken quote"),
        (None, ": cannot be read"),
    ],
    ids=["encoding", "semicolons", "quote", "folder"],
)  # fmt: skip
def test_groups_that_cannot_be_read_are_said_and_the_check_reports_them(tmp_path, table, word):
    add_face(tmp_path / "afw", "1_1", seed=1)
    path = tmp_path / "photo_groups.csv"
    path.mkdir() if table is None else path.write_bytes(table)
    with pytest.raises(DataError) as error:
        read_300w(tmp_path)
    assert str(error.value).startswith(f"{path}{word}")
    report = check_300w(tmp_path)
    (fault,) = report.faults
    assert f"{fault.path}: {fault.what}" == str(error.value) and not report.usable


def test_a_set_that_counts_from_0_is_told_so(tmp_path):
    landmarks = add_face(tmp_path / "afw", "1_1", seed=1)
    landmarks[0, 0] = 0.0
    (tmp_path / "afw" / "1_1.pts").write_text(pts_text(landmarks - 1))  # written from 0
    with pytest.warns(UserWarning, match="count from 1"):
        read_300w(tmp_path)


@pytest.mark.parametrize("split", ["test", "ibug "])
def test_an_unknown_split_lists_those_there_are(tree, split):
    with pytest.raises(DataError, match="challenging"):
        read_300w(tree, split)


def test_what_is_not_there_is_said(tmp_path, tree):
    with pytest.raises(DataError, match="no folder"):
        read_300w(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no annotated face"):
        read_300w(tmp_path)
    with pytest.raises(DataError, match="no data set 'coco'"):
        read("coco", tree, "train")
    add_face(tmp_path / "afw", "1_1", seed=1)
    (tmp_path / "afw" / "1_1.jpg").unlink()
    with pytest.raises(DataError, match="no photo beside it"):
        read_300w(tmp_path)


def test_a_broken_annotation_stops_reading_with_its_line(tmp_path):
    add_face(tmp_path / "afw", "1_1", seed=1)
    path = tmp_path / "afw" / "1_1.pts"
    path.write_text(path.read_text().replace("\n}", "\n1 2\n}"))
    with pytest.raises(PtsError, match=r"1_1\.pts:3: 68 points are announced, 69"):
        read_300w(tmp_path)


def test_a_union_holds_both(tree):
    both = union(read_300w(tree, "train"), read_300w(tree, "common"))
    assert (len(both), both.split) == (32, "train+common")


def test_check_finds_every_fault_and_names_it(tmp_path):
    root = make_300w(tmp_path, faces=12)
    assert check_300w(root).usable
    (root / "afw" / "100_0.pts").write_text("version: 1\nn_points: 68\n{\nnan 1\n}\n")
    (root / "afw" / "100_3.jpg").write_text("no picture")
    (root / "lfpw/trainset/image_0002.png").unlink()
    shutil.copy(root / "helen/trainset/100_1.jpg", root / "lfpw/testset/image_0000.jpg")
    (root / "lfpw/testset/image_0000.png").unlink()
    (root / "ibug").mkdir()
    shutil.copy(root / "helen/trainset/100_1.jpg", root / "helen/trainset/alone.jpg")
    far = add_face(root / "afw", "far_1", seed=5)
    (root / "afw" / "far_1.pts").write_text(pts_text(far + 500))
    report = check_300w(root)
    said = report.as_text()
    assert not report.usable and "not usable" in said
    for expected in (
        "100_0.pts:4: coordinates must be finite",
        "100_3.jpg",
        "image_0002.pts: has no photo",
        "image_0000.pts: its photo is also that of",
        "alone.jpg: a photo without a .pts file",
        "far_1.pts: a landmark lies",
    ):
        assert expected in said, expected
    assert report.as_json()["usable"] is False


def test_check_of_an_empty_folder_is_not_usable(tmp_path):
    report = check_300w(tmp_path)
    assert not report.usable and "holds none of" in report.as_text()


def test_the_real_faces_are_all_read(real_data):
    root = real_data / "300w_crops"
    assert len(read_300w(root, "train")) == 2009
    assert len(read_300w(root, "lfpw/testset")) == 224
    originals = read_300w(real_data / "300w_originals", "train")
    assert len(originals) == 24
    for sample in originals.samples:
        height, width = sample.image().shape[:2]
        assert (sample.landmarks > -width / 2).all() and (
            sample.landmarks[:, 1] < 1.5 * height
        ).all()


def test_a_face_with_a_missing_point_is_neither_read_nor_usable(tree, tmp_path):
    shutil.copytree(tree, tmp_path / "copy")
    label = next((tmp_path / "copy").rglob("afw/*.pts"))
    lines = label.read_text().splitlines()
    lines[3] = "-1 -1"
    label.write_text("\n".join(lines))
    with pytest.raises(DataError, match=rf"{label.name}: point 0 is at -1, -1, which looks like"):
        read_300w(tmp_path / "copy", "train")
    report = check_300w(tmp_path / "copy")
    assert not report.usable and f"{label}: point 0 is at -1, -1" in report.as_text()
