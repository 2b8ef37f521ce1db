"""What is read off a 2D map, on Gaussians whose centre is known."""

import pytest
import torch

from onedheat.heatmaps import render_2d
from onedheat.models.compared import Heatmaps2d, Heatmaps2dConfig
from onedheat.models.compared.dark import dark
from onedheat.models.compared.fhr import fhr
from onedheat.models.compared.heatmaps2d import MAP_DECODERS
from onedheat.models.compared.quarter import argmax, quarter

SIZE, BINS = 64, 32  # a bin is two pixels, bin j is centred at 2j + ½


def gaussians(sigma: float = 4.0, count: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Places (1, N, 2) anywhere but at the very border, and their maps (1, N, 32, 32)."""
    places = 8 + 48 * torch.rand(1, count, 2, dtype=torch.float64)
    return places, render_2d(places, SIZE, BINS, sigma)


def in_bins(places: torch.Tensor) -> torch.Tensor:
    return (places - 0.5) / 2


def test_fhr_solves_for_the_centre_of_a_gaussian_exactly():
    places, maps = gaussians()
    assert torch.allclose(fhr(maps, 2.0), in_bins(places), atol=1e-9)


def test_dark_finds_the_centre_of_a_gaussian():
    """Exactly but for what the blur's edge at 4 σ and the map's border take."""
    places, maps = gaussians(sigma=3.0)
    inner = ((places > 20) & (places < 44)).all(dim=-1)
    assert inner.sum() > 5
    off = (dark(maps, 1.5) - in_bins(places)).abs()
    assert off[inner].max() < 1e-5 and off.max() < 0.05


def test_dark_follows_a_gaussian_that_leans():
    """The mixed derivative counts where x and y go together: without it the step would be another."""
    at = torch.arange(24, dtype=torch.float64)
    x, y = at[None, :] - 12.3, at[:, None] - 11.6
    leaning = torch.exp(-(x**2 - 1.2 * x * y + y**2) / 8)[None, None]
    found = dark(leaning, 0.05)  # so narrow a blur changes nothing
    assert found[0, 0].tolist() == pytest.approx([12.3, 11.6], abs=1e-9)


def test_where_there_is_no_top_dark_keeps_the_best_bin():
    flat = torch.zeros(1, 1, 16, 16)
    flat[..., 5, :] = 1.0  # a ridge
    assert dark(flat, 0.05)[0, 0, 1].item() == pytest.approx(5)
    assert dark(torch.zeros(1, 1, 16, 16), 1.0).isfinite().all()


def test_quarter_goes_a_quarter_toward_the_larger_neighbour():
    places, maps = gaussians()
    best = argmax(maps, 2.0)
    assert torch.equal(best, in_bins(places).round())
    toward = (in_bins(places) - best).sign()
    assert torch.equal(quarter(maps, 2.0), best + 0.25 * toward)


@pytest.mark.parametrize("decoder", list(MAP_DECODERS))
@pytest.mark.parametrize("column, row", [(0, 0), (31, 31), (0, 17), (31, 0)])
def test_a_peak_on_the_border_stays_within_a_bin_of_it(decoder, column, row):
    maps = torch.zeros(1, 1, BINS, BINS)
    maps[..., row, column] = 1.0
    x, y = MAP_DECODERS[decoder](maps, 1.0)[0, 0].tolist()
    assert abs(x - column) <= 1 and abs(y - row) <= 1


@pytest.mark.parametrize("decoder, worst", [("dark", 0.01), ("fhr", 0.01), ("quarter", 0.8)])
def test_maps_that_are_their_targets_give_the_landmarks_in_pixels(decoder, worst):
    network = Heatmaps2d(
        Heatmaps2dConfig(landmarks=9, size=SIZE, bins=BINS, width=16, target_sigma=4.0)
    )
    places = 24 + 16 * torch.rand(3, 9, 2)
    reading = network.read(render_2d(places, SIZE, BINS, 4.0), decoder)
    assert (reading.landmarks - places).abs().max() < worst
    # The target's own σ of 4 is taken off; cutting at whole bins leaves up to an eighth of its variance.
    assert reading.sigma.square().max() < 16 / 8
    assert reading.confidence.min() > 0.9


def test_the_loss_is_the_squared_error_of_the_annotated_maps():
    config = Heatmaps2dConfig(landmarks=2, size=SIZE, bins=BINS, width=16)
    network = Heatmaps2d(config)
    landmarks = torch.tensor([[[10.0, 20.0], [float("nan"), 3.0]]])
    target = render_2d(landmarks.nan_to_num(), SIZE, BINS, config.target_sigma)
    assert network.loss(target, landmarks).item() == 0
    off = target.clone()
    off[0, 0] += 0.1
    off[0, 1] = 7.0  # not annotated
    assert network.loss(off, landmarks).item() == pytest.approx(BINS**2 * 0.01, rel=1e-5)
