"""What training keeps in memory against the resolution L, at the paper's size."""

from collections.abc import Mapping

import numpy as np

from onedheat.plots.figure import INK, LARGE, ORANGE, SMALL, Figure, label, legend
from onedheat.plots.resolution import MIB, NAMES, STYLES

WAYS = {
    "1d": (NAMES["1D"], STYLES["1D"]),
    "2d_trunk": (NAMES["2D"], STYLES["2D"]),
    "2d_upsampled": (
        "2D, upsampled after the trunk",
        {"color": ORANGE, "linestyle": "-.", "marker": "^"},
    ),
}
CARD = 32  # GiB of the paper's GPU


def memory_by_resolution(
    saved: Mapping[str, Mapping[int, int]],
    theirs: Mapping[str, Mapping[int, float]],
) -> Figure:
    """What training keeps against L: counted here, and what the paper read off its GPU.

    Args:
        saved: ``"1d"``, ``"2d_trunk"``, ``"2d_upsampled"`` → L → bytes that autograd keeps of a face.
        theirs: ``"1D"``, ``"2D"`` → L → GiB of a GPU; NaN where they did not suffice.
    """
    figure = Figure(8.6, 3.85)
    ours = figure.panel(0.8, 0.65, 3.4, 2.7)
    for way, counted in saved.items():
        name, style = WAYS[way]
        ours.plot(
            list(counted),
            [one / MIB for one in counted.values()],
            lw=1.8,
            ms=6,
            label=name,
            **style,
        )
    ours.set(yscale="log", ylim=(200, 25000))
    ours.set_yticks([300, 1000, 3000, 10000], ["300", "1,000", "3,000", "10,000"])
    ours.minorticks_off()
    label(ours, "L, bins an axis", "MiB that autograd keeps, a face (log)")
    legend(ours, "upper right")

    paper = figure.panel(5.05, 0.65, 3.4, 2.7)
    told = []
    for kind, by_bins in theirs.items():
        fits = {bins: value for bins, value in by_bins.items() if np.isfinite(value)}
        paper.plot(list(fits), list(fits.values()), lw=1.8, ms=6, label=kind, **STYLES[kind])
        for bins in by_bins.keys() - fits.keys():
            paper.plot(bins, CARD, "x", ms=10, mew=2.5, color=STYLES[kind]["color"])
            paper.annotate(
                "out of memory", (bins, CARD), (9, -3), textcoords="offset points",
                fontsize=SMALL, color=INK, va="top",
            )  # fmt: skip
            told.append(f"{kind} at {bins} bins out of memory")
        told += [f"{kind} at {bins} bins {value:.2f} GiB" for bins, value in fits.items()]
    paper.axhline(CARD, color=INK, lw=1.2, ls=":")
    paper.set(ylim=(0, CARD * 1.12), yticks=[0, 8, 16, 24, 32])
    label(paper, "L, bins an axis", "GiB of the GPU, 10 faces")
    legend(paper, "center right")
    for axes in (ours, paper):
        axes.set(xlim=(0, 810), xticks=[64, 256, 512, 768])
    figure.write(0.8, 3.5, "Counted here: one face, float32", size=LARGE, weight="bold")
    figure.write(5.05, 3.5, "The paper's Table 1: GPU memory", size=LARGE, weight="bold")
    counted = "; ".join(
        f"{WAYS[way][0]} at {bins} bins {value / MIB:,.0f}"
        for way, by_bins in saved.items()
        for bins, value in by_bins.items()
    )
    figure.alt = (
        f"On the left MiB that autograd keeps of one face against L, on a logarithmic axis: {counted}. "
        f"On the right the paper's GPU memory for ten faces: {'; '.join(told)}."
    )
    return figure
