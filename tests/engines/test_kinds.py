"""Every kind of network can be exported, not the paper's detector alone."""

import pytest
import torch

from onedheat.engines import OnnxEngine
from onedheat.engines.export import as_onnx
from onedheat.engines.torch_engine import tensors_of
from onedheat.models import KINDS, DetectorConfig, TrackerConfig, build
from onedheat.models.compared import recurrent2d, systems

SMALL = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, upsample=4, stacks=2)
TRACKERS = [TrackerConfig(**SMALL.as_dict()), recurrent2d(SMALL, 0.5)]
ALL = [*(system.config for system in systems(SMALL).values()), *TRACKERS]
CONFIGS = {config.kind: config for config in ALL}


def test_every_kind_is_exported_here():
    assert set(CONFIGS) | {"detector"} == set(KINDS)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("config", [SMALL, *CONFIGS.values()], ids=lambda config: config.kind)
def test_a_network_of_any_kind_gives_the_same_by_onnx_runtime(config):
    network = build(config).eval()
    content, found = as_onnx(network)
    engine = OnnxEngine(content)
    assert found < 1e-5 and type(engine.network) is type(network)
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        wanted = network(pictures)
    assert type(engine(pictures)) is type(wanted)
    for given, plain in zip(tensors_of(engine(pictures)), tensors_of(wanted), strict=True):
        assert torch.allclose(given, plain, atol=1e-5)
    given, plain = engine.network.read(engine(pictures)), network.read(wanted)
    assert given.landmarks.shape == plain.landmarks.shape == (2, 68, 2)
