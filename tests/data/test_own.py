"""Folders of one's own: both formats, splits, groups, and every fault with its file and line."""

import dataclasses
import json
import re
import shutil
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from faces300w import pts_text
from ownfaces import FIVE, OF_68, draw, make_csv_folder, make_pts_folder, write_scheme

from onedheat.data import ClipSet, DataError, FaceSet, dataset, read, union
from onedheat.data.checks.own import check_own
from onedheat.data.clips import joined
from onedheat.data.datasets import paired
from onedheat.data.own import read_labels, read_own
from onedheat.data.own_scheme import own_scheme
from onedheat.data.propose import mean_shape, mirror_misfit, propose_scheme, strangers
from onedheat.data.scheme_file import SCHEME, read_scheme
from onedheat.data.w300 import read_300w
from onedheat.landmarks import IBUG68


def far_away() -> str:
    """A `.pts` file whose second point lies where no photo reaches."""
    lines = pts_text(np.eye(5)[:, :2]).splitlines()
    lines[4] = "1e300 2"
    return "\n".join(lines)


def mark(path: Path, words: str) -> None:
    """Puts other coordinates for the second point of a `.pts` file."""
    lines = path.read_text().splitlines()
    lines[4] = words
    path.write_text("\n".join(lines))


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jpg")


def test_pts_files_count_from_1_and_a_csv_from_0(tmp_path):
    expected = draw(tmp_path / "somewhere.jpg", seed=1)
    folder = make_pts_folder(tmp_path / "pts")
    table = make_csv_folder(tmp_path / "csv")
    assert read_own(folder).samples[1].landmarks == pytest.approx(expected, abs=1e-5)
    assert read_own(table).samples[1].landmarks == pytest.approx(expected, abs=1e-4)


def test_a_folder_of_pts_files_is_read_as_deep_as_it_goes(tmp_path):
    faces = read_own(make_pts_folder(tmp_path / "my faces"))
    assert [s.source.path.name for s in faces.samples] == ["a.jpg", "b.png", "c.jpg"]
    assert (faces.name, faces.split, faces.scheme) == ("my faces", "train", FIVE)
    assert faces.samples[0].image().shape == (120, 120, 3)


def test_a_csv_gives_visibility_boxes_splits_and_groups(tmp_path):
    root = make_csv_folder(
        tmp_path, 3, named=True,
        split=["train", "test", ""], group=["anna", "anna", ""],
        **{f"{point}_visible": [1, 1, 0] for point in FIVE.points},
        box_x0=[0, 0, ""], box_y0=[1, 1, ""], box_x1=[90, 90, ""], box_y1=[91, 91, ""],
    )  # fmt: skip
    training = read_own(root)
    assert [s.source.path.name for s in training.samples] == ["face 0.jpg", "face 2.jpg"]
    assert [s.visible.all() for s in training.samples] == [True, False]
    assert training.samples[0].box.tolist() == [0, 1, 90, 91] and training.samples[1].box is None
    assert training.samples[0].group == "anna" != training.samples[1].group
    assert len(read_own(root, "test")) == 1


def test_folders_called_train_and_test_are_splits_and_others_are_not(tmp_path):
    names = ["train/a.jpg", "Test/b.jpg", "group/c.jpg", "val/x/d.jpg", "e.jpg"]
    root = make_pts_folder(tmp_path, names)
    stems = {split: sorted(s.source.path.stem for s in read_own(root, split).samples)
             for split in ("train", "test", "val")}  # fmt: skip
    assert stems == {"train": ["a", "c", "e"], "test": ["b"], "val": ["d"]}
    with pytest.raises(DataError, match="no faces of a split 'tset'; there are: .*val"):
        read_own(root, "tset")


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_a_splits_folder_may_lie_anywhere_on_the_way_to_the_photo(tmp_path, absolute, slash):
    root = make_csv_folder(tmp_path / "mine", 3)
    path = root / "landmarks.csv"
    for name, place in (("face 1.jpg", "images/test"), ("face 2.jpg", "images/Train/anna")):
        (root / place).mkdir(parents=True)
        (root / name).rename(root / place / name)
        named = root / place / name if absolute else Path("..", "mine", place, name)
        written = str(named).replace("/", slash)
        path.write_text(path.read_text().replace(name, written))
    assert [s.source.path.name for s in read_own(root, "test").samples] == ["face 1.jpg"]
    assert len(read_own(root)) == 2
    (tmp_path / "link").symlink_to(root)  # absolute paths then lead elsewhere at first sight
    assert len(read_own(tmp_path / "link", "test")) == 1
    (root / "images/test").rename(root / "images/Train/test")
    path.write_text(
        path.read_text().replace(f"images{slash}test", f"images{slash}Train{slash}test")
    )
    with pytest.raises(
        DataError, match=r"csv:3: its photo .* in folders called train and test; ren"
    ):
        read_own(root)


def test_the_folders_above_ones_own_are_no_splits(tmp_path):
    root = make_pts_folder(tmp_path / "test" / "mine", ["a.jpg", "x/val/b.jpg", "train/test/c.jpg"])
    with pytest.raises(DataError, match=r"c\.pts: its photo .* called train and test; rename one"):
        read_own(root)
    shutil.rmtree(root / "train")
    assert len(read_own(root)) == len(read_own(root, "val")) == 1


@pytest.mark.parametrize("ending", [".JPG", ".jpeg", ".jfif", ".webp", ".tiff", ".bmp"])
def test_photos_and_labels_may_end_in_all_usual_ways(tmp_path, ending):
    root = make_pts_folder(tmp_path, ["a.jpg"])
    (root / "a.jpg").rename(root / f"a{ending}")
    (root / "a.pts").rename(root / "a.PTS")
    (face,) = read_own(root).samples
    assert face.image().shape == (120, 120, 3) and check_own(root).usable


def test_names_are_found_however_their_accents_are_stored(tmp_path):
    """Macs store é as two characters, tables as one."""
    one, two = (unicodedata.normalize(form, "Zoé ü") for form in ("NFC", "NFD"))
    root = make_csv_folder(tmp_path / "csv", 1)
    (root / "face 0.jpg").rename(root / f"{two}.jpg")
    table = root / "landmarks.csv"
    table.write_text(table.read_text().replace("face 0", one), encoding="utf-8")
    root_pts = make_pts_folder(tmp_path / "pts", [f"{two}.jpg"])
    (root_pts / f"{two}.pts").rename(root_pts / f"{one}.pts")
    for folder in (root, root_pts):
        assert [sample.source.path.name for sample in read_own(folder).samples] == [f"{two}.jpg"]
        assert check_own(folder).usable


def test_labels_of_another_kind_are_named(tmp_path):
    root = make_csv_folder(tmp_path, 1)
    (root / "labels").mkdir()
    (root / "landmarks.csv").rename(root / "labels/landmarks.csv")
    with pytest.raises(
        DataError, match=r"no labels but labels/landmarks\.csv, which is not read; .*in the"
    ):
        read_own(root)
    (root / "annotations.json").write_text("{}")
    with pytest.raises(
        DataError, match=r"holds no labels but annotations\.json, which is not read; exp"
    ):
        read_own(root)


def test_the_column_split_is_read_in_any_case(tmp_path):
    root = make_csv_folder(tmp_path, 3, split=["Train", "TEST", "Mine"])
    assert [len(read_own(root, split)) for split in ("train", "test", "Mine")] == [1, 1, 1]


def test_linked_folders_are_entered_and_loops_end(tmp_path):
    elsewhere = make_pts_folder(tmp_path / "disk", ["a.jpg", "b.jpg"])
    root = tmp_path / "mine"
    write_scheme(root)
    (root / "test").symlink_to(elsewhere)
    (elsewhere / "again").symlink_to(root)
    (elsewhere / "self").symlink_to(elsewhere)
    (elsewhere / "nowhere").symlink_to("nowhere")
    assert [s.source.path.name for s in read_own(root, "test").samples] == ["a.jpg", "b.jpg"]
    (elsewhere / "b.pts").unlink()
    (fault,) = check_own(root).faults
    assert fault.path == str(root / "test/b.jpg") and "no label that can be used" in fault.what


def test_a_copied_photo_stays_with_the_first_and_groups_do_not_depend_on_where_the_folder_lies(
    tmp_path,
):
    root = make_pts_folder(tmp_path / "faces", ["a.jpg", "b.jpg", "c.jpg"])
    shutil.copy(root / "a.jpg", root / "d.jpg")
    shutil.copy(root / "a.pts", root / "d.pts")
    (root / "photo_groups.csv").write_text("image,photo_group\nb,anna\nc,anna\n")
    groups = [sample.group for sample in read_own(root).samples]
    assert groups[0] == groups[3] != groups[1] == groups[2] == "anna"
    (root / "photo_groups.csv").unlink()
    before = [sample.group for sample in read_own(root).samples]
    root.rename(tmp_path / "elsewhere_faces")
    (tmp_path / "deep").mkdir()
    (tmp_path / "elsewhere_faces").rename(tmp_path / "deep/faces")
    assert [sample.group for sample in read_own(tmp_path / "deep/faces").samples] == before


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda r: (r / "scheme.json").unlink(), "has no scheme.json.*onedheat data scheme"),
        (lambda r: (r / "scheme.json").write_text('{"name":\n x}'), "scheme.json:2: no JSON"),
        (lambda r: (r / "scheme.json").write_bytes(b"\xff\xfe"), "scheme.json"),
        (lambda r: (r / "scheme.json").write_bytes('{\n"é'.encode("latin-1")), "json:2: .*save .* as UTF-8"),
        (lambda r: (r / "a.jpg").rename(r / "a.HEIC"), r"a\.pts: has no .*; convert a\.HEIC to JPEG"),
        (lambda r: (r / "a.pts").rename(r / "a.jpg.pts"), r"a\.jpg\.pts: has .*; rename it to a\.pts"),
        (lambda r: broken_link(r / "a.jpg"), r"a\.pts: has no photo beside it; fetch it"),
        (lambda r: mark(r / "a.pts", "-1 -1"), r"a\.pts: point 1 is at -1, -1, .*or leave the face"),
        (lambda r: (r / "a.pts").write_text(pts_text(np.eye(5)[:, :2])), r"a\.pts: the whole .*; .*multiply"),
        (lambda r: (r / "scheme.json").write_text("[" * 100_000), "scheme.json: "),
        (lambda r: write_scheme(r, normaliser=[0, 7]), r"scheme.json: key 'normaliser'"),
        (lambda r: (r / "photo_groups.csv").write_bytes(b"image,photo_group\n\xff"), "groups.csv:2: a byte"),
        (lambda r: (r / "a.jpg").unlink(), r"a\.pts: has no photo beside it"),
        (lambda r: (r / "a.jpg").rename(r / "A.jpg"), r"a\.pts: has no photo .*; rename it to A\.pts"),
        (lambda r: draw(r / "a.png", 5), r"a\.pts: belongs to a\.jpg and a\.png"),
        (lambda r: (r / "a.pts").write_text("version: 1\n{\n}"), r"a\.pts:2: .*n_points"),
        (lambda r: (r / "a.pts").write_text(far_away()), r"a\.pts:5: '1e300' is no pixel coordinate"),
        (lambda r: (r / "a.pts").write_text(pts_text(np.ones((4, 2)))), r"holds 4 points, .*json has 5"),
        (lambda r: (r / "a.pts").write_text(pts_text(np.ones((5, 2)))), "a.pts: all points lie in one"),
        (lambda r: (r / "a.pts").write_text(pts_text(9 * np.eye(5)[:, 2:4])), "two points of the normaliser"),
        (lambda r: write_scheme(r, normaliser="face_size"), r"a\.pts: no box, but .*scheme\.json"),
        (lambda r: (r / "points.csv").write_text("image,x0,y0\n"), "several sets .* column 'split'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_of_pts_files_is_said_with_its_file(tmp_path, spoil, word):
    spoil(make_pts_folder(tmp_path))
    with pytest.raises(DataError, match=word):
        read_own(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("face 1.jpg", "face 9.jpg", r"landmarks\.csv:3: there is no photo .*face 9\.jpg"),
        ("face 1.jpg", "a\0", r"landmarks\.csv:3: there is no photo"),
        ("face 1.jpg", "x" * 5000, r"landmarks\.csv:3: there is no photo"),
        ("image,right_eye_x,right_eye_y", "image,re_x,re_y", r"csv:1: point 0 is 're', in .*'right_eye'"),
        ("face 1.jpg,", "face 1.jpg,z", r"landmarks\.csv:3: column 'right_eye_x'"),
        ("face 1.jpg", "Face 1.JPEG", r"csv:3: there is no photo .*; there is '.*/face 1\.jpg', write its"),
        (re.compile(r"(face 1.jpg),[^,]*,[^,]*,"), r"\1,-1,-1.0,", r"csv:3: point 0 is at -1, .*not visible"),
        (re.compile(r"(face 1.jpg),[^,]*,[^,]*,"), r"\1,0.0,0,", r"csv:3: point 0 is at 0, 0, .*not visible"),
        (re.compile(r"(?<=[,\n])(\d+\.\d+)"), lambda m: str(float(m[1]) / 120), r"csv:2: .*shares of"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_csv_is_said_with_its_line(tmp_path, old, new, word):
    path = make_csv_folder(tmp_path, named=True) / "landmarks.csv"
    pattern = re.compile(re.escape(old)) if isinstance(old, str) else old
    new = new if not isinstance(old, str) else new.replace("\\", r"\\")
    path.write_text(pattern.sub(new, path.read_text()))
    with pytest.raises(DataError, match=word):
        read_own(tmp_path)
    assert not check_own(tmp_path).usable


def test_a_csv_of_another_number_of_points_and_a_folder_without_labels_are_refused(tmp_path):
    write_scheme(tmp_path)
    with pytest.raises(DataError, match="holds no labels; expected photos with a .pts file"):
        read_own(tmp_path)
    (tmp_path / "l.csv").write_text("image,x0,y0\n")
    with pytest.raises(DataError, match=r"l\.csv:1: names 1 points, .*scheme\.json has 5"):
        read_own(tmp_path)
    (tmp_path / "l.csv").write_text("image,x0,y0,x1,y1,x2,y2,x3,y3,x4,y4\n")
    with pytest.raises(DataError, match=r"l\.csv:1: names columns, and no face follows; write one"):
        read_own(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read_own(tmp_path / "nowhere")


def test_pts_files_that_count_from_0_are_told_so(tmp_path):
    landmarks = draw(make_pts_folder(tmp_path) / "a.jpg", 0)
    landmarks[0] = 0
    (tmp_path / "a.pts").write_text(pts_text(landmarks - 1))  # written from 0
    with pytest.warns(UserWarning, match=r"1 of 3 \.pts files .* count from 1"):
        read_own(tmp_path)


# As a data set among others --------------------------------------------------------------------------


def test_a_folder_is_a_data_set_by_its_path(tmp_path):
    root = make_pts_folder(tmp_path / "mine", ["a.jpg", "test/b.jpg"])
    assert len(read(str(root))) == 1 and len(read(str(root), split="test")) == 1
    found = dataset(str(root))
    assert (found.name, found.needs_root, found.test_split) == ("mine", False, "test")
    with pytest.raises(DataError, match="no data set 'coco'.*or a folder of your own"):
        dataset("coco")
    with pytest.raises(DataError, match="needs no folder beside its name"):
        found.read(tmp_path)
    with pytest.raises(DataError, match="300w lies in a folder; say in which"):
        read("300w")


def test_roots_belong_in_their_order_to_the_sets_that_lie_in_one(tmp_path):
    mine = str(make_pts_folder(tmp_path / "mine"))
    pairs = paired(["300w", mine, "300w"], [Path("one"), Path("two")])
    assert [(one.name, root) for one, root in pairs] == [
        ("300w", Path("one")), ("mine", None), ("300w", Path("two")),
    ]  # fmt: skip
    with pytest.raises(
        DataError, match="300w lies in a folder, which is not given; expected one for each"
    ):
        paired(["300w", mine], [])
    with pytest.raises(
        DataError, match="1 folders are given for 0 data sets that lie in one; leave one out"
    ):
        paired([mine], [Path("one")])


def test_only_sets_of_one_scheme_are_joined(tmp_path):
    one, two = (read_own(make_pts_folder(tmp_path / name)) for name in ("one", "two"))
    assert len(union(one, two)) == 6
    write_scheme(tmp_path / "two", name="two")
    both = union(one, read_own(tmp_path / "two"))
    assert len(both) == 6 and both.scheme == FIVE
    write_scheme(tmp_path / "two", points=["a", "b", "c", "d", "e"], areas={})
    with pytest.raises(
        DataError, match="one and two differ in 'points', 'areas'; give both the same scheme.json"
    ):
        union(one, read_own(tmp_path / "two"))
    with pytest.raises(DataError, match="cannot be joined: one has 5 points, x 68; train on each"):
        union(one, FaceSet("x", "train", IBUG68, ()))
    with pytest.raises(DataError, match="cannot be joined: one has 5 points, x 68"):
        joined(ClipSet("one", "train", FIVE, ()), ClipSet("x", "train", IBUG68, ()))


def test_what_cannot_be_joined_or_drawn_is_said_in_words(tmp_path):
    one = read_own(make_pts_folder(tmp_path))
    with pytest.raises(DataError, match="no sets to join; give at least one"):
        union()
    with pytest.raises(TypeError, match="expected sets of faces|parameter 'parts'"):  # in tests
        union([one, one])
    with pytest.raises(ValueError, match="count must be 0 or more, got -1"):
        one.drawn(-1)
    with pytest.raises(DataError, match="has no faces of a split 'none'; give another"):
        one.where(lambda sample: False, "none").landmarks()


def test_too_few_photos_to_divide_are_a_data_error(tmp_path):
    with pytest.raises(
        DataError, match=r"all faces are of one photo, video or group \(.*/a\), and"
    ):
        read_own(make_pts_folder(tmp_path / "one", ["a.jpg"])).divided(0.1)
    anna = make_csv_folder(tmp_path / "anna", 3, group=["anna"] * 3)
    with pytest.raises(DataError, match=r"photo, video or group \(anna\), and cannot be divided"):
        read_own(anna).divided(0.1)


# The check -------------------------------------------------------------------------------------------


def test_a_good_folder_is_usable(tmp_path):
    report = check_own(make_csv_folder(tmp_path, 4, split=["train", "train", "test", ""]))
    assert report.usable and report.faults == ()
    assert [(s.name, s.faces, s.official) for s in report.subsets] == [
        ("train", 3, None), ("test", 1, None),
    ]  # fmt: skip
    assert "train" in report.as_text() and "usable" in report.as_text()


def test_the_check_finds_every_fault_and_names_its_place(tmp_path):
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg", "test/f.jpg"]
    root = make_pts_folder(tmp_path, names)
    (root / "a.pts").write_text("version: 1\nn_points: 5\n{\n1 2\nx 3\n}\n")
    (root / "b.jpg").write_bytes(b"no picture")
    far = draw(root / "c.jpg", 2)
    (root / "c.pts").write_text(pts_text(far + 500))
    zero = draw(root / "d.jpg", 3)
    zero[0, 0] = -1
    (root / "d.pts").write_text(pts_text(zero))
    shutil.copy(root / "e.jpg", root / "test/f.jpg")
    draw(root / "alone.jpg", 50)
    draw(root / "scheme.png", 51)  # the drawing of the scheme is no photo
    report = check_own(root)
    said = report.as_text()
    for expected in (
        "a.pts:5: expected two numbers",
        "b.jpg: is no image that can be read",
        "c.pts: a landmark lies",
        "d.pts: a coordinate is exactly 0",
        "f.pts: its photo is also that of",
        "alone.jpg: has no label that can be used",
    ):
        assert expected in said, expected
    assert "scheme.png" not in said and not report.usable
    assert len(report.faults) == 6


def test_the_same_face_twice_is_found_and_two_faces_of_one_photo_are_none(tmp_path):
    root = make_csv_folder(tmp_path, 2)
    lines = (root / "landmarks.csv").read_text().splitlines()
    numbers = lines[1].split(",")[1:]
    moved = ",".join(str(float(number) + 30) for number in numbers)
    lines += [f"face 0.jpg,{moved}", lines[1]]
    (root / "landmarks.csv").write_text("\n".join(lines))
    (fault,) = check_own(root).faults
    assert fault.path.endswith("landmarks.csv:5")
    assert fault.what.startswith("the same face of the same photo") and "csv:2" in fault.what


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_mirrored_photo_is_found_even_where_it_was_stored_again(tmp_path, suffix):
    root = make_pts_folder(tmp_path, ["a.png", "b.png", "c.png"])
    picture = cv2.imread(str(root / "a.png"))
    assert cv2.imwrite(str(root / f"m{suffix}"), picture[:, ::-1])
    landmarks = read_own(root).samples[0].landmarks
    (root / "m.pts").write_text(pts_text((119 - landmarks[:, :1], landmarks[:, 1:])[0] * (1, 0)
                                         + landmarks[list(FIVE.mirror)] * (0, 1)))  # fmt: skip
    (fault,) = check_own(root).faults
    assert fault.path.endswith("m.pts") and "the mirror image of that of" in fault.what
    assert "a.pts" in fault.what


def test_a_photo_saved_anew_for_another_split_is_found(tmp_path):
    root = make_pts_folder(tmp_path, ["a.png", "b.png", "train/c.png"])
    landmarks, picture = read_own(root).samples[0].landmarks, cv2.imread(str(root / "a.png"))
    (root / "test").mkdir()
    assert cv2.imwrite(str(root / "test/d.jpg"), cv2.resize(picture, (240, 240)))
    (root / "test/d.pts").write_text(pts_text((landmarks + 0.5) * 2 - 0.5))
    blank = np.full((120, 120, 3), 90, np.uint8)
    for name, shade in (("b.png", 0), ("test/e.png", 1)):  # pictures of nothing are none of another
        cv2.imwrite(str(root / name), blank + np.uint8(shade))
    (root / "test/e.pts").write_text((root / "b.pts").read_text())
    (fault,) = check_own(root).faults
    assert (fault.level, fault.path) == ("warning", str(root / "test/d.pts"))
    assert re.match(r"its photo looks like that of .*a\.pts: one was made of the other", fault.what)
    shutil.move(root / "test/d.jpg", root / "d.jpg")  # photos of one series may look the same
    shutil.move(root / "test/d.pts", root / "d.pts")
    assert check_own(root).faults == ()


def test_a_picture_that_is_its_own_mirror_image_is_no_mirrored_photo(tmp_path):
    root = make_pts_folder(tmp_path, ["a.png", "b.png"])
    for name, shade in (("a.png", 90), ("b.png", 91)):
        cv2.imwrite(str(root / name), np.full((120, 120, 3), shade, np.uint8))
    assert check_own(root).faults == ()


def test_mirror_pairs_that_do_not_fit_the_faces_are_doubted(tmp_path):
    root = make_csv_folder(tmp_path, 6)
    write_scheme(root, mirror_pairs=[[0, 4], [1, 3]])
    (fault,) = check_own(root).faults
    assert fault.level == "warning" and "'mirror_pairs' does not fit the faces" in fault.what
    assert "[0, 1, 3, 4]" in fault.what


def test_turned_faces_and_misplaced_points_are_doubted_by_name(tmp_path):
    root = make_pts_folder(tmp_path, [f"{i}.jpg" for i in range(10)])
    landmarks = read_own(root).samples[3].landmarks
    (root / "3.pts").write_text(pts_text(119 - landmarks))
    moved = read_own(root).samples[5].landmarks.copy()
    moved[4] = (119, 1)
    (root / "5.pts").write_text(pts_text(moved))
    found = {Path(fault.path).name: fault for fault in check_own(root).faults}
    assert found.keys() == {"3.pts", "5.pts"} and check_own(root).usable
    assert re.match(r"is turned by 1[78]\d° against most other faces", found["3.pts"].what)
    assert found["5.pts"].what.startswith("its points do not lie as those of other faces do")
    assert len(own_scheme(root).strange) == 2


def test_labels_made_before_the_photo_was_turned_upright_are_found(real_data):
    faces = read_300w(real_data / "300w_crops", "afw").landmarks()
    faces[:20] = np.stack([-faces[:20, :, 1], faces[:20, :, 0]], axis=-1)
    found = strangers(faces)
    assert found.keys() == set(range(20)) and "is turned by" in found[0]


def test_no_real_face_is_doubted(real_data):
    faces = read_300w(real_data / "300w_crops", "afw").landmarks()
    for points in (range(68), OF_68, (36, 45, 30, 48, 54, 8, 19, 24), range(36, 42), (36, 45)):
        assert strangers(faces[:, list(points)]) == {}
    faces[7, 8] += 1.5 * np.ptp(faces[7])
    assert strangers(faces).keys() == {7}


def test_a_folder_without_a_scheme_is_checked_all_the_same(tmp_path):
    root = make_pts_folder(tmp_path)
    (root / "scheme.json").unlink()
    report = check_own(root)
    assert report.faces == 3 and not report.usable
    (fault,) = report.faults
    assert fault.path == str(root) and fault.what.startswith("has no scheme.json, which says what")
    assert "onedheat data scheme" in fault.what
    with pytest.raises(DataError, match="is no folder"):
        check_own(tmp_path / "nowhere")


def test_the_check_reports_what_keeps_the_folder_from_being_read_with_its_place(tmp_path):
    root = make_pts_folder(tmp_path)
    (root / "a.pts").write_text(far_away())
    (root / "d.pts").mkdir()
    (root / "photo_groups.csv").write_bytes("\ufeffimage;photo_group\n".encode())
    report = check_own(root)
    assert not report.usable
    assert {(f.path, f.what) for f in report.faults if f.level == "error"} == {
        (f"{root}/a.pts:5", "'1e300' is no pixel coordinate"),
        (f"{root}/d.pts", "cannot be read (Is a directory)"),
        (
            f"{root}/photo_groups.csv:1",
            "expected the columns image and photo_group, separated by commas",
        ),
    }


# The proposal ----------------------------------------------------------------------------------------


def drawn(count: int, points=OF_68) -> np.ndarray:
    from faces300w import face_landmarks

    rng = np.random.default_rng(0)
    return np.stack([face_landmarks(rng, 120) + rng.normal(0, 1, (68, 2)) for _ in range(count)])[
        :, list(points)
    ]


def test_mirror_pairs_and_normaliser_are_found_in_the_faces():
    scheme, doubtful = propose_scheme(drawn(10), "mine")
    assert (scheme.name, scheme.mirror, doubtful) == ("mine", (1, 0, 2, 4, 3), ())
    assert scheme.normaliser == (0, 1) and scheme.points == ("p0", "p1", "p2", "p3", "p4")
    assert propose_scheme(drawn(3), "m", FIVE.points)[0].points == FIVE.points


def test_points_without_a_pair_lie_on_the_middle_line():
    scheme, _ = propose_scheme(drawn(10, (8, 27, 30, 33, 51)), "profile")
    assert scheme.mirror == (0, 1, 2, 3, 4)
    assert scheme.normaliser == (0, 1)  # the chin and the nose's root, farthest apart
    assert propose_scheme(drawn(1, (36, 45)), "two")[0].mirror == (1, 0)


def test_the_mean_shape_does_not_depend_on_size_place_and_slant():
    faces = drawn(6)
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    moved = np.concatenate([faces, faces[:1] @ turn * 3 + 40])
    before, after = mean_shape(faces[:1]), mean_shape(np.stack([faces[0], moved[-1]]))
    # Two copies of one face, one slanted, have its shape.
    assert np.linalg.norm(after[0] - after[4]) == pytest.approx(
        np.linalg.norm(before[0] - before[4])
    )
    assert (after**2).sum(axis=1).mean() == pytest.approx(1)


def test_faces_that_cancel_out_have_a_mean_which_stands_as_most_do():
    one = drawn(1)
    for faces in (np.concatenate([one, -one]), np.concatenate([one, (119 - one).round(2)])):
        shape = mean_shape(faces)
        assert shape == pytest.approx(mean_shape(one), abs=1e-3)
        assert propose_scheme(faces, "x")[0].mirror == FIVE.mirror
    many = drawn(9)
    turned = np.concatenate([-many[:4], many[4:]])  # the first one too
    assert np.abs(mean_shape(turned) - mean_shape(many)).max() < 0.3
    assert strangers(turned) == {}  # which way is up is not clear
    assert strangers(np.concatenate([-many[:1], many[1:]])).keys() == {0}


def test_a_point_alone_has_no_shape():
    with pytest.raises(DataError, match="one point has no size to crop by"):
        propose_scheme(drawn(3, (8,)), "x")


def test_the_misfit_tells_right_from_wrong_pairs():
    shape = mean_shape(drawn(20))
    assert mirror_misfit(shape, FIVE.mirror) < 0.1 < 0.5 < mirror_misfit(shape, (0, 1, 2, 3, 4))


def test_the_68_points_are_paired_from_ten_real_faces(real_data):
    faces = read_300w(real_data / "300w_crops", "lfpw/testset").landmarks()
    for start in range(0, 220, 44):
        proposed, doubtful = propose_scheme(faces[start : start + 10], "x")
        assert proposed.mirror == IBUG68.mirror and doubtful == ()


def test_a_published_scheme_may_be_named_in_the_file(tmp_path):
    (tmp_path / "scheme.json").write_text(json.dumps({"name": "ibug68"}))
    assert read_scheme(tmp_path) is IBUG68


def test_names_in_a_csv_are_given_to_the_scheme(tmp_path):
    assert read_labels(make_csv_folder(tmp_path, named=True)).points == FIVE.points


def test_a_scheme_is_proposed_from_what_can_be_read(tmp_path):
    root = make_pts_folder(tmp_path)
    (root / SCHEME).unlink()
    (root / "a.pts").write_text(far_away())
    found = own_scheme(root)
    assert found.faces == 2 and read_scheme(root) == found.scheme
    (fault,) = found.faults
    assert fault == f"{root}/a.pts:5: '1e300' is no pixel coordinate"


def test_no_scheme_comes_of_a_table_without_faces(tmp_path):
    (tmp_path / "l.csv").write_text("image,x0,y0,x1,y1\n")
    with pytest.raises(DataError, match=r"l\.csv:1: names columns, and no face follows; write one"):
        own_scheme(tmp_path)
    assert not (tmp_path / SCHEME).exists()
    assert "l.csv:1: names columns" in check_own(tmp_path).as_text()


def test_one_point_is_no_scheme(tmp_path):
    for root, make in ((tmp_path / "pts", make_pts_folder), (tmp_path / "csv", make_csv_folder)):
        make(root)
        (root / SCHEME).unlink()
        for label in root.rglob("*.pts"):
            label.write_text(pts_text(np.array([[9.0, 9]])))
        if make is make_csv_folder:
            (root / "landmarks.csv").write_text("image,x0,y0\nface 0.jpg,9,9\n")
        with pytest.raises(DataError, match="one point has no size to crop by; give at least two"):
            own_scheme(root)
        assert not (root / SCHEME).exists()


def test_a_published_scheme_that_does_not_fit_is_called_by_its_name(tmp_path):
    root = make_pts_folder(tmp_path)
    (root / SCHEME).unlink()
    with pytest.raises(DataError, match=r"a\.pts: holds 5 points, the scheme ibug68 has 68"):
        own_scheme(root, like=IBUG68)


def test_a_scheme_that_is_there_is_not_written_over_by_a_published_one(tmp_path):
    root = make_pts_folder(tmp_path)
    like = dataclasses.replace(FIVE, name="other")
    with pytest.raises(
        DataError, match=r"scheme\.json is there and is not other; move it away, or"
    ):
        own_scheme(root, like=like)
    assert read_scheme(root) == FIVE and not own_scheme(root, like=FIVE).written
    assert own_scheme(root, like=like, anew=True).written and read_scheme(root) == like


def test_a_scheme_that_cannot_be_written_is_said(tmp_path):
    root = make_pts_folder(tmp_path)
    (root / SCHEME).unlink()
    (root / SCHEME).mkdir()
    with pytest.raises(DataError, match=r"scheme\.json cannot be written: Is a dir.*; work on a"):
        own_scheme(root, anew=True)
