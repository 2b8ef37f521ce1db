"""What a map's two marginals keep and lose, as numbers and as pictures."""

import math

import numpy as np
import pytest
import torch
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.heatmaps import render, render_2d, spread
from onedheat.plots.maps import misplaced, multiplied_back, one_mode, two_modes, vectors_of
from onedheat.plots.marginals import OneMode, TwoModes, maps_of_one_pair


def lost(map2d):
    return misplaced(map2d, multiplied_back(*vectors_of(map2d)))


@pytest.mark.parametrize("bins", [32, 64, 200])
def test_one_untilted_mode_is_the_map_of_equation_2(bins):
    ours = one_mode(40.2, 77.9, 128, bins, 6.0)
    theirs = render_2d(torch.tensor([40.2, 77.9], dtype=torch.float64), 128, bins, 6.0).numpy()
    assert ours == pytest.approx(theirs / theirs.sum(), abs=1e-12)


def test_one_round_mode_comes_back_from_its_marginals_whole_even_at_the_border():
    for x, y in ((64, 64), (3, 120)):
        assert lost(one_mode(x, y, 128, 96, 9)) < 1e-12


def test_a_tilted_mode_loses_more_the_more_it_is_tilted_either_way():
    shares = [lost(one_mode(64, 64, 128, 128, 10, tilt)) for tilt in (0.25, 0.5, 0.8)]
    assert shares == pytest.approx([0.083, 0.185, 0.386], abs=0.002)
    assert lost(one_mode(64, 64, 128, 128, 10, -0.8)) == pytest.approx(shares[-1], rel=1e-9)


def test_a_tilt_changes_neither_marginal():
    straight, tilted = (vectors_of(one_mode(60, 70, 128, 128, 8, tilt)) for tilt in (0, 0.8))
    for one, other in zip(straight, tilted, strict=True):
        assert other == pytest.approx(one, abs=1e-6)
        vector = torch.from_numpy(other / other.max())
        # The spread of a vector leaves out the target's own variance; σ 8 is √(8² − 2²) and 2.
        assert spread(vector, 128, 2.0).item() == pytest.approx(math.sqrt(60), abs=0.1)


@pytest.mark.parametrize("brightness", [0.5, 0.6, 0.9])
def test_what_is_moved_to_the_other_diagonal_leaves_both_marginals_alone(brightness):
    before = two_modes(60, brightness, 0, 128, 96, 7)
    for moved in (0.3, 1.0):
        after = two_modes(60, brightness, moved, 128, 96, 7)
        assert misplaced(before, after) == pytest.approx(
            2 * moved * min(brightness, 1 - brightness), abs=0.01
        )
        for one, other in zip(vectors_of(before), vectors_of(after), strict=True):
            assert other == pytest.approx(one, abs=1e-12)


def test_all_moved_of_equal_spots_is_the_mirror_image_and_half_is_the_product():
    before, half, after = (two_modes(60, 0.5, moved, 128, 96, 7) for moved in (0, 0.5, 1))
    assert after == pytest.approx(before[:, ::-1], abs=1e-12)
    assert half == pytest.approx(multiplied_back(*vectors_of(before)), abs=1e-12)
    assert lost(before) == pytest.approx(0.5, abs=1e-3) and lost(half) < 1e-12


def test_no_map_holds_less_than_nothing():
    for brightness in (0.1, 0.5, 0.9):
        assert two_modes(60, brightness, 1, 128, 96, 7).min() >= 0


def test_where_the_peaks_of_the_vectors_meet_the_map_can_be_empty():
    picture = TwoModes()
    picture.move(56, 50, 100)
    assert picture.held < 0.01 and "where the map holds 0 per cent" in picture.alt
    picture.move(56, 60, 0)
    assert picture.held == pytest.approx(1)
    assert picture.cross == pytest.approx((35.5, 35.5), abs=128 / 96 / 2 + 1e-9)


def test_the_picture_reports_what_its_map_loses():
    picture = OneMode().move(60, 70, 8, 50, 128)
    assert picture.lost == pytest.approx(0.185, abs=0.002)
    assert "256 numbers for the map's 16,384" in picture.alt
    assert "18.5 per cent of the map lies elsewhere" in picture.alt
    x = picture._curves[0].get_ydata()
    target = render(torch.tensor([60.0], dtype=torch.float64), 128, 128, 8.0)[0].numpy()
    assert x == pytest.approx(target / target.max(), abs=1e-3)


def test_moving_to_the_ghosts_is_reported_as_no_change_of_the_vectors():
    picture = TwoModes().move(56, 60, 50)
    assert picture.change < 1e-9
    assert "20 % moved from each spot" in picture._title.get_text()
    assert "up left that holds 40 per cent, one down right with 20, and 20 at each" in picture.alt


def test_the_pictures_are_fit_to_be_read():
    for figure in (
        OneMode(),
        OneMode().move(0, 127, 3, -90, 384),
        TwoModes(),
        TwoModes().move(0, 90, 100),
        maps_of_one_pair(),
    ):
        assert_fit_to_be_read(figure)


def test_a_moved_map_is_the_one_drawn_at_once():
    one, two = OneMode(), TwoModes()
    one.png()
    two.png()
    assert_moved_is_fresh(one.move(90, 20, 12, 60, 128), OneMode().move(90, 20, 12, 60, 128))
    assert_moved_is_fresh(two.move(40, 70, 60), TwoModes().move(40, 70, 60))


def test_each_step_of_a_slider_changes_the_map():
    one, two = OneMode(), TwoModes()
    assert_all_different([one.move(x, 60).png() for x in (0, 1, 64, 126, 127)])
    assert_all_different([one.move(60, 60, sigma).png() for sigma in (3, 4, 23, 24)])
    assert_all_different([one.move(60, 60, 8, tilt).png() for tilt in (-90, -80, 0, 10, 90)])
    assert_all_different([one.move(60, 60, 8, 0, bins).png() for bins in (32, 64, 128, 256)])
    assert_all_different([two.move(gap, 50).png() for gap in (0, 1, 56, 79, 80)])
    assert_all_different([two.move(56, share).png() for share in (10, 15, 50, 90)])
    assert_all_different([two.move(56, 50, part).png() for part in (0, 10, 50, 90, 100)])


def test_maps_in_a_row_have_one_pair_of_vectors():
    figure = maps_of_one_pair((0, 50, 100))
    assert "they differ by at most 0.000 of their peak" in figure.alt
    curves = [line.get_ydata() for axes in figure.axes[1::3] for line in axes.lines]
    assert len(curves) == 3
    assert np.ptp(curves, axis=0).max() < 1e-9
    images = [axes.images[0].get_array() for axes in figure.axes[::3]]
    assert misplaced(np.asarray(images[0]), np.asarray(images[2])) == pytest.approx(1, abs=1e-3)
