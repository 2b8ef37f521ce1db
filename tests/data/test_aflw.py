import shutil
from pathlib import Path

import numpy as np
import pytest
from aflw import annotations, make_photos, write_mat5

from onedheat.data import DataError, aflw, read
from onedheat.data.aflw import read_aflw
from onedheat.data.checks.aflw import check_aflw

pytest.importorskip("scipy.io")

PHOTOS, TRAIN, TEST = 7, 9, 5


@pytest.fixture
def few(monkeypatch):
    """A split of 9 and 5 faces in place of 20,000 and 4,386."""
    monkeypatch.setitem(aflw.COUNTS, "train", TRAIN)
    monkeypatch.setitem(aflw.COUNTS, "test", TEST)
    monkeypatch.setattr(aflw, "FACES", TRAIN + TEST)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict]:
    """A folder of 14 faces in 7 photos, and the variables of its annotations."""
    root = tmp_path_factory.mktemp("AFLW data")
    names, landmarks = make_photos(root / "flickr", PHOTOS)
    second = np.round(landmarks + 3, 2)  # another face of each photo
    variables = annotations(names * 2, np.concatenate([landmarks, second]))
    write_mat5(root / "AFLWinfo_release.mat", variables)
    return root, variables


@pytest.fixture
def copy(whole, tmp_path) -> tuple[Path, dict]:
    """A copy to spoil."""
    variables = {name: np.copy(values) for name, values in whole[1].items() if name != "nameList"}
    variables["nameList"] = list(whole[1]["nameList"])
    return Path(shutil.copytree(whole[0], tmp_path / "AFLW")), variables


@pytest.mark.parametrize(("split", "part"), [("train", slice(TRAIN)), ("test", slice(TRAIN, None))])
def test_the_first_numbers_of_ra_train_and_the_others_test(few, whole, split, part):
    root, variables = whole
    rows = variables["ra"][0, part].astype(int) - 1
    faces = read_aflw(root, split)
    assert faces.scheme.name == "aflw19" and len(faces) == len(rows)
    for sample, row in zip(faces.samples, rows, strict=True):
        x, y = variables["data"][row, :19], variables["data"][row, 19:]
        assert np.array_equal(sample.landmarks, np.stack([x, y], axis=1))
        assert np.array_equal(sample.visible, variables["mask_new"][row] == 1)
        x0, x1, y0, y1 = variables["bbox"][row]
        assert sample.box.tolist() == [x0, y0, x1, y1]
        assert sample.source.path == root / "flickr" / variables["nameList"][row]
        assert sample.image().shape == (96, 96, 3)


def test_frontal_are_the_test_faces_without_a_hidden_point(few, whole):
    root, variables = whole
    rows = variables["ra"][0, TRAIN:].astype(int) - 1
    seen = [row for row in rows if (variables["mask_new"][row] == 1).all()]
    assert 0 < len(seen) < TEST
    frontal = read_aflw(root, "frontal")
    assert [s.landmarks[0, 0] for s in frontal.samples] == [variables["data"][r, 0] for r in seen]
    assert all(sample.visible.all() and sample.subset == "frontal" for sample in frontal.samples)


def test_faces_of_one_photo_are_one_group(few, whole):
    samples = [*read_aflw(whole[0], "train").samples, *read_aflw(whole[0], "test").samples]
    by_photo = {str(sample.source): sample.group for sample in samples}
    assert len(set(by_photo.values())) == PHOTOS == len(by_photo)
    assert all(sample.group == by_photo[str(sample.source)] for sample in samples)


def test_the_archives_may_lie_as_they_unpack(few, whole, tmp_path):
    """Each of AFLW's three archives has a folder aflw/data/flickr of its own."""
    for part in "023":
        shutil.copytree(
            whole[0] / "flickr" / part,
            tmp_path / f"aflw-images-{part}" / "aflw" / "data" / "flickr" / part,
        )
    shutil.copy(whole[0] / "AFLWinfo_release.mat", tmp_path / "aflw-images-0")
    assert len(read("aflw", tmp_path, "train")) == TRAIN


def test_errors_are_divided_by_the_face_size(few, whole):
    faces = read_aflw(whole[0], "train")
    sample = faces.samples[0]
    width, height = sample.box[2:] - sample.box[:2]
    assert faces.scheme.normalising_distance(sample.landmarks, sample.box) == np.sqrt(
        width * height
    )


def test_all_24386_faces_are_read_and_divided(whole, tmp_path):
    root, variables = whole
    rng = np.random.default_rng(0)
    rows = np.arange(24_386) % 14
    many = {
        name: values[rows] for name, values in variables.items() if name not in ("nameList", "ra")
    }
    many |= {"nameList": [variables["nameList"][row] for row in rows]}
    many |= {"ra": rng.permutation(24_386)[None] + 1.0}
    (tmp_path / "flickr").symlink_to(root / "flickr")
    path = write_mat5(tmp_path / "AFLWinfo_release.mat", many)
    listed = aflw.read_annotations(path, aflw.FACES)
    split = {name: set(listed.rows(name).tolist()) for name in aflw.SPLITS}
    assert (len(split["train"]), len(split["test"])) == (20_000, 4_386)
    assert split["train"].isdisjoint(split["test"]) and split["frontal"] < split["test"]
    assert split["train"] == set((many["ra"][0, :20_000] - 1).astype(int).tolist())
    assert len(read_aflw(tmp_path, "test")) == 4_386


def test_a_file_of_another_number_of_faces_is_refused(whole):
    with pytest.raises(DataError, match="variable 'nameList': 14 faces; expected 24386"):
        read_aflw(whole[0])


def test_what_is_not_there_is_said(few, copy, tmp_path):
    root, variables = copy
    with pytest.raises(DataError, match="no split 'full'; there are: train, test, frontal"):
        read_aflw(root, "full")
    with pytest.raises(DataError, match="no folder"):
        read_aflw(root / "nowhere")
    gone = variables["nameList"][3]
    (root / "flickr" / gone).unlink()
    with pytest.raises(DataError, match=rf"AFLWinfo_release\.mat: .*no photo {gone} \(face \d+\)"):
        read_aflw(root)
    (root / "AFLWinfo_release.mat").unlink()
    with pytest.raises(DataError, match=r"there is no AFLWinfo_release\.mat"):
        read_aflw(root)


def test_a_path_out_of_the_folder_is_not_followed(few, copy):
    root, variables = copy
    (root / "secret.jpg").write_bytes((root / "flickr" / variables["nameList"][0]).read_bytes())
    variables["nameList"][0] = "../secret.jpg"
    write_mat5(root / "AFLWinfo_release.mat", variables)
    with pytest.raises(DataError, match=r"no photo \.\./secret\.jpg \(face 1\)"):
        read_aflw(root, "train" if 1 in variables["ra"][0, :TRAIN] else "test")


def test_a_whole_folder_is_usable(few, whole):
    report = check_aflw(whole[0])
    said = report.as_text()
    counts = {subset.name: (subset.faces, subset.official) for subset in report.subsets}
    assert counts["train"] == (TRAIN, TRAIN) and counts["test"] == (TEST, TEST)
    assert report.usable and report.faces == TRAIN + TEST, said
    (fault,) = report.faults  # said once, and no error: the published split is one of faces
    assert "its photo has faces in train and in test" in fault.what and fault.level == "warning"


def test_check_finds_every_fault_and_names_it(few, copy):
    root, variables = copy
    variables["data"][1] += 500
    variables["bbox"][2] = (300, 320, 300, 320)
    write_mat5(root / "AFLWinfo_release.mat", variables)
    (root / "flickr" / variables["nameList"][3]).write_text("no picture")
    (root / "flickr" / variables["nameList"][4]).unlink()
    report = check_aflw(root)
    said = report.as_text()
    path = root / "AFLWinfo_release.mat"
    assert not report.usable
    for expected in (
        f"error: {path}: face 2: a landmark lies",
        f"error: {path}: face 3: its box [300.0, 300.0, 320.0, 320.0] lies outside its 96 × 96 photo",
        f"listed photos that are not there (1): {variables['nameList'][4]}",
        f"{variables['nameList'][3]}: is no image",
    ):
        assert expected in said, expected
    assert report.faces == TRAIN + TEST - 2  # two faces in the photo that is gone


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "AFLWinfo_release.mat: "),
        (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
        (lambda path: path.unlink(), "there is no AFLWinfo_release.mat"),
    ],
)
def test_check_of_broken_annotations_names_the_file_and_is_not_usable(few, copy, spoil, said):
    root, _ = copy
    spoil(root / "AFLWinfo_release.mat")
    report = check_aflw(root)
    assert not report.usable and report.faces == 0
    assert said in report.as_text() and "1 error," in report.as_text()
