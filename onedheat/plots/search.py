"""What cross-validation found: the error of every value, and how much worse each is than the best."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from onedheat.crossval.measures import COMPARED
from onedheat.crossval.results import Difference, Results
from onedheat.crossval.search import Number
from onedheat.plots.figure import BLUE, INK, LARGE, PALE, VERMILLION, Figure, label

SYMBOLS = {"gamma": "γ", "decay": "λ"}
"""How the paper calls a setting."""

LABELS = {
    "nrmse": ("NRMSE (%), mean ± s.e. of folds", "worse than the best (points of NRMSE)"),
    "nrmse_hidden": ("NRMSE of hidden points (%) ± s.e.", "worse than the best (points of NRMSE)"),
    "jitter": ("jitter (%), mean ± s.e. of folds", "above the steadiest (points of jitter)"),
}
"""Of the axes of means and of differences, by the figure that values are compared by."""

WIDE = 20
"""How many times the smallest value the largest is, where the axis is better logarithmic."""


def search_curve(results: Results) -> Figure:
    """NRMSE against the searched value, with its standard error over folds (as Fig. 3, which has none),
    and beside it the difference from the best value fold by fold, in which it does not matter that some
    folds are harder than others.

    Args:
        results: of a search; it may still go on. Those `by` another figure are drawn by that.
    """
    of_errors, of_apart = LABELS[results.measure]
    name = SYMBOLS.get(results.setting, results.setting)
    figure = Figure(8.6, 3.85, _in_words(results, name))
    title = f"{name} by {results.folds} folds of {results.data}"
    figure.write(0.8, 3.55, title, size=LARGE, weight="bold")
    errors = figure.panel(0.8, 0.65, 3.3, 2.5)
    apart = figure.panel(5.15, 0.65, 3.3, 2.5)
    measured = [value for value in results.values if results.mean(value) is not None]
    _draw(
        errors,
        measured,
        [results.mean(value) for value in measured],
        [results.standard_error(value) for value in measured],
        results.best,
    )
    label(errors, name, of_errors)
    if results.measure == "jitter":
        _draw_jitter_of_labels(errors, results.by("jitter_of_labels"))
    differences = sorted(_with_best(results), key=lambda one: one.value)
    apart.axhline(0, color=INK, lw=1.0, ls=":")
    _draw(
        apart,
        [one.value for one in differences],
        [one.mean for one in differences],
        [one.standard_error for one in differences],
        results.best,
    )
    label(apart, name, of_apart)
    for axes in (errors, apart):
        _tick(axes, results.values)
    return figure


def _with_best(results: Results) -> list[Difference]:
    """The differences from the best, its own among them, which is nothing."""
    best = results.best
    if best is None:
        return []
    own = Difference(best, best, 0.0, None, len(results.by_fold(best)))
    return [*results.differences(), own]


def _draw(
    axes: Axes,
    values: Sequence[Number],
    means: Sequence[float],
    errors: Sequence[float | None],
    best: Number | None,
) -> None:
    """Means with their error bars, the best one as a star."""
    bars = [error or 0.0 for error in errors]
    axes.errorbar(
        values, means, bars, color=BLUE, marker="o", ms=5, lw=1.5, capsize=3, ecolor=PALE, zorder=2
    )
    if best in values:
        where = list(values).index(best)
        axes.plot(values[where], means[where], "*", ms=14, color=VERMILLION, zorder=3)


def _draw_jitter_of_labels(axes: Axes, results: Results) -> None:
    """How much the labels shake: what faces really do is in both."""
    of_values = (results.mean(value) for value in results.values)
    known = next((mean for mean in of_values if mean is not None), None)
    if known is None:
        return
    axes.axhline(known, color=INK, lw=1.2, ls="--")
    across = axes.get_yaxis_transform()
    how = {"xycoords": across, "textcoords": "offset points", "ha": "left"}
    axes.annotate("labels", (0.01, known), (0, 3), **how)


def _tick(axes: Axes, values: Sequence[Number]) -> None:
    """Ticks at the values that were searched, as many as have room."""
    if values[0] > 0 and values[-1] / values[0] > WIDE:
        axes.set_xscale("log")
        axes.minorticks_off()
        room = (values[-1] / values[0]) ** 0.06
        axes.set_xlim(values[0] / room, values[-1] * room)
    else:
        room = 0.06 * (values[-1] - values[0]) or 0.5 * abs(values[0]) or 0.5
        axes.set_xlim(values[0] - room, values[-1] + room)
    step = max(1, -(-len(values) // 6))
    shown = list(values)[::step]
    axes.set_xticks(shown, [f"{value:g}" for value in shown])


def _in_words(results: Results, name: str) -> str:
    def said(value: Number) -> str:
        spread = results.standard_error(value)
        bar = "" if spread is None else f" ± {spread:.2f}"
        return f"{value:g} {results.mean(value):.2f}{bar}"

    measure = COMPARED[results.measure]
    measured = [value for value in results.values if results.mean(value) is not None]
    apart = [
        f"{one.value:g} {one.mean:.2f}"
        + ("" if one.standard_error is None else f" ± {one.standard_error:.2f}")
        for one in sorted(results.differences(), key=lambda one: one.value)
    ]
    beside = (
        f" On the right how much {measure.worse} than {name} {results.best:g} on the same folds, in "
        f"points: {', '.join(apart)}."
        if apart
        else ""
    )
    if not measured:
        soon = "" if results.complete else " yet"
        return f"{name} by {results.folds} folds: nothing has been measured{soon}."
    what = measure.name[:1].upper() + measure.name[1:]
    return (
        f"{what} in per cent against {name}, mean and standard error over up to {results.folds} folds of "
        f"{results.data}: {', '.join(map(said, measured))}.{beside} {results.verdict()}"
    )
