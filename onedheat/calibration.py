"""What a network says of its own error, corrected by what its errors were.

A peak's width is what the network leaves open in the mean over its training; how far it is really off
on faces it has not seen differs from that by a factor, and by an error that no peak is too narrow for.
So each axis of each decoder has two numbers, and σ becomes √(a²σ² + b²). How high a peak is turns into
the probability that the landmark is right, by two numbers more. All are fitted on validation faces, and
belong to the weights: they lie beside them in a checkpoint.

Errors have heavier tails than a Gaussian. A fit by Gaussian likelihood widens σ for the sake of the few
that are far off, until 72 % of all are within it; so σ is fitted as what it is read as, the distance
within which 68 % of the errors lie. Within 2σ are then about 94 %, not 95.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

FORMAT = 1
INSIDE = math.erf(math.sqrt(0.5))  # share of a Gaussian within one σ, 0.683
RADIUS = 5.0  # per cent of the normalising distance, within which a landmark counts as right
ENOUGH = 100  # annotated landmarks, to fit anything on
DIGITS = 4  # of a correction; validation faces tell two at most

Errors = Float[np.ndarray, "faces landmarks 2"]


@dataclass(frozen=True, kw_only=True)
class DecoderCalibration:
    """The correction of one decoder.

    Attributes:
        scale: a along x and y.
        floor: b along x and y, in pixels of the network's input.
        offset: of the logistic curve that gives the confidence.
        slope: of that curve, per unit of the peak.

    Raises:
        ValueError: a number that is not finite, or a scale, floor or slope below 0.
    """

    scale: tuple[float, float]
    floor: tuple[float, float]
    offset: float
    slope: float

    def __post_init__(self):
        for name, values in asdict(self).items():
            for value in np.atleast_1d(values):
                if not (math.isfinite(value) and (value >= 0 or name == "offset")):
                    least = "" if name == "offset" else " of at least 0"
                    raise ValueError(f"{name} must be a finite number{least}, got {value}")

    def correct(self, sigma: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """√(a²σ² + b²) of a network's own σ, both in pixels of its input; NaN stays NaN."""
        return np.hypot(np.array(self.scale) * sigma, self.floor)

    def confidence(self, peak: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
        """Probability that a landmark with that mean peak is right; NaN stays NaN."""
        return logistic(self.offset + self.slope * peak)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The corrections that belong to some weights.

    Attributes:
        fitted_on: the validation faces, in words.
        faces: how many.
        radius: within how many per cent of the normalising distance a landmark counts as right.
        decoders: name → correction. A decoder that is not among them is left uncorrected.
    """

    fitted_on: str
    faces: int
    radius: float
    decoders: Mapping[str, DecoderCalibration]

    def as_json(self) -> dict[str, Any]:
        """Plain values, which `from_json` reads."""
        return {"format": FORMAT, **asdict(self)}

    def demand_decoders(self, known: tuple[str, ...]) -> None:
        """Refuses a calibration of another kind of network.

        Raises:
            ValueError: it is of a decoder that is not among those known.
        """
        if unknown := sorted(set(self.decoders) - set(known)):
            raise ValueError(
                f"it corrects the decoder {unknown[0]!r}, and these weights have {', '.join(known)}"
            )

    @classmethod
    def from_json(cls, values: Any) -> "Calibration":
        """The calibration that `as_json` wrote.

        Raises:
            ValueError: another format, a key that is missing or unknown, or a value that does not fit.
        """
        values = _checked(values, {"format", *(entry.name for entry in fields(cls))}, "it")
        if values.pop("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}, the one that this onedheat reads")
        if not isinstance(values["decoders"], dict):
            raise ValueError(f"decoders must be an object, got {values['decoders']!r}")
        decoders = {
            name: _decoder(name, written) for name, written in values.pop("decoders").items()
        }
        (radius,) = _numbers(values["radius"], 1, "radius")
        (faces,) = _numbers(values["faces"], 1, "faces")
        if not (radius > 0 and faces >= 1):
            raise ValueError(f"radius and faces must be above 0, got {radius:g} and {faces:g}")
        return cls(
            fitted_on=str(values["fitted_on"]), faces=int(faces), radius=radius, decoders=decoders
        )


def _decoder(name: str, written: Any) -> DecoderCalibration:
    values = _checked(written, {entry.name for entry in fields(DecoderCalibration)}, name)
    read = {
        key: _numbers(values[key], 2 if key in ("scale", "floor") else 1, f"{key} of {name}")
        for key in values
    }
    try:
        return DecoderCalibration(
            **{key: found if len(found) == 2 else found[0] for key, found in read.items()}
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _checked(values: Any, expected: set[str], what: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(f"{what} must be an object, got {type(values).__name__}")
    if differing := sorted(set(values) ^ expected):
        raise ValueError(
            f"{what} must have the keys {', '.join(sorted(expected))}; missing or unknown: "
            f"{', '.join(differing)}"
        )
    return dict(values)


def _numbers(value: Any, count: int, what: str) -> tuple[float, ...]:
    found = value if isinstance(value, list | tuple) else [value]
    plain = all(isinstance(one, int | float) and not isinstance(one, bool) for one in found)
    if len(found) != count or not (plain and all(map(math.isfinite, found))):
        raise ValueError(f"{what} must be {count} finite number{'s' * (count > 1)}, got {value!r}")
    return tuple(float(one) for one in found)


# Fitting ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a network found on annotated faces, by one decoder, and what it said of it.

    Attributes:
        errors: (B, N, 2) found minus annotated, pixels of the network's input; NaN where a landmark is
            not annotated.
        sigma: (B, N, 2) its own, uncorrected, in the same pixels.
        peak: (B, N) mean peak of the two vectors, in [0, 1].
        normaliser: (B,) what the errors of a face are divided by, in the same pixels.
    """

    errors: Errors
    sigma: Errors
    peak: Float[np.ndarray, "faces landmarks"]
    normaliser: Float[np.ndarray, "faces"]

    @property
    def annotated(self) -> Bool[np.ndarray, "faces landmarks"]:
        """(B, N), whether a landmark's error is known."""
        return np.isfinite(self.errors).all(axis=2)

    def relative(self) -> Float[np.ndarray, "faces landmarks"]:
        """(B, N) distance from the annotated place, in per cent of the normaliser."""
        return 100 * np.linalg.norm(self.errors, axis=2) / self.normaliser[:, None]


def fit(evidence: Evidence, radius: float = RADIUS) -> DecoderCalibration:
    """The correction of a decoder, from its errors on faces that the network was not trained on.

    Raises:
        ValueError: fewer than `ENOUGH` annotated landmarks, or a σ or peak that is not finite.
    """
    known = evidence.annotated
    if known.sum() < ENOUGH:
        raise ValueError(
            f"{known.sum()} annotated landmarks are too few to calibrate on; give at least {ENOUGH}"
        )
    errors, sigma, peak = evidence.errors[known], evidence.sigma[known], evidence.peak[known]
    axes = [fit_sigma(errors[:, axis], sigma[:, axis]) for axis in (0, 1)]
    scale, floor = zip(*axes, strict=True)
    offset, slope = fit_confidence(peak, evidence.relative()[known] <= radius)
    return DecoderCalibration(
        scale=_short(scale),
        floor=_short(floor),
        offset=round(offset, DIGITS),
        slope=round(slope, DIGITS),
    )


def _short(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(value, DIGITS) for value in values)


def fit_sigma(
    errors: Float[np.ndarray, "values"], sigma: Float[np.ndarray, "values"]
) -> tuple[float, float]:
    """a and b of √(a²σ² + b²), within which 68.3 % of the errors lie, wherever σ is.

    It is the quantile regression of log |error|: for a given ratio b/a the best a is a quantile of
    |error| / √(σ² + (b/a)²), and of 161 ratios the one with the least pinball loss is taken. In the
    logarithm a face that is hard in everything does not outweigh those that are easy.

    Args:
        errors: signed or not, in pixels.
        sigma: uncorrected, in the same pixels.

    Raises:
        ValueError: nothing to fit on, or values that are not finite.
    """
    if not (errors.size and np.isfinite(errors).all() and np.isfinite(sigma).all()):
        raise ValueError("errors and σ must be finite numbers, and some")
    size = np.sqrt(np.mean(sigma**2))
    if size == 0:
        return 1.0, float(np.quantile(np.abs(errors), INSIDE))
    away = np.log(np.abs(errors).clip(min=1e-6))  # an error of 0 has no logarithm
    best = (math.inf, 1.0, 0.0)
    for ratio in size * np.geomspace(1e-2, 1e2, 161):
        shape = np.log(np.hypot(sigma, ratio))
        log_scale = np.quantile(away - shape, INSIDE)
        residual = away - shape - log_scale
        loss = np.maximum(INSIDE * residual, (INSIDE - 1) * residual).mean()
        scale = math.exp(log_scale)
        best = min(best, (float(loss), scale, float(scale * ratio)))
    return best[1:]


def fit_confidence(
    peak: Float[np.ndarray, "values"], right: Bool[np.ndarray, "values"]
) -> tuple[float, float]:
    """Offset and slope of the logistic curve from a peak to the probability of being right.

    Logistic regression by Newton's method, on targets a little inside 0 and 1 (Platt 1999), so that it
    ends where all landmarks are right or a threshold parts them. A slope below 0 would call low peaks
    sure: then the curve is flat.

    Raises:
        ValueError: nothing to fit on, or values that are not finite.
    """
    if not (peak.size and np.isfinite(peak).all()):
        raise ValueError("peaks must be finite numbers, and some")
    hits = int(right.sum())
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (peak.size - hits + 2))
    flat = np.array([math.log(target.mean() / (1 - target.mean())), 0.0])
    spread = peak.std()
    if spread < 1e-9:
        return float(flat[0]), 0.0
    inputs = np.stack([np.ones_like(peak), (peak - peak.mean()) / spread])
    weights, loss = flat, _log_loss(flat, inputs, target)
    for _ in range(100):
        likely = logistic(weights @ inputs)
        gradient = inputs @ (target - likely)
        curvature = (inputs * likely * (1 - likely)) @ inputs.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (new := _log_loss(weights + step, inputs, target)) > loss and np.abs(
            step
        ).max() > 1e-9:
            step /= 2
        weights, loss = weights + step, new
        if np.abs(step).max() < 1e-9:
            break
    if weights[1] < 0:
        return float(flat[0]), 0.0
    slope = weights[1] / spread
    return float(weights[0] - slope * peak.mean()), float(slope)


def logistic(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e⁻ᵛ), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * values))


def _log_loss(weights: np.ndarray, inputs: np.ndarray, target: np.ndarray) -> float:
    values = weights @ inputs
    return float((np.logaddexp(0, values) - target * values).sum())


# How far it can be trusted ------------------------------------------------------------------------


def share_inside(errors: np.ndarray, sigma: np.ndarray, times: float = 1.0) -> float:
    """Share of the errors that lie within `times` σ, in [0, 1]; those that are NaN do not count.

    NaN where there are none, or no σ.
    """
    known = np.isfinite(errors) & np.isfinite(sigma)
    return (
        float((np.abs(errors[known]) <= times * sigma[known]).mean()) if known.any() else math.nan
    )
