"""One network, exported once for all tests of engines: an export takes seconds."""

import pytest
from randomnet import random_network

from onedheat.checkpoints import save_detector
from onedheat.engines.export import as_onnx
from onedheat.models import Detector


@pytest.fixture(scope="session")
def network() -> Detector:
    return random_network()


@pytest.fixture(scope="session")
def content(network) -> bytes:
    """What stands in its ONNX file."""
    return as_onnx(network)[0]


@pytest.fixture
def weights(network, tmp_path):
    """The folder of its checkpoint."""
    save_detector(network, tmp_path / "net")
    return tmp_path / "net"


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def exports(monkeypatch, content):
    """Exports that take no time, and are counted; only what `network` gives is right."""
    made = []

    def as_onnx(network):
        made.append(network)
        return content, 0.0

    monkeypatch.setattr("onedheat.engines.cache.as_onnx", as_onnx)
    return made
