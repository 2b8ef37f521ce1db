"""The reliability plot says in words and lines what went into it."""

import numpy as np
import pytest
from pictures import assert_fit_to_be_read

from onedheat.calibration import DecoderCalibration, Evidence
from onedheat.plots.reliability import binned_errors, binned_means, reliability

TRUE = DecoderCalibration(scale=(0.5, 0.8), floor=(0.4, 0.3), offset=-4.0, slope=9.0)


@pytest.fixture(scope="module")
def evidence():
    """Errors that are as `TRUE` says, and right where a landmark's peak is high; one is not annotated."""
    rng = np.random.default_rng(0)
    sigma = rng.lognormal(0.5, 0.8, (60, 68, 2))
    errors = rng.normal(size=sigma.shape) * TRUE.correct(sigma)
    peak = rng.uniform(0, 1, (60, 68))
    length = np.linalg.norm(errors, axis=2)
    peak = (1 / (1 + length)).clip(0, 1)
    errors[:, -1] = np.nan
    return Evidence(errors, sigma, peak, np.full(60, 20.0))


@pytest.fixture(scope="module")
def figure(evidence):
    return reliability(evidence, TRUE, 5.0, name="Somebody's faces")


def line(axes, name):
    return next(line for line in axes.lines if line.get_label() == name)


def test_the_picture_can_be_read(figure):
    assert_fit_to_be_read(figure)
    assert figure.alt.startswith(
        "Somebody's faces: 4,020 landmarks. Within one calibrated σ lie 69 %"
    )


def test_calibrated_shares_lie_on_the_gaussian_and_those_of_wide_sigma_above_it(figure):
    shares = figure.axes[0]
    gaussian = line(shares, "Gaussian").get_ydata()
    assert gaussian[[20, 40]] == pytest.approx([68.27, 95.45], abs=0.01)
    for axis in "xy":
        drawn = line(shares, f"{axis}, calibrated").get_ydata()
        assert drawn == pytest.approx(gaussian, abs=2.5)
    assert line(shares, "x, as given").get_ydata()[20] > 80


def test_calibrated_errors_lie_on_the_diagonal(figure):
    for axis in "xy":
        drawn = line(figure.axes[1], f"{axis}, calibrated")
        assert drawn.get_ydata() == pytest.approx(drawn.get_xdata(), rel=0.15)
    given = line(figure.axes[1], "both, as given")
    assert (given.get_ydata()[-3:] < 0.9 * given.get_xdata()[-3:]).all()


def test_landmarks_within_the_radius_are_the_share_of_right_ones(figure, evidence):
    """5 % of a normaliser of 20 pixels is one pixel, which is a peak of one half."""
    peaks = line(figure.axes[2], "mean peak")
    assert (peaks.get_ydata()[peaks.get_xdata() < 0.45] == 0).all()
    assert (peaks.get_ydata()[peaks.get_xdata() > 0.55] == 1).all()
    means = line(figure.axes[2], "calibrated").get_xdata()
    confidence = TRUE.confidence(evidence.peak[:, :-1])
    assert means.mean() == pytest.approx(confidence.mean())


def test_bins_hold_equally_many_and_say_what_is_in_them():
    sigma = np.arange(1.0, 101.0)
    said, found = binned_errors(-2 * sigma, sigma)
    assert said[0] == pytest.approx(5.5) and said[-1] == pytest.approx(95.5)
    assert (found > 2 * said).all() and (found < 2 * said + 5).all()
    means, shares = binned_means(np.arange(100) / 100, np.arange(100) >= 55)
    assert means[0] == pytest.approx(0.045) and shares.tolist() == [0] * 5 + [0.5] + [1] * 4
