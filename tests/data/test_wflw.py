import os
import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from broken import broken
from hypothesis import given, settings
from hypothesis import strategies as st
from wflw import add_photo, full_line, list_path, make_wflw, subset_line, write_list

from onedheat.data import DataError, read
from onedheat.data.checks.wflw import check_wflw
from onedheat.data.wflw import read_list, read_wflw

FUZZ = settings(
    max_examples=800 if os.environ.get("ONEDHEAT_TESTS") == "all" else 50,
    deadline=timedelta(seconds=20),  # a hang, on a machine that does much else
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> tuple[Path, dict[str, list[np.ndarray]]]:
    root = tmp_path_factory.mktemp("WFLW data")
    return root, make_wflw(root)


@pytest.fixture
def copy(tree, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(tree[0], tmp_path / "WFLW"))


def change_line(path: Path, line: int, change) -> None:
    """Puts `change(words)` in place of the words of a line."""
    lines = path.read_text().splitlines()
    lines[line - 1] = " ".join(change(lines[line - 1].split()))
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_face_of_a_list_is_read_in_its_order(tree, split):
    root, written = tree
    faces = read_wflw(root, split)
    assert faces.scheme.name == "wflw98"
    assert np.array_equal(faces.landmarks(), np.stack(written[split]))
    for sample, points in zip(faces.samples, written[split], strict=True):
        corners = [*points.min(axis=0).astype(int), *points.max(axis=0).astype(int)]
        assert sample.box.tolist() == corners
        assert sample.subset == split
        assert sample.image().shape == (96, 96, 3)


def test_the_flags_of_a_face_are_its_tags(tree):
    tags = [sample.tags for sample in read_wflw(tree[0], "train").samples]
    assert tags == [
        set(), {"expression", "occlusion"}, {"illumination", "blur"}, {"makeup", "pose"}, set(),
        {"blur", "illumination"},
    ]  # fmt: skip


def test_a_subset_is_those_test_faces_that_its_list_names(tree):
    root, written = tree
    large = read_wflw(root, "largepose")
    assert np.array_equal(large.landmarks(), np.stack([written["test"][i] for i in (3, 6)]))
    blur = read_wflw(root, "blur")
    assert [sample.tags for sample in blur.samples] == [{"illumination", "blur"}] * 2
    assert all(sample.box is not None and sample.subset == "blur" for sample in blur.samples)


def test_of_two_faces_of_one_photo_a_subset_takes_the_one_it_means(copy):
    root = copy
    lines = list_path(root, "test").read_text().splitlines()
    second = lines[1].split()  # lines 1 and 2 are faces of one photo
    points = np.array(second[:196], dtype=float).reshape(-1, 2)
    write_list(root, "makeup", [subset_line(points, second[-1])])
    assert np.array_equal(read_wflw(root, "makeup").landmarks()[0], points)


def test_faces_of_one_photo_are_one_group(tree):
    groups = [sample.group for sample in read_wflw(tree[0], "train").samples]
    assert groups[0] == groups[1] and groups[2] == groups[3] and groups[4] == groups[5]
    assert len(set(groups)) == 3


@pytest.mark.parametrize("levels", ["", "WFLW", "downloads/WFLW"])
def test_more_folder_levels_than_expected_are_no_matter(tree, tmp_path, levels):
    shutil.copytree(tree[0], tmp_path / levels, dirs_exist_ok=True)
    nested = tmp_path / levels / "WFLW_images"
    nested.rename(tmp_path / "moved")
    nested.mkdir()
    (tmp_path / "moved").rename(nested / "WFLW_images")
    assert len(read("wflw", tmp_path, "test")) == 8


def test_windows_line_ends_backslashes_and_empty_lines_are_read(copy):
    path = list_path(copy, "train")
    before = read_wflw(copy, "train").landmarks()
    windows = path.read_bytes().replace(b"/", b"\\").replace(b"\n", b"\r\n\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + windows)
    assert np.array_equal(read_wflw(copy, "train").landmarks(), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda words: words[:-1], "206 words; expected 207"),
        (lambda words: [*words[:5], "7", *words[5:]], "208 words; expected 207"),
        (lambda words: [*words[:196], words[-1]], "197 words; expected 207"),
        (lambda words: ["nan", *words[1:]], "expected a finite number, got 'nan'"),
        (lambda words: ["1e999", *words[1:]], "expected a finite number, got '1e999'"),
        (lambda words: ["1_0", *words[1:]], "expected a finite number, got '1_0'"),
        (lambda words: [*words[:197], "wide", *words[198:]], "got 'wide'"),
        (lambda words: [*words[:200], "2", *words[201:]], "flags must be 0 or 1"),
        (lambda words: [*words[:-1], "../../secret.jpg"], "there is no photo ../../secret.jpg"),
        (lambda words: [*words[:-1], "gone.jpg"], "there is no photo gone.jpg"),
    ],
)
def test_a_fault_is_said_with_file_and_line(copy, change, said):
    path = list_path(copy, "train")
    change_line(path, 3, change)
    with pytest.raises(DataError) as error:
        read_wflw(copy, "train")
    assert str(error.value).startswith(f"{path}:3: ")
    assert said in str(error.value)


def test_a_line_of_the_full_list_does_not_belong_in_a_subset(copy):
    path = list_path(copy, "blur")
    path.write_text(list_path(copy, "test").read_text())
    with pytest.raises(DataError, match=r"blur\.txt:1: 207 words; expected 197"):
        read_wflw(copy, "blur")


def test_a_subset_of_other_faces_is_refused(copy):
    change_line(list_path(copy, "blur"), 2, lambda words: ["9.5", *words[1:]])
    with pytest.raises(DataError, match=r"blur\.txt:2: no face of list_98pt_rect_attr_test\.txt"):
        read_wflw(copy, "blur")


def test_a_face_that_a_subset_lists_twice_is_refused(copy):
    path = list_path(copy, "blur")
    path.write_text(path.read_text() * 2)
    with pytest.raises(DataError, match=r"blur\.txt:3: .*listed twice"):
        read_wflw(copy, "blur")


def test_what_is_not_there_is_said(tmp_path, tree):
    with pytest.raises(DataError, match="no split 'pose'; there are: train, test, largepose"):
        read_wflw(tree[0], "pose")
    with pytest.raises(DataError, match="no folder"):
        read_wflw(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"there is no list_98pt_rect_attr_train\.txt"):
        read_wflw(tmp_path)
    write_list(tmp_path, "train", [])
    with pytest.raises(DataError, match=r"train\.txt:1: the list is empty"):
        read_wflw(tmp_path)


def test_a_whole_folder_is_usable_and_its_subsets_are_not_counted_twice(tree):
    report = check_wflw(tree[0])
    assert report.usable and report.faults == ()
    assert report.faces == 14
    counts = {subset.name: (subset.faces, subset.official) for subset in report.subsets}
    assert counts["train"] == (6, 7500) and counts["test"] == (8, 2500)
    assert {name: official for name, (_, official) in counts.items()} == {
        "train": 7500, "test": 2500, "largepose": 326, "expression": 314, "illumination": 698,
        "makeup": 206, "occlusion": 736, "blur": 773,
    }  # fmt: skip


def test_check_finds_every_fault_and_names_it(copy):
    train, test = list_path(copy, "train"), list_path(copy, "test")
    lines = train.read_text().splitlines()
    far = np.array(lines[0].split()[:196], dtype=float).reshape(-1, 2) + 500
    extra = [
        "1 2 3",
        full_line(far, "0--Event/train_0.jpg", set()),
        full_line(far - 500, "0--Event/train_0.jpg", set(), box=(5, 5, 5, 5)),
        full_line(far - 500, "0--Event/train_0.jpg", set(), box=(300, 300, 320, 320)),
        full_line(far - 500, "0--Event/train_0.jpg", set(), box=(0, 0, 4, 4)),
        full_line(far - 500, "gone/first.jpg", set()),
        full_line(far - 500, "gone/second.jpg", set()),
        full_line(far - 500, "0--Event/broken.jpg", set()),
    ]
    write_list(copy, "train", [*lines, *extra])
    (copy / "WFLW_images/0--Event/broken.jpg").write_text("no picture")
    write_list(copy, "test", [*test.read_text().splitlines(), lines[5]])  # a face of the other list
    change_line(list_path(copy, "blur"), 2, lambda words: ["9.5", *words[1:]])
    list_path(copy, "makeup").unlink()
    report = check_wflw(copy)
    said = report.as_text()
    assert not report.usable
    for expected in (
        f"error: {train}:7: 3 words; expected 207",
        f"error: {train}:8: a landmark lies",
        f"error: {train}:9: a box without area",
        f"error: {train}:10: its box [300.0, 300.0, 320.0, 320.0] lies outside its 96 × 96 photo",
        f"error: {train}:11: no landmark lies in its box",
        "listed photos that are not there (2): gone/first.jpg, gone/second.jpg",
        "broken.jpg: is no image",
        f"warning: {test}:9: the same face of the same photo as {train}:6",
        f"warning: {test}:9: its photo has faces in train and in test; the first of 1 such",
        f"error: {list_path(copy, 'blur')}:2: no face of",
        "warning: list_98pt_test_makeup.txt: there is no",
    ):
        assert expected in said, expected
    counts = {subset.name: subset.faces for subset in report.subsets}
    assert counts["train"] == 11  # of 13 that can be parsed, two have no photo
    assert counts["makeup"] == 0


def test_check_of_an_empty_folder_is_not_usable(tmp_path):
    report = check_wflw(tmp_path)
    assert not report.usable and "there is no list_98pt_rect_attr_train.txt" in report.as_text()


@pytest.fixture(scope="module")
def good_list(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    points = [add_photo(folder / "a.jpg", seed) for seed in range(2)]
    lines = [full_line(p, f"a/{i}.jpg", {"blur"}) for i, p in enumerate(points)]
    return write_list(folder, "train", lines)


WORDS = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r",
    b" ",
    b" 1 ",
    b" nan ",
    b"inf",
    b"_",
    b"e999",
    b"\x1c",
    b"\xc2\xa0",
)


@pytest.mark.timeout(600)  # for all examples, on a busy machine
@FUZZ
@given(data=st.data())
def test_a_broken_list_is_refused_with_its_line_or_read_as_it_stands(good_list, data):
    whole = good_list.read_bytes()
    raw = data.draw(broken(whole, WORDS))
    path = good_list.with_name("list_98pt_rect_attr_test.txt")
    path.write_bytes(raw)
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    try:
        faces = list(read_list(path))
    except DataError as error:
        place = str(error).removeprefix(f"{path}:").partition(": ")[0]
        assert place.isdigit(), error
        assert lines[int(place) - 1] not in whole.split(b"\n")[:-1], error
        return
    told = [line.split() for line in lines if line.strip()]
    assert [face.photo.encode() for face in faces] == [words[206] for words in told]
    for face, words in zip(faces, told, strict=True):
        # By the C library, not by Python.
        numbers = np.fromstring(b" ".join(words[:200]).decode("ascii"), sep=" ")
        assert np.array_equal(face.landmarks.ravel(), numbers[:196])
        assert np.array_equal(face.box, numbers[196:])
        marked = {bit for bit in range(6) if words[200 + bit] == b"1"}
        names = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
        assert face.flags == {names[bit] for bit in marked}
