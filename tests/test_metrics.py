import numpy as np
import pytest

from onedheat.metrics import (
    auc,
    ced,
    error_jitter,
    errors_along,
    failure_rate,
    jitter,
    lag,
    nrmse,
    offset_removed_errors,
    point_errors,
)


def test_nrmse_of_a_case_worked_by_hand():
    target = np.array([[[0.0, 0.0], [10.0, 0.0]], [[0.0, 0.0], [0.0, 20.0]]])
    predicted = target + np.array([[[3.0, 4.0], [0.0, 0.0]], [[0.0, 1.0], [6.0, 8.0]]])
    # Face 0: errors 5 and 0 over 10; face 1: errors 1 and 10 over 20.
    assert nrmse(predicted, target, np.array([10.0, 20.0])).tolist() == [25.0, 27.5]
    assert point_errors(predicted, target, np.array([10.0, 20.0])).tolist() == [[50, 0], [5, 50]]


def test_it_is_a_mean_and_not_a_root_of_squares():
    target = np.zeros((1, 2, 2))
    predicted = np.array([[[1.0, 0.0], [3.0, 0.0]]])
    assert nrmse(predicted, target, np.array([100.0])).item() == 2.0  # the root would be 2.236


def test_invisible_landmarks_do_not_count():
    target, predicted = np.zeros((1, 2, 2)), np.array([[[1.0, 0.0], [90.0, 0.0]]])
    visible = np.array([[True, False]])
    assert nrmse(predicted, target, np.array([100.0]), visible).item() == 1.0
    with pytest.raises(ValueError, match="face 0"):
        nrmse(predicted, target, np.array([100.0]), ~visible & visible)


def test_a_normaliser_of_zero_is_refused_with_its_face():
    with pytest.raises(ValueError, match="face 1"):
        nrmse(np.zeros((2, 3, 2)), np.zeros((2, 3, 2)), np.array([1.0, 0.0]))


def test_auc_is_the_area_under_the_ced():
    errors = np.random.default_rng(0).gamma(2, 2, 500)
    steps = np.linspace(0, 8, 100_001)
    area = np.trapezoid(ced(errors, steps), steps) / 8
    assert auc(errors, 8.0) == pytest.approx(area, abs=1e-4)


def test_a_missed_face_is_a_failure_and_adds_no_area():
    errors = np.array([4.0, np.inf])
    assert auc(errors, 8.0) == 0.25
    assert failure_rate(errors, 8.0) == 50.0
    assert ced(errors, np.array([3.9, 4.0, 100.0])).tolist() == [0, 0.5, 0.5]


def test_an_offset_that_turns_and_grows_with_the_face_is_removed_and_the_rest_kept():
    """Worked by hand: the face lies upright in the first two frames, then turned by 90° and twice as
    large, so that an offset of (1, 0) becomes (0, 2)."""
    axes = np.array([[10.0, 0.0], [10.0, 0.0], [0.0, 20.0], [0.0, 20.0]])
    target = np.zeros((4, 2, 2))
    predicted = np.zeros((4, 2, 2))
    predicted[:2, 0] = [1.0, 0.0]
    predicted[2:, 0] = [0.0, 2.0]
    predicted[3, 1] = [4.0, 0.0]  # of 20 px: 20 %, half of it by mean over the two landmarks
    assert offset_removed_errors(predicted, target, axes, 2) == pytest.approx([0.0, 10.0])


def test_what_is_not_found_is_left_out_of_offsets_and_errors():
    axes = np.full((5, 2), (10.0, 0.0))
    target = np.zeros((5, 2, 2))
    predicted = np.ones((5, 2, 2))
    predicted[0, 0] = np.nan
    predicted[:2, 1] = np.nan  # its offset is unknown
    predicted[3, 0] = [1.0, 2.0]
    predicted[4] = np.nan
    errors = offset_removed_errors(predicted, target, axes, 2)
    assert errors[:2] == pytest.approx([0.0, 10.0]) and np.isnan(errors[2])


@pytest.mark.parametrize("learned", [0, 3])
def test_an_offset_needs_frames_to_learn_from_and_frames_to_measure(learned):
    still = np.zeros((3, 1, 2))
    with pytest.raises(ValueError, match=f"of 3 frames the first {learned} cannot be set apart"):
        offset_removed_errors(still, still, np.ones((3, 2)), learned)


# Tracks through video -------------------------------------------------------------------------------


def wandering(frames: int, landmarks: int = 3) -> np.ndarray:
    """Landmarks that swing slowly, each its own way, as a function of time that can be asked between
    frames: (T, N, 2)."""
    return wandering_at(np.arange(frames), landmarks)


def wandering_at(times: np.ndarray, landmarks: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    speed, phase = rng.uniform(0.05, 0.25, (4, landmarks, 2)), rng.uniform(0, 7, (4, landmarks, 2))
    return 10 * np.sin(times[:, None, None, None] * speed + phase).sum(axis=1)


def test_jitter_is_the_mean_length_of_the_second_difference_worked_by_hand():
    track = np.zeros((5, 2, 2))
    track[2, 0] = [
        3.0,
        4.0,
    ]  # second differences of 5, 10 and 5 pixels; the other landmark has none
    assert jitter(track, np.full(5, 50.0)) == pytest.approx(100 * (5 + 10 + 5) / 6 / 50)
    turned = np.array([1.0, 50.0, 100.0, 50.0, 1.0])  # each by the size of its own frame
    assert jitter(track, turned) == pytest.approx(100 * (5 / 50 + 10 / 100 + 5 / 50) / 6)


def test_steady_motion_has_no_jitter_and_a_constant_offset_no_error_jitter():
    steady = np.arange(20)[:, None, None] * np.array([[2.0, -1.0], [0.5, 3.0]])
    assert jitter(steady, np.full(20, 100.0)) == pytest.approx(0, abs=1e-10)
    truth = wandering(50)
    assert jitter(truth, np.full(50, 100.0)) > 0.1
    assert error_jitter(truth + (7.0, -3.0), truth, np.full(50, 100.0)) == pytest.approx(
        0, abs=1e-10
    )


def test_white_noise_has_the_jitter_that_is_expected_of_it():
    """Second differences of it have a variance of 6σ² in each coordinate, and so a Rayleigh mean."""
    noise = np.random.default_rng(0).normal(scale=0.2, size=(4000, 20, 2))
    expected = np.sqrt(3 * np.pi) * 0.2
    assert jitter(noise, np.full(4000, 100.0)) == pytest.approx(expected, rel=0.01)
    truth = wandering(4000, 20)
    assert error_jitter(truth + noise, truth, np.full(4000, 100.0)) == pytest.approx(
        expected, rel=0.01
    )


def test_what_lacks_one_of_three_frames_has_no_jitter_to_count():
    track = np.zeros((5, 1, 2))
    track[0] = 100.0
    track[1] = np.nan
    track[4] = [0.0, 8.0]
    assert jitter(track, np.full(5, 100.0)) == pytest.approx(8.0)
    assert np.isnan(jitter(track[:4], np.full(4, 100.0)))
    assert np.isnan(jitter(track[:2], np.full(2, 100.0)))


@pytest.mark.parametrize("late", [-2, 0, 1, 5])
def test_a_track_that_is_delayed_by_whole_frames_lags_by_them(late):
    times = np.arange(300)
    found = lag(wandering_at(times - late), wandering_at(times))
    assert found == pytest.approx(late, abs=0.01)


@pytest.mark.parametrize("late", [0.25, 0.5, 1.7])
def test_a_delay_of_part_of_a_frame_is_found_too(late):
    times = np.arange(300)
    truth = wandering_at(times)
    assert lag(wandering_at(times - late), truth) == pytest.approx(late, abs=0.02)
    noise = np.random.default_rng(1).normal(scale=0.3, size=truth.shape)
    track = wandering_at(times - late) + noise
    assert lag(track, truth) == pytest.approx(late, abs=0.15)


def test_filters_lag_in_tracks_by_what_they_say():
    from onedheat.filters import MovingAverage, OneEuro

    truth = wandering(400)
    for steadied in (MovingAverage(5), MovingAverage(4), OneEuro.with_lag(1.0)):
        assert lag(steadied.smooth(truth), truth) == pytest.approx(steadied.lag, abs=0.1)


def test_steady_motion_and_delays_that_were_not_tried_have_no_lag():
    steady = np.arange(60)[:, None, None] * np.array([[2.0, -1.0]])
    assert np.isnan(lag(steady - 2.0, steady))
    times = np.arange(300)
    assert np.isnan(lag(wandering_at(times - 9.0), wandering_at(times), most=4))


def test_a_lag_is_unknown_where_nothing_moves_and_the_missing_do_not_matter():
    still = np.zeros((50, 2, 2))
    assert np.isnan(lag(wandering(50, 2), still)) and np.isnan(lag(still, wandering(50, 2)))
    assert np.isnan(lag(still[:2], still[:2]))
    times = np.arange(300)
    track, truth = wandering_at(times - 1.0), wandering_at(times)
    track[40:60, 1] = np.nan
    truth[100] = np.nan
    assert lag(track, truth) == pytest.approx(1, abs=0.02)


def test_what_slid_along_a_line_is_told_from_what_left_it():
    corner = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [5.0, 5.0]])
    predicted = corner + [[2.0, 0.0], [3.0, 4.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    (along,) = errors_along(predicted[None], corner[None], np.array([50.0]), [(0, 1, 2)])
    half = np.sqrt(0.5)  # of the corner, whose line goes at 45 degrees
    assert along[:3] == pytest.approx([4.0, 2 * 7 * half, 2.0])
    assert np.isnan(along[3:]).all()  # on no line
    closed = errors_along(predicted[None], corner[None], np.array([50.0]), [(0, 1, 2, 3, 0)])[0]
    assert closed[0] == pytest.approx(2 * 2 * half) and not np.isnan(closed[3])


def test_a_line_whose_points_lie_in_one_place_has_no_direction_to_slide_in():
    target = np.zeros((1, 3, 2))
    along = errors_along(target + 1, target, np.array([10.0]), [(0, 1, 2)])
    assert along.tolist() == [[0.0, 0.0, 0.0]]
