"""New landmarks begin as the nearest that a trained detector knows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from smallruns import SMALL

from onedheat.checkpoints import load_detector
from onedheat.data.samples import FaceSet
from onedheat.data.synthetic import synthetic_faces
from onedheat.evaluation import evaluate
from onedheat.landmarks import Scheme
from onedheat.models import Detector
from onedheat.pipeline import Landmarker
from onedheat.training.nearest import adopt, nearest_known

KNOWN = (0, 16, 30, 54, 48, 8)
SIX = Scheme(
    name="six",
    points=("right_temple", "left_temple", "nose", "mouth_left", "mouth_right", "chin"),
    mirror=(1, 0, 2, 4, 3, 5),
    areas={},
    normaliser=(0, 1),
)


def six(count: int, seed: int = 9, known=KNOWN) -> FaceSet:
    """Drawn faces with some of the 68 landmarks."""
    faces = synthetic_faces(count, seed=seed, size=160)
    samples = (replace(one, landmarks=one.landmarks[list(known)]) for one in faces.samples)
    return FaceSet("six", "train", SIX, tuple(samples))


@pytest.fixture(scope="module")
def trained():
    return load_detector("synthetic68")


def test_landmarks_that_a_detector_knows_are_recognised_in_any_order(trained):
    assert nearest_known(trained, six(6)).tolist() == list(KNOWN)
    assert nearest_known(trained, six(6), batch_size=4).tolist() == list(KNOWN)


def test_what_is_adopted_finds_them_before_any_training(trained):
    network = adopt(trained, six(6))
    assert network.config == trained.config.for_scheme(SIX) and not network.training
    report = evaluate(Landmarker(network), six(8, seed=10))
    assert report.nrmse < 6


def test_an_adopted_detector_gives_the_vectors_of_the_landmarks_it_took(trained):
    network = adopt(trained, six(6))
    picture = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        few, all_of_them = network(picture), trained(picture)
    assert torch.allclose(few.x, all_of_them.x[:, list(KNOWN)], atol=1e-5)
    assert torch.allclose(few.y, all_of_them.y[:, list(KNOWN)], atol=1e-5)


def test_earlier_stacks_are_adopted_too():
    torch.manual_seed(1)
    stacked = Detector(replace(SMALL, stacks=2)).eval()
    network = adopt(stacked, six(2))
    assert network.early[0].x.weight.shape[1] == len(SIX)
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_a_landmark_may_be_missing_in_some_faces_but_not_in_all(trained):
    faces = six(4)
    for sample in faces.samples[1:]:
        sample.landmarks[2] = np.nan
    assert nearest_known(trained, faces).tolist() == list(KNOWN)
    faces.samples[0].landmarks[2] = np.nan
    with pytest.raises(ValueError, match="no example has the landmarks nose; annotate each"):
        nearest_known(trained, faces)
