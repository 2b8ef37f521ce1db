"""What a grid of L bins does to a face: snapped landmarks, E of Eq. 5, error floors, memory."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from onedheat.heatmaps import Frame, bin_to_coordinate, quantize
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GROUND,
    HALO,
    INK,
    LARGE,
    ORANGE,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    label,
    legend,
)

MEAN_TO_CORNER = (math.sqrt(2) + math.asinh(1)) / 3
"""Mean distance from a corner of the unit square to a point anywhere in it: 0.7652."""

FRAMES: dict[str, Frame] = {"left edge": "paper", "centre": "centre"}
"""How a bin is read → the frame of `onedheat.heatmaps` that reads it so."""

STYLES = {
    "left edge": {"color": VERMILLION, "linestyle": "-", "marker": "o"},
    "centre": {"color": BLUE, "linestyle": "--", "marker": "s"},
}


def snap(
    points: Float[np.ndarray, "*batch 2"], size: int, bins: int, rule: str = "left edge"
) -> Float[np.ndarray, "*batch 2"]:
    """What Eq. 3 and a way of reading a bin leave of points, in pixel-centre coordinates.

    The paper's own frame counts from the left edge of the picture, half a pixel before the centre of
    its first pixel; points are moved there and back.

    Args:
        points: (…, 2) in pixels.
        size: F.
        bins: L.
        rule: ``"left edge"`` (Eq. 4) or ``"centre"``.
    """
    index = quantize(torch.from_numpy(np.ascontiguousarray(points)) + 0.5, size, bins).double()
    back = -0.5 if rule == "left edge" else 0.0
    return (bin_to_coordinate(index, size, bins, FRAMES[rule]) + back).numpy()


def rounding_error(views: Sequence[FaceView], bins: int, rule: str = "left edge") -> float:
    """What rounding alone costs on these faces: NRMSE of a perfect localiser, in per cent."""
    kept = (snap(view.landmarks, view.size, bins, rule) for view in views)
    return float(np.mean([view.errors(of_it) for view, of_it in zip(views, kept, strict=True)]))


class SnappedFace(Figure):
    """A face whose landmarks sit on a grid of L × L bins: whole, and one of its parts from near.

    Args:
        view: the face.
    """

    NEAR = 0.34  # of the face's width, what the close view shows

    def __init__(self, view: FaceView):
        super().__init__(8.0, 4.75)
        self.view = view
        self._area = ""
        whole, near = self.panel(0.05, 0.42, 3.9, 3.9), self.panel(4.05, 0.42, 3.9, 3.9)
        view.show_on(whole)
        view.show_on(near)
        self._near = near
        for axes in (whole, near):
            axes.set(xticks=[], yticks=[])
        self._frame = whole.add_patch(
            Rectangle((0, 0), 1, 1, fill=False, ec="white", lw=1.6, path_effects=HALO)
        )
        near.plot(*view.landmarks.T, "o", ms=8, mfc=SKY, mec=BLACK, mew=1.2)
        self._lines = whole.add_collection(LineCollection([], colors=YELLOW, linewidths=1.3))
        self._grid = near.add_collection(LineCollection([], colors="white", linewidths=0.7))
        self._ways = near.add_collection(
            LineCollection([], colors="white", linewidths=2.2, path_effects=HALO)
        )
        self._dots = whole.plot([], [], "o", ms=3, mfc=YELLOW, mec=BLACK, mew=0.5)[0]
        self._crosses = near.plot([], [], "X", ms=9, mfc=ORANGE, mec=BLACK, mew=1.2)[0]
        self._title = self.write(0.05, 4.45, "", size=LARGE, weight="bold")
        self.write(0.05, 0.14, "The face that the grid keeps")
        self.write(4.05, 0.14, "blue dot: the landmark · orange cross: what is read of it")
        self.moving = [
            self._lines, self._dots, self._grid, self._ways, self._crosses, self._title,
        ]  # fmt: skip
        self.move(64)

    def move(self, bins: int, rule: str = "left edge", area: str = "right_eye") -> "SnappedFace":
        """Chooses the resolution L, how a bin is read, and the part that is seen from near."""
        view = self.view
        self._look_at(area)
        kept = snap(view.landmarks, view.size, bins, rule)
        self._lines.set_segments([kept[list(line)] for line in view.scheme.lines])
        self._dots.set_data(*kept.T)
        self._crosses.set_data(*kept.T)
        self._ways.set_segments(np.stack([view.landmarks, kept], axis=1))

        (x0, x1), (y1, y0) = self._near.get_xlim(), self._near.get_ylim()
        edges = np.arange(bins + 1) * view.size / bins - 0.5
        self._grid.set_segments(
            [[(e, y0), (e, y1)] for e in edges[(edges > x0) & (edges < x1)]]
            + [[(x0, e), (x1, e)] for e in edges[(edges > y0) & (edges < y1)]]
        )
        self._grid.set_alpha(min(0.6, 40 / bins))

        error = float(np.linalg.norm(kept - view.landmarks, axis=1).mean())
        share = 100 * error / view.interocular
        self._title.set_text(
            f"L = {bins}, L/F = {bins / view.size:g}, {rule}:  mean error {error:.2f} px, "
            f"{share:.2f} % of inter-ocular"
        )
        self.alt = (
            f"The face of {view.name}, {view.size} pixels wide, its landmarks moved to a grid of {bins} by "
            f"{bins} bins and read at the {rule}. On the left the whole face, on the right its "
            f"{area.replace('_', ' ')} with the grid, the landmarks as dots and what is read of them as "
            f"crosses. Mean error {error:.2f} pixels, {share:.2f} per cent of the inter-ocular distance."
        )
        return self

    def _look_at(self, area: str) -> None:
        if area == self._area:
            return
        view, half = self.view, self.NEAR * self.view.size / 2
        chosen = [i for i, name in enumerate(view.scheme.points) if name.startswith(area)]
        middle = view.landmarks[chosen].mean(axis=0)
        (x0, y0), (x1, y1) = middle - half, middle + half
        self._near.set(xlim=(x0, x1), ylim=(y1, y0))
        self._frame.set(x=x0, y=y0, width=x1 - x0, height=y1 - y0)
        self._area = area
        self.forget_ground()


def snapped_faces(view: FaceView, bins: Sequence[int]) -> Figure:
    """The same face on several grids: a column for each number of bins, a row for each rule.

    Args:
        view: the face.
        bins: L of each column.
    """
    side, gap, foot, head = 1.95, 0.08, 0.32, 0.28
    high = head + len(FRAMES) * (side + foot)
    figure = Figure(0.35 + len(bins) * (side + gap), high)
    told = []
    for row, rule in enumerate(FRAMES):
        bottom = high - head - side - row * (side + foot)
        figure.write(
            0.16, bottom + side / 2, f"read at the {rule}", rotation=90, ha="center", va="center"
        )
        for column, count in enumerate(bins):
            left = 0.35 + column * (side + gap)
            axes = figure.panel(left, bottom, side, side)
            axes.set_axis_off()
            view.show_on(axes)
            kept = snap(view.landmarks, view.size, count, rule)
            lines = [kept[list(line)] for line in view.scheme.lines]
            axes.add_collection(LineCollection(lines, colors=YELLOW, linewidths=1.1))
            axes.plot(*kept.T, "o", ms=2.4, mfc=YELLOW, mec=BLACK, mew=0.4)
            share = rounding_error([view], count, rule)
            told.append(f"{count} bins at the {rule} {share:.2f} per cent")
            if row == 0:
                axes.set_title(f"L = {count}", fontsize=LARGE, color=INK, weight="bold", pad=4)
            figure.write(left + side / 2, bottom - 0.2, f"error {share:.2f} %", ha="center")
    figure.alt = (
        f"The face of {view.name} with its landmarks moved to coarser and finer grids. Mean error in per "
        f"cent of the inter-ocular distance: {'; '.join(told)}. On coarse grids the outline becomes a "
        "staircase, and read at the left edge it is also shifted up and to the left."
    )
    return figure


class CellAndCurve(Figure):
    """One point in its cell of the grid, and its error E (Eq. 5) as L/F moves.

    Args:
        point: (2,) in the paper's frame [0, F), pixels.
        size: F.
    """

    REACH = 4.6  # pixels from the point to the edge of the close view
    LIMITS = 64, 768  # L of the curve, the smallest and the largest

    def __init__(self, point: Float[np.ndarray, "2"], size: int = 256):
        super().__init__(8.0, 4.3)
        self.point, self.size = point, size
        reach = self.REACH
        cell = self._cell = self.panel(0.65, 0.65, 3.1, 3.1)
        cell.set(
            xlim=(point[0] - reach, point[0] + reach), ylim=(point[1] + reach, point[1] - reach)
        )
        label(cell, "p, pixels", "q, pixels", grid=False)

        curve = self.panel(4.6, 0.65, 3.25, 3.1)
        fewest, most = self.LIMITS
        counts = np.arange(fewest, most + 1)
        ratio = counts / size
        self._jagged, means = {}, []
        for rule, style in STYLES.items():
            line = {key: style[key] for key in ("color", "linestyle")}
            errors = [self._read(int(count), rule)[1] for count in counts]
            named = "" if self._jagged else "this point"  # one is seen at a time
            self._jagged[rule] = curve.plot(ratio, errors, color="#8C8C8C", lw=0.6, label=named)[0]
            share = MEAN_TO_CORNER if rule == "left edge" else MEAN_TO_CORNER / 2
            means += curve.plot(
                ratio, share / ratio, lw=2.4, label=f"mean of all points, {rule}", **line
            )
        curve.set(xlim=(0, ratio[-1] * 1.02), ylim=(0, 3.6), xticks=[0, 0.5, 1, 2, 3])
        label(curve, "L/F, bins per pixel", "E, pixels")
        legend(curve, "upper right")

        self._filled = cell.add_patch(Rectangle((0, 0), 1, 1, facecolor="#F3EFC8", ec=INK, lw=1.4))
        self._grid = cell.add_collection(LineCollection([], colors="#9A9A9A", linewidths=0.9))
        self._way = cell.plot([], [], color=INK, lw=2)[0]
        self._point = cell.plot(*point[:, None], "o", ms=9, mfc=SKY, mec=BLACK, mew=1.2)[0]
        self._crosses = [
            axes.plot([], [], "X", ms=11, mfc=ORANGE, mec=BLACK, mew=1.2)[0]
            for axes in (cell, curve)
        ]
        self._title = self.write(0.65, 3.97, "", size=LARGE, weight="bold")
        self.moving = [
            *self._jagged.values(), *means, self._filled, self._grid, self._way, self._point,
            *self._crosses, self._title,
        ]  # fmt: skip
        self.move(size // 2)

    def _read(self, bins: int, rule: str) -> tuple[Float[np.ndarray, "2"], float]:
        """What is read of the point, and E."""
        kept = snap(self.point - 0.5, self.size, bins, rule) + 0.5
        return kept, float(np.linalg.norm(kept - self.point))

    def move(self, bins: int, rule: str = "left edge") -> "CellAndCurve":
        """Chooses the resolution L and how a bin is read."""
        point, width = self.point, self.size / bins
        kept, error = self._read(bins, rule)
        corner = np.floor(point / width) * width
        reach = math.ceil(self.REACH / width) + 1
        (x0, x1), (y1, y0) = self._cell.get_xlim(), self._cell.get_ylim()
        steps = np.arange(-reach, reach + 1) * width
        self._grid.set_segments(
            [[(e, y0), (e, y1)] for e in corner[0] + steps]
            + [[(x0, e), (x1, e)] for e in corner[1] + steps]
        )
        self._filled.set(x=corner[0], y=corner[1], width=width, height=width)
        self._way.set_data(*np.stack([point, kept], axis=1))
        self._crosses[0].set_data(*kept[:, None])
        self._crosses[1].set_data([bins / self.size], [error])
        for name, line in self._jagged.items():
            line.set_visible(name == rule)
        self._title.set_text(
            f"L = {bins}, L/F = {bins / self.size:.2f}, {rule}:  ({kept[0]:.2f}, {kept[1]:.2f}) is read, "
            f"E = {error:.2f} px"
        )
        self.alt = (
            f"On the left the point ({point[0]:.2f}, {point[1]:.2f}) in its cell, {width:.2f} pixels wide, "
            f"of a grid of {bins} bins over {self.size} pixels; read at the {rule} it becomes "
            f"({kept[0]:.2f}, {kept[1]:.2f}). On the right its error E against L/F, a jagged line about "
            f"the mean of all points, which falls like one over L/F; here E is {error:.2f} pixels."
        )
        return self


def rounding_floor(
    views: Sequence[FaceView], bins: Sequence[int], level: tuple[float, str] | None = None
) -> Figure:
    """NRMSE of a perfect localiser on a grid, against L, for both ways of reading a bin.

    Args:
        views: faces whose landmarks are taken for true, all of one size.
        bins: L of each mark.
        level: a figure in per cent to compare with, and what it is.
    """
    figure = Figure(7.0, 4.4)
    axes = figure.panel(0.85, 0.7, 5.9, 3.5)
    told = []
    for rule, style in STYLES.items():
        floors = [rounding_error(views, count, rule) for count in bins]
        axes.plot(bins, floors, lw=2, ms=7, label=f"read at the {rule}", **style)
        above = rule == "left edge"
        for count, floor in zip(bins, floors, strict=True):
            told.append(f"{count} bins at the {rule} {floor:.2f}")
            axes.annotate(
                f"{floor:.2f}", (count, floor), (0, 8 if above else -8), textcoords="offset points",
                bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 0.6},
                ha="center", va="bottom" if above else "top", fontsize=SMALL, color=INK,
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=(bins[0] / 1.2, bins[-1] * 1.2))
    axes.set_xticks(list(bins), [str(count) for count in bins])
    axes.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
    axes.minorticks_off()
    axes.margins(y=0.14)
    label(
        axes,
        f"L, bins over a face of {views[0].size} pixels",
        "error floor, % of inter-ocular distance",
    )
    if level:
        axes.axhline(level[0], color=INK, lw=1.4, ls=":")
        axes.annotate(
            f"{level[0]:.2f}: {level[1]}", (bins[0] / 1.17, level[0]), (0, -5),
            textcoords="offset points", fontsize=SMALL, color=INK, va="top",
        )  # fmt: skip
        told.append(f"a dotted line at {level[0]:.2f} marks {' '.join(level[1].split())}")
    legend(axes, "upper right")
    figure.alt = (
        "Error that rounding alone leaves, in per cent of the inter-ocular distance, against the number "
        "of bins, on logarithmic axes; two falling lines, the upper at about twice the lower. "
        f"{'; '.join(told)}."
    )
    return figure


def numbers_per_face(bins: Sequence[int], landmarks: int) -> Figure:
    """How many numbers a network puts out for one face: 2NL in 1D, NL² in 2D.

    Args:
        bins: L of each mark.
        landmarks: N.
    """
    figure = Figure(7.0, 3.9)
    axes = figure.panel(0.85, 0.7, 5.9, 3.0)
    length = np.array(bins)
    flat, square = 2 * landmarks * length, landmarks * length**2
    for counts, rule, name in ((square, "left edge", "2D, N·L²"), (flat, "centre", "1D, 2·N·L")):
        axes.plot(bins, counts, lw=2, ms=7, label=name, **STYLES[rule])
    axes.set(xscale="log", yscale="log", ylim=(flat[0] / 3, square[-1] * 3))
    axes.set_xticks(list(bins), [str(count) for count in bins])
    axes.minorticks_off()
    label(axes, "L, bins an axis", "numbers for one face")
    legend(axes, "center left", at=(0, 0.6))
    figure.alt = (
        f"Numbers put out for the {landmarks} landmarks of one face against L, on logarithmic axes: "
        + "; ".join(
            f"at {count} bins {one:,} in 1D and {two:,} in 2D"
            for count, one, two in zip(bins, flat.tolist(), square.tolist(), strict=True)
        )
        + ". The 2D line rises twice as steeply."
    )
    return figure
