"""A landmarker that is copied, pickled, and used in processes of all kinds."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from randomnet import random_network
from skimage.data import astronaut

from onedheat.checkpoints import shipped
from onedheat.engines import OnnxEngine, TorchEngine
from onedheat.engines.export import as_onnx
from onedheat.pipeline import Landmarker

BOXES = [[160, 60, 290, 190]]


@pytest.fixture(scope="module", params=["torch", "onnx"])
def landmarker(request):
    network = random_network()
    engine = TorchEngine(network) if request.param == "torch" else OnnxEngine(as_onnx(network)[0])
    return Landmarker(network, engine=engine, finder="cascade")


def landmarks(landmarker) -> np.ndarray:
    return landmarker(astronaut(), BOXES)[0].landmarks


def test_a_copy_finds_the_same(landmarker):
    landmarker.finder  # OpenCV's, which cannot be pickled  # noqa: B018
    expected = landmarks(landmarker)
    for other in (copy.deepcopy(landmarker), pickle.loads(pickle.dumps(landmarker))):
        assert np.array_equal(landmarks(other), expected)
        assert type(other.finder) is type(landmarker.finder)


def test_a_landmarker_can_be_sent_to_a_new_process(landmarker):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply_async(landmarks, [landmarker]).get(timeout=60)
    assert np.allclose(found, landmarks(landmarker), atol=1e-4)


# In a process of its own, as this one may have but one thread.
_FORKED = """
import multiprocessing, sys, warnings
import torch
warnings.simplefilter("ignore")
from onedheat.pipeline import load
from skimage.data import astronaut

torch.set_num_threads(2)
landmarker = load("tiny68", finder="cascade", engine=sys.argv[1])

def find():
    return landmarker(astronaut(), [[160, 60, 290, 190]])[0].landmarks

expected = find()
with multiprocessing.get_context("fork").Pool(2) as pool:
    for found in [pool.apply_async(find) for _ in range(4)]:
        assert abs(found.get(timeout=30) - expected).max() < 1e-3
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_landmarker_that_was_used_goes_on_in_a_forked_process(engine):
    """With weights whose layers are large enough for two threads."""
    if "tiny68" not in shipped():
        pytest.skip("the weights tiny68 are not shipped yet")
    command = [sys.executable, "-c", _FORKED, engine]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
