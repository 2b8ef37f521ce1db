"""What each change of a recipe is worth: how far its NRMSE lies from that of the recipe unchanged."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from onedheat.plots.figure import BLUE, GRID, INK, PALE, VERMILLION, Figure, Seeds, label, number
from onedheat.studies import beyond_chance, standard_error

ROW = 0.31  # inches


def worth(
    parts: Mapping[str, Mapping[str, Seeds]], *, scatter: float | None, measured_on: str
) -> Figure:
    """NRMSE with a change minus that without it, mean of the seeds: part by part, the best first.

    Only what lies beyond chance has a colour; what harms is hatched, too.

    Args:
        parts: part of the recipe → what is changed → of each seed, in points of NRMSE; below 0 it helps.
        scatter: by how much one seed differs from another, as `onedheat.studies.scatter` says.
        measured_on: which faces, for the axis.

    Raises:
        ValueError: no changes.
    """
    if not any(parts.values()):
        raise ValueError("there is no change to draw; give at least one")
    rows = sum(1 + len(changes) for changes in parts.values())
    figure = Figure(8.6, 1.05 + ROW * rows)
    axes = figure.panel(2.75, 0.6, 5.65, ROW * rows)
    axes.axvline(0, color=INK, lw=1.2, ls=":", zorder=1)
    if scatter is not None:
        axes.axvspan(-scatter, scatter, color=GRID, zorder=0)
    told, places, row = [], [], 0
    for part, changes in parts.items():
        axes.text(-0.01, row, part, weight="bold", ha="right", va="center", **_beside(axes))
        said = []
        for name, seeds in sorted(changes.items(), key=lambda change: float(np.mean(change[1]))):
            row += 1
            places.append((row, name))
            _bar(axes, row, seeds, believed=beyond_chance(seeds, scatter))
            said.append(f"{name} {_in_words(seeds)}")
        told.append(f"{part}: {', '.join(said)}")
        row += 1
    axes.set_yticks(*zip(*places, strict=True))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(rows - 0.5, -0.6)
    axes.margins(x=0.15)
    label(axes, f"difference of NRMSE on {measured_on}, points (left of 0 is better)", "")
    axes.grid(False, axis="y")
    key = "bar: mean of the seeds, with its standard error where there are two; no colour: "
    key += "one seed, chance unknown" if scatter is None else "one seed, or within chance (band)"
    figure.write(0.2, 0.75 + ROW * rows, key)
    chance = "" if scatter is None else f" One seed differs from another by {scatter:.2f}."
    figure.alt = (
        f"Difference of NRMSE on {measured_on} that each change makes, in points, mean of the seeds; "
        f"of each part the best first.{chance} {'; '.join(told)}."
    )
    return figure


def _bar(axes: Axes, row: int, seeds: Seeds, *, believed: bool) -> None:
    mean, error = float(np.mean(seeds)), standard_error(seeds)
    helps = mean < 0
    colour = PALE if not believed else BLUE if helps else VERMILLION
    hatch = "//" if believed and not helps else None
    axes.barh(row, mean, 0.62, color=colour, alpha=0.75, hatch=hatch, ec=INK, lw=0.6)
    if error is not None:
        axes.errorbar(mean, row, xerr=error, color=INK, lw=1.4, capsize=3.5, zorder=3)
    axes.annotate(
        number(mean, "+.2f"),
        (mean - (error or 0) if helps else mean + (error or 0), row),
        xytext=(-6 if helps else 6, 0),
        textcoords="offset points",
        ha="right" if helps else "left",
        va="center",
        fontsize=10,
        color=INK,
        weight="bold" if believed else "normal",
    )


def _in_words(seeds: Seeds) -> str:
    mean, error = float(np.mean(seeds)), standard_error(seeds)
    return f"{mean:+.2f}" + (" (one seed)" if error is None else f" ± {error:.2f}")


def _beside(axes: Axes) -> dict:
    return {"transform": axes.get_yaxis_transform(), "fontsize": 10, "color": INK}
