"""Errors of many faces: their cumulative distribution, and how sure their mean is."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.patches import Polygon

from onedheat.metrics import auc, ced, failure_rate, resampled_means
from onedheat.plots.figure import (
    BLUE,
    GREEN,
    INK,
    LARGE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Figure,
    label,
    legend,
    number,
    tint,
)

PAIRED = "paired difference"
MOST = 15.0  # per cent, where the axis of errors ends
STEPS = np.linspace(0, MOST, 301)
READINGS = {
    "argmax": ("o", INK),
    "quarter": ("v", VERMILLION),
    "fhr": ("^", PURPLE),
    "centroid": ("D", GREEN),
    "dark": ("s", BLUE),
    "expectation": ("p", ORANGE),
    "regression": ("X", SKY),
}
"""How each way to read landmarks is drawn, from the top of a row down."""

Errors = Float[np.ndarray, "faces"]


class CedView(Figure):
    """The CED of two measurements, and what NRMSE, AUC and failure rate make of them at a threshold.

    Args:
        measured: name → error of each face in per cent; infinite where it was missed.
    """

    ROWS = ("NRMSE, faces found", "median, all faces", "AUC", "failures", "missed")

    def __init__(self, measured: Mapping[str, Errors]):
        super().__init__(8.6, 4.3)
        self.measured = dict(measured)
        self._curves = {name: ced(errors, STEPS) for name, errors in self.measured.items()}
        axes = self.panel(0.75, 0.65, 4.5, 3.0)
        axes.set(xlim=(0, MOST), ylim=(0, 1.02), xticks=range(0, 16, 2))
        label(axes, "error of a face, % of the normaliser", "share of faces up to it")
        styles = ((BLUE, "-"), (VERMILLION, "--"))
        self._areas = [
            axes.add_patch(Polygon([(0, 0)], closed=True, fc=tint(colour, 0.13), ec="none"))
            for colour, _ in styles
        ]
        self._lines = [
            axes.plot([], [], color=colour, ls=line, lw=2.2)[0] for colour, line in styles
        ]
        self._threshold = axes.axvline(8, color=INK, lw=1.4, ls=":")
        self._title = self.write(0.15, 3.95, "", size=LARGE, weight="bold")
        self._names = [
            self.write(5.45, 3.45 - 0.26 * row, "", color=colour, weight="bold")
            for row, (colour, _) in enumerate(styles)
        ]
        for row, name in enumerate(self.ROWS):
            self.write(5.45, 2.6 - 0.4 * row, name)
        self._values = [
            [
                self.write(7.6 + 0.85 * column, 2.6 - 0.4 * row, "", color=colour, ha="right")
                for row in range(len(self.ROWS))
            ]
            for column, (colour, _) in enumerate(styles)
        ]
        self.moving = [
            *self._areas, *self._lines, self._threshold, self._title, *self._names,
            *(value for column in self._values for value in column),
        ]  # fmt: skip
        first, *others = self.measured
        self.move(8, first, others[0] if others else first)

    def move(self, threshold: float, first: str, second: str) -> "CedView":
        """Chooses the threshold in per cent and two measurements."""
        told, threshold = [], float(threshold)
        for column, name in enumerate((first, second)):
            errors, curve = self.measured[name], self._curves[name]
            self._lines[column].set_data(STEPS, curve)
            below = threshold >= STEPS
            edge = [
                (threshold, ced(errors, np.array([threshold]))[0]),
                (threshold, 0.0),
                (0.0, 0.0),
            ]
            self._areas[column].set_xy([*zip(STEPS[below], curve[below], strict=True), *edge])
            line = "solid" if column == 0 else "dashed"
            self._names[column].set_text(f"{line}: {name}")
            values = self._sums(errors, threshold)
            for text, value in zip(self._values[column], values, strict=True):
                text.set_text(value)
            said = ", ".join(f"{row} {v}" for row, v in zip(self.ROWS, values, strict=True))
            told.append(f"{name}: {said}")
        self._threshold.set_xdata([threshold, threshold])
        gap = self._auc(first, threshold) - self._auc(second, threshold)
        self._title.set_text(f"threshold {threshold:g} %: AUC differs by {abs(gap):.3f}")
        self.alt = (
            f"Share of faces with an error up to each value, for two measurements, with the area up to "
            f"{threshold:g} per cent shaded. {'; '.join(told)}."
        )
        return self

    def _auc(self, name: str, threshold: float) -> float:
        return auc(self.measured[name], threshold)

    def _sums(self, errors: Errors, threshold: float) -> list[str]:
        found = errors[np.isfinite(errors)]
        return [
            f"{found.mean():.2f} %",
            f"{np.median(errors):.2f} %",
            f"{auc(errors, threshold):.3f}",
            f"{failure_rate(errors, threshold):.1f} %",
            f"{len(errors) - len(found)}",
        ]


def middle(means: Float[np.ndarray, "draws"], share: float = 0.95) -> tuple[float, float]:
    """Ends of the middle share of resampled means: a confidence interval."""
    low, high = np.quantile(means, ((1 - share) / 2, (1 + share) / 2))
    return float(low), float(high)


class Resampled(Figure):
    """How far the NRMSE of two measurements of the same faces would scatter over test sets of a size,
    and how far their difference would, face by face.

    Args:
        first: name and error of each face in per cent.
        second: the same of another measurement.
        counts: sizes of test sets.
        draws: of each.
    """

    def __init__(
        self,
        first: tuple[str, Errors],
        second: tuple[str, Errors],
        counts: Sequence[int],
        draws: int = 2000,
    ):
        super().__init__(8.6, 4.0)
        self.names, self.errors = (first[0], second[0]), first[1]
        rows = (first[1], second[1], second[1] - first[1])
        self.means = {
            count: [resampled_means(row, draws, count=count) for row in rows] for count in counts
        }
        self._build([float(row.mean()) for row in rows])
        self.moving = [*self._shapes, *self._bars, self._title, *self._notes]
        self.move(max(counts))

    def _build(self, centers: Sequence[float]) -> None:
        widest = self.means[min(self.means)]
        away = 1.05 * max(abs(one - m).max() for one, m in zip(widest, centers, strict=True))
        middle_of_both = (centers[0] + centers[1]) / 2
        both = self.panel(0.4, 0.65, 3.7, 2.3)
        apart = self.panel(4.6, 0.65, 3.7, 2.3)
        both.set(xlim=(middle_of_both - away, middle_of_both + away))
        apart.set(xlim=(-away, away))  # the same scale, so that widths can be compared
        for axes in (both, apart):
            axes.set(ylim=(-0.24, 1.08), yticks=[])
        label(both, "NRMSE of a test set, %", "")
        label(apart, f"{self.names[1]} − {self.names[0]}, points of NRMSE", "")
        apart.axvline(0, color=INK, lw=1.4, ls=":")
        panels, colours = (both, both, apart), (BLUE, VERMILLION, GREEN)
        lines = ("-", "--", "-")
        self._shapes = [
            axes.add_patch(Polygon([(0, 0)], fc=tint(colour, 0.2), ec=colour, lw=1.8, ls=line))
            for axes, colour, line in zip(panels, colours, lines, strict=True)
        ]
        self._bars = [
            axes.plot([], [], color=colour, lw=3, marker="|", ms=10, mew=2)[0]
            for axes, colour in zip(panels, colours, strict=True)
        ]
        self._title = self.write(0.15, 3.68, "", size=LARGE, weight="bold")
        self._notes = [
            self.write(left, bottom, "", color=colour, weight="bold")
            for left, bottom, colour in (
                (0.4, 3.33, BLUE), (0.4, 3.07, VERMILLION), (4.6, 3.33, GREEN)
            )
        ]  # fmt: skip

    def move(self, count: int) -> "Resampled":
        """Chooses the size of the test set."""
        told, bars = [], (-0.08, -0.17, -0.12)
        for shape, bar, level, means in zip(
            self._shapes, self._bars, bars, self.means[count], strict=True
        ):
            heights, edges = np.histogram(means, bins=30)
            outline = np.repeat(edges, 2), np.concatenate([[0], np.repeat(heights, 2), [0]])
            shape.set_xy(np.stack([outline[0], outline[1] / heights.max()], axis=1))
            low, high = middle(means)
            bar.set_data([low, high], [level, level])
            told.append((low, high))
        for text, name, ends in zip(self._notes, (*self.names, PAIRED), told, strict=True):
            low, high = (number(end, ".3f" if name == PAIRED else ".2f") for end in ends)
            text.set_text(f"{name}: 95 % from {low} to {high}")
        clear = told[2][0] > 0 or told[2][1] < 0
        verdict = "clear of 0" if clear else "not clear of 0"
        measured = len(self.errors)
        known = "" if count <= measured else f", if these {measured} were all there is"
        self._title.set_text(f"test sets of {count} faces: the difference is {verdict}{known}")
        first, second = self.names
        apart = [number(end, ".3f") for end in told[2]]
        self.alt = (
            f"How the NRMSE of test sets of {count} faces scatters. 95 per cent lie from "
            f"{told[0][0]:.2f} to {told[0][1]:.2f} for {first} and from {told[1][0]:.2f} to "
            f"{told[1][1]:.2f} for {second}; their difference, face by face, from {apart[0]} to "
            f"{apart[1]} points, {verdict}{known}."
        )
        return self


def decoders_compared(
    rows: Mapping[str, Mapping[str, Sequence[float]]], *, measured_on: str
) -> Figure:
    """NRMSE of trained networks by how they are read, with a bar from the least to the most of the seeds.

    Args:
        rows: network → decoder → NRMSE in per cent of each seed.
        measured_on: which faces, for the axis.
    """
    figure = Figure(8.6, 0.95 + 0.52 * len(rows))
    axes = figure.panel(1.5, 0.65, 5.3, 0.52 * len(rows))
    told, named = [], set()
    for place, (network, decoders) in enumerate(rows.items()):
        for step, decoder in enumerate(name for name in READINGS if name in decoders):
            (marker, colour), seeds = READINGS[decoder], np.array(decoders[decoder])
            mean, shift = seeds.mean(), 0.13 * (step - (len(decoders) - 1) / 2)
            ends = [[mean - seeds.min()], [seeds.max() - mean]]
            axes.errorbar(
                [mean], [place + shift], xerr=ends, fmt=marker, color=colour, ms=6.5,
                mec=INK, mew=0.6, lw=1.6, capsize=3, label=None if decoder in named else decoder,
            )  # fmt: skip
            named.add(decoder)
        means = ", ".join(f"{decoder} {np.mean(seeds):.2f}" for decoder, seeds in decoders.items())
        told.append(f"{network}: {means}")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(ylim=(len(rows) - 0.5, -0.5))
    label(axes, f"NRMSE on {measured_on}, % (bar: from the best to the worst seed)", "")
    legend(axes, "upper left", at=(1.01, 1.02))
    figure.alt = (
        f"NRMSE on {measured_on} in per cent of networks trained alike, by how they are read, mean of "
        f"the seeds. {'; '.join(told)}."
    )
    return figure
