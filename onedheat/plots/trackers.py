"""What was measured of trackers: against λ, against L, and stillness against lateness (notebook 07)."""

from collections.abc import Mapping

import numpy as np

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SMALL,
    VERMILLION,
    Figure,
    Seeds,
    draw_seeds,
    label,
    legend,
)
from onedheat.seed_results import Result
from onedheat.steadying import Comparison, Way

MEMORY, ALONE, COVERED = "with memory", "frame by frame", ", covered"
"""Names of looks, as `onedheat.atlas.make.measure_on_clips` gives them."""

LINES = (
    {"color": VERMILLION, "ls": "--", "marker": "s"},
    {"color": BLUE, "ls": "-", "marker": "o"},
    {"color": ORANGE, "ls": ":", "marker": "^"},
    {"color": PURPLE, "ls": "-.", "marker": "D"},
)


def against_decay(measured: Mapping[float, Result]) -> Figure:
    """NRMSE of covered landmarks and of all, and jitter, of trackers each trained with its own λ.

    Args:
        measured: λ → what was measured, of trackers around one detector.
    """
    figure = Figure(8.6, 3.5)
    panels = [figure.panel(left, 0.65, 2.05, 2.1) for left in (0.7, 3.55, 6.4)]
    any_of_them = next(iter(measured.values()))
    labels = float(np.mean(any_of_them.jitter["labels"]))
    asked = (
        ("covered landmarks", "NRMSE, %", "nrmse", COVERED),
        ("all landmarks", "NRMSE, %", "nrmse", ""),
        ("jitter of all landmarks", "jitter, %", "jitter", ""),
    )
    told = []
    for axes, (title, unit, kind, part) in zip(panels, asked, strict=True):
        seeds = {one: getattr(result, kind)[MEMORY + part] for one, result in measured.items()}
        alone = float(np.mean(getattr(any_of_them, kind)[ALONE + part]))
        draw_seeds(axes, seeds, ms=5.5, label="trackers", **LINES[1])
        axes.axhline(alone, color=VERMILLION, lw=1.8, ls="--", label="detector, frame by frame")
        axes.set_xticks(list(measured), [f"{one:g}" for one in measured])
        label(axes, "λ, retrained", unit)
        axes.set_title(title, fontsize=SMALL, color=INK, loc="left")
        axes.margins(y=0.2)
        means = ", ".join(f"λ {one:g} {np.mean(values):.2f}" for one, values in seeds.items())
        told.append(f"{title}: the detector {alone:.2f}, {means}")
    panels[2].axhline(labels, color=INK, lw=1.4, ls=":", label="the labels themselves")
    panels[2].set_ylim(bottom=0)
    handles, names = panels[2].get_legend_handles_labels()
    legend(figure, "upper left", handles, names, at=(0.06, 1.0), ncols=3)
    figure.alt = (
        "What trackers make of the same clips, each trained with its own λ, mean of the seeds, in per cent "
        f"of the inter-ocular distance. {'; '.join(told)}; the labels themselves {labels:.2f}."
    )
    return figure


def against_resolution(
    everywhere: Mapping[str, Mapping[int, Seeds]], covered: Mapping[str, Mapping[int, Seeds]]
) -> Figure:
    """NRMSE against L of detectors and trackers, 1D and 2D: of all landmarks, and of covered ones.

    Args:
        everywhere: name of a row → L → NRMSE of each seed, in per cent.
        covered: the same rows, of covered landmarks.
    """
    figure = Figure(8.6, 3.75)
    panels = [figure.panel(left, 0.65, 3.3, 2.1) for left in (0.75, 5.1)]
    told = []
    for axes, rows, title in zip(
        panels, (everywhere, covered), ("all landmarks", "covered landmarks"), strict=True
    ):
        for (name, row), style in zip(rows.items(), LINES, strict=False):
            draw_seeds(axes, row, ms=5.5, label=name, **style)
            means = ", ".join(f"L {bins} {np.mean(seeds):.2f}" for bins, seeds in row.items())
            told.append(f"{name}, {title}: {means}")
        bins = sorted({one for row in rows.values() for one in row})
        axes.set_xticks(bins, [str(one) for one in bins])
        axes.set_xlim(0, 1.05 * bins[-1])
        axes.margins(y=0.15)
        axes.set_title(title, fontsize=SMALL, color=INK, loc="left")
        label(axes, "L, bins an axis", "NRMSE, %")
    legend(figure, "upper left", *panels[0].get_legend_handles_labels(), at=(0.06, 1.0), ncols=2)
    figure.alt = f"NRMSE in per cent on the same clips against L. {'; '.join(told)}."
    return figure


KINDS = {
    "tracker": {"color": BLUE, "marker": "o"},
    "detector": {"color": VERMILLION, "marker": "s"},
    "moving average": {"color": ORANGE, "marker": "^"},
    "1€ filter": {"color": GREEN, "marker": "D"},
}
FLOW = "flow"  # beginning of its name


def still_and_late(comparison: Comparison) -> Figure:
    """Jitter and NRMSE of every way to steady landmarks, against how late it is.

    Optical flow is left out: where it loses the face, its lag says nothing.

    Args:
        comparison: of a tracker with its detector, filters and flow.
    """
    figure = Figure(8.6, 3.5)
    panels = [figure.panel(left, 0.65, 2.05, 2.1) for left in (0.7, 3.55, 6.4)]
    labels = comparison.ways[0].report.jitter_of_labels
    panels[0].axhline(labels, color=INK, lw=1.4, ls=":", label="the labels themselves")
    told = []
    for way in comparison.ways:
        if way.name.startswith(FLOW):
            continue
        report, kind = way.report, kind_of(way, comparison)
        values = (report.jitter, report.nrmse_hidden, report.nrmse)
        for axes, value in zip(panels, values, strict=True):
            known = axes.get_legend_handles_labels()[1]
            style = {"ms": 8, "mec": BLACK, "mew": 0.6, "ls": ""} | KINDS[kind]
            axes.plot([report.lag], [value], label=None if kind in known else kind, **style)
        told.append(
            f"{way.name}: {report.lag:.2f} frames late, jitter {values[0]:.2f}, NRMSE of covered "
            f"landmarks {values[1]:.2f}, of all {values[2]:.2f}"
        )
    for axes, title in zip(
        panels, ("jitter, all landmarks", "covered landmarks", "all landmarks"), strict=True
    ):
        label(axes, "lag, frames", "jitter, %" if axes is panels[0] else "NRMSE, %")
        axes.set_title(title, fontsize=SMALL, color=INK, loc="left")
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    legend(
        figure,
        "upper left",
        *panels[0].get_legend_handles_labels(),
        at=(0.04, 1.0),
        ncols=5,
        columnspacing=1.4,
    )
    figure.alt = (
        "How much landmarks shake and how far they are off, in per cent of the inter-ocular distance, "
        f"against the frames by which they are late; the labels' own jitter is {labels:.2f}. "
        f"{'; '.join(told)}."
    )
    return figure


def kind_of(way: Way, comparison: Comparison) -> str:
    """What sort of way it is, in a comparison of a tracker, which comes first."""
    if way.name.startswith("mean of"):
        return "moving average"
    if way.lag_at_rest is not None:
        return "1€ filter"
    return "tracker" if way is comparison.ways[0] else "detector"
