"""What is known of the errors is found again, kept as it was, and refused where it is damaged."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from onedheat.calibration import (
    ENOUGH,
    INSIDE,
    Calibration,
    DecoderCalibration,
    Evidence,
    fit,
    fit_confidence,
    fit_sigma,
    logistic,
    share_inside,
)

OWN = DecoderCalibration(scale=(0.6, 0.7), floor=(0.5, 0.25), offset=-6.0, slope=11.0)
KNOWN = Calibration(fitted_on="drawn faces", faces=40, radius=5.0, decoders={"dark": OWN})


def gaussian_evidence(a, b, faces=500, seed=0) -> Evidence:
    """Errors of √(a²σ² + b²) along each axis, and peaks that say how likely a landmark is right."""
    rng = np.random.default_rng(seed)
    sigma = rng.lognormal(0.5, 0.7, (faces, 68, 2))
    errors = rng.normal(size=sigma.shape) * np.hypot(np.array(a) * sigma, b)
    peak = rng.uniform(0.3, 1, (faces, 68))
    return Evidence(errors, sigma, peak, np.full(faces, 60.0))


@pytest.mark.parametrize("a, b", [((0.6, 0.9), (0.5, 0.8)), ((1.3, 1.0), (1.0, 2.0))])
def test_the_fit_finds_the_a_and_b_that_errors_were_made_with(a, b):
    found = fit(gaussian_evidence(a, b))
    assert found.scale == pytest.approx(a, rel=0.04)
    assert found.floor == pytest.approx(b, rel=0.10)


def test_without_a_floor_almost_none_is_found():
    rng = np.random.default_rng(0)
    sigma = rng.lognormal(0.5, 0.7, 30_000)
    scale, floor = fit_sigma(rng.normal(size=30_000) * 0.7 * sigma, sigma)
    assert scale == pytest.approx(0.7, rel=0.02) and floor < 0.1


def test_where_the_network_says_nothing_the_floor_is_all_there_is():
    """σ = 0 everywhere: what is left is the 68 % quantile of a Gaussian, its own σ."""
    rng = np.random.default_rng(0)
    assert fit_sigma(rng.normal(0, 3.0, 50_000), np.zeros(50_000)) == (
        1.0,
        pytest.approx(3, rel=0.02),
    )
    scale, floor = fit_sigma(rng.normal(0, 3.0, 50_000), np.full(50_000, 1.0))
    assert math.hypot(scale, floor) == pytest.approx(3.0, rel=0.02)


def test_heavy_tails_do_not_widen_sigma():
    """Student's t with 2 degrees of freedom has no variance, and 68 % within σ all the same."""
    rng = np.random.default_rng(0)
    sigma = rng.lognormal(0.5, 0.7, 40_000)
    errors = rng.standard_t(2, 40_000) * np.hypot(0.6 * sigma, 0.5)
    scale, floor = fit_sigma(errors, sigma)
    unseen = rng.standard_t(2, 40_000) * np.hypot(0.6 * sigma, 0.5)
    assert share_inside(unseen, np.hypot(scale * sigma, floor)) == pytest.approx(INSIDE, abs=0.01)


def test_what_is_not_annotated_does_not_count():
    whole = gaussian_evidence((0.6, 0.9), (0.5, 0.8), faces=50)
    errors, sigma = whole.errors.copy(), whole.sigma.copy()
    errors[:, 40:] = np.nan
    sigma[:, 40:] = 1e6
    part = replace(
        whole, errors=whole.errors[:, :40], sigma=whole.sigma[:, :40], peak=whole.peak[:, :40]
    )
    assert fit(replace(whole, errors=errors, sigma=sigma)) == fit(part)


def test_pixels_of_another_size_scale_the_floor_alone():
    small = gaussian_evidence((0.6, 0.9), (0.5, 0.8), faces=100)
    large = Evidence(2 * small.errors, 2 * small.sigma, small.peak, 2 * small.normaliser)
    one, two = fit(small), fit(large)
    assert two.scale == pytest.approx(one.scale, rel=1e-3)
    assert two.floor == pytest.approx(np.multiply(2, one.floor), rel=1e-3)
    assert (two.offset, two.slope) == pytest.approx((one.offset, one.slope), rel=1e-3)


def test_confidence_is_the_probability_that_was_put_in():
    rng = np.random.default_rng(0)
    peak = rng.uniform(0, 1, 50_000)
    right = rng.uniform(size=50_000) < logistic(-6 + 11 * peak)
    assert fit_confidence(peak, right) == pytest.approx((-6, 11), rel=0.03)


def test_confidence_is_finite_and_rises_whatever_the_faces_are():
    peak = np.linspace(0, 1, 200)
    offset, slope = fit_confidence(peak, np.ones(200, bool))
    assert logistic(offset + slope * peak) == pytest.approx(200 / 201 + 0 * peak, abs=0.01)
    offset, slope = fit_confidence(peak, peak > 0.5)  # a threshold parts them
    low, high = logistic(offset + slope * peak[[0, -1]])
    assert math.isfinite(slope) and low < 0.01 and high > 0.99
    assert fit_confidence(peak, peak < 0.5) == (
        pytest.approx(0, abs=0.02),
        0.0,
    )  # upside down: flat
    assert fit_confidence(np.full(200, 0.4), peak < 0.25)[1] == 0.0


def test_too_few_landmarks_are_refused_by_number():
    few = gaussian_evidence((1.0, 1.0), (0.5, 0.5), faces=1)
    with pytest.raises(
        ValueError, match=f"68 annotated landmarks are too few .* at least {ENOUGH}"
    ):
        fit(few)
    with pytest.raises(ValueError, match="finite"):
        fit_sigma(np.ones(3), np.array([1.0, np.nan, 1.0]))


def test_the_correction_is_the_formula_and_lets_nan_through():
    raw = np.array([[3.0, np.nan], [0.0, 4.0]])
    assert OWN.correct(raw)[0, 0] == pytest.approx(math.sqrt(0.36 * 9 + 0.25))
    assert OWN.correct(raw)[1, 1] == pytest.approx(math.sqrt(0.49 * 16 + 0.0625))
    assert OWN.correct(raw)[1, 0] == 0.5 and np.isnan(OWN.correct(raw)[0, 1])
    assert OWN.confidence(np.array([6 / 11, 1.0])) == pytest.approx([0.5, 1 / (1 + math.exp(-5))])
    assert np.isnan(OWN.confidence(np.array([np.nan]))).all()


def test_shares_are_counted_among_what_is_known():
    errors = np.array([[-1.0, 2.0], [np.nan, 3.5], [0.5, -0.5]])
    sigma = np.array([[1.0, 1.0], [1.0, 2.0], [np.nan, 1.0]])
    assert share_inside(errors, sigma) == pytest.approx(2 / 4)
    assert share_inside(errors, sigma, 2) == pytest.approx(4 / 4)
    assert math.isnan(share_inside(errors, np.full_like(sigma, np.nan)))


# As JSON ------------------------------------------------------------------------------------------


def test_what_was_written_is_read():
    assert Calibration.from_json(json.loads(json.dumps(KNOWN.as_json()))) == KNOWN


def damaged(**changes):
    return KNOWN.as_json() | changes


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "it must be an object, got list"),
        (damaged(format=2), "its format is not 1"),
        ({"format": 1}, "missing or unknown: decoders, faces, fitted_on, radius"),
        (damaged(colour=1), "missing or unknown: colour"),
        (damaged(decoders=[]), "decoders must be an object"),
        (damaged(radius=math.nan), "radius must be 1 finite number, got nan"),
        (damaged(faces=0), "above 0"),
        (damaged(decoders={"dark": {"scale": 1}}), "dark must have the keys"),
        (damaged(decoders={"dark": vars(OWN) | {"scale": [1]}}), "scale of dark must be 2 finite"),
        (damaged(decoders={"dark": vars(OWN) | {"slope": "11"}}), "slope of dark must be 1 finite"),
        (damaged(decoders={"dark": vars(OWN) | {"floor": [1, -1]}}), "dark: floor must be"),
    ],
)
def test_a_damaged_calibration_is_refused_with_what_is_wrong(values, says):
    with pytest.raises(ValueError, match=says):
        Calibration.from_json(values)


def test_a_calibration_of_another_kind_of_network_is_refused():
    KNOWN.demand_decoders(("dark", "argmax"))
    with pytest.raises(
        ValueError, match="corrects the decoder 'dark', and these weights have dsnt"
    ):
        KNOWN.demand_decoders(("dsnt",))
