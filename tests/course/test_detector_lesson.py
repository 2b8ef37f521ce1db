"""What a learner touches in notebook 03, and the networks it is shown."""

import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture
from torch import nn

from onedheat import atlas
from onedheat.atlas import plan
from onedheat.bench.saved_bytes import output_numbers, saved_bytes
from onedheat.course import resolutions
from onedheat.course.explorers.detector import resolution_box, way_box
from onedheat.course.lessons.detector import PAPERS_GIB, check, prediction
from onedheat.course.resolutions import drawn_faces, resolution_pictures, trained_networks
from onedheat.course.stations import way_through
from onedheat.data.synthetic import render_face
from onedheat.geometry import tight_box
from onedheat.heatmaps import Heatmaps, render
from onedheat.models import Detector, DetectorConfig, build
from onedheat.models.compared import Heatmaps2dConfig
from onedheat.models.losses import heatmap_loss
from onedheat.pipeline import Face, Landmarker
from onedheat.presets import PRESETS


def fresh(name):
    """Networks of the atlas' form with random weights: what is shown must be what they put out."""
    torch.manual_seed(len(name))
    return build(plan.entries()[name].config)


@pytest.fixture
def measured(monkeypatch):
    """Results of an atlas, as three seeds would leave them."""
    found = {
        name: atlas.Result({"dark": (5.0, 5.5, 6.0), "argmax": (9.0,) * 3}, 1, (1.0,) * 3)
        for name in plan.entries()
    }
    monkeypatch.setattr(atlas, "results", lambda: found)


# The widgets --------------------------------------------------------------------------------------


def test_every_control_of_the_way_moves_its_picture():
    torch.manual_seed(0)
    config = DetectorConfig(size=64, width=32, depth=3, channels=16, compressed=4, upsample=3)
    landmarker = Landmarker(Detector(config).eval())
    ways = {}
    for index in (0, 4):
        drawn = render_face(0, index, 160)
        box = tight_box(drawn.landmarks)
        face = Face(drawn.landmarks, np.ones((68, 2)), box, np.full(68, 0.5))
        ways[f"face {index}"] = way_through(landmarker, f"face {index}", drawn.image, face)
    assert_every_control_moves_its_picture(way_box(ways), 3)


def test_every_control_of_the_resolutions_moves_its_picture(measured):
    networks = trained_networks((16, 32), (16,))
    pictures = resolution_pictures(networks, [0, 4], load=fresh)
    assert_every_control_moves_its_picture(resolution_box(pictures), 3)


# The networks -------------------------------------------------------------------------------------


def test_networks_are_told_with_what_was_measured_of_them(measured):
    (name, one), (_, two) = trained_networks((192,), (64,))
    assert name == "1d-L192-gamma0.4" and one.kind == "1D" and two.kind == "2D"
    assert one.mean == 5.5 and one.nrmse == (5.0, 5.5, 6.0)
    assert (one.numbers, two.numbers) == (2 * 68 * 192, 68 * 64**2)
    assert one.saved == saved_bytes(plan.one_dimensional(192).config)
    assert two.saved > 5 * one.saved


def test_what_is_shown_of_a_network_is_what_it_put_out(measured):
    networks = trained_networks((32,), (16,))
    (picture,) = resolution_pictures(networks, [8], load=fresh).values()
    views, pictures = drawn_faces([8])
    assert np.allclose(picture.view.landmarks, views[0].landmarks)
    with torch.inference_mode():
        for name, network in networks:
            model = fresh(name).eval()
            output = model(pictures)
            answer = picture.answers[network.kind][network.bins]
            assert np.allclose(answer.landmarks, model.read(output, "dark").landmarks[0])
            wanted = output if network.kind == "1D" else (output,)
            for shown, given in zip(answer.heatmaps, wanted, strict=True):
                assert np.allclose(shown, given[0])


def test_drawn_faces_are_those_the_atlas_is_measured_on():
    views, pictures = drawn_faces([0, 5])
    assert pictures.shape == (2, 3, plan.SIZE, plan.SIZE)
    face = render_face(resolutions.SEED, 5, 112)
    scale = np.ptp(face.landmarks, axis=0).max() * 1.25 / plan.SIZE
    assert views[1].interocular == pytest.approx(
        np.linalg.norm(face.landmarks[36] - face.landmarks[45]) / scale
    )


# The exercises and the package agree --------------------------------------------------------------


@pytest.mark.parametrize(("positions", "kernel", "stride"), [(32, 12, 12), (7, 5, 2)])
def test_a_deconvolution_has_the_length_of_the_exercise(positions, kernel, stride):
    made = nn.ConvTranspose1d(1, 1, kernel, stride)(torch.zeros(1, 1, positions))
    assert made.shape[-1] == check.deconvolved_length.solution(positions, kernel, stride)


def test_output_bytes_are_four_for_each_number():
    flat, square = check.output_bytes.solution(68, 64, 1)
    assert flat == 4 * output_numbers(DetectorConfig(size=128).with_bins(64))
    assert square == 4 * output_numbers(Heatmaps2dConfig(size=128, bins=64))


def test_the_loss_of_the_exercise_is_that_of_the_package():
    generator = torch.Generator().manual_seed(0)
    heatmaps = Heatmaps(*torch.rand(2, 1, 68, 96, generator=generator))
    landmarks = 128 * torch.rand(1, 68, 2, generator=generator)
    landmarks[0, 5] = float("nan")
    targets = [render(landmarks[0, :, axis], 128, 96, 2.0).numpy() for axis in (0, 1)]
    mine = check.l2_loss.solution(*(vectors[0].numpy() for vectors in heatmaps), *targets)
    assert mine == pytest.approx(heatmap_loss(heatmaps, landmarks, 128, 2.0).item(), rel=1e-5)


def test_the_prediction_is_what_is_counted():
    paper = PRESETS["paper"].detector
    coarse, fine = (saved_bytes(paper.with_bins(bins)) for bins in (64, 768))
    assert 0 < fine / coarse - 1 < 0.01
    assert prediction.question.answer.text == "By less than 1 per cent"


def test_the_papers_memory_is_that_of_its_table_1():
    assert list(PAPERS_GIB["1D"]) == [64, 128, 256, 384, 512, 640, 768]
    assert PAPERS_GIB["1D"][768] / PAPERS_GIB["1D"][64] == pytest.approx(1.116, abs=5e-4)
    assert PAPERS_GIB["1D"][768] / PAPERS_GIB["2D"][128] == pytest.approx(0.53, abs=5e-3)
    assert np.isnan(PAPERS_GIB["2D"][256])
