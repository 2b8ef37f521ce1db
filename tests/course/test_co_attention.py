"""What a learner touches in notebook 04, and what it is shown of trained networks."""

import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture

from onedheat.course.affinities import (
    affinities_of,
    gamma_set_to,
    gamma_views,
    look_at_face,
    nrmse_with_gammas,
)
from onedheat.course.explorers.co_attention import affinity_box, gamma_box, puzzle_box
from onedheat.course.lessons.co_attention import check
from onedheat.course.puzzle import PuzzleNetwork, draw_blobs, puzzle_view
from onedheat.data.synthetic import synthetic_faces
from onedheat.geometry import tight_box
from onedheat.models import Detector, DetectorConfig
from onedheat.models.coattention import CoAttention
from onedheat.pipeline import Landmarker
from onedheat.plots.affinities import FaceAffinity


def detector(gamma=0.4):
    """An untrained one: what is shown must be what it puts out."""
    torch.manual_seed(3)
    config = DetectorConfig(
        size=64, width=16, depth=3, channels=6, compressed=4, upsample=3, gamma=gamma
    )
    return Detector(config).eval()


@pytest.fixture(scope="module")
def faces():
    return synthetic_faces(2, seed=4, size=112)


def test_affinities_are_those_of_the_features_that_reach_the_co_attention():
    network, pictures = detector(), torch.rand(2, 3, 64, 64)
    yx, xy = affinities_of(network, pictures)
    with torch.no_grad():
        *_, last = (stage.features for stage in network.trunk.stages(pictures - 0.5))
        dx, dy = network.first_x(last.mT), network.first_y(last)
        expected = network.coattention.affinities(dx, dy)
    assert yx.shape == (2, 6, 16, 16)
    assert yx == pytest.approx(expected[0].numpy(), abs=1e-6)
    assert xy == pytest.approx(expected[1].numpy(), abs=1e-6)
    assert not network.coattention._forward_hooks


def test_a_changed_gamma_is_put_back_even_after_a_fault():
    network = detector()
    with pytest.raises(RuntimeError), gamma_set_to(network, 0.9):
        assert network.coattention.gamma == 0.9
        raise RuntimeError
    assert network.coattention.gamma == 0.4


def test_changing_gamma_moves_landmarks_and_the_networks_own_does_not(faces):
    errors, moved = nrmse_with_gammas(detector(), faces, (0.0, 0.4, 3.0))
    assert moved[0.4] == 0
    assert moved[0.0] > 0 and moved[3.0] > 0
    assert errors[0.0] != errors[0.4]


def test_the_error_is_the_nrmse_of_the_protocol(faces):
    from onedheat.evaluation import evaluate

    network = detector()
    errors, _ = nrmse_with_gammas(network, faces, (0.4,))
    assert errors[0.4] == pytest.approx(evaluate(Landmarker(network), faces).nrmse, rel=1e-6)


def test_a_look_at_a_face_has_its_landmarks_in_pixels_of_the_crop(faces):
    sample = faces.samples[0]
    photo, box = sample.source.read(), tight_box(sample.landmarks, 1.25)
    landmarker = Landmarker(detector())
    view, yx, xy = look_at_face(landmarker, "drawn", photo, box)
    located = landmarker.locate([photo], box[None]).landmarks[0]
    side = box[2] - box[0]
    assert view.landmarks == pytest.approx((located - box[:2]) * 64 / side - 0.5, abs=1e-6)
    assert yx.shape == xy.shape == (6, 16, 16)


def test_gamma_views_compare_each_network_with_the_truth(faces):
    views = gamma_views({0.0: detector(0.0), 0.4: detector()}, faces)
    assert len(views) == 2
    view = next(iter(views.values()))
    assert view.answers[0.0].yx is None
    assert view.answers[0.4].yx.sum(axis=1) == pytest.approx(1, abs=1e-5)
    sample = faces.samples[0]
    box = tight_box(sample.landmarks, 1.25)
    truth = (sample.landmarks - box[:2]) * 64 / (box[2] - box[0]) - 0.5
    assert view.view.landmarks == pytest.approx(truth, abs=1e-6)


def test_every_control_of_the_lesson_moves_its_picture(faces):
    networks = {"γ = 0": PuzzleNetwork(0.0), "γ = 1": PuzzleNetwork(1.0)}
    few = draw_blobs(3, torch.Generator().manual_seed(0))
    assert_every_control_moves_its_picture(puzzle_box(puzzle_view(networks, few)), 2)

    landmarker, looks = Landmarker(detector()), {}
    for sample in faces.samples:
        name = str(sample.source)
        box = tight_box(sample.landmarks, 1.25)
        view, yx, _ = look_at_face(landmarker, name, sample.source.read(), box)
        looks[name] = FaceAffinity(view, yx)
    assert_every_control_moves_its_picture(affinity_box(looks, 1, 3), 3)

    views = gamma_views({0.0: detector(0.0), 0.4: detector()}, faces)
    assert_every_control_moves_its_picture(gamma_box(views, 0.4), 2)


def test_the_references_of_the_exercises_are_the_package():
    rng = np.random.default_rng(0)
    dx, dy = rng.normal(size=(2, 7, 3))
    module = CoAttention(3, 0.7).double()
    with torch.no_grad():
        module.q.copy_(torch.tensor(rng.normal(size=(3, 3))))
        tensors = [torch.tensor(one)[None, None] for one in (dx, dy)]
        wanted, fused = module.affinities(*tensors)[0], module(*tensors)[0]
    found = check.affinity.solution(dx, dy, module.q.detach().numpy())
    assert found == pytest.approx(wanted[0, 0].numpy())
    assert check.fuse.solution(dx, dy, found, 0.7) == pytest.approx(fused[0, 0].numpy())


def test_turned_over_twice_a_picture_is_itself():
    blobs = draw_blobs(5, torch.Generator().manual_seed(0))
    places = blobs.places.numpy()
    turned = check.upside_down.solution(places, 24)
    assert turned == pytest.approx(blobs.upside_down().places.numpy())
    assert check.upside_down.solution(turned, 24) == pytest.approx(places)
