"""Integral and DSNT against kornia, whose frame differs by half a pixel; DSNT's regulariser by hand."""

import math

import pytest
import torch
from kornia.geometry.subpix import spatial_expectation2d, spatial_soft_argmax2d
from kornia.losses import js_div_loss_2d

from onedheat.heatmaps import bin_to_coordinate, render_2d
from onedheat.models.compared import Dsnt, DsntConfig, Integral, IntegralConfig
from onedheat.models.compared.dsnt import gaussian_logarithm, jensen_shannon, to_normalized
from onedheat.models.compared.maps import expectation, mean_coordinates, probabilities

SIZE, BINS = 64, 32
SMALL = {"landmarks": 3, "size": SIZE, "bins": BINS, "width": 16}


def logits() -> torch.Tensor:
    return 3 * torch.randn(2, 3, BINS, BINS, dtype=torch.float64)


def test_the_expectation_is_kornias_in_bins():
    maps = logits()
    ours = expectation(probabilities(maps))
    theirs = spatial_soft_argmax2d(maps, normalized_coordinates=False)
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert torch.equal(
        probabilities(maps.float()).sum(dim=(-2, -1)).round(decimals=5), torch.ones(2, 3)
    )


def test_in_pixels_kornia_scaled_by_f_over_l_is_half_a_bin_less_half_a_pixel_short():
    """Kornia's bin j is at j·F/L; ours is centred at (j + ½)·F/L − ½: half a pixel apart at F/L = 2."""
    shares = probabilities(logits())
    theirs = spatial_expectation2d(shares, normalized_coordinates=False) * SIZE / BINS
    assert torch.allclose(
        mean_coordinates(shares, SIZE) - theirs, torch.full((2, 3, 2), 0.5).double()
    )


def test_dsnts_coordinates_have_the_edges_at_one_kornias_the_outer_centres():
    """One formula turns the one into the other: ours = kornia's · (L − 1)/L."""
    shares = probabilities(logits())
    theirs = spatial_expectation2d(shares, normalized_coordinates=True)
    ours = to_normalized(mean_coordinates(shares, SIZE), SIZE)
    assert torch.allclose(ours, theirs * (BINS - 1) / BINS, atol=1e-12)


def test_bin_centres_are_where_dsnts_authors_put_them():
    """(2j − (n + 1))/n, j from 1 (Nibali et al.)."""
    j = torch.arange(1, BINS + 1, dtype=torch.float64)
    pixels = bin_to_coordinate(j - 1, SIZE, BINS)
    ours = to_normalized(pixels[None, :, None].expand(1, -1, 2), SIZE)[0, :, 0]
    assert torch.allclose(ours, (2 * j - (BINS + 1)) / BINS, atol=1e-12)


def test_the_divergence_of_two_bins_worked_by_hand():
    """p = (½, ½), q = (1, 0): m = (¾, ¼), JS = ½·(½·ln ⅔ + ½·ln 2) + ½·ln 4⁄3."""
    p, q = torch.tensor([[0.5, 0.5], [1.0, 1e-300]], dtype=torch.float64)
    found = jensen_shannon(p.log().view(1, 1, 1, 2), q.log().view(1, 1, 1, 2)).item()
    by_hand = 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2)) + 0.5 * math.log(4 / 3)
    assert found == pytest.approx(by_hand, rel=1e-12)


def test_the_divergence_is_kornias():
    first, second = logits(), gaussian_logarithm(20 * torch.rand(2, 3, 2).double(), SIZE, BINS, 2.0)
    theirs = js_div_loss_2d(probabilities(first), second.exp(), reduction="none")
    ours = jensen_shannon(first - first.logsumexp(dim=(-2, -1), keepdim=True), second)
    assert torch.allclose(ours, theirs, atol=1e-12)
    assert torch.allclose(jensen_shannon(second, second), torch.zeros(2, 3).double())


def test_the_divergence_of_maps_that_never_meet_is_ln_2_and_its_gradient_is_finite():
    maps = torch.full((1, 1, BINS, BINS), -1e4)
    maps[..., 0, 0] = 0.0
    maps.requires_grad_()
    logs = maps.flatten(-2).log_softmax(-1).view(maps.shape)
    far = gaussian_logarithm(torch.tensor([[[60.0, 60.0]]]), SIZE, BINS, 1.0)
    divergence = jensen_shannon(logs, far).sum()
    divergence.backward()
    assert divergence.item() == pytest.approx(math.log(2), rel=1e-5)
    assert maps.grad.isfinite().all()


def test_the_regularisers_gaussian_is_the_rendered_one_made_to_sum_to_1():
    places = torch.tensor([[[30.2, 17.9]]]).double()
    rendered = render_2d(places, SIZE, BINS, 4.0)
    assert torch.allclose(
        gaussian_logarithm(places, SIZE, BINS, 4.0).exp(), rendered / rendered.sum(), atol=1e-12
    )


def test_dsnts_loss_is_distance_plus_divergence():
    network = Dsnt(DsntConfig(**SMALL, target_sigma=2.0, regularizer=0.5))
    maps, landmarks = logits(), 64 * torch.rand(2, 3, 2).double()
    landmarks[1, 2] = torch.nan
    shares = probabilities(maps)
    apart = (mean_coordinates(shares, SIZE) - landmarks).norm(dim=-1) * 2 / SIZE
    target = gaussian_logarithm(landmarks.nan_to_num(), SIZE, BINS, 2.0)
    divergence = js_div_loss_2d(shares, target.exp(), reduction="none")
    expected = (apart + 0.5 * divergence)[landmarks.isfinite().all(-1)].mean()
    assert network.loss(maps, landmarks).item() == pytest.approx(expected.item(), rel=1e-9)


def test_integrals_loss_is_the_l1_distance_in_pixels():
    network = Integral(IntegralConfig(**SMALL))
    maps, landmarks = logits(), 64 * torch.rand(2, 3, 2).double()
    found = network.read(maps).landmarks
    expected = (found - landmarks).abs().sum(dim=-1).mean()
    assert network.loss(maps, landmarks).item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.parametrize("kind", ["integral", "dsnt"])
def test_a_gaussian_map_gives_its_centre_and_its_width(kind):
    """DSNT takes the σ off that it asks its maps to have; integral regression asks for none."""
    network = {"integral": Integral(IntegralConfig(**SMALL)),
               "dsnt": Dsnt(DsntConfig(**SMALL, target_sigma=3.0))}[kind]  # fmt: skip
    places = 25 + 14 * torch.rand(1, 3, 2).double()
    reading = network.read(gaussian_logarithm(places, SIZE, BINS, 5.0))
    assert torch.allclose(reading.landmarks, places, atol=1e-3)
    expected = {"integral": 5.0, "dsnt": 4.0}[kind]  # √(5² − 3²)
    assert torch.allclose(reading.sigma, torch.full((1, 3, 2), expected).double(), rtol=0.05)
    assert (reading.confidence > 0).all() and (reading.confidence < 1).all()
