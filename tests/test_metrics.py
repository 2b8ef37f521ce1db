import numpy as np
import pytest

from onedheat.metrics import (
    auc,
    ced,
    failure_rate,
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
