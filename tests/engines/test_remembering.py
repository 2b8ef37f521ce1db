"""An exported tracker is handed its memory, and gives it back."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from torch import nn

import onedheat
from onedheat.checkpoints import load_detector
from onedheat.engines import OnnxEngine, TorchEngine
from onedheat.engines.export import as_onnx, export, exported
from onedheat.engines.onnx_engine import METADATA
from onedheat.models import DetectorConfig, Tracker, TrackerConfig
from onedheat.models.folding import fold_batch_norms
from onedheat.pipeline import Landmarker
from onedheat.pipeline.following import NOTHING, Follower, without_memory

SMALL = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, upsample=4)
FACES = np.array([[160.0, 50.0, 290.0, 180.0], [150.0, 60.0, 300.0, 210.0]])


@pytest.fixture(scope="module")
def tracker() -> Tracker:
    """One whose refinement is random, so that what it remembers matters."""
    torch.manual_seed(0)
    network = Tracker(TrackerConfig(**SMALL.as_dict(), decay=0.8)).eval()
    for fourth in (network.fourth_x, network.fourth_y):
        nn.init.normal_(fourth[-1].weight, std=0.05)
    return network


@pytest.fixture(scope="module")
def content(tracker) -> bytes:
    made, found = as_onnx(tracker)
    assert found < 1e-5
    return made


@pytest.fixture(scope="module")
def shipped(tmp_path_factory) -> tuple[Tracker, Path]:
    """`tiny68-tracker`, and the file that is made of it: random heatmaps have several peaks nearly alike."""
    network = load_detector("tiny68-tracker")
    path = tmp_path_factory.mktemp("shipped") / "tracker.onnx"
    export(network, path)
    return network, path


def test_frames_of_faces_that_come_and_go_are_those_of_pytorch(tracker, content):
    engine, pictures = OnnxEngine(content), torch.rand(5, 3, 3, 64, 64)
    assert engine.remembers
    here, there = engine.start(2), tracker.start(2)
    for t, frame in enumerate(pictures):
        if t == 3:  # another face comes in
            here = type(here)(*(torch.cat(pair) for pair in zip(here, engine.start(), strict=True)))
            there = type(there)(
                *(torch.cat(pair) for pair in zip(there, tracker.start(), strict=True))
            )
        frame = frame[: len(here.x)]
        given, peaks, here = engine.step(frame, here)
        with torch.no_grad():
            detected = tracker.detect(frame)
            wanted, there = tracker.refine(detected, there)
        for one, other in zip((*given, *here), (*wanted, *there), strict=True):
            assert torch.allclose(one, other, atol=1e-4)
        assert torch.allclose(peaks, tracker.peaks(detected), atol=1e-5)
        assert torch.allclose(engine.detect(frame).x, detected.x, atol=1e-5)
    with torch.no_grad():
        assert (tracker(frame).x - wanted.x).abs().max() > 1e-2  # the frames before did matter


def test_pictures_alone_are_clips_of_one_frame(tracker, content):
    pictures = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        wanted = tracker(pictures)
    given = OnnxEngine(content)(pictures)
    assert type(given) is type(wanted)
    for one, other in zip(given, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("two_pass", [False, True])
def test_a_file_alone_follows_faces_as_its_weights_do(shipped, two_pass):
    network, path = shipped
    ways = {
        "weights": Landmarker(network),
        "prepared": Landmarker(network, engine=TorchEngine(network)),
        "beside its weights": Landmarker(network, engine=OnnxEngine(path)),
        "file": onedheat.load(path),
    }
    found = {}
    for name, landmarker in ways.items():
        follower, memories, found[name] = Follower(landmarker, two_pass=two_pass), [NOTHING] * 2, []
        for t in range(4):
            located, memories = follower(astronaut(), FACES + 2 * t, memories)
            found[name].append([located.landmarks, located.sigma, located.peak])
    first = found.pop("weights")
    for other in found.values():
        for one, two in zip(first, other, strict=True):
            for a, b in zip(one, two, strict=True):
                assert np.allclose(a, b, atol=0.05)


def test_a_file_of_an_older_version_says_why_it_cannot_track(tracker, content):
    folded = fold_batch_norms(tracker)
    written = OnnxEngine(content).metadata
    older = exported(
        folded, {"images": torch.zeros(2, 3, 64, 64)}, ["x", "y"], {METADATA: json.dumps(written)}
    )
    engine = OnnxEngine(older)
    assert not engine.remembers
    pictures = torch.rand(2, 3, 64, 64)
    assert torch.allclose(engine(pictures).x, OnnxEngine(content)(pictures).x, atol=1e-5)
    with pytest.raises(ValueError, match="keeps nothing from one frame to the next"):
        Follower(Landmarker(engine.network, engine=engine))


def test_its_detector_alone_is_had_of_weights_only(content):
    engine = OnnxEngine(content)
    with pytest.raises(ValueError, match="exported tracker network has no detector apart"):
        without_memory(Landmarker(engine.network, engine=engine))
