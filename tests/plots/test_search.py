"""The plot of a search: where its points and bars lie, and what is said of them."""

import numpy as np
import pytest

from onedheat.crossval.results import Results
from onedheat.crossval.states import FoldState
from onedheat.plots.search import search_curve

ERRORS = {0.1: (4.0, 5.0, 6.0), 0.4: (3.5, 4.9, 5.4), 0.5: (3.6, 4.7, 5.6)}


def results_of(errors: dict, setting: str = "gamma") -> Results:
    states = [
        FoldState(value, fold, "complete", nrmse, faces=12, seconds=90.0)
        for value, found in errors.items()
        for fold, nrmse in enumerate(found, 1)
    ]
    return Results(setting, 3, "drawn, train, 36 faces", tuple(states))


def drawn(axes) -> tuple[np.ndarray, np.ndarray]:
    """The points of the curve, and the ends of their bars."""
    (bars,) = axes.containers
    line, _, (ends,) = bars
    return line.get_xydata(), np.array([segment[:, 1] for segment in ends.get_segments()])


def test_points_are_means_and_bars_their_standard_errors():
    errors, apart = search_curve(results_of(ERRORS)).axes
    points, bars = drawn(errors)
    assert points == pytest.approx(np.array([[0.1, 5.0], [0.4, 4.6], [0.5, 13.9 / 3]]))
    assert bars[0] == pytest.approx((5 - 3**-0.5, 5 + 3**-0.5))
    points, bars = drawn(apart)
    assert points == pytest.approx(np.array([[0.1, 0.4], [0.4, 0.0], [0.5, 0.1 / 3]]))
    assert np.ptp(bars, axis=1) == pytest.approx([2 * (0.07 / 3) ** 0.5, 0, 2 * (0.13 / 9) ** 0.5])
    for axes in (errors, apart):
        (star,) = [line for line in axes.lines if line.get_marker() == "*"]
        assert star.get_xdata() == [0.4]
        assert axes.get_xlabel() == "γ"
        assert axes.get_xscale() == "linear"
    assert "%" in errors.get_ylabel() and "points" in apart.get_ylabel()


def test_the_words_have_the_figures_of_the_points_and_the_verdict():
    said = search_curve(results_of(ERRORS)).alt
    assert "against γ" in said and "up to 3 folds of drawn, train, 36 faces" in said
    assert "0.1 5.00 ± 0.58, 0.4 4.60 ± 0.57, 0.5 4.63 ± 0.58." in said
    assert (
        "worse than γ 0.4 on the same folds, in points: 0.1 0.40 ± 0.15, 0.5 0.03 ± 0.12." in said
    )
    assert said.endswith(results_of(ERRORS).verdict())


def test_on_clips_hidden_points_and_jitter_have_plots_of_their_own_with_that_of_the_labels():
    states = [
        FoldState(value, fold, "complete", 4.0, hidden + fold, jitter, 0.45, 0.5)
        for value, hidden, jitter in ((0, 8.0, 0.9), (0.3, 6.0, 0.7), (0.9, 7.0, 0.5))
        for fold in (1, 2)
    ]
    results = Results("decay", 2, "drawn, train, 8 clips", tuple(states))
    hidden = search_curve(results.by("nrmse_hidden"))
    assert drawn(hidden.axes[0])[0] == pytest.approx(np.array([[0, 9.5], [0.3, 7.5], [0.9, 8.5]]))
    assert [axes.get_xlabel() for axes in hidden.axes] == ["λ", "λ"]
    assert "hidden points (%)" in hidden.axes[0].get_ylabel()
    assert hidden.alt.startswith("NRMSE of hidden points in per cent against λ")
    jitter = search_curve(results.by("jitter"))
    assert drawn(jitter.axes[1])[0] == pytest.approx(np.array([[0, 0.4], [0.3, 0.2], [0.9, 0]]))
    (labels,) = [line for line in jitter.axes[0].lines if line.get_linestyle() == "--"]
    assert labels.get_ydata() == pytest.approx([0.45, 0.45])
    assert jitter.alt.startswith("Jitter in per cent against λ")
    assert "how much shakier than λ 0.9 on the same folds, in points: 0 0.40 ± 0.00" in jitter.alt


def test_a_search_is_drawn_at_its_beginning_and_for_any_setting():
    few = search_curve(results_of({0.1: (4.0,), 0.4: ()}, "learning_rate"))
    assert drawn(few.axes[0])[0] == pytest.approx(np.array([[0.1, 4.0]]))
    assert few.axes[0].get_xlabel() == "learning_rate"
    rates = search_curve(results_of({1e-5: (4.0,), 1e-3: (3.0,), 1e-2: (5.0,)}, "learning_rate"))
    assert [axes.get_xscale() for axes in rates.axes] == ["log", "log"]
    assert few.drawn().size == search_curve(results_of(ERRORS)).drawn().size
    nothing = Results("gamma", 3, "drawn", (FoldState(0.1, 1, "waiting"),))
    assert "nothing has been measured yet" in search_curve(nothing).alt
    assert search_curve(nothing).drawn().size == few.drawn().size
