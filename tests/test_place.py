"""Places of boxes in boxes. Weights for points of one's own know theirs in a face, and are shown it."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from ownfaces import FIVE, make_csv_folder
from randomnet import random_network
from smallruns import QUICK, SMALL, run_of
from test_pipeline import ANNE, DotReader, finding, photo_of

from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.data.own import read_own
from onedheat.engines.export import as_onnx
from onedheat.engines.onnx_engine import OnnxEngine
from onedheat.faces import FinderError
from onedheat.geometry import tight_box
from onedheat.pipeline import Landmarker
from onedheat.place import Place, fit_place
from onedheat.presets import Preset
from onedheat.reliability import gather
from onedheat.training import Run, placing
from onedheat.training.placing import learn_place
from onedheat.training.starting import network_of

PLACE = Place(0.8, -0.25, 0.3)


def whole_face(part: np.ndarray, place: Place = PLACE) -> np.ndarray:
    """The box of a face in which the box (4,) lies at a place."""
    side = (part[2] - part[0]) / place.scale
    center = (part[:2] + part[2:]) / 2 - side * np.array([place.shift_x, place.shift_y])
    return np.concatenate([center - side / 2, center + side / 2])


def test_a_place_moves_and_scales_in_units_of_the_side():
    moved = Place(0.1, -0.2, 2.0)(np.array([[0.0, 0, 4, 9], [10, 10, 20, 20]]))
    # The first has the side √(4·9) = 6 and the centre (2, 4.5).
    assert np.allclose(moved, [[2.6 - 6, 3.3 - 6, 2.6 + 6, 3.3 + 6], [6, 3, 26, 23]])
    assert Place(0.1, -0.2, 2.0)(np.zeros((0, 4))).shape == (0, 4)


def test_fitting_gives_back_the_place_that_boxes_were_moved_by():
    random = np.random.default_rng(0)
    corner, side = random.uniform(0, 500, (101, 2)), random.uniform(20, 200, (101, 2))
    found = np.concatenate([corner, corner + side], axis=1)
    true = Place(0.03, 0.15, 1.2)
    wanted = true(found)
    wanted[:20] += 300  # boxes on other faces: medians do not mind
    fitted = fit_place(found, wanted)
    assert np.allclose(fitted, true, atol=0.6, rtol=0)
    assert np.allclose(fit_place(found[20:], wanted[20:]), true)


def test_the_first_look_is_at_the_place_in_the_finders_box():
    detector, photo = DotReader(), photo_of(ANNE)
    find = Landmarker(detector, finder=finding(whole_face(tight_box(ANNE))))
    assert find(photo) == []
    detector.looks.clear()
    detector.place = PLACE
    (face,) = find(photo)
    assert np.abs(face.landmarks - ANNE).max() < 0.1
    assert detector.looks == [1, 1, 1]


def test_boxes_that_are_given_are_looked_at_as_they_are():
    detector, photo = DotReader(), photo_of(ANNE)
    (before,) = Landmarker(detector)(photo, boxes=[tight_box(ANNE)])
    detector.place = PLACE
    (after,) = Landmarker(detector)(photo, boxes=[tight_box(ANNE)])
    assert np.array_equal(before.landmarks, after.landmarks)


def test_of_few_faces_lower_peaks_are_enough_but_not_less_than_was_asked_for():
    sure, easy = finding(tight_box(ANNE)), finding(tight_box(ANNE))
    sure.min_peak, easy.min_peak = 0.55, 0.3
    network = random_network()
    assert Landmarker(network, finder=sure).least_peak == 0.55
    network.place = PLACE
    assert Landmarker(network, finder=sure).least_peak == 0.4
    assert Landmarker(network, finder=easy).least_peak == 0.3
    assert Landmarker(network, finder=sure, min_peak=0.7).least_peak == 0.7


def test_the_place_is_kept_with_the_weights_and_only_where_there_is_one(tmp_path):
    network = random_network()
    save_detector(network, tmp_path / "without")
    assert set(json.loads((tmp_path / "without/config.json").read_text())) == {
        "format", "kind", "detector"
    }  # fmt: skip
    assert load_detector(tmp_path / "without").place is None
    network.place = PLACE
    save_detector(network, tmp_path / "with")
    assert load_detector(tmp_path / "with").place == PLACE


def test_an_exported_network_has_its_place():
    pytest.importorskip("onnxruntime")
    network = random_network()
    assert OnnxEngine(as_onnx(network)[0]).network.place is None
    network.place = PLACE
    assert OnnxEngine(as_onnx(network)[0]).network.place == PLACE


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"shift_x": 0, "shift_y": 0}, "must have the keys shift_x, shift_y, scale"),
        ({"shift_x": 0, "shift_y": 0, "scale": 0}, "scale must be a finite number above 0, got 0"),
        ({"shift_x": "a", "shift_y": 0, "scale": 1}, "shift_x must be a finite number, got 'a'"),
        ([0, 0, 1], "must have the keys"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path, place, says):
    save_detector(random_network(), tmp_path / "net")
    file = tmp_path / "net/config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "place": place}))
    with pytest.raises(CheckpointError, match=f"config.json cannot be used: place.*{says}"):
        load_detector(tmp_path / "net")


# Learned ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_own(make_csv_folder(tmp_path_factory.mktemp("five"), 12), "train")


def seeing(faces, every: int = 1):
    """A finder that sees every so many-th face, at a known place, and before it one that is nobody's."""
    known = {sample.image().tobytes(): n for n, sample in enumerate(faces.samples)}

    def find(image):
        number = known[image.tobytes()]
        if number % every:
            return np.zeros((0, 4)), np.zeros(0)
        own = whole_face(tight_box(faces.samples[number].landmarks))
        return np.stack([own + 3 * (own[2] - own[0]), own]), np.array([0.9, 0.8])

    return find


def test_the_place_is_learned_from_the_faces_that_the_finder_sees(faces, monkeypatch):
    monkeypatch.setattr(placing, "make_finder", lambda: seeing(faces, every=2))
    assert learn_place(faces, seed=0) == pytest.approx(PLACE, abs=1e-3)


def test_too_few_faces_seen_or_no_finder_are_told_and_no_place(faces, monkeypatch, caplog):
    monkeypatch.setattr(placing, "make_finder", lambda: seeing(faces, every=6))
    assert learn_place(faces, seed=0) is None
    assert "sees 2 of 12 training faces, 3 are needed" in caplog.text
    assert "give boxes=" in caplog.text

    def broken():
        raise FinderError("no model there")

    monkeypatch.setattr(placing, "make_finder", broken)
    assert learn_place(faces, seed=0) is None
    assert "no model there; so `detect` will not know" in caplog.text


def test_a_run_for_own_points_keeps_their_place_also_when_it_is_stopped(
    faces, tmp_path, monkeypatch
):
    monkeypatch.setattr(placing, "make_finder", lambda: seeing(faces))
    preset = Preset(SMALL, replace(QUICK, batch_size=4, passes=2), "").for_scheme(FIVE)
    run = Run(preset, faces, tmp_path / "run", progress=False, samples=0)
    monkeypatch.setattr(run, "_agree", lambda asked: (True, False))
    assert run.train() is None
    assert load_detector(tmp_path / "run/last").place == pytest.approx(PLACE, abs=1e-3)


def test_a_run_for_published_landmarks_asks_no_finder(tmp_path, monkeypatch):
    from faces300w import make_300w

    from onedheat.data.w300 import read_300w

    monkeypatch.setattr(placing, "make_finder", lambda: pytest.fail("a finder was made"))
    whole = read_300w(make_300w(tmp_path / "300w", faces=20))
    run_of(whole, tmp_path / "run", passes=1).train()
    assert load_detector(tmp_path / "run/last").place is None


# What else a run of few faces says ----------------------------------------------------------------


def test_a_run_says_that_it_is_not_calibrated_and_what_helps(faces, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(placing, "make_finder", lambda: seeing(faces))
    preset = Preset(SMALL, replace(QUICK, batch_size=4, passes=1), "").for_scheme(FIVE)
    run = Run(preset, faces, tmp_path / "run", progress=False, samples=0)
    run.train()
    held_out = 5 * len(run.validation)
    assert run.average.module.calibration is None
    assert (
        f"not calibrated: {held_out} landmarks held out, 100 are needed; add photos" in caplog.text
    )


def test_a_run_says_that_its_peaks_are_too_low_to_be_found_by(faces, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(placing, "make_finder", lambda: seeing(faces))
    preset = Preset(SMALL, replace(QUICK, batch_size=4, passes=1), "").for_scheme(FIVE)
    run = Run(preset, faces, tmp_path / "run", progress=False, samples=0)
    run.train()
    peak = gather(Landmarker(run.average.module), run.validation, ["dark"])["dark"].peak.mean()
    said = f"peak at {peak:.2f} on average, and `detect` takes what is below 0.40 for no face"
    assert 0 < peak < 0.4 and said in caplog.text
    caplog.clear()
    monkeypatch.setattr("onedheat.training.run.MIN_PLACED_PEAK", 0.0)
    Run(preset, faces, tmp_path / "sure", progress=False, samples=0).train()
    assert "peak at" not in caplog.text


def test_a_share_that_holds_out_enough_is_named(tmp_path, monkeypatch, caplog):
    from faces300w import make_300w

    from onedheat.data.w300 import read_300w

    whole = read_300w(make_300w(tmp_path / "300w", faces=16))
    run = run_of(whole, tmp_path / "run", passes=1, validation=0.01, batch_size=4)
    monkeypatch.setattr("onedheat.training.run.fitted", lambda *evidence: None)
    monkeypatch.setattr("onedheat.training.run.annotated_landmarks", lambda faces: 60)
    run.train()
    (said,) = [record.getMessage() for record in caplog.records if "calibrated" in record.msg]
    assert "60 landmarks held out, 100 are needed" in said
    named = float(said.split("--set validation=")[1].split()[0])
    assert named * len(whole) / len(run.validation) * 60 >= 100
    assert named <= 0.3 and said.endswith("holds out more, or add photos")


def test_a_run_begins_with_weights_by_name_or_folder_and_says_what_begins_anew(
    faces, tmp_path, caplog
):
    torch.manual_seed(0)
    from onedheat.models import Detector

    save_detector(Detector(SMALL), tmp_path / "net")
    preset = Preset(SMALL, replace(QUICK, batch_size=4), "").for_scheme(FIVE)
    with caplog.at_level(logging.INFO, logger="onedheat.training"):
        run = Run(preset, faces, tmp_path / "run", start=str(tmp_path / "net"), progress=False)
    stem = load_detector(tmp_path / "net").state_dict()["trunk.stem.0.weight"]
    assert torch.equal(run.bare.state_dict()["trunk.stem.0.weight"], stem)
    assert "the last layers begin anew" in caplog.text and "5 points instead of 68" in caplog.text
    with pytest.raises(CheckpointError, match="no checkpoint 'nope'"):
        Run(preset, faces, tmp_path / "other", start="nope")
    with pytest.raises(
        TypeError, match="start must be a network, or its name or folder, got a int"
    ):
        network_of(5)
    assert not (tmp_path / "other").exists()
