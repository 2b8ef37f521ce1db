"""A calibration fitted on some faces holds on others, by every engine, and lies beside its weights."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from faces300w import make_300w
from randomnet import random_network
from skimage.data import astronaut

import onedheat
from onedheat.calibration import INSIDE, Calibration, DecoderCalibration, share_inside
from onedheat.checkpoints import CheckpointError, load_detector, save_detector, shipped
from onedheat.data import DataError
from onedheat.data.synthetic import synthetic_faces
from onedheat.data.w300 import read_300w
from onedheat.evaluation import evaluate
from onedheat.landmarks import FGNET68
from onedheat.models import build
from onedheat.models.compared import RegressionConfig
from onedheat.pipeline import Landmarker, cut_out, locate, read_pictures
from onedheat.reliability import calibrate, calibrate_folder, gather

FACE = [[160.0, 50, 290, 180]]
OWN = DecoderCalibration(scale=(0.5, 0.25), floor=(2.0, 3.0), offset=-3.0, slope=5.0)
KNOWN = Calibration(fitted_on="nothing", faces=1, radius=5.0, decoders={"dark": OWN})


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


@pytest.fixture
def network():
    """Random weights that know their errors by the default decoder."""
    network = random_network()
    network.calibration = KNOWN
    return network


# Where it is used ---------------------------------------------------------------------------------


def test_sigma_is_corrected_in_pixels_of_the_input_and_then_scaled_to_the_photo(network):
    """The face is 130 pixels wide, and 64 in the network's input."""
    (face,) = Landmarker(network)(astronaut(), FACE)
    picture, _ = cut_out([astronaut()], np.array(FACE), 64)
    own = read_pictures(network, picture).sigma[0]
    network.calibration = None
    (raw,) = Landmarker(network)(astronaut(), FACE)
    assert np.array_equal(face.landmarks, raw.landmarks)
    scale = 130 / 64
    assert np.allclose(face.sigma, scale * np.hypot(own * (0.5, 0.25), (2.0, 3.0)))
    assert np.allclose(face.confidence, 1 / (1 + np.exp(3 - 5 * raw.confidence)))
    assert face.score == pytest.approx(face.confidence.mean()) and face.score != raw.score


def test_no_sigma_is_smaller_than_what_one_bin_leaves_open(network):
    network.calibration = None
    picture, _ = cut_out([astronaut()], np.array(FACE), 64)
    own = read_pictures(network, picture).sigma[0]
    least = 64 / network.config.bins / math.sqrt(12)
    assert (own < least).any() and (own > least).any()
    (raw,) = Landmarker(network)(astronaut(), FACE)
    assert np.allclose(raw.sigma * 64 / 130, np.maximum(own, least))


def test_a_photo_twice_as_large_has_twice_the_sigma(network):
    large = np.repeat(np.repeat(astronaut(), 2, axis=0), 2, axis=1)
    (one,) = Landmarker(network)(astronaut(), FACE)
    (two,) = Landmarker(network)(large, [[2 * edge + 0.5 for edge in FACE[0]]])
    assert np.median(two.sigma / one.sigma) == pytest.approx(2, rel=0.01)


def test_a_decoder_that_is_not_calibrated_is_left_as_it_is(network):
    (given,) = Landmarker(network, decoder="argmax")(astronaut(), FACE)
    network.calibration = None
    (raw,) = Landmarker(network, decoder="argmax")(astronaut(), FACE)
    assert np.array_equal(given.sigma, raw.sigma)
    assert np.array_equal(given.confidence, raw.confidence)


def test_what_is_a_face_is_decided_by_the_peaks_and_not_by_the_calibration(network):
    boxes = np.array(FACE)
    found = locate(network, [astronaut()], boxes)
    network.calibration = None
    raw = locate(network, [astronaut()], boxes)
    assert np.array_equal(found.peak, raw.peak) and np.array_equal(raw.peak, raw.confidence)
    assert not np.allclose(found.confidence, found.peak)


@pytest.mark.parametrize("name", list(shipped()))
def test_shipped_weights_find_the_same_faces_with_and_without_their_calibration(name):
    detector = load_detector(name)
    find = Landmarker(detector, finder="cascade")
    with_it = find(astronaut())
    assert detector.calibration is not None and find.calibration is not None
    detector.calibration = None
    without = find(astronaut())
    assert [face.box.tolist() for face in with_it] == [face.box.tolist() for face in without]


def test_pictures_are_read_uncalibrated(network):
    pictures = torch.rand(2, 3, 64, 64)
    given = read_pictures(network, pictures)
    assert np.array_equal(given.confidence, given.peak)
    assert np.allclose(given.sigma, network.read(network(pictures)).sigma.detach().numpy())


# Where it is kept ---------------------------------------------------------------------------------


def test_a_checkpoint_keeps_it(network, tmp_path):
    save_detector(network, tmp_path / "net")
    loaded = onedheat.load(tmp_path / "net", engine="torch")
    assert loaded.detector.calibration == KNOWN and loaded.calibration == OWN
    (given,), (wanted,) = loaded(astronaut(), FACE), Landmarker(network)(astronaut(), FACE)
    assert np.allclose(given.sigma, wanted.sigma)
    assert np.allclose(given.confidence, wanted.confidence)


def test_an_old_checkpoint_without_it_loads_uncalibrated(network, tmp_path):
    save_detector(network, tmp_path / "net")
    (tmp_path / "net" / "calibration.json").unlink()
    loaded = onedheat.load(tmp_path / "net", engine="torch")
    assert loaded.calibration is None
    network.calibration = None
    (given,), (raw,) = loaded(astronaut(), FACE), Landmarker(network)(astronaut(), FACE)
    assert np.allclose(given.sigma, raw.sigma) and np.allclose(given.confidence, raw.confidence)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be used"),
        ("[1]", "it must be an object"),
        (json.dumps(KNOWN.as_json() | {"format": 2}), "its format is not 1"),
        (json.dumps(KNOWN.as_json()).replace('"dark"', '"best"'), "corrects the decoder 'best'"),
        (json.dumps(KNOWN.as_json()).replace("-3.0", "NaN"), "offset of dark"),
    ],
)
def test_a_damaged_one_is_refused_by_name_with_the_way_out(network, tmp_path, content, says):
    save_detector(network, tmp_path / "net")
    (tmp_path / "net" / "calibration.json").write_text(content)
    with pytest.raises(
        CheckpointError, match=rf"calibration\.json cannot be used: .*{says}|{says}"
    ):
        load_detector(tmp_path / "net")
    with pytest.raises(CheckpointError, match="Fit it again, or remove it"):
        load_detector(tmp_path / "net")


# How it is fitted ---------------------------------------------------------------------------------


def test_evidence_is_what_evaluation_measures_in_pixels_of_the_input(faces):
    landmarker = Landmarker(random_network())
    seen = gather(landmarker, faces, ["dark", "argmax"])
    for decoder, evidence in seen.items():
        report = evaluate(Landmarker(landmarker.detector, decoder=decoder), faces)
        assert evidence.relative().mean() == pytest.approx(report.nrmse, rel=1e-5)
        inside = 100 * share_inside(evidence.errors, evidence.sigma)
        assert inside == pytest.approx(report.inside_sigma, abs=0.2)


def test_after_calibration_68_of_100_errors_are_within_sigma_by_every_decoder(faces, tmp_path):
    """On the faces it was fitted on, whatever the network is: this one was not even trained."""
    detector = random_network()
    save_detector(detector, tmp_path / "net")
    landmarker = Landmarker(detector)
    before = evaluate(landmarker, faces).inside_sigma
    calibration = calibrate_folder(tmp_path / "net", landmarker, faces)
    assert load_detector(tmp_path / "net").calibration == detector.calibration == calibration
    assert (calibration.faces, calibration.fitted_on) == (12, "300w, train")
    assert set(calibration.decoders) == {"dark", "centroid", "argmax"}
    for decoder in calibration.decoders:
        report = evaluate(Landmarker(detector, decoder=decoder), faces)
        assert report.inside_sigma == pytest.approx(100 * INSIDE, abs=1)
    assert abs(before - 68) > 5


def test_landmarks_that_are_not_annotated_do_not_change_it(faces):
    """Those that are not annotated of one face, and no face less."""
    landmarks = faces.samples[0].landmarks.copy()
    landmarks[48:] = np.nan
    part = replace(
        faces, samples=(replace(faces.samples[0], landmarks=landmarks), *faces.samples[1:])
    )
    seen = gather(Landmarker(random_network()), part, ["dark"])["dark"]
    assert seen.annotated.sum() == 12 * 68 - 20
    assert calibrate(Landmarker(random_network()), part).faces == 12


def test_too_few_faces_and_a_network_without_sigma_are_left_uncalibrated(faces, tmp_path):
    one = replace(faces, samples=faces.samples[:1])
    assert calibrate(Landmarker(random_network()), one) is None
    without = Landmarker(build(RegressionConfig(size=64, width=16)))
    assert calibrate(without, faces) is None
    with pytest.raises(DataError, match="no calibration can be fitted on 12 faces of 300w"):
        calibrate_folder(tmp_path, without, faces)


def test_faces_of_another_markup_are_refused(faces):
    with pytest.raises(
        DataError, match="finds the landmarks of ibug68, and 300w is annotated with"
    ):
        calibrate(Landmarker(random_network()), replace(faces, scheme=FGNET68))


def test_drawn_faces_that_it_was_not_fitted_on_have_about_68_of_100_errors_within_sigma():
    landmarker = onedheat.load("synthetic68", engine="torch")
    seen = gather(landmarker, synthetic_faces(24, seed=7), ["dark"])["dark"]
    raw = share_inside(seen.errors, seen.sigma)
    assert share_inside(seen.errors, landmarker.calibration.correct(seen.sigma)) == pytest.approx(
        INSIDE, abs=0.05
    )
    assert raw < 0.63


def test_real_faces_that_it_was_not_fitted_on_have_about_68_of_100_errors_within_sigma(real_data):
    faces = read_300w(real_data / "300w_crops", "lfpw/testset")
    tenth = faces.where(lambda sample: sample.source.path.stem.endswith("0"), "a tenth")
    report = evaluate(onedheat.load("tiny68", engine="torch"), tenth)
    assert report.inside_sigma == pytest.approx(100 * INSIDE, abs=5)
