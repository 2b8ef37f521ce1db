"""Networks of several resolutions on one face, and what training keeps against L."""

import re

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh, pixels

from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView
from onedheat.plots.memory import memory_by_resolution
from onedheat.plots.resolution import AnswerAtL, Resolution, TrainedNetwork

NETWORKS = [
    TrainedNetwork("1D", 16, (5.0, 5.2, 5.4), 2 * 68 * 16, 2**20),
    TrainedNetwork("1D", 192, (4.0, 4.1, 4.3), 2 * 68 * 192, 2**20 + 2**17),
    TrainedNetwork("2D", 16, (5.1, 5.1, 5.1), 68 * 16**2, 2**19 * 3),
]


@pytest.fixture(scope="module")
def view():
    rng = np.random.default_rng(0)
    face = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return FaceView("Drawn face 3", face, 64, rng.uniform(12, 52, (68, 2)), IBUG68)


def look(network, view, shift):
    rng = np.random.default_rng(network.bins)
    shape = (68, network.bins) if network.kind == "1D" else (68, network.bins, network.bins)
    heatmaps = [rng.uniform(0, 1, shape) for _ in range(2 if network.kind == "1D" else 1)]
    return AnswerAtL(network, view.landmarks + shift, heatmaps)


@pytest.fixture(scope="module")
def looks(view):
    return [look(network, view, shift) for network, shift in zip(NETWORKS, (1, 0, 2), strict=True)]


@pytest.fixture(scope="module")
def picture(view, looks):
    return Resolution(view, looks)


def test_every_resolution_is_fit_to_be_read(picture):
    for bins in (16, 192):
        assert_fit_to_be_read(picture.move(bins, 67))


def test_it_says_what_each_network_found_and_costs(picture, view):
    at_16 = picture.move(16, 8).alt
    off = 100 * np.sqrt(2) / view.interocular
    assert f"px or {off:.1f} % on this face, 5.20 % on the test faces" in at_16
    assert f"px or {2 * off:.1f} % on this face, 5.10 %" in at_16
    assert "2,176 numbers put out, 1.00 MiB kept" in at_16
    assert "17,408 numbers put out, 1.50 MiB kept" in at_16
    at_192 = picture.move(192, 8).alt
    assert "1D: 0.0 px or 0.0 % on this face, 4.13 %" in at_192
    assert "2D: there is no network of this resolution" in at_192


def test_each_slider_changes_the_picture(picture, view, looks):
    assert_all_different([picture.move(bins).png() for bins in (16, 192)])
    assert_all_different([picture.move(16, landmark).png() for landmark in (0, 8, 36, 67)])
    assert_moved_is_fresh(picture.move(192, 8), Resolution(view, looks).move(192, 8))


def test_a_bin_is_drawn_where_it_lies(picture):
    picture.move(16, 0)
    at = picture._curves[0].get_xdata()
    assert at[0] == pytest.approx(1.5) and at[-1] == pytest.approx(61.5)
    assert picture._map.get_extent() == [-0.5, 63.5, 63.5, -0.5]


def test_what_was_found_without_error_hides_the_way_to_it(picture, view):
    """At 192 the crosses sit on the true dots."""
    picture.move(192)
    assert np.allclose(np.stack(picture._crosses["1D"].get_data(), axis=1), view.landmarks)
    assert len(picture._crosses["2D"].get_xdata()) == 0


def test_the_errors_of_all_seeds_span_the_bars(picture):
    errors = picture.axes[-2]
    (bars,) = errors.containers[0].lines[2]
    first, second = bars.get_segments()
    assert first[:, 1] == pytest.approx([5.0, 5.4]) and second[:, 1] == pytest.approx([4.0, 4.3])
    assert errors.containers[0].lines[0].get_ydata() == pytest.approx([5.2, 12.4 / 3])


SAVED = {
    "1d": {64: 280 * 2**20, 768: 290 * 2**20},
    "2d_trunk": {64: 270 * 2**20, 128: 1000 * 2**20},
    "2d_upsampled": {64: 270 * 2**20, 768: 430 * 2**20},
}
PAPER = {"1D": {64: 8.89, 768: 9.92}, "2D": {64: 8.68, 128: 18.71, 256: float("nan")}}


def test_memory_is_shown_beside_the_papers():
    figure = memory_by_resolution(SAVED, PAPER)
    assert_fit_to_be_read(figure)
    assert "2D, trunk run at L at 128 bins 1,000" in figure.alt
    assert "2D at 256 bins out of memory" in figure.alt and "2D at 128 bins 18.71 GiB" in figure.alt
    ours, theirs = figure.axes
    assert ours.lines[0].get_ydata() == pytest.approx([280, 290])
    assert theirs.lines[1].get_ydata() == pytest.approx([8.68, 18.71])


def test_another_count_draws_another_picture():
    fuller = {**SAVED, "2d_trunk": {64: 270 * 2**20, 128: 2000 * 2**20}}
    before, after = (memory_by_resolution(saved, PAPER).png() for saved in (SAVED, fuller))
    assert (pixels(before) != pixels(after)).any()
    assert not re.search("nan", memory_by_resolution(SAVED, PAPER).alt)
