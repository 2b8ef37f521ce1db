"""How a run learns: its loss and its error on validation faces, as they fall; what its schedule does."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from onedheat.plots.figure import (
    BLUE,
    GREEN,
    INK,
    LARGE,
    SMALL,
    VERMILLION,
    Figure,
    label,
    legend,
)
from onedheat.presets import TrainConfig
from onedheat.training import Measured, ema_decay, learning_rate

MEAN_FACE = "mean face"
"""What the dotted line is called: the mean of the training landmarks, put into every face's box."""

LINES = (
    {"color": BLUE, "ls": "-"},
    {"color": VERMILLION, "ls": "--"},
    {"color": GREEN, "ls": "-."},
)


def learning_curves(
    rows: Sequence[Measured], title: str = "training", *, constant: float | None = None
) -> Figure:
    """Loss and validation NRMSE against the faces seen, on logarithmic axes: what matters late is
    small.

    Args:
        rows: of a run, see `onedheat.training.read_metrics`; before the first there is nothing to see.
        title: above the panels.
        constant: NRMSE in per cent of the mean face, for a dotted line: what needs no looking.
    """
    figure = Figure(8.6, 3.5, _in_words(rows, title, constant))
    figure.write(0.1, 3.2, title, size=LARGE, weight="bold")
    loss = figure.panel(0.8, 0.65, 3.3, 2.3)
    error = figure.panel(5.15, 0.65, 3.3, 2.3)
    images = [row.images for row in rows]
    _draw(loss, images, [row.loss for row in rows], VERMILLION, "s", "{:.3g}")
    _draw(error, images, [row.validation_nrmse for row in rows], BLUE, "o", "{:.2f} %", constant)
    label(loss, "faces seen", "training loss (log axis)")
    label(error, "faces seen", "validation NRMSE (%, log axis)")
    return figure


def _draw(
    axes: Axes,
    images: Sequence[int],
    values: Sequence[float],
    colour: str,
    marker: str,
    form: str,
    constant: float | None = None,
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    axes.set_yscale("log")
    axes.set_xlim(0, 1.18 * max(images, default=1))  # room for the newest value
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    shown = np.array([value for value in values if np.isfinite(value) and value > 0])
    if not len(shown):
        axes.set_yticks([])
        return
    if constant is not None:
        axes.axhline(constant, color=INK, lw=1.2, ls=":", label=MEAN_FACE)
        legend(axes, "lower left")
        shown = np.append(shown, constant)
    low, high = shown.min() / 1.15, shown.max() * 1.15
    axes.set_ylim(low, high)
    ticks = round_ticks(low, high)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.plot(images, values, color=colour, marker=marker, ms=4, lw=1.5)
    axes.annotate(
        form.format(values[-1]),
        (images[-1], values[-1]),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=SMALL,
        color=colour,
    )


def round_ticks(low: float, high: float) -> list[float]:
    """Round numbers for a logarithmic axis, at most six; of a span too short for them its two thirds."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        ticks = [float(f"{step * power:.6g}") for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if 2 <= len(ticks) <= 6:
            return ticks
    return [float(f"{tick:.3g}") for tick in np.geomspace(low, high, 4)[1:-1]]


def _in_words(rows: Sequence[Measured], title: str, constant: float | None) -> str:
    if not rows:
        return f"{title}: nothing has been measured yet."
    first, last = rows[0], rows[-1]
    best = min(rows, key=lambda row: row.validation_nrmse)
    return (
        f"{title}: {len(rows)} validations. The loss goes from {first.loss:.3g} after "
        f"{first.images:,} faces to {last.loss:.3g} after {last.images:,}, the validation NRMSE from "
        f"{first.validation_nrmse:.2f} to {last.validation_nrmse:.2f} per cent; the lowest is "
        f"{best.validation_nrmse:.2f} per cent after {best.images:,} faces."
        + (f" The {MEAN_FACE} has {constant:.1f} per cent." if constant is not None else "")
    )


def average_shares(step: int, config: TrainConfig) -> Float[np.ndarray, "steps"]:
    """How much of each step's weights the average holds after steps 0 to `step`; the sum is 1."""
    shares = np.ones(1)  # the first step is the average
    for now in range(1, step + 1):
        kept = ema_decay(now, config)
        shares = np.append(kept * shares, 1 - kept)
    return shares


def schedules(
    configs: Mapping[str, TrainConfig], steps: int, looked_at: Sequence[int] = (20, 100)
) -> Figure:
    """Two panels: the learning rate of each step, and which steps' weights the average holds.

    Args:
        configs: name → recipe; the average is the first one's.
        steps: of the run.
        looked_at: steps after which the average is looked at, besides the last.
    """
    figure = Figure(8.6, 3.7)
    rate, share = figure.panel(0.95, 0.65, 3.15, 2.5), figure.panel(5.3, 0.65, 3.15, 2.5)
    told = []
    for (name, config), style in zip(configs.items(), LINES, strict=False):
        rates = [learning_rate(step, steps, config) for step in range(steps)]
        rate.plot(rates, label=name, lw=1.8, **style)
        top = int(np.argmax(rates))
        told.append(f"{name}: highest at step {top}, {rates[top]:.2g}, {rates[-1]:.2g} at the end")
    label(rate, "step", "learning rate")
    rate.set_ylim(0, None)
    held = []
    config = next(iter(configs.values()))
    for step, style in zip((*looked_at, steps - 1), LINES, strict=False):
        shares = 100 * average_shares(step, config)
        share.plot(shares, label=f"after step {step}", lw=1.8, **style)
        newest = int((np.cumsum(shares[::-1]) < 50).sum()) + 1
        held.append(f"after step {step} half of it comes from the newest {newest} steps")
    share.set(yscale="log", ylim=(0.01, 100))
    share.set_yticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    share.minorticks_off()
    label(share, "step whose weights are averaged", "share of the average (%)")
    for axes, title in ((rate, "Learning rate"), (share, "What the average holds")):
        axes.set_title(title, fontsize=LARGE, color=INK, loc="left", weight="bold")
        legend(axes, "upper right", at=(1.0, 0.93))
    figure.alt = (
        f"Left, the learning rate over {steps} steps. {'; '.join(told)}. Right, which steps' weights the "
        f"averaged weights hold: {'; '.join(held)}."
    )
    return figure
