import json

import numpy as np
import pytest
from faces300w import make_300w

from onedheat.data import DataError
from onedheat.data.w300 import read_300w
from onedheat.evaluation import as_table, evaluate, summarize
from onedheat.geometry import tight_box
from onedheat.landmarks import IBUG68
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import Face, Landmarker

PROTOCOL = {"box": "tight", "decoder": "dark", "flip": False, "weights": "none"}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


@pytest.fixture(scope="module")
def landmarker():
    config = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)
    return Landmarker(Detector(config), finder=lambda image: (np.zeros((0, 4)), np.zeros(0)))


def test_a_report_of_errors_that_are_known(faces):
    target = faces.landmarks()
    distance = IBUG68.normalising_distance(target)
    predicted = target.copy()
    predicted[..., 0] += 0.03 * distance[:, None]  # 3 % of the inter-ocular distance everywhere
    predicted[0, :, 0] += 0.07 * distance[0]  # one face: 10 %
    predicted[:, 48:, 1] += 0.04 * distance[:, None]  # mouths: 5 %
    report = summarize(predicted, faces, **PROTOCOL)
    assert report.areas["eyes"] == pytest.approx((3 * 11 + 10) / 12)
    assert report.areas["mouth"] == pytest.approx((5 * 11 + np.hypot(10, 4)) / 12)
    assert report.failure_rate == pytest.approx(100 / 12)
    by_face = np.array(report.errors)
    assert by_face[1:] == pytest.approx((3 * 48 + 5 * 20) / 68)
    assert report.nrmse == pytest.approx(by_face.mean())
    assert report.auc == pytest.approx(np.maximum(0, 1 - by_face / 8).mean())


def test_a_missed_face_is_counted_as_a_failure_and_not_as_an_error(faces):
    predicted = faces.landmarks()
    predicted[3] = np.nan
    report = summarize(predicted, faces, **PROTOCOL)
    assert (report.missed, report.nrmse) == (1, 0.0)
    assert report.failure_rate == pytest.approx(100 / 12)
    assert report.auc == pytest.approx(11 / 12)


def test_the_json_has_what_the_design_names_and_no_nan(faces):
    predicted = np.full_like(faces.landmarks(), np.nan)
    values = summarize(predicted, faces, **PROTOCOL).as_json()
    assert json.loads(json.dumps(values, allow_nan=False))["nrmse"] is None
    for key in "dataset split faces nrmse auc failure_rate threshold normaliser box decoder weights".split():
        assert key in values
    assert values["normaliser"] == "interocular" and values["threshold"] == 8.0


def test_the_network_sees_the_box_of_the_protocol(faces, landmarker, monkeypatch):
    from onedheat import evaluation

    seen = []

    def spy(detector, images, boxes, **how):
        seen.extend(boxes)
        return original(detector, images, boxes, **how)

    original = evaluation.locate
    monkeypatch.setattr(evaluation, "locate", spy)
    evaluate(landmarker, faces)
    expected = [tight_box(sample.landmarks, 1.25) for sample in faces.samples]
    assert np.allclose(seen, expected)


def test_the_detectors_box_matches_by_overlap(faces, landmarker):
    report = evaluate(landmarker, faces, box="detector")
    assert report.missed == len(faces) and report.failure_rate == 100.0

    class Oracle(Landmarker):
        """Finds a stranger first and the labelled face second, a little off."""

        def __call__(self, image, boxes=None):
            sample = next(s for s in faces.samples if np.array_equal(s.image(), image))
            near, far = sample.landmarks + 1.0, sample.landmarks / 20
            return [
                Face(points, np.zeros((68, 2)), tight_box(points, 1.25), 1.0)
                for points in (far, near)
            ]

    report = evaluate(Oracle(landmarker.detector), faces, box="detector")
    assert report.missed == 0
    distance = IBUG68.normalising_distance(faces.landmarks())
    assert report.errors == pytest.approx(100 * 2**0.5 / distance)


def test_a_data_set_without_boxes_and_an_unknown_box_are_refused(faces, landmarker):
    with pytest.raises(DataError, match="no face boxes of its own"):
        evaluate(landmarker, faces, box="annotation")
    with pytest.raises(DataError, match="tight, paper, annotation, detector"):
        evaluate(landmarker, faces, box="loose")


def test_a_table_has_one_line_a_report(faces):
    report = summarize(faces.landmarks(), faces, **PROTOCOL)
    lines = as_table([report, report]).splitlines()
    assert len(lines) == 4 and "NRMSE %" in lines[0] and "0.00" in lines[2]


def test_the_shipped_weights_on_real_faces(real_data):
    """Not a measurement: a floor under it, on a fifth of the faces."""
    from onedheat.pipeline import load

    faces = read_300w(real_data / "300w_crops", "lfpw/testset")
    fifth = faces.where(lambda sample: sample.source.path.stem.endswith(("0", "4")), "a fifth")
    report = evaluate(load("tiny68"), fifth)
    assert report.nrmse < 3.6 and report.failure_rate < 5
    assert report.areas["eyes"] < report.areas["contour"]
