"""Random motion: smooth, seeded, the same whenever and in whatever order it is asked for."""

import numpy as np
import pytest

from onedheat.data.motion import (
    hand_shake,
    least_jerk,
    pulses,
    rest_and_move,
    saccades,
    smooth_path,
    soft_limit,
)

MAKERS = {
    "smooth_path": lambda rng: smooth_path(rng, 2, timescale=1.0),
    "hand_shake": lambda rng: hand_shake(rng, 2),
    "rest_and_move": lambda rng: rest_and_move(rng, 2, 1.5, (0.3, 1.2)),
    "saccades": lambda rng: saccades(rng, 2),
    "pulses": lambda rng: pulses(rng, 3.0, 0.1, 0.2, (0.5, 1.0)),
}
every_kind = pytest.mark.parametrize("kind", MAKERS)


def draw(kind, *seed):
    return MAKERS[kind](np.random.default_rng(seed or 0))


@every_kind
def test_a_path_is_decided_by_its_seed(kind):
    seconds = np.arange(90) / 30
    first, again, other = (draw(kind, *seed).at(seconds) for seed in [(1, 2), (1, 2), (1, 3)])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@every_kind
def test_any_moment_can_be_asked_for_alone(kind):
    path, seconds = draw(kind), np.arange(200) / 30
    together = path.at(seconds)
    for frame in (199, 0, 73):
        assert np.array_equal(path.at(float(seconds[frame])), together[frame])
    assert np.array_equal(path.at(seconds.reshape(20, 10)), together.reshape(20, 10, -1))


@every_kind
def test_a_path_has_no_jumps_in_place_speed_or_acceleration(kind):
    path, step = draw(kind), 1e-4
    place = path.at(np.arange(0, 12, step))
    speed = np.diff(place, axis=0) / step
    acceleration = np.diff(speed, axis=0) / step
    # With steps ten times as long every difference of a differentiable path grows about tenfold;
    # that of one with a jump would stay as it is.
    for values in (place, speed, acceleration):
        near, far = (np.abs(values[gap:] - values[:-gap]).max() for gap in (1, 10))
        assert far > 5 * near


@pytest.mark.parametrize("kind", ["smooth_path", "hand_shake", "rest_and_move", "saccades"])
def test_channels_have_mean_0_and_variance_about_1_over_a_long_time(kind):
    # The mean over many seeds, of clips of one second and of a minute: statistics know no length.
    for seconds in (np.arange(30) / 30, np.arange(1800) / 30):
        values = np.stack([draw(kind, seed).at(seconds) for seed in range(400)])
        assert values.mean() == pytest.approx(0, abs=0.08)
        assert (values**2).mean() == pytest.approx(1, abs=0.15)


def test_no_wave_of_a_smooth_path_is_faster_than_its_timescale():
    path = smooth_path(np.random.default_rng(0), 3, timescale=0.5)
    assert path.frequency.max() <= 2 and path.frequency.min() >= 0.25
    assert np.abs(np.corrcoef(path.at(np.arange(0, 5000, 0.1)).T) - np.eye(3)).max() < 0.1


def test_channels_rest_between_moves_and_move_together():
    path = rest_and_move(np.random.default_rng(0), 2, every=2.0, lasting=(0.2, 0.4))
    step = 0.01
    still = np.diff(path.at(np.arange(0, 400, step)), axis=0) == 0
    assert np.array_equal(still[:, 0], still[:, 1])
    moving = 1 - still[:, 0].mean()
    assert 0.2 / 2 < moving < 0.4 / 2
    changes = np.flatnonzero(np.diff(still[:, 0].astype(int)))
    rests = np.diff(changes)[still[changes[:-1] + 1, 0]] * step
    assert rests.min() < 0.7 and rests.max() > 2.5  # of no regular length


def test_eyes_rest_most_of_the_time_and_jump_within_two_frames():
    path = saccades(np.random.default_rng(0), 2)
    assert path.lasting.max() <= 0.08
    still = np.diff(path.at(np.arange(0, 100, 0.005))[:, 0]) == 0
    assert still.mean() > 0.85


def test_pulses_rise_from_0_to_their_peak_and_return():
    path = pulses(np.random.default_rng(0), every=3.0, rising=0.1, falling=0.3, peak=(0.6, 0.9))
    value = path.at(np.arange(0, 300, 0.001))[:, 0]
    assert value.min() == 0 and (value == 0).mean() == pytest.approx(1 - 0.4 / 3, abs=0.01)
    tops = value[1:-1][(value[1:-1] > value[:-2]) & (value[1:-1] > value[2:])]
    assert 98 <= len(tops) <= 101
    assert tops.min() >= 0.6 - 1e-3 and tops.max() <= 0.9


def test_a_move_of_least_jerk_starts_and_ends_at_rest():
    assert least_jerk(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 0.5, 1, 1]
    near = least_jerk(np.array([1e-3, 1 - 1e-3]))
    assert near[0] < 2e-8 and 1 - near[1] < 2e-8


def test_a_soft_limit_keeps_small_values_and_holds_large_ones():
    kept = soft_limit(np.array([-100.0, -0.1, 0.0, 0.1, 100.0]), 1.0)
    assert kept.tolist() == pytest.approx([-1, -0.0997, 0, 0.0997, 1], abs=1e-4)


@pytest.mark.parametrize("lasting", [(0.0, 1.0), (0.5, 0.4), (0.5, 3.0)])
def test_moves_that_do_not_fit_between_rests_are_refused(lasting):
    with pytest.raises(ValueError, match=r"no longer than the 2 s between them; got"):
        rest_and_move(np.random.default_rng(0), 1, 2.0, lasting)


def test_pulses_that_do_not_fit_between_each_other_are_refused():
    with pytest.raises(ValueError, match=r"within the 1 s between pulses; got 0.5 s and 0.6 s"):
        pulses(np.random.default_rng(0), 1.0, 0.5, 0.6)
