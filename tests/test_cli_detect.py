"""`onedheat detect`: every photo that can be done is done, and what cannot is said."""

import json
import os
import re
import signal

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

from onedheat import detection, pipeline
from onedheat.checkpoints import load_detector, save_detector
from onedheat.cli import app
from onedheat.cli.options import MinPeak
from onedheat.data.images import read_image
from onedheat.detection import photos_in
from onedheat.faces import Cascade, YuNet
from onedheat.files import write_atomically
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import MIN_PLACED_PEAK, Found, Landmarker

BOX = np.array([[160.0, 70, 290, 200]])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A checkpoint that has learned nothing."""
    folder = tmp_path_factory.mktemp("weights") / "untrained"
    save_detector(Detector(DetectorConfig(size=64, upsample=2, width=16, channels=16)), folder)
    return folder


@pytest.fixture
def photos(tmp_path):
    """A folder with two photos of one name, a text file, a truncated JPEG and something else."""
    folder = tmp_path / "my photos"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(astronaut()).save(folder / "Eileen.jpg")
    Image.fromarray(astronaut()).convert("L").save(folder / "more" / "Eileen.png")
    (folder / "letter.jpg").write_text("Dear Sir or Madam")
    (folder / "cut.jpg").write_bytes((folder / "Eileen.jpg").read_bytes()[:9000])
    (folder / "notes.txt").write_text("not a photo, and not called one")
    return folder


@pytest.fixture
def detect(weights, monkeypatch):
    """Runs the command; every photo has one face, in BOX, whatever the network thinks of it."""

    def load(name, **options):
        find = Landmarker(load_detector(name), decoder=options["decoder"], min_peak=0)
        find._finder = lambda image: (BOX, np.ones(1))
        monkeypatch.setattr(
            type(find),
            "_confirmed",
            lambda self, image, boxes: Found(self._in_boxes(image, boxes), 1, 0.0, None),
        )
        return find

    monkeypatch.setattr(pipeline, "load", load)
    return lambda *arguments, **how: CliRunner(**how).invoke(
        app, ["detect", "--weights", str(weights), *map(str, arguments)]
    )


def plain(said):
    """What stands in the box of a wrong option, in one line."""
    return " ".join(said.replace("│", " ").split())


def test_each_file_is_a_line_and_faults_do_not_stop_the_others(detect, photos):
    result = detect(photos, photos / "nowhere.jpg")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        str(photos / "Eileen.jpg"),
        str(photos / "more" / "Eileen.png"),
    ]
    assert all(": 1 face, score 0." in line for line in lines)
    cut, letter, missing = result.stderr.splitlines()
    assert str(photos / "cut.jpg") in cut and "truncated" in cut
    assert str(photos / "letter.jpg") in letter and "no image" in letter
    assert str(photos / "nowhere.jpg") in missing and "does not exist" in missing


def test_all_well_is_exit_code_0(detect, photos):
    result = detect(photos / "Eileen.jpg")
    assert (result.exit_code, result.stderr) == (0, "")


def test_json_on_standard_output_is_one_object_and_nothing_else(detect, photos):
    result = detect(photos, "--json", "-")
    assert result.exit_code == 1
    files = json.loads(result.stdout)["files"]
    assert [os.path.basename(file["path"]) for file in files] == [
        "Eileen.jpg",
        "cut.jpg",
        "letter.jpg",
        "Eileen.png",
    ]
    good, cut, letter, _ = files
    assert set(good) == {"path", "error", "why_none", "faces"}
    assert good["error"] is good["why_none"] is None
    (face,) = good["faces"]
    assert set(face) == {"box", "landmarks", "sigma", "confidence", "score"}
    assert np.shape(face["box"]) == (4,)
    assert np.shape(face["landmarks"]) == np.shape(face["sigma"]) == (68, 2)
    assert np.shape(face["confidence"]) == (68,)
    assert face["score"] == pytest.approx(np.mean(face["confidence"]), abs=1e-4)
    assert "truncated" in cut["error"] and cut["faces"] == letter["faces"] == []


def test_json_in_a_file_holds_what_the_package_gives(detect, photos, weights, tmp_path):
    result = detect(photos / "Eileen.jpg", "--json", tmp_path / "faces.json", "--decoder", "argmax")
    assert result.exit_code == 0 and result.stdout.count("Eileen.jpg: 1 face, score") == 1
    (file,) = json.loads((tmp_path / "faces.json").read_text())["files"]
    find = Landmarker(load_detector(weights), decoder="argmax")
    (face,) = find(photos / "Eileen.jpg", BOX)
    assert np.allclose(file["faces"][0]["landmarks"], face.landmarks, atol=1e-3)
    assert np.allclose(file["faces"][0]["box"], face.box, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces.json", "my photos"]


def test_pictures_are_annotated_and_no_input_is_touched(detect, photos, tmp_path):
    before = {path: path.read_bytes() for path in photos.rglob("*.*")}
    result = detect(photos, "--out", tmp_path / "out" / "new")
    assert result.exit_code == 1
    assert result.stdout.endswith(f"written: {tmp_path / 'out' / 'new'} (2 pictures)\n")
    written = sorted(path.name for path in (tmp_path / "out" / "new").iterdir())
    assert written == ["Eileen_landmarks.jpg", "Eileen_landmarks_2.jpg"]
    drawn = read_image(tmp_path / "out" / "new" / "Eileen_landmarks.jpg").astype(int)
    changed = np.abs(drawn - read_image(photos / "Eileen.jpg")).max(axis=2) > 60
    assert changed[40:240, 130:320].any() and not changed[300:].any()
    assert before == {path: path.read_bytes() for path in photos.rglob("*.*")}


def test_pictures_beside_their_photos_never_take_the_place_of_one(detect, photos):
    taken = photos / "Eileen_landmarks.jpg"
    Image.fromarray(astronaut()[::-1]).save(taken)
    before = taken.read_bytes()
    assert detect(photos / "Eileen.jpg", taken, "--out", photos).exit_code == 0
    assert taken.read_bytes() == before
    assert (photos / "Eileen_landmarks_2.jpg").is_file()
    assert (photos / "Eileen_landmarks_landmarks.jpg").is_file()


def test_results_written_below_the_photos_are_not_photos_of_the_next_run(detect, photos):
    for _ in range(2):
        detect(photos, "--out", photos / "drawn")
        assert len(list((photos / "drawn").iterdir())) == 2


def test_pictures_beside_their_photos_are_not_photos_of_the_next_run(detect, photos):
    lookalike = photos / "my_landmarks.jpg"  # by its name a drawing, and none
    Image.fromarray(astronaut()).save(lookalike)
    for _ in range(3):
        result = detect(photos, "--out", photos, "--json", photos / "faces.json")
        assert result.exit_code == 1  # letter.jpg
        assert sorted(path.name for path in photos.glob("*_landmarks*")) == [
            "Eileen_landmarks.jpg",
            "Eileen_landmarks_2.jpg",
            "my_landmarks.jpg",
            "my_landmarks_landmarks.jpg",
        ]
        files = json.loads((photos / "faces.json").read_text())["files"]
        found = [os.path.basename(file["path"]) for file in files]
        assert found == ["Eileen.jpg", "cut.jpg", "letter.jpg", "Eileen.png", "my_landmarks.jpg"]


def test_json_never_takes_the_place_of_a_photo_or_a_drawing(detect, photos):
    photo, link = photos / "Eileen.jpg", photos / "link.json"
    link.symlink_to(photo)
    before = photo.read_bytes()
    for given in (photo, photos):
        for to in (photo, link):
            said = detect(given, "--json", to)
            assert said.exit_code == 2 and "is one of the photos" in plain(said.stderr)
    said = detect(photo, "--json", photos / "Eileen_landmarks.jpg", "--out", photos)
    assert said.exit_code == 2 and "give a name that ends in .json" in plain(said.stderr)
    assert photo.read_bytes() == before and link.is_symlink()
    assert not (photos / "Eileen_landmarks.jpg").exists()


def test_a_drawing_that_cannot_be_written_loses_no_face(detect, tmp_path):
    photo = tmp_path / ("a" * 246 + ".jpg")
    Image.fromarray(astronaut()).save(photo)
    result = detect(photo, "--out", tmp_path / "out", "--json", "-")
    assert result.exit_code == 1
    (file,) = json.loads(result.stdout)["files"]
    assert np.shape(file["faces"][0]["landmarks"]) == (68, 2)
    target = tmp_path / "out" / f"{photo.stem}_landmarks.jpg"
    assert str(photo) in file["error"] and f"{target} cannot be written" in file["error"]
    assert "File name too long" in file["error"] and ".part" not in file["error"]


def test_sigterm_keeps_what_was_done_as_ctrl_c_does(detect, photos, tmp_path, monkeypatch):
    real = detection.read_image

    def terminated(path):
        if path.name == "letter.jpg":
            os.kill(os.getpid(), signal.SIGTERM)
        return real(path)

    monkeypatch.setattr(detection, "read_image", terminated)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # or it would end the tests
    try:
        result = detect(photos, "--json", tmp_path / "faces.json")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert result.exit_code == 130 and "stopped after 2 of 4 files" in result.stderr
    files = json.loads((tmp_path / "faces.json").read_text())["files"]
    assert [os.path.basename(file["path"]) for file in files] == ["Eileen.jpg", "cut.jpg"]


def test_a_letter_that_standard_output_lacks_is_escaped(detect, photos):
    (photos / "Eileen.jpg").rename(photos / "\u03c3.jpg")
    result = detect(photos / "\u03c3.jpg", charset="cp1252")  # as a file's on Windows
    assert result.exit_code == 0 and r"\u03c3.jpg: 1 face" in result.stdout


def test_ctrl_c_keeps_what_was_done(detect, photos, tmp_path, monkeypatch):
    real = detection.read_image

    def interrupted(path):
        if path.name == "letter.jpg":
            raise KeyboardInterrupt
        return real(path)

    monkeypatch.setattr(detection, "read_image", interrupted)
    result = detect(photos, "--json", tmp_path / "faces.json")
    assert result.exit_code == 130
    assert "stopped after 2 of 4 files" in result.stderr
    files = json.loads((tmp_path / "faces.json").read_text())["files"]
    assert [os.path.basename(file["path"]) for file in files] == ["Eileen.jpg", "cut.jpg"]


def test_a_fault_of_the_network_belongs_to_its_file(detect, photos, monkeypatch):
    def exhausted(self, image, boxes):
        raise RuntimeError("not enough memory: you tried to allocate 9 GB")

    monkeypatch.setattr(Landmarker, "_in_boxes", exhausted)
    result = detect(photos / "Eileen.jpg", "--json", "-")
    assert result.exit_code == 1
    assert "could not be done: not enough memory" in json.loads(result.stdout)["files"][0]["error"]


def test_a_folder_without_images_is_said(detect, tmp_path):
    (tmp_path / "empty").mkdir()
    result = detect(tmp_path / "empty")
    assert result.exit_code == 1 and "is a folder without images" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_no_text_are_reported_all_the_same(detect, tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    try:
        with open(name, "wb") as stream:
            Image.fromarray(astronaut()).save(stream, "PNG")
    except OSError:
        pytest.skip("this file system takes only text as names")
    assert "1 face" in detect(os.fsdecode(name)).stdout
    result = detect(os.fsdecode(name), "--json", "-")
    assert json.loads(result.stdout)["files"][0]["path"] == os.fsdecode(name)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Missing argument"),
        (("x.jpg", "--decoder", "best"), "decoder"),
        (("x.jpg", "--face-detector", "haar"), "face-detector"),
        (("x.jpg", "--json", "no/such/folder/f.json"), "--json"),
    ],
)
def test_wrong_options_are_exit_code_2(detect, arguments, says):
    result = detect(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr and result.stdout == ""


def test_a_file_is_no_folder_for_pictures(detect, photos):
    result = detect(photos / "Eileen.jpg", "--out", photos / "notes.txt")
    assert result.exit_code == 2 and "--out" in result.stderr


def test_missing_weights_are_one_sentence(photos):
    result = CliRunner().invoke(app, ["detect", str(photos), "--weights", "nowhere"])
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr.startswith("onedheat: no checkpoint 'nowhere'")


def test_a_model_that_is_missing_is_one_sentence(photos, weights, monkeypatch, tmp_path):
    monkeypatch.setenv("ONEDHEAT_YUNET", str(tmp_path / "nowhere.onnx"))
    arguments = ["detect", str(photos), "--weights", str(weights), "--engine=torch"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1 and result.stdout == ""
    assert "the environment variable ONEDHEAT_YUNET names" in result.stderr


def test_the_cascade_finds_nobody_with_weights_that_have_learned_nothing(photos, weights):
    arguments = ["detect", str(photos / "Eileen.jpg"), "--weights", str(weights), "--engine=torch"]
    result = CliRunner().invoke(app, [*arguments, "--face-detector", "cascade"])
    assert result.exit_code == 0
    assert re.fullmatch(
        r".*Eileen\.jpg: no face, the face finder proposes \d boxes, and the landmarks there peak at 0\.0\d, "
        r"below min_peak 0\.55\n",
        result.stdout,
    )
    (file,) = json.loads(
        CliRunner().invoke(app, [*arguments, "--face-detector", "cascade", "--json", "-"]).stdout
    )["files"]
    assert file["error"] is None and file["faces"] == []
    assert f"no face, {file['why_none']}\n" in result.stdout


def test_the_help_names_the_peaks_that_are_asked_for():
    (option,) = MinPeak.__metadata__
    own = f"{MIN_PLACED_PEAK} with either for points of your own"
    for part in (f"{YuNet.min_peak} with yunet", f"{Cascade.min_peak} with the cascade", own):
        assert part in option.help


def test_folders_give_their_images_sorted_and_hidden_files_stay_hidden(photos):
    (photos / ".thumbnail.jpg").touch()
    names = [path.name for path in photos_in([photos / "notes.txt", photos])]
    assert names == ["notes.txt", "Eileen.jpg", "cut.jpg", "letter.jpg", "Eileen.png"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "faces.json"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
