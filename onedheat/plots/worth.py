"""What each change of a recipe is worth: how far its NRMSE lies from that of the recipe unchanged."""

from collections.abc import Mapping, Sequence

import numpy as np

from onedheat.plots.figure import BLUE, INK, PALE, VERMILLION, Figure, label

ROW = 0.34  # inches


def worth(differences: Mapping[str, Sequence[float]], *, measured_on: str) -> Figure:
    """NRMSE with a change minus that without it: each seed as a dot, their mean as a bar; best on top.

    Only where all seeds lie on one side of nothing does their mean have a colour.

    Args:
        differences: name of the change → of each seed, in points of NRMSE; below 0 it helps.
        measured_on: which faces, for the axis.

    Raises:
        ValueError: no changes.
    """
    if not differences:
        raise ValueError("there is no change to draw; give at least one")
    ordered = sorted(differences.items(), key=lambda item: float(np.mean(item[1])))
    figure = Figure(8.6, 0.85 + ROW * len(ordered))
    axes = figure.panel(2.65, 0.65, 5.75, ROW * len(ordered))
    axes.axvline(0, color=INK, lw=1.2, ls=":", zorder=1)
    told = []
    for place, (name, seeds) in enumerate(ordered):
        values = np.array(seeds)
        mean, spread = float(values.mean()), (float(values.min()), float(values.max()))
        helps, harms = spread[1] < 0, spread[0] > 0
        colour = BLUE if helps else VERMILLION if harms else PALE
        hatch = "//" if harms else None
        axes.barh(place, mean, 0.56, color=colour, alpha=0.75, hatch=hatch, ec=INK, lw=0.6)
        axes.plot(values, [place] * len(values), "o", color=INK, ms=4.5, zorder=3)
        told.append(f"{name} {mean:+.2f} ({spread[0]:+.2f} to {spread[1]:+.2f})")
    axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    axes.set_ylim(len(ordered) - 0.5, -0.5)
    label(axes, f"difference of NRMSE on {measured_on}, points (left of 0 is better)", "")
    count = len(ordered[0][1])
    figure.alt = (
        f"Difference of NRMSE on {measured_on} that each change makes, in points, mean of {count} seeds "
        f"and from the least to the most of them; the best first. {'; '.join(told)}."
    )
    return figure
