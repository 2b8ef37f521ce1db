"""Kept results: what is shipped is whole and of the shipped weights; what makes it goes on; what is
wrong is named.
"""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from faces300w import make_300w

from onedheat import kept
from onedheat.checkpoints import save_detector
from onedheat.data.w300 import read_300w
from onedheat.evaluation import evaluate
from onedheat.geometry import tight_box
from onedheat.kept import files, make
from onedheat.kept.make import Entry
from onedheat.landmarks import IBUG68
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import load

SHIPPED = 600_000  # bytes, all together


# What is shipped ----------------------------------------------------------------------------------


def test_everything_the_course_shows_is_kept_of_the_same_224_faces():
    found = kept.everything()
    assert {entry.name for entry in make.PLAN} <= set(found)
    assert {one.errors.shape for one in found.values()} == {(224, 68)}
    assert {(one.split, one.normaliser) for one in found.values()} == {
        ("lfpw/testset", "interocular")
    }
    assert sum(path.stat().st_size for path in kept.HOME.glob("*.npz")) < SHIPPED


@pytest.mark.parametrize("name", [entry.name for entry in make.PLAN])
def test_what_is_kept_is_of_the_shipped_weights(name):
    """After a training: python -m onedheat.kept --root DIR."""
    one = kept.load(name)
    assert one.weights_digest == make.digest_of_weights(one.weights)


def test_kept_errors_are_those_that_an_evaluation_gives(real_data):
    faces = read_300w(real_data / "300w_crops", "lfpw/testset")
    assert make.digest_of_faces(faces) == kept.facts().faces_digest
    few = replace(faces, samples=faces.samples[:12])
    report = evaluate(load("tiny68", engine="torch"), few)
    assert kept.load("tiny68-dark-tight").of_faces[:12] == pytest.approx(report.errors, abs=0.02)


def test_the_pupils_are_nearer_than_the_outer_corners_and_the_contour_varies_most_from_the_eyes():
    facts = kept.facts()
    assert 1.25 < facts.factors["inter-pupil"].min() < facts.factors["inter-pupil"].max() < 1.5
    from_eyes = {
        area: facts.variance["eyes"][list(members)].sum(axis=1).mean()
        for area, members in IBUG68.areas.items()
    }
    assert max(from_eyes, key=from_eyes.__getitem__) == "contour"


def test_errors_of_the_contour_lie_along_it_and_those_of_other_areas_do_not():
    one = kept.load("tiny68-dark-tight")
    ratio = {
        area: one.along[:, list(members)].mean() / one.across[:, list(members)].mean()
        for area, members in IBUG68.areas.items()
    }
    assert ratio.pop("contour") > 1.8 and max(ratio.values()) < 1.8


# Making it ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12), "lfpw/testset")


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "runs" / "mine" / "last"
    save_detector(
        Detector(DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)), folder
    )
    return str(folder)


def test_a_measurement_is_that_of_the_report(faces, weights):
    measured = make.measure(Entry(weights, "centroid", True, "paper"), faces)
    landmarker = load(weights, decoder="centroid", flip=True, engine="torch")
    report = evaluate(landmarker, faces, box="paper")
    assert measured.of_faces == pytest.approx(report.errors)
    assert measured.nrmse == pytest.approx(report.nrmse)
    assert measured.name == "mine-centroid-flip-paper"


def test_a_missed_face_is_infinite_and_counted(faces, weights, monkeypatch):
    def found(landmarker, faces, **how):
        predicted = faces.landmarks() + (3.0, 4.0)
        predicted[1] = np.nan
        return predicted, predicted

    monkeypatch.setattr(make, "find_landmarks", found)
    measured = make.measure(Entry(weights, box="cascade"), faces)
    distance = IBUG68.normalising_distance(faces.landmarks())
    assert measured.missed == 1
    for values in (measured.errors, measured.along, measured.across):
        assert np.isinf(values[1]).all() and np.isfinite(np.delete(values, 1, axis=0)).all()
    assert measured.nrmse == pytest.approx(np.delete(500 / distance, 1).mean())


def test_what_is_kept_is_not_measured_again_until_the_weights_change(faces, weights, tmp_path):
    entries, home = (Entry(weights), Entry(weights, "argmax")), tmp_path / "kept"
    assert make.make(faces, home, entries[:1]) == ["mine-dark-tight"]
    assert make.make(faces, home, entries) == ["mine-argmax-tight"]
    assert make.make(faces, home, entries) == []
    assert make.make(faces, home, entries, anew=True) == [one.name for one in entries]
    other = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=3)
    save_detector(Detector(other), weights)
    assert len(make.make(faces, home, entries)) == 2


def test_a_file_that_a_kill_or_a_disk_spoiled_is_made_again(faces, weights, tmp_path):
    make.make(faces, tmp_path, (Entry(weights),))
    path = tmp_path / "mine-dark-tight.npz"
    path.write_bytes(path.read_bytes()[:-40])
    assert make.make(faces, tmp_path, (Entry(weights),)) == ["mine-dark-tight"]
    assert kept.load("mine-dark-tight", tmp_path).errors.shape == (len(faces), 68)


def test_variances_are_those_of_the_labels(faces):
    facts = make.look_at_labels(faces)
    truth = faces.landmarks()
    boxes = np.stack([tight_box(points, 1.25) for points in truth])
    side = (boxes[:, 2] - boxes[:, 0])[:, None, None]
    in_box = 100 * (truth - boxes[:, None, :2]) / side
    assert facts.variance["box"] == pytest.approx(in_box.var(axis=0), rel=1e-6)
    assert facts.variance["eyes"][36] == pytest.approx(facts.variance["eyes"][45], rel=1e-6)
    distance = IBUG68.normalising_distance(truth)
    assert facts.factors["box side"] == pytest.approx(distance / side.ravel())


def test_the_command_says_what_it_did(faces, weights, tmp_path, capsys):
    root = faces.samples[0].source.path.parents[2]
    command = ["--root", str(root), "--out", str(tmp_path / "kept"), "--weights", weights]
    for said in ("measured: mine-argmax-tight; kept as it was: nothing", "measured: nothing"):
        with pytest.raises(SystemExit) as end:
            make.main([*command, "--decoder", "argmax"])
        assert end.value.code == 0
        assert said in capsys.readouterr().err
    assert kept.names(tmp_path / "kept") == ["mine-argmax-tight"]


# Files --------------------------------------------------------------------------------------------


def a_measurement(errors, **changed):
    common = {"dataset": "300w", "split": "lfpw/testset", "faces_digest": "ab", "scheme": "ibug68"}
    how = {"weights": "mine", "weights_digest": "cd", "decoder": "dark", "flip": False}
    rest = {"normaliser": "interocular", "box": "tight"}
    arrays = {"errors": errors, "along": 0.6 * errors}
    return kept.Measurement(**{**common, **how, **rest, **changed}, **arrays)


@pytest.fixture
def errors():
    values = np.random.default_rng(0).gamma(4, 0.8, (30, 68))
    values[3] = np.inf
    return values


def test_errors_come_back_to_a_hundredth(errors, tmp_path):
    path = tmp_path / "mine-dark-tight.npz"
    files.write_measurement(a_measurement(errors), path)
    back = files.read_measurement(path)
    assert back.errors[:3] == pytest.approx(errors[:3], abs=0.01)
    assert back.missed == 1
    assert back.nrmse == pytest.approx(np.delete(errors, 3, axis=0).mean(), abs=1e-3)
    assert back.along[:3] == pytest.approx(0.6 * errors[:3], abs=0.01)
    assert np.delete(back.across, 3, axis=0) == pytest.approx(
        0.8 * np.delete(errors, 3, axis=0), abs=0.05
    )
    assert np.isinf(back.across[3]).all()
    without = {"errors": 0, "along": 0}
    assert vars(back) | without == vars(a_measurement(errors)) | without


def spoiled(path, change):
    """The file with its header or arrays changed."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays.pop("header")))
    change(header, arrays)
    held = io.BytesIO()
    np.savez_compressed(held, header=np.array(json.dumps(header)), **arrays)
    path.write_bytes(held.getvalue())


def set_to(which, key, value):
    def change(header, arrays):
        (header if which == "header" else arrays)[key] = value

    return change


def half_missed(header, arrays):
    arrays["errors"][0, :4] = np.inf


def flat(header, arrays):
    arrays["errors"] = arrays["errors"].ravel()
    header["shapes"]["errors"] = list(arrays["errors"].shape)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_to("header", "format", 1), r"format 1, this onedheat reads 2; make it again"),
        (set_to("header", "kind", "faces"), "holds 'faces', expected 'measurement'"),
        (set_to("header", "decoder", 3), "header is wrong at decoder; expected dataset"),
        (set_to("header", "colour", "red"), "header is wrong at colour"),
        (set_to("arrays", "errors", np.ones((29, 68))), r"errors is \(29, 68\), its header says"),
        (set_to("arrays", "more", np.ones(3)), r"more is \(3,\), its header says \(\)"),
        (set_to("arrays", "errors", np.full((30, 68), -1.0)), "smallest error is -1 %, below 0"),
        (set_to("arrays", "along", np.ones((30, 5))), r"along is \(30, 5\), its header says"),
        (half_missed, "landmarks with an error and landmarks without one"),
        (flat, r"errors has the shape \(2040,\), expected \(any, any\)"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_what_to_do(errors, tmp_path, change, said):
    path = tmp_path / "mine-dark-tight.npz"
    files.write_measurement(a_measurement(errors), path)
    spoiled(path, change)
    with pytest.raises(kept.KeptError, match=said) as error:
        kept.load("mine-dark-tight", tmp_path)
    assert str(path) in str(error.value) and "python -m onedheat.kept" in str(error.value)


def test_what_is_no_archive_and_what_would_be_executed_are_refused(tmp_path):
    path = tmp_path / "mine-dark-tight.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(kept.KeptError, match="damaged or holds no kept results"):
        kept.load("mine-dark-tight", tmp_path)
    np.savez(path, header=np.array({"a": 1}, dtype=object))
    with pytest.raises(kept.KeptError, match="damaged or holds no kept results"):
        kept.load("mine-dark-tight", tmp_path)


def test_an_unknown_name_lists_those_there_are(errors, tmp_path):
    files.write_measurement(a_measurement(errors), tmp_path / "mine-dark-tight.npz")
    with pytest.raises(kept.KeptError, match="'other' is kept in .*; there are: mine-dark-tight"):
        kept.load("other", tmp_path)


def test_measurements_of_other_faces_are_not_compared(errors, tmp_path):
    common = {"dataset": "300w", "split": "lfpw/testset", "scheme": "ibug68"}
    about = kept.FaceFacts(
        **common,
        faces_digest="ab",
        factors={"inter-pupil": np.ones(30)},
        variance={"box": np.ones((68, 2))},
    )
    files.write_facts(about, tmp_path / kept.FACTS)
    assert kept.facts(tmp_path).variance["box"].shape == (68, 2)
    files.write_measurement(a_measurement(errors), tmp_path / "mine-dark-tight.npz")
    assert list(kept.everything(tmp_path)) == ["mine-dark-tight"]
    other = a_measurement(errors, faces_digest="xy", weights="other")
    files.write_measurement(other, tmp_path / "other-dark-tight.npz")
    with pytest.raises(
        kept.KeptError, match="other-dark-tight.npz and faces.npz .*different faces"
    ):
        kept.everything(tmp_path)
