"""A calibration travels in an exported file, and every engine applies the same."""

import json

import numpy as np
import onnx
import pytest
from skimage.data import astronaut

import onedheat
from onedheat.calibration import Calibration, DecoderCalibration
from onedheat.checkpoints import save_detector
from onedheat.engines import EngineError, OnnxEngine
from onedheat.engines import export as exporting
from onedheat.engines.export import as_onnx
from onedheat.pipeline import Landmarker

FACE = [[160.0, 50, 290, 180]]
OWN = DecoderCalibration(scale=(0.5, 0.25), floor=(2.0, 3.0), offset=-3.0, slope=5.0)
KNOWN = Calibration(fitted_on="nothing", faces=1, radius=5.0, decoders={"dark": OWN})


def with_metadata(content: bytes, **changes) -> bytes:
    """The same file, saying something else of itself; what is None is not said at all."""
    model = onnx.load_from_string(content)
    (entry,) = (entry for entry in model.metadata_props if entry.key == "onedheat")
    said = json.loads(entry.value) | changes
    entry.value = json.dumps({key: value for key, value in said.items() if value is not None})
    return model.SerializeToString()


@pytest.fixture
def calibrated(network, monkeypatch):
    """The network that was exported, knowing its errors while a test runs."""
    monkeypatch.setattr(network, "calibration", KNOWN)
    return network


def test_an_exported_file_says_it(calibrated, content, monkeypatch):
    written = []

    def exported(network, inputs, names, metadata, words):
        written.append(json.loads(metadata["onedheat"]))
        return with_metadata(content, **written[0])

    monkeypatch.setattr(exporting, "exported", exported)
    made, _ = as_onnx(calibrated)
    assert Calibration.from_json(written[0]["calibration"]) == KNOWN
    assert OnnxEngine(made).network.calibration == KNOWN


def test_engines_give_the_same_sigma_and_confidence(calibrated, content, tmp_path):
    save_detector(calibrated, tmp_path / "net")
    (tmp_path / "alone.onnx").write_bytes(with_metadata(content, calibration=KNOWN.as_json()))
    by_torch = onedheat.load(tmp_path / "net", engine="torch")
    alone = onedheat.load(tmp_path / "alone.onnx")
    beside = Landmarker(by_torch.detector, engine=OnnxEngine(content))
    (wanted,) = by_torch(astronaut(), FACE)
    assert (wanted.sigma >= 2).all()
    for landmarker in (alone, beside):
        (given,) = landmarker(astronaut(), FACE)
        assert landmarker.calibration == OWN
        assert np.allclose(given.sigma, wanted.sigma, atol=1e-3)
        assert np.allclose(given.confidence, wanted.confidence, atol=1e-4)


def test_an_older_file_is_uncalibrated_and_a_damaged_one_refused(content):
    older = with_metadata(content, calibration=None)
    assert b"calibration" in content and b"calibration" not in older
    assert OnnxEngine(older).network.calibration is None
    with pytest.raises(EngineError, match="it must be an object, got int.*export it again"):
        OnnxEngine(with_metadata(content, calibration=3))
