"""The weights of the past: what is drawn and said is what Eq. 13 gives."""

import math

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.plots.recurrence import (
    AGAIN,
    HIDDEN,
    SEEN,
    Recurrence,
    answer,
    half_life,
    sum_of_weights,
)


def test_the_sum_of_weights_and_the_half_life_are_those_of_powers():
    for decay in (0.1, 0.3, 0.5, 0.9):
        assert sum_of_weights(decay) == pytest.approx((decay ** np.arange(400)).sum())
        assert decay ** half_life(decay) == pytest.approx(0.5)
    assert sum_of_weights(0.0) == 1 and half_life(0.0) == 0
    assert math.isinf(sum_of_weights(1.0)) and math.isinf(half_life(1.0))


def test_the_answer_is_the_sum_of_equation_13():
    signal = np.random.default_rng(0).normal(size=9).tolist()
    wanted = [sum(0.7 ** (t - s) * signal[s] for s in range(t + 1)) for t in range(9)]
    assert answer(0.7, signal) == pytest.approx(np.array(wanted), rel=1e-12)


def test_every_tenth_is_another_picture_fit_to_be_read():
    figure = Recurrence()
    pictures = []
    for tenth in range(11):
        assert_fit_to_be_read(figure.move(tenth / 10))
        pictures.append(figure.png())
    assert_all_different(pictures)
    assert_moved_is_fresh(figure.move(0.9), Recurrence(0.9))


def test_bars_are_powers_and_the_curve_builds_up_and_fades():
    figure = Recurrence(0.5)
    assert [bar.get_height() for bar in figure._bars[:4]] == [1, 0.5, 0.25, 0.125]
    frames, values = figure._sum.get_data()
    assert len(frames) == SEEN + HIDDEN + AGAIN
    assert values[SEEN - 1] == pytest.approx(2 - 0.5 ** (SEEN - 1))
    assert values[SEEN] == pytest.approx(values[SEEN - 1] / 2)
    assert figure._top.get_ydata()[0] == 2
    assert figure._half.get_xdata()[0] == 1
    assert (
        "half of a frame's weight is gone after 1.0 frames; all weights together 2.00" in figure.alt
    )


def test_without_decay_no_line_claims_a_sum():
    figure = Recurrence(1.0)
    assert "no sum" in figure.alt
    low, high = figure.axes[1].get_ylim()
    assert figure._top.get_ydata()[0] > high
    assert figure._sum.get_ydata().max() == SEEN + AGAIN <= high
