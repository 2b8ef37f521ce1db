"""PyTorch as an engine: the network's own output, with less to compute."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from onedheat.checkpoints import load_detector
from onedheat.engines import Engine, TorchEngine
from onedheat.engines.export import sample_pictures
from onedheat.models.coattention import softmax_rows
from onedheat.pipeline import Landmarker, read_pictures

FACE = [[160.0, 50, 290, 180]]


def test_its_output_is_the_networks(network):
    engine = TorchEngine(network)
    assert isinstance(engine, Engine) and engine.device == torch.device("cpu")
    pictures = torch.rand(2, 3, 64, 64)
    given = engine(pictures)
    with torch.no_grad():
        wanted = network(pictures)
    assert torch.allclose(given.x, wanted.x, atol=1e-5)
    assert torch.allclose(given.y, wanted.y, atol=1e-5)
    assert not given.x.requires_grad


def test_a_network_in_training_can_be_used_and_stays_in_training(network):
    network.train()
    try:
        engine = TorchEngine(network)
        assert network.training
        pictures = torch.rand(4, 3, 64, 64)
        # in training mode a picture's output depends on the others of its batch
        assert torch.allclose(engine(pictures).x[:1], engine(pictures[:1]).x, atol=1e-5)
    finally:
        network.eval()


def test_thirty_two_faces_at_once_are_the_same_as_one_after_the_other():
    network = load_detector("tiny68")
    engine = TorchEngine(network)
    face = sample_pictures(128)[0]
    pictures = torch.stack([face.roll(shift, -1) for shift in range(-16, 16)])
    together = read_pictures(network, pictures, engine=engine).landmarks
    alone = [read_pictures(network, one[None], engine=engine).landmarks[0] for one in pictures]
    assert np.abs(together - np.stack(alone)).max() < 0.01
    assert np.abs(together[0] - together[31]).max() > 20  # they are not all the same


def test_bfloat16_finds_the_same_face():
    network = load_detector("tiny68")
    (exact,) = Landmarker(network)(astronaut(), FACE)
    engine = TorchEngine(network, precision="bf16")
    (narrow,) = Landmarker(network, engine=engine)(astronaut(), FACE)
    apart = np.linalg.norm(narrow.landmarks - exact.landmarks, axis=1)
    assert 0 < apart.mean() < 0.15 and apart.max() < 1
    assert engine(torch.rand(1, 3, 128, 128)).x.dtype == torch.float32


def test_the_softmax_of_narrow_scores_is_float32():
    scores = torch.randn(1, 1, 64, 64)
    rows = softmax_rows(scores.bfloat16())
    assert rows.dtype == torch.float32
    assert torch.allclose(rows.sum(dim=-1), torch.ones(1, 1, 64), atol=1e-6)
    assert softmax_rows(scores.double()).dtype == torch.float64


def test_an_unknown_precision_is_refused(network):
    with pytest.raises(ValueError, match="'fp32' or 'bf16', got 'int8'"):
        TorchEngine(network, precision="int8")


@pytest.mark.timeout(300)
def test_compilation_meets_no_graph_break():
    """In a process of its own: the tests' checks of annotations are no part of the network."""
    code = """
        import torch
        from onedheat.models import Detector, DetectorConfig

        config = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, stacks=2)
        network = Detector(config)
        pictures = torch.rand(2, 3, 64, 64)
        for mode, backend in [(False, "eager"), (True, "eager"), (False, "aot_eager")]:
            network.train(mode)
            compiled = torch.compile(network, fullgraph=True, backend=backend)
            output = compiled(pictures)
            if not mode:
                assert torch.allclose(output.x, network(pictures).x, atol=1e-5), backend
        print("whole")
    """
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.stdout.strip() == "whole", run.stderr
