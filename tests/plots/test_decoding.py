"""Decoders on vectors of known truth, and on a network's: the numbers behind the pictures."""

import numpy as np
import pytest
import torch
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.heatmaps import Heatmaps, decode, render
from onedheat.landmarks import IBUG68
from onedheat.models import DetectorConfig
from onedheat.plots import FaceView
from onedheat.plots.decoding import (
    KINDS,
    DecoderRace,
    least_error,
    mean_errors,
    noise_like,
    noisy_vectors,
    rounded_first,
    scattered,
)
from onedheat.plots.reading import ReadVector, read_all, spreads


@pytest.fixture(scope="module")
def race():
    return DecoderRace([64, 256, 512], (2, 4), (2, 5, 10), draws=60)


@pytest.fixture(scope="module")
def config():
    return DetectorConfig(size=128, upsample=12)


@pytest.fixture(scope="module")
def face(config):
    points = np.random.default_rng(2).uniform(20, 107, (68, 2))
    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    view = FaceView("Somebody", picture, 128, points, IBUG68)
    x, y = (
        render(torch.tensor(points[:, axis]), 128, config.bins, config.target_sigma).float()
        for axis in (0, 1)
    )
    return view, Heatmaps(x, y), points


@pytest.mark.parametrize("alike", [0.0, 1.0, 6.0])
def test_noise_has_the_deviation_that_was_asked_for_in_every_bin(alike):
    noise = noise_like((4000, 60), alike, seed=0)
    assert noise.shape == (4000, 60)
    assert noise.std(dim=0).numpy() == pytest.approx(1, abs=0.05)


def test_blurred_noise_is_alike_in_neighbours_by_the_formula():
    noise = noise_like((4000, 60), 3.0, seed=0).double()
    for apart in (1, 3, 6):
        found = (noise[:, apart:] * noise[:, :-apart]).mean().item()
        assert found == pytest.approx(np.exp(-(apart**2) / (4 * 3.0**2)), abs=0.02)


def test_a_noisy_vector_is_its_target_and_the_noise():
    at = torch.tensor([100.3, 40.0])
    clean = noisy_vectors(at, 256, 512, 4.0, 0.0)
    assert torch.equal(clean, render(at, 256, 512, 4.0))
    for kind in KINDS:
        noisy = noisy_vectors(at.repeat(200), 256, 512, 4.0, 0.1, kind=kind)
        assert (noisy - clean.repeat(200, 1)).std().item() == pytest.approx(0.1, abs=0.005)


def test_truth_lies_far_enough_from_the_edges():
    places = scattered(1000, 256, 4.0, seed=0)
    assert places.min() >= 16 and places.max() <= 239
    assert places.std().item() == pytest.approx(223 / 12**0.5, rel=0.05)


def test_at_fine_bins_noise_and_not_rounding_is_what_argmax_loses_to():
    found = {bins: mean_errors(bins, 4.0, 0.05) for bins in (64, 768)}
    rounding = 256 / 768 / 4
    assert found[768]["argmax"] > 5 * rounding
    assert found[64]["argmax"] / found[768]["argmax"] < 2.5
    assert found[64]["dark"] / found[768]["dark"] > 3
    for errors in found.values():
        assert errors["dark"] < errors["centroid"] < errors["argmax"]


@pytest.mark.parametrize("bins", [64, 256, 768])
def test_dark_comes_as_near_as_any_reader_can(bins):
    found = mean_errors(bins, 4.0, 0.05, draws=2000)["dark"]
    assert found == pytest.approx(least_error(bins, 4.0, 0.05), rel=0.06)


def test_the_least_error_is_what_a_least_squares_fit_attains():
    """Fitted by brute force on clean shapes: the place whose Gaussian is nearest to the vector."""
    truth = scattered(500, 256, 4.0, seed=3)
    vectors = noisy_vectors(truth, 256, 256, 4.0, 0.05, seed=4)
    offsets = torch.linspace(-1, 1, 401)
    tried = render(truth[:, None] + offsets, 256, 256, 4.0)
    nearest = ((tried - vectors[:, None]) ** 2).sum(dim=-1).argmin(dim=1)
    assert offsets[nearest].abs().mean().item() == pytest.approx(
        least_error(256, 4.0, 0.05), rel=0.08
    )


def test_noise_that_neighbours_share_leaves_dark_little_to_gain():
    alone, together = (mean_errors(768, 4.0, 0.05, kind=kind) for kind in KINDS)
    assert alone["argmax"] / alone["dark"] > 8
    assert 1.05 < together["argmax"] / together["dark"] < 2


def test_no_decoder_brings_back_what_was_rounded_before_the_vector_was_drawn():
    errors = rounded_first(64, 4.0)
    assert set(errors) == {"argmax", "centroid", "dark"}
    for error in errors.values():
        assert error == pytest.approx(2.0, abs=0.06)  # half a bin of 4 px


def test_the_race_shows_the_errors_that_were_measured(race):
    race.move(256, 5, 4)
    measured = mean_errors(256, 4, 0.05, draws=60)
    assert f"at 256: argmax {measured['argmax']:.2f}, centroid" in race.alt
    assert race._lines["dark"].get_ydata()[1] == pytest.approx(measured["dark"])
    assert race._bound.get_ydata()[1] == pytest.approx(least_error(256, 4, 0.05))


def test_the_one_vector_of_the_race_is_read_by_the_package(race):
    race.move(512, 10, 2, "of each bin alone", 7)
    truth = scattered(1, 256, 2, seed=1007)
    vector = noisy_vectors(truth, 256, 512, 2, 0.1, seed=2007)
    for name, line in race._reads.items():
        offset = (decode(vector, 256, 2, decoder=name) - truth).item()
        assert line.get_xdata()[0] == pytest.approx(offset)
        assert f"{name} {offset:+.2f}" in race.alt


def test_where_neighbours_share_the_noise_the_least_error_is_not_claimed(race):
    race.move(256, 5, 4, "of neighbours together")
    assert np.isnan(race._bound.get_ydata()).all()
    assert "least possible" not in race.alt


def test_each_step_of_a_slider_changes_the_race(race):
    assert_all_different([race.move(bins, 5, 4).png() for bins in (64, 256, 512)])
    assert_all_different([race.move(256, noise, 4).png() for noise in (2, 5, 10)])
    assert_all_different([race.move(256, 5, sigma).png() for sigma in (2, 4)])
    assert_all_different([race.move(256, 5, 4, kind).png() for kind in KINDS])
    assert_all_different([race.move(256, 5, 4, draw=draw).png() for draw in (1, 2, 50)])


def test_the_race_is_fit_to_be_read(race):
    for kind in KINDS:
        assert_fit_to_be_read(race.move(512, 10, 4, kind))
    fresh = DecoderRace([64, 256, 512], (2, 4), (2, 5, 10), draws=60)
    assert_moved_is_fresh(race.move(64, 2, 2, draw=3), fresh.move(64, 2, 2, draw=3))


def test_clean_vectors_are_read_to_a_hundredth_of_a_pixel_by_dark(face, config):
    _, heatmaps, points = face
    read = read_all(heatmaps, config)
    assert list(read) == ["argmax", "centroid", "dark"]
    assert np.abs(read["dark"].numpy() - points).max() < 0.01
    assert np.abs(read["argmax"].numpy() - points).max() == pytest.approx(1 / 6, abs=0.01)
    assert spreads(heatmaps, config).max() < 0.35  # bins under a fifth of the peak are cut off


def test_a_read_vector_reports_its_readings_and_the_truth(face, config):
    view, heatmaps, points = face
    picture = ReadVector(view, heatmaps, config, points + 1.0).move(30, "y")
    assert f"dark {points[30, 1]:.2f}" in picture.alt
    assert f"The truth is {points[30, 1] + 1:.2f}." in picture.alt
    assert picture._star.get_xdata()[0] == pytest.approx(1.0, abs=0.02)
    assert "truth" not in ReadVector(view, heatmaps, config).move(30, "y").alt


def test_read_vectors_are_fit_to_be_read_for_every_landmark(face, config):
    view, heatmaps, points = face
    picture = ReadVector(view, heatmaps, config, points)
    assert_fit_to_be_read(picture)
    for landmark in range(68):
        picture.move(landmark, "y").png()
        assert picture._title.get_window_extent().x1 < picture.bbox.width - 5
    words = picture._said.get_window_extent()
    labels = [axes.yaxis.label.get_window_extent() for axes in picture.axes[1:]]
    assert words.x1 < min(box.x0 for box in labels)
    assert_all_different([picture.move(n, axis).png() for n in (0, 1, 67) for axis in "xy"])
    assert_moved_is_fresh(
        picture.move(40, "x"), ReadVector(view, heatmaps, config, points).move(40, "x")
    )
