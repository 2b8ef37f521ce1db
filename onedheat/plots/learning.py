"""How a run learns: its loss and its error on validation faces, as they fall."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from onedheat.plots.figure import BLUE, LARGE, SMALL, VERMILLION, Figure, label
from onedheat.training import Measured


def learning_curves(rows: Sequence[Measured], title: str = "training") -> Figure:
    """Loss and validation NRMSE against the faces seen, on logarithmic axes: what matters late is
    small.

    Args:
        rows: of a run, see `onedheat.training.read_metrics`; before the first there is nothing to see.
        title: above the panels.
    """
    figure = Figure(8.6, 3.5, _in_words(rows, title))
    figure.write(0.1, 3.2, title, size=LARGE, weight="bold")
    loss = figure.panel(0.8, 0.65, 3.3, 2.3)
    error = figure.panel(5.15, 0.65, 3.3, 2.3)
    images = [row.images for row in rows]
    _draw(loss, images, [row.loss for row in rows], VERMILLION, "s", "{:.3g}")
    _draw(error, images, [row.validation_nrmse for row in rows], BLUE, "o", "{:.2f} %")
    label(loss, "faces seen", "training loss")
    label(error, "faces seen", "validation NRMSE (%)")
    return figure


def _draw(
    axes: Axes,
    images: Sequence[int],
    values: Sequence[float],
    colour: str,
    marker: str,
    form: str,
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
    low, high = shown.min() / 1.15, shown.max() * 1.15
    axes.set_ylim(low, high)
    ticks = [float(f"{tick:.2g}") for tick in np.geomspace(low, high, 6)[1:-1]]
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


def _in_words(rows: Sequence[Measured], title: str) -> str:
    if not rows:
        return f"{title}: nothing has been measured yet."
    first, last = rows[0], rows[-1]
    best = min(rows, key=lambda row: row.validation_nrmse)
    return (
        f"{title}: {len(rows)} validations. The loss goes from {first.loss:.3g} after "
        f"{first.images:,} faces to {last.loss:.3g} after {last.images:,}, the validation NRMSE from "
        f"{first.validation_nrmse:.2f} to {last.validation_nrmse:.2f} per cent; the lowest is "
        f"{best.validation_nrmse:.2f} per cent after {best.images:,} faces."
    )
