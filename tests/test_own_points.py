"""Five points of one's own, from labelled photos to weights, figures, drawings and plots."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from faces300w import make_300w
from ownfaces import FIVE, make_csv_folder, make_pts_folder, write_scheme
from typer.testing import CliRunner
from vw300 import add_clip

import onedheat
from onedheat.cli import app
from onedheat.course.photos import look_inside
from onedheat.course.widgets import two_vectors_box
from onedheat.data.images import read_image
from onedheat.data.own import read_own
from onedheat.plots import FaceView
from onedheat.plots.faces import face_close_up, faces_on_photo
from onedheat.plots.rounding import numbers_per_face, snapped_faces
from onedheat.plots.sheets import Cutout, face_sheet, scheme_sheet

SETTINGS = (
    "width=16 channels=16 size=64 compressed=4 upsample=2 passes=2 batch_size=4 validation=0.2"
)
SMALL = [part for setting in SETTINGS.split() for part in ("--set", setting)]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    names = [f"{i}.jpg" for i in range(14)] + [f"test/{i}.jpg" for i in range(4)]
    return make_pts_folder(tmp_path_factory.mktemp("mine") / "my faces", names)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "mine"
    said = run("train", "--dataset", folder, "--out", out, "--preset", "tiny", *SMALL)
    assert said.exit_code == 0, said.output
    assert "5 points (five)" in said.stderr and "validation NRMSE" in said.stdout
    return out / "last"


def test_training_takes_the_number_of_points_from_the_folder(trained):
    config = json.loads((trained / "config.json").read_text())["detector"]
    assert config["landmarks"] == 5 and config["scheme"]["points"] == list(FIVE.points)
    assert onedheat.load(trained, engine="torch").scheme == FIVE


def test_evaluation_measures_the_test_folder_by_the_folders_own_normaliser(trained, folder):
    said = run(
        "evaluate",
        "--engine=torch",
        "--dataset",
        folder,
        "--weights",
        trained,
        "--json",
        "-",
        "--flip",
    )
    values = json.loads(said.stdout)
    assert (values["dataset"], values["split"], values["faces"]) == ("my faces", "test", 4)
    assert set(values["areas"]) == {"eyes", "mouth"}
    landmarker, faces = onedheat.load(trained, flip=True, engine="torch"), read_own(folder, "test")
    errors = []
    for sample in faces.samples:
        from onedheat.geometry import tight_box

        (face,) = landmarker(sample.image(), boxes=[tight_box(sample.landmarks, 1.25)])
        distance = np.linalg.norm(sample.landmarks[0] - sample.landmarks[1])
        errors.append(np.linalg.norm(face.landmarks - sample.landmarks, axis=1).mean() / distance)
    assert values["nrmse"] == pytest.approx(100 * np.mean(errors), rel=1e-4)


def test_a_folder_without_a_test_split_is_not_measured_on_its_training_faces(trained, tmp_path):
    make_csv_folder(tmp_path)
    said = run("evaluate", "--engine=torch", "--dataset", tmp_path, "--weights", trained)
    assert said.exit_code == 1 and "no faces of a split 'test'; there are: train" in said.stderr
    asked = run(
        "evaluate",
        "--engine=torch",
        "--dataset",
        tmp_path,
        "--weights",
        trained,
        "--split",
        "train",
    )
    assert asked.exit_code == 0


def test_a_run_is_not_resumed_with_another_scheme(trained, folder, tmp_path):
    mine = make_pts_folder(tmp_path / "my faces", [f"{i}.jpg" for i in range(14)])
    write_scheme(mine, points=["a", "b", "c", "d", "e"])
    arguments = [
        "train",
        "--dataset",
        mine,
        "--out",
        trained.parent,
        "--preset",
        "tiny",
        "--resume",
    ]
    said = run(*arguments, *SMALL)
    assert said.exit_code == 1 and "detector.scheme" in said.stderr


def test_detect_draws_and_writes_five_points(trained, folder, tmp_path, monkeypatch):
    from onedheat.pipeline import landmarker as photos

    box = np.array([[10.0, 10, 110, 110]])
    finder = lambda image: (box, np.ones(1))  # noqa: E731
    landmarker = onedheat.load(trained, finder=finder, engine="torch")
    monkeypatch.setattr(landmarker, "min_peak", 0.0)
    monkeypatch.setattr(photos, "MIN_AGREEMENT", 0.0)
    from onedheat.detection import detect_files

    (result,) = detect_files(landmarker, [folder / "0.jpg"], out=tmp_path)
    assert result.error is None
    assert [np.shape(face["landmarks"]) for face in result.as_json()["faces"]] == [(5, 2)]
    drawn, plain = read_image(tmp_path / "0_landmarks.jpg"), read_image(folder / "0.jpg")
    assert np.abs(drawn.astype(int) - plain).max() > 100


def test_plots_and_widgets_show_five_points(trained, folder):
    landmarker = onedheat.load(trained, engine="torch")
    photo = read_image(folder / "0.jpg")
    faces = landmarker(photo, boxes=[[10, 10, 110, 110]])
    inside = look_inside(landmarker, {"Somebody": photo}, {"Somebody": faces})
    picture = inside["Somebody"].move(4)
    assert "landmark 4, mouth left" in picture.alt and len(picture.png()) > 10_000
    assert two_vectors_box(inside).children
    shown = faces_on_photo(photo, [faces[0].landmarks], [faces[0].sigma], scheme=FIVE)
    assert "5 dots a face mark eyes, mouth" in shown.alt
    assert "with 5 landmarks" in face_close_up(picture.view, picture.sigma).alt
    truth = read_own(folder).samples[0].landmarks
    view = FaceView.from_photo("Somebody", photo, truth, 64, scheme=FIVE)
    assert view.interocular == pytest.approx(np.linalg.norm(view.landmarks[0] - view.landmarks[1]))
    assert len(snapped_faces(view, [16, 32]).png()) > 10_000
    assert "for the 5 landmarks" in numbers_per_face([64], 5).alt


# Sheets and the commands for data -------------------------------------------------------------------


def test_a_sheet_shows_every_face_and_rings_hidden_points(folder):
    faces = read_own(folder)
    cutouts = [Cutout.of(sample) for sample in faces.samples[:7]]
    assert cutouts[0].picture.shape == (200, 200, 3)
    low, high = cutouts[0].landmarks.min(axis=0), cutouts[0].landmarks.max(axis=0)
    assert (high - low).max() == pytest.approx(200 / 1.6)
    sheet = face_sheet(cutouts, FIVE, "Mine")
    assert len(sheet.axes) == 7 and "7 faces, each with its 5 annotated points" in sheet.alt
    assert "0.jpg" in sheet.alt and "hidden" not in sheet.alt
    hidden = Cutout("x", cutouts[0].picture, cutouts[0].landmarks, np.array([1, 1, 0, 1, 0], bool))
    ringed = face_sheet([hidden], FIVE, "Mine")
    assert "2 points are marked as hidden" in ringed.alt
    dots, rings = ringed.axes[0].lines[-2:]
    assert len(dots.get_xdata()) == 3 and len(rings.get_xdata()) == 2


def test_the_drawing_of_a_scheme_names_every_point_and_says_the_normaliser(folder):
    sample = read_own(folder).samples[0]
    view = FaceView.from_photo("a.jpg", sample.image(), sample.landmarks, 256, scheme=FIVE)
    sheet = scheme_sheet(FIVE, sample.landmarks, view)
    said = [text.get_text() for text in sheet.texts]
    assert {"0 right_eye ↔ 1 left_eye", "2 nose", "3 mouth_right ↔ 4 mouth_left"} <= set(said)
    assert "2 pairs change places in the mirror, 1 points lie on the middle line" in sheet.alt
    assert "the points 0 and 1 (dashed)" in sheet.alt
    numbers = [text.get_text() for axes in sheet.axes for text in axes.texts]
    assert numbers == ["0", "1", "2", "3", "4"] * 2


def test_a_scheme_is_proposed_drawn_and_not_written_over(tmp_path):
    root = make_csv_folder(tmp_path / "mine", 8, named=True)
    (root / "scheme.json").unlink()
    said = run("data", "scheme", root)
    assert said.exit_code == 0 and "proposed from 8 faces" in said.stdout
    assert read_own(root).scheme.mirror == FIVE.mirror
    assert read_image(root / "scheme.png").shape[2] == 3
    text = (root / "scheme.json").read_text().replace("[[0, 1], [3, 4]]", "[[0, 1]]")
    (root / "scheme.json").write_text(text)
    said = run("data", "scheme", root)
    assert "as it is" in said.stdout and (root / "scheme.json").read_text() == text
    assert run("data", "scheme", root, "--anew").exit_code == 0
    assert read_own(root).scheme.mirror == FIVE.mirror


def test_points_may_be_said_to_be_those_of_a_published_scheme(tmp_path):
    tree = make_300w(tmp_path / "300w", faces=4) / "afw"
    assert run("data", "scheme", tree, "--like", "ibug68").exit_code == 0
    assert read_own(tree).scheme.name == "ibug68"
    assert json.loads((tree / "scheme.json").read_text()) == {"name": "ibug68"}
    assert run("data", "scheme", tree, "--like", "mine").exit_code == 2
    wrong = make_csv_folder(tmp_path / "five")
    said = run("data", "scheme", wrong, "--like", "ibug68")
    assert said.exit_code == 1 and "names 5 points" in said.stderr


def test_check_and_show_take_a_folder_or_a_name_with_its_folder(folder, tmp_path):
    said = run("data", "check", folder, "--json", "-")
    assert said.exit_code == 0 and json.loads(said.stdout)["faces"] == 18
    said = run("data", "show", folder, "--count", "3", "--out", tmp_path / "s.png")
    assert said.exit_code == 0 and "3 faces of my faces, train" in said.stdout
    first = read_image(tmp_path / "s.png")
    run("data", "show", folder, "--count", "3", "--out", tmp_path / "s.png", "--seed", "1")
    assert not np.array_equal(first, read_image(tmp_path / "s.png"))
    tree = make_300w(tmp_path / "300w", faces=6)
    assert run("data", "show", "300w", tree, "--out", tmp_path / "t.png").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["data", "check", "300w"], "300w lies in a folder, which is not given"),
        (["data", "check", "coco"], "no data set 'coco'"),
        (["data", "show", "coco"], "or a folder of your own"),
        (["data", "check", "300w"], "write it behind the name: 300w FOLDER"),
        (["data", "show", "FOLDER", "--out", "/nowhere/x.png"], "give a file in a folder that exists"),
        (["data", "show", "FOLDER", "--out", "x.jpg"], "x.jpg: give a name that ends in .png"),
        (["data", "scheme", "FOLDER", "--out", "x"], "x: give a name that ends in .png"),
        (["data", "check", "FOLDER", "FOLDER"], "1 folders are given for 0 data sets"),
        (["train", "--preset", "tiny", "--dataset", "300w", "--out", "x"], "300w lies in a folder"),
        (["train", "--preset", "tiny", "--dataset", "FOLDER", "--out", "x", "--split", "train",
          "--split", "test"], "2 --split for 1 --dataset"),
        (["evaluate", "--dataset", "coco"], "no data set 'coco'"),
    ],
)  # fmt: skip
def test_a_wrong_data_set_ends_in_one_sentence(folder, arguments, word):
    said = run(*[folder if part == "FOLDER" else part for part in arguments])
    plain = " ".join(re.sub(r"[│╭╮╰╯─]", " ", said.stderr).split())
    assert said.exit_code == 2 and word in plain and "Traceback" not in said.stderr


def test_sets_are_joined_where_their_schemes_are_one(folder, tmp_path):
    other = make_csv_folder(tmp_path / "other", 4)
    write_scheme(other, name="other")  # as `data scheme` calls it
    out = ["--out", tmp_path / "run", "--preset", "tiny"]
    said = run("train", "--dataset", folder, "--dataset", other, *out, *SMALL)
    assert said.exit_code == 0, said.output
    asked = json.loads((tmp_path / "run/run.json").read_text())["data"]
    assert (asked["name"], asked["faces"]) == ("my faces+other", 18)
    tree = make_300w(tmp_path / "300w", faces=6)
    said = run("train", "--dataset", "300w", "--dataset", other, "--root", tree, *out, *SMALL)
    assert said.exit_code == 1 and "sets of different landmark schemes" in said.stderr


def test_a_broken_annotation_of_a_video_is_no_wrong_option(tmp_path):
    clips = [add_clip(tmp_path / "300vw", name, 6) for name in ("001", "002", "003")]
    (clips[1] / "annot/000003.pts").write_text("version: 1\nn_points: 68\n{\n1 x\n}\n")
    out = ["--out", tmp_path / "run", "--preset", "tiny-tracker"]
    said = run("train", "--dataset", "300vw", "--root", tmp_path / "300vw", *out, *SMALL)
    assert said.exit_code == 1 and "000003.pts:4: expected two numbers" in said.stderr
    assert "Usage" not in said.stderr


def test_what_the_check_calls_an_error_is_not_trained_on(folder, tmp_path):
    mine = make_csv_folder(tmp_path / "mine", 12)
    lines = (mine / "landmarks.csv").read_text().splitlines()
    lines[4] = ",".join([*lines[4].split(",")[:-2], "-1", "-1"])
    (mine / "landmarks.csv").write_text("\n".join(lines))
    checked = run("data", "check", mine)
    out = ["--out", tmp_path / "run", "--preset", "tiny"]
    trained = run("train", "--dataset", mine, *out, *SMALL)
    for said, text in ((checked, checked.stdout), (trained, trained.stderr)):
        assert said.exit_code == 1 and "csv:5: point 4 is at -1, -1, which looks like" in text
    assert not (tmp_path / "run").exists()


def test_too_few_faces_end_in_one_sentence(tmp_path):
    folder = make_csv_folder(tmp_path / "few", 3)
    said = run("train", "--dataset", folder, "--out", tmp_path / "run", "--preset", "tiny")
    assert said.exit_code == 1 and "do not fill one batch of 16" in said.stderr
    assert not (tmp_path / "run").exists()
