"""Filters of landmarks: what they give, by hand, and by how much they lag."""

import numpy as np
import pytest

from onedheat.filters import MovingAverage, OneEuro


def ramp(frames: int, speed: float = 1.0) -> np.ndarray:
    """One landmark that moves along x at so many pixels a frame."""
    return np.stack([speed * np.arange(frames), np.zeros(frames)], axis=1)[:, None]


def test_a_moving_average_is_worked_by_hand():
    track = np.array([0.0, 3.0, 6.0, 0.0])[:, None, None] * np.ones(2)
    assert MovingAverage(3).smooth(track)[:, 0, 0].tolist() == [0.0, 1.5, 3.0, 3.0]
    assert np.array_equal(MovingAverage(1).smooth(track), track)


@pytest.mark.parametrize(
    "filter_", [MovingAverage(5), OneEuro(2.0), OneEuro(0.7, rate=25), OneEuro.with_lag(2.0)]
)
def test_a_ramp_comes_out_late_by_the_lag(filter_):
    track = ramp(400, speed=0.5)
    late = (track - filter_.smooth(track))[-1, 0]
    assert late == pytest.approx([0.5 * filter_.lag, 0.0], rel=1e-9)


def test_lags_are_those_of_the_formulas():
    assert MovingAverage(5).lag == 2.0
    assert OneEuro.with_lag(2.0).lag == pytest.approx(2.0)
    assert OneEuro(1.0, rate=30).lag == pytest.approx(30 / (2 * np.pi))


def test_one_euro_is_worked_by_hand():
    """1 frame a second and cut-offs of 1/2π hertz: every low-pass is the mean of old and new."""
    unit = 1 / (2 * np.pi)
    filter_ = OneEuro(unit, unit, derivative_cutoff=unit, rate=1.0)
    points = [np.array([[value, 0.0]]) for value in (0.0, 4.0, 4.0)]
    assert filter_(points[0])[0, 0] == 0.0
    # Speed (0 + 4)/2 = 2, cut-off 3 units, share 3/4.
    assert filter_(points[1])[0, 0] == pytest.approx(3.0)
    # Speed (2 + 0)/2 = 1, cut-off 2 units, share 2/3.
    assert filter_(points[2])[0, 0] == pytest.approx(3 + (4 - 3) * 2 / 3)


def test_one_euro_follows_fast_motion_sooner_than_slow():
    filter_ = OneEuro(1.0, beta=0.05)
    late = [(ramp(300, v) - filter_.smooth(ramp(300, v)))[-1, 0, 0] / v for v in (0.1, 10.0)]
    assert late[0] > 3 and late[1] < 0.5


@pytest.mark.parametrize("filter_", [MovingAverage(4), OneEuro(1.0, beta=0.01)])
def test_noise_gets_less_and_the_future_is_not_known(filter_):
    noise = np.random.default_rng(0).normal(size=(500, 3, 2))
    smooth = filter_.smooth(noise)
    assert smooth[10:].std() < 0.6
    later = noise.copy()
    later[300:] += 100
    assert np.array_equal(filter_.smooth(later)[:300], smooth[:300])
    assert np.array_equal(filter_.smooth(noise), smooth)  # it begins anew


@pytest.mark.parametrize("filter_", [MovingAverage(4), OneEuro(1.0)])
def test_what_is_not_found_stays_so_and_begins_anew_while_the_others_go_on(filter_):
    track = np.random.default_rng(0).normal(size=(12, 2, 2))
    track[5, 0] = np.nan
    smooth = filter_.smooth(track)
    assert np.isnan(smooth[5, 0]).all() and np.isfinite(np.delete(smooth[:, 0], 5, 0)).all()
    assert smooth[6, 0] == pytest.approx(track[6, 0])
    assert np.array_equal(smooth[:, 1], filter_.smooth(track[:, 1:])[:, 0])


def test_what_is_given_is_left_as_it_is():
    for filter_ in (MovingAverage(3), OneEuro(1.0)):
        track = np.ones((4, 2, 2))
        for landmarks in track:
            given = filter_(landmarks)
            given += 7
        assert (track == 1).all() and np.allclose(filter_(track[0]), 1)


def test_settings_that_make_no_filter_are_refused():
    with pytest.raises(ValueError, match="at least 1 frame, got 0"):
        MovingAverage(0)
    for settings in ({"min_cutoff": 0}, {"beta": -1}, {"rate": 0}, {"derivative_cutoff": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(settings))}="):
            OneEuro(**settings)
