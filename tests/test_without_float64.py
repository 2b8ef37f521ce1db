"""Devices without float64 (Apple's MPS): numbers become float64 on the processor, not before."""

import numpy as np
import pytest
import torch
from dots import face_at, picture_of
from faces300w import make_300w
from randomnet import CONFIG, random_network
from torch.utils._pytree import tree_map

from onedheat.data.w300 import read_300w
from onedheat.models import Tracker, TrackerConfig
from onedheat.pipeline import Landmarker
from onedheat.pipeline.following import NOTHING, Follower
from onedheat.reliability import gather

BOX = np.array([[40.0, 30.0, 120.0, 110.0]])


class OnMps(torch.Tensor):
    """A tensor that refuses what MPS refuses, until it is taken to the processor."""

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def on_mps(method, monkeypatch):
    """Has a network's method give its tensors as if they lay on MPS."""
    network, name = method.__self__, method.__name__

    def moved(value):
        return value.as_subclass(OnMps) if isinstance(value, torch.Tensor) else value

    monkeypatch.setattr(network, name, lambda *given: tree_map(moved, method(*given)))


@pytest.fixture
def picture():
    return picture_of(face_at(80, 70))


def test_faces_are_located(picture, monkeypatch):
    network = random_network()
    expected = Landmarker(network).locate([picture], BOX)
    on_mps(network.read, monkeypatch)
    with pytest.raises(TypeError, match="MPS"):
        network.read(network(torch.rand(1, 3, 64, 64))).landmarks.double()
    located = Landmarker(network).locate([picture], BOX)
    assert np.array_equal(located.landmarks, expected.landmarks)
    assert np.array_equal(located.sigma, expected.sigma) and located.peak.dtype == np.float64


def test_faces_are_followed_by_a_network_that_remembers(picture, monkeypatch):
    network = Tracker(TrackerConfig(**CONFIG.as_dict())).eval()
    expected, _ = Follower(Landmarker(network))(picture, BOX, [NOTHING])
    on_mps(network.read, monkeypatch)
    on_mps(network.peaks, monkeypatch)
    located, _ = Follower(Landmarker(network))(picture, BOX, [NOTHING])
    assert np.array_equal(located.landmarks, expected.landmarks)
    assert np.array_equal(located.peak, expected.peak)


def test_evidence_for_a_calibration_is_gathered(tmp_path, monkeypatch):
    network, faces = random_network(), read_300w(make_300w(tmp_path, faces=2))
    expected = gather(Landmarker(network), faces, ["dark"])["dark"]
    on_mps(network.read, monkeypatch)
    found = gather(Landmarker(network), faces, ["dark"])["dark"]
    for name in ("errors", "sigma", "peak"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
