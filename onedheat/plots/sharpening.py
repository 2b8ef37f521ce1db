"""How the answer for one landmark sharpens while a network learns, and how runs compare (notebook 05)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from onedheat.heatmaps import render
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    HALO,
    INK,
    LARGE,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    label,
    legend,
    number,
)
from onedheat.plots.learning import MEAN_FACE
from onedheat.plots.maps import bin_centers

STYLES = (
    {"color": BLUE, "ls": "-", "marker": "o"},
    {"color": VERMILLION, "ls": "--", "marker": "s"},
    {"color": GREEN, "ls": "-.", "marker": "D"},
    {"color": ORANGE, "ls": ":", "marker": "^"},
    {"color": PURPLE, "ls": (0, (5, 1)), "marker": "v"},
    {"color": SKY, "ls": (0, (3, 1, 1, 1)), "marker": "P"},
)
CEILING = 150.0  # per cent; a curve that goes above leaves the panel


@dataclass(frozen=True, eq=False)
class Moment:
    """Where a run was at a validation, and what its network made of one face then.

    Attributes:
        images: faces seen until then.
        nrmse: of all validation faces, in per cent.
        landmarks: (N, 2) found on the one face, in pixels of the crop.
        x: (N, L), its x vectors in heights of a target: a perfect one peaks at 1.
        y: (N, L), its y vectors likewise.
    """

    images: int
    nrmse: float
    landmarks: Float[np.ndarray, "landmarks 2"]
    x: Float[np.ndarray, "landmarks bins"]
    y: Float[np.ndarray, "landmarks bins"]


Runs = Mapping[str, Sequence[Moment]]


class Sharpening(Figure):
    """A validation face and the two vectors of one of its landmarks, as a run learns; below it the
    curves of all runs.

    Args:
        view: the face; its landmarks are the true ones.
        runs: name → its moments on this face, in order.
        target_sigma: width of the target Gaussians in pixels of the crop.
        constant: NRMSE in per cent of the mean face, put into every box.
    """

    def __init__(self, view: FaceView, runs: Runs, target_sigma: float, constant: float):
        super().__init__(8.6, 6.7)
        self.view, self.runs, self.sigma = view, dict(runs), target_sigma
        self._build_face()
        panels = [self.panel(4.6, bottom, 3.85, 1.25) for bottom in (4.55, 2.65)]
        self._vectors = [
            self._build_vector(axes, axis) for axes, axis in zip(panels, "xy", strict=True)
        ]
        curves = self.panel(0.75, 0.6, 5.2, 1.4)
        draw_runs(curves, self.runs, constant)
        legend(curves, "upper left", at=(1.01, 1.1))
        self._here = curves.plot([], [], "o", ms=13, mfc="none", mec=INK, mew=1.8)[0]
        self._title = self.write(0.15, 6.4, "", size=LARGE, weight="bold")
        self._note = self.write(0.15, 6.12, "")
        self.moving = [
            self._ways, self._crosses, self._ring,
            *(artist for vector in self._vectors for artist in vector),
            self._here, self._title, self._note,
        ]  # fmt: skip
        self.move(next(iter(self.runs)), 0)

    def _build_face(self) -> None:
        axes = self.panel(0.15, 2.6, 3.4, 3.4)
        axes.set(xticks=[], yticks=[])
        self.view.show_on(axes)
        axes.plot(*self.view.landmarks.T, "o", ms=4, mfc="white", mec=BLACK, mew=0.6)
        self._ways = axes.add_collection(LineCollection([], colors="white", linewidths=1.2))
        self._crosses = axes.plot([], [], "X", ms=5.5, mfc=BLUE, mec="white", mew=0.5)[0]
        self._ring = axes.plot(
            [], [], "o", ms=16, mfc="none", mec=YELLOW, mew=2, path_effects=HALO
        )[0]
        self.write(0.15, 2.36, "white dot: truth · blue cross: found")

    def _build_vector(self, axes: Axes, axis: str) -> list:
        axes.set(xlim=(-0.5, self.view.size - 0.5), ylim=(-0.25, 1.25), yticks=[0, 1])
        label(axes, f"{axis}, pixels of the face", f"{axis} vector")
        target = axes.plot([], [], color=INK, lw=1.2, ls=":", label="target")[0]
        curve = axes.plot([], [], color=BLUE, lw=1.6, label="network")[0]
        if axis == "x":
            legend(axes, "lower right", at=(1.02, 0.95), ncols=2, borderpad=0.1)
        return [target, curve]

    def move(self, run: str, moment: int, landmark: int = 36) -> "Sharpening":
        """Chooses a run, one of its validations (the last where it had fewer), and the landmark."""
        view, moments = self.view, self.runs[run]
        now = moments[min(moment, len(moments) - 1)]
        self._crosses.set_data(*now.landmarks.T)
        self._ways.set_segments(np.stack([view.landmarks, now.landmarks], axis=1))
        self._ring.set_data(*view.landmarks[landmark][:, None])
        peaks = []
        for axis, (target, curve) in enumerate(self._vectors):
            vector = (now.x, now.y)[axis][landmark]
            at = bin_centers(view.size, len(vector))
            truth = torch.tensor(view.landmarks[landmark, axis])
            target.set_data(at, render(truth, view.size, len(vector), self.sigma).numpy())
            curve.set_data(at, vector)
            peaks.append(number(float(vector.max()), ".2f"))
        self._here.set_data([now.images], [min(now.nrmse, CEILING)])
        error = view.errors(now.landmarks).mean()
        name = view.name_of(landmark)
        self._title.set_text(
            f"{run}: after {now.images:,} faces, validation NRMSE {now.nrmse:.1f} %"
        )
        self._note.set_text(
            f"this face {error:.1f} %; landmark {landmark}, {name}: peaks {peaks[0]} along x, "
            f"{peaks[1]} along y"
        )
        self.alt = (
            f"{view.name}, a validation face, in the run {run} after {now.images:,} training faces: NRMSE "
            f"{error:.1f} per cent on this face, {now.nrmse:.1f} on all validation faces. Landmark "
            f"{landmark}, {name}: its vectors peak at {peaks[0]} of a target's height along x and "
            f"{peaks[1]} along y. Below, {_curves_in_words(self.runs)}."
        )
        return self


def compare_runs(runs: Runs, constant: float, title: str = "") -> Figure:
    """Validation NRMSE of several runs against the faces seen.

    Args:
        runs: name → its moments.
        constant: NRMSE in per cent of the mean face, put into every box.
        title: above the panel.
    """
    figure = Figure(8.6, 3.9)
    axes = figure.panel(0.75, 0.65, 5.4, 2.85)
    draw_runs(axes, runs, constant)
    legend(axes, "upper left", at=(1.01, 1.02))
    figure.write(0.15, 3.62, title, size=LARGE, weight="bold")
    figure.alt = (
        f"{title or 'Runs compared'}: validation NRMSE against the faces seen; the {MEAN_FACE} "
        f"has {constant:.1f} per cent. {_curves_in_words(runs).capitalize()}."
    )
    return figure


def draw_runs(axes: Axes, runs: Runs, constant: float) -> None:
    """NRMSE of each run against the faces seen, with a line where a constant answer would be."""
    for (name, moments), style in zip(runs.items(), STYLES, strict=False):
        axes.plot(
            [moment.images for moment in moments],
            [moment.nrmse for moment in moments],
            lw=1.8, ms=5, label=name, **style,
        )  # fmt: skip
    axes.axhline(constant, color=INK, lw=1.2, ls=":", label=MEAN_FACE)
    errors = [moment.nrmse for moments in runs.values() for moment in moments]
    finite = np.array([constant, *(error for error in errors if np.isfinite(error))])
    axes.set_yscale("log")
    axes.set_ylim(finite.min() / 1.2, min(finite.max() * 1.2, CEILING))
    ticks = [tick for tick in (2, 5, 10, 20, 50, 100) if finite.min() / 1.2 < tick < CEILING]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.set_ylim(finite.min() / 1.2, min(finite.max() * 1.2, CEILING))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    label(axes, "training faces seen", "NRMSE (%, log axis)")


def _curves_in_words(runs: Runs) -> str:
    return "; ".join(
        f"{name} goes from {moments[0].nrmse:.1f} per cent after {moments[0].images:,} faces to "
        f"{moments[-1].nrmse:.1f} after {moments[-1].images:,}"
        for name, moments in runs.items()
    )
