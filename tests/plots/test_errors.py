"""The CED with what is made of it, how means scatter, and networks by the reading of their maps."""

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.metrics import resampled_means
from onedheat.plots.errors import CedView, Resampled, decoders_compared, middle


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(0)
    good, bad = rng.gamma(12, 0.25, 100), rng.gamma(12, 0.5, 100)
    missed = good.copy()
    missed[:5] = np.inf
    return {"good": good, "bad": bad, "missed": missed}


def test_the_ced_says_what_the_figures_make_of_it(measured):
    view = CedView(measured).move(8, "good", "missed")
    assert_fit_to_be_read(view)
    area = np.mean(np.clip(1 - measured["good"] / 8, 0, None))
    assert f"good: NRMSE, faces found {measured['good'].mean():.2f} %" in view.alt
    assert f"AUC {area:.3f}" in view.alt
    assert view.alt.endswith("missed 5.")
    assert f"failures {100 * (measured['missed'] > 8).mean():.1f} %" in view.alt


def test_missed_faces_keep_the_ced_below_one(measured):
    view = CedView(measured).move(8, "good", "missed")
    assert [line.get_ydata()[-1] for line in view._lines] == [1.0, 0.95]


def test_the_shaded_area_over_the_threshold_is_auc(measured):
    view = CedView(measured).move(10, "bad", "good")
    x, y = view._areas[0].get_xy().T
    shoelace = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
    wanted = np.mean(np.clip(1 - measured["bad"] / 10, 0, None))
    assert shoelace / 10 == pytest.approx(wanted, abs=0.005)


def test_a_moved_ced_is_the_one_drawn_at_once(measured):
    moved = CedView(measured)
    steps = [(8, "good", "bad"), (5, "good", "bad"), (5, "bad", "bad"), (5, "bad", "missed")]
    assert_all_different([moved.move(*step).png() for step in steps])
    assert_moved_is_fresh(
        moved.move(12, "missed", "good"), CedView(measured).move(12, "missed", "good")
    )


def test_resampled_means_scatter_as_the_standard_error_says():
    values = np.random.default_rng(0).gamma(9, 0.4, 400)
    for count in (None, 100):
        means = resampled_means(values, 4000, count=count)
        assert means.shape == (4000,)
        assert means.mean() == pytest.approx(values.mean(), abs=0.01)
        assert means.std() == pytest.approx(values.std() / np.sqrt(count or 400), rel=0.05)
    again = resampled_means(values, 10, seed=3)
    assert np.array_equal(again, resampled_means(values, 10, seed=3))
    assert not np.array_equal(again, resampled_means(values, 10, seed=4))


def test_the_middle_leaves_as_much_out_at_either_end():
    assert middle(np.arange(1001.0)) == pytest.approx((25, 975))
    assert middle(np.arange(1001.0), 0.5) == pytest.approx((250, 750))


@pytest.fixture(scope="module")
def pair(measured):
    rng = np.random.default_rng(1)
    return ("one", measured["good"]), ("other", measured["good"] + rng.normal(0.1, 0.3, 100))


def test_a_paired_difference_can_be_clear_where_the_means_overlap(pair):
    view = Resampled(*pair, (5, 100), draws=400)
    assert_fit_to_be_read(view)
    one, other, apart = (middle(means) for means in view.means[100])
    assert one[1] > other[0] and apart[0] > 0
    assert "points, clear of 0." in view.move(100).alt
    assert "points, not clear of 0." in view.move(5).alt
    assert f"from {apart[0]:.3f} to {apart[1]:.3f} points" in view.move(100).alt


def test_a_moved_test_set_is_the_one_drawn_at_once(pair):
    moved = Resampled(*pair, (5, 20, 100), draws=200)
    assert_all_different([moved.move(count).png() for count in (5, 20, 100)])
    assert_moved_is_fresh(moved.move(20), Resampled(*pair, (5, 20, 100), draws=200).move(20))


def test_networks_stand_with_the_mean_and_the_ends_of_their_seeds():
    rows = {
        "1D, L = 16": {"argmax": (8.0, 9.0), "dark": (7.0, 7.5)},
        "2D, L = 16": {"argmax": (8.5, 8.7), "quarter": (8.0, 8.2), "fhr": (8.1, 8.1)},
    }
    figure = decoders_compared(rows, measured_on="10 faces")
    assert_fit_to_be_read(figure)
    assert "1D, L = 16: argmax 8.50, dark 7.25; 2D, L = 16: argmax 8.60, quarter 8.10" in figure.alt
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(names) == ["argmax", "dark", "fhr", "quarter"]


def test_a_network_with_one_way_to_be_read_stands_in_the_middle_of_its_row():
    rows = {"DSNT": {"expectation": (5.0, 5.2)}, "2D": {"argmax": (6.0, 6.2), "dark": (5.5, 5.6)}}
    axes = decoders_compared(rows, measured_on="10 faces").axes[0]
    places = {one.get_label(): one[0].get_ydata()[0] for one in axes.containers}
    assert places == {
        "expectation": 0,
        "argmax": pytest.approx(0.935),
        "dark": pytest.approx(1.065),
    }
