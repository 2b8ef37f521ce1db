"""Whether a network is as wrong as it says: σ and confidence held against the errors that were made."""

import math

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from onedheat.calibration import INSIDE, DecoderCalibration, Evidence, share_inside
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    LARGE,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    Figure,
    label,
)

BINS = 10  # of equally many coordinates or landmarks
WIDTH, HEIGHT, SIDE = 12.0, 4.2, 3.0  # inches
TIMES = np.linspace(0, 3, 61)
Values = Float[np.ndarray, "values"]
Binned = tuple[Float[np.ndarray, "bins"], Float[np.ndarray, "bins"]]


def reliability(
    evidence: Evidence, calibration: DecoderCalibration, radius: float, *, name: str
) -> Figure:
    """Three panels: share of the errors within k·σ; error against σ; share right against confidence.

    Args:
        evidence: of faces that neither the network nor its calibration was fitted on.
        calibration: of the decoder that the evidence is of.
        radius: within how many per cent of the normaliser a landmark is right, as the calibration says.
        name: whose errors these are, and on which faces, for the heading.
    """
    known = evidence.annotated
    errors, raw = evidence.errors[known], evidence.sigma[known]
    corrected = calibration.correct(raw)
    peak, right = evidence.peak[known], evidence.relative()[known] <= radius
    confidence = calibration.confidence(peak)
    figure = Figure(WIDTH, HEIGHT)
    figure.write(0.2, HEIGHT - 0.32, name, size=LARGE, weight="bold")
    panels = [figure.panel(0.75 + i * 3.95, 0.65, SIDE, SIDE) for i in range(3)]
    _draw_shares(panels[0], errors, raw, corrected)
    _draw_errors(panels[1], errors, raw, corrected)
    _draw_confidence(panels[2], peak, confidence, right, radius)
    one, two = (100 * share_inside(errors, corrected, k) for k in (1, 2))
    before, before_two = (100 * share_inside(errors, raw, k) for k in (1, 2))
    figure.alt = (
        f"{name}: {known.sum():,} landmarks. Within one calibrated σ lie {one:.0f} % of the errors, "
        f"within two {two:.0f} %; a Gaussian has 68 and 95. Uncalibrated it is {before:.0f} and "
        f"{before_two:.0f} %. From the smallest tenth of σ to the largest, {_span(errors, corrected)}. "
        f"A mean confidence of {confidence.mean():.2f} stands against {100 * right.mean():.0f} % of the "
        f"landmarks within {radius:g} % of the normalising distance; bins of equal size are off by "
        f"{_gap(confidence, right):.3f} on average, the peak itself by {_gap(peak, right):.3f}."
    )
    return figure


def _draw_shares(axes: Axes, errors: np.ndarray, raw: np.ndarray, corrected: np.ndarray) -> None:
    """Share of the errors within k·σ against that of a Gaussian, along each axis."""
    gaussian = [100 * math.erf(k / math.sqrt(2)) for k in TIMES]
    axes.plot(TIMES, gaussian, color=BLACK, lw=1.5, label="Gaussian")
    lines = [
        ("x, calibrated", corrected, 0, BLUE, "-", "o"),
        ("y, calibrated", corrected, 1, VERMILLION, "--", "s"),
        ("x, as given", raw, 0, SKY, ":", "^"),
        ("y, as given", raw, 1, ORANGE, "-.", "v"),
    ]
    for name, sigma, axis, colour, line, marker in lines:
        shares = [100 * share_inside(errors[:, axis], sigma[:, axis], k) for k in TIMES]
        style = {"color": colour, "ls": line, "marker": marker, "markevery": 10, "ms": 5}
        axes.plot(TIMES, shares, **style, label=name)
    axes.set(xlim=(0, 3), ylim=(0, 102))
    label(axes, "k", "errors within k·σ, per cent")
    axes.legend(loc="lower right", fontsize=SMALL, frameon=False)


def _draw_errors(axes: Axes, errors: np.ndarray, raw: np.ndarray, corrected: np.ndarray) -> None:
    """In bins of equally many coordinates, the distance within which 68 % of the errors lie."""
    lines = [
        ("x, calibrated", errors[:, 0], corrected[:, 0], BLUE, "-", "o"),
        ("y, calibrated", errors[:, 1], corrected[:, 1], VERMILLION, "--", "s"),
        ("both, as given", errors.ravel(), raw.ravel(), SKY, ":", "^"),
    ]
    shown = []
    for name, error, sigma, colour, line, marker in lines:
        said, found = binned_errors(error, sigma)
        drawn = (said > 0.05) & (found > 0)  # a σ of 0 has no place on a logarithmic axis
        style = {"color": colour, "ls": line, "marker": marker, "ms": 5}
        axes.plot(said[drawn], found[drawn], **style, label=name)
        shown += [said[drawn], found[drawn]]
    values = np.concatenate(shown)
    ends = (values.min() / 1.25, values.max() * 1.25)
    axes.plot(ends, ends, color=BLACK, lw=1.5, label="as said")
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if ends[0] <= t <= ends[1]]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    label(axes, "σ, pixels of the network's input", "68 % of the errors within, pixels")
    axes.legend(loc="upper left", fontsize=SMALL, frameon=False)


def _draw_confidence(
    axes: Axes, peak: np.ndarray, confidence: np.ndarray, right: np.ndarray, radius: float
) -> None:
    """In bins of equally many landmarks, the share that is right."""
    axes.plot([0, 1], [0, 1], color=BLACK, lw=1.5, label="as said")
    for name, said, colour, line, marker in [
        ("calibrated", confidence, GREEN, "-", "o"),
        ("mean peak", peak, PURPLE, ":", "^"),
    ]:
        means, shares = binned_means(said, right)
        axes.plot(means, shares, color=colour, ls=line, marker=marker, ms=5, label=name)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02))
    label(axes, "confidence", f"share within {radius:g} % of the normaliser")
    axes.legend(loc="upper left", fontsize=SMALL, frameon=False)


def binned_errors(errors: Values, sigma: Values) -> Binned:
    """Median σ and 68 % quantile of |error|, in bins of rising σ with equally many coordinates."""
    parts = np.array_split(np.argsort(sigma, kind="stable"), BINS)
    said = np.array([np.median(sigma[part]) for part in parts])
    return said, np.array([np.quantile(np.abs(errors[part]), INSIDE) for part in parts])


def binned_means(said: Values, right: np.ndarray) -> Binned:
    """Mean of what was said and share that is right, in bins of equally many landmarks."""
    parts = np.array_split(np.argsort(said, kind="stable"), BINS)
    return (
        np.array([said[part].mean() for part in parts]),
        np.array([right[part].mean() for part in parts]),
    )


def _gap(said: np.ndarray, right: np.ndarray) -> float:
    means, shares = binned_means(said, right)
    return float(np.abs(means - shares).mean())


def _span(errors: np.ndarray, sigma: np.ndarray) -> str:
    said, found = binned_errors(errors.ravel(), sigma.ravel())
    return (
        f"σ rises from {said[0]:.1f} to {said[-1]:.1f} pixels of the network's input and the distance "
        f"within which 68 % of the errors lie from {found[0]:.1f} to {found[-1]:.1f}"
    )
