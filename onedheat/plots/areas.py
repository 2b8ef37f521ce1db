"""Errors by facial area, how much coordinates vary there, and the faces with the largest errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.collections import LineCollection

from onedheat.landmarks import Scheme
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    HALO,
    INK,
    LARGE,
    ORANGE,
    SKY,
    SMALL,
    VERMILLION,
    FaceView,
    Figure,
    label,
    legend,
    tint,
)

WHOLE = "whole face"
FILLS = ((BLUE, ""), (ORANGE, "//"), (SKY, ".."))


def by_area(
    values: Float[np.ndarray, "faces landmarks"], scheme: Scheme
) -> dict[str, Float[np.ndarray, "faces"]]:
    """Facial area → mean of each face over the landmarks in it."""
    return {area: values[:, list(members)].mean(axis=1) for area, members in scheme.areas.items()}


def areas_and_variance(
    errors: Mapping[str, Mapping[str, float]],
    variances: Mapping[str, Mapping[str, tuple[float, float]]],
) -> Figure:
    """NRMSE by facial area (as Fig. 4), and the variance of coordinates there (as Fig. 5).

    Args:
        errors: measurement → area → NRMSE in per cent.
        variances: what coordinates are measured from, with its unit → area → variance of x and of y.
    """
    figure = Figure(8.6, 4.35)
    areas = list(next(iter(errors.values())))
    told = [_bars(figure, 0.6, errors, areas, "NRMSE, %")]
    for left, (frame, of_areas) in zip((3.5, 6.4), variances.items(), strict=True):
        rows = {
            axis: {area: values["xy".index(axis)] for area, values in of_areas.items()}
            for axis in "xy"
        }
        told.append(_bars(figure, left, rows, areas, frame))
    figure.alt = f"By facial area. {'; '.join(told)}."
    return figure


def _bars(
    figure: Figure,
    left: float,
    rows: Mapping[str, Mapping[str, float]],
    areas: Sequence[str],
    unit: str,
) -> str:
    """Groups of bars, one for each area; gives them back in words."""
    axes = figure.panel(left, 0.95, 2.1, 2.15)
    width = 0.8 / len(rows)
    for step, (name, values) in enumerate(rows.items()):
        colour, hatch = FILLS[step]
        at = np.arange(len(areas)) + width * (step - (len(rows) - 1) / 2)
        axes.bar(
            at, [values[area] for area in areas], width, label=name, color=colour, hatch=hatch,
            ec=INK, lw=0.6,
        )  # fmt: skip
    axes.set_xticks(range(len(areas)), areas, rotation=40, ha="right", rotation_mode="anchor")
    label(axes, "", "")
    axes.grid(axis="x", visible=False)
    axes.set_title(unit, fontsize=SMALL, color=INK, loc="left", pad=46)
    legend(axes, "lower left", at=(-0.05, 0.98), borderpad=0.1, labelspacing=0.2)
    said = [
        f"{name} ({', '.join(f'{area} {values[area]:.1f}' for area in areas)})"
        for name, values in rows.items()
    ]
    return f"{unit.replace(chr(10), ' ')}: {', '.join(said)}"


@dataclass(frozen=True, eq=False)
class FoundFace:
    """A face with its true landmarks and those that were found, both in pixels of the crop.

    Attributes:
        view: the face; its landmarks are the true ones.
        found: (N, 2).
    """

    view: FaceView
    found: Float[np.ndarray, "landmarks 2"]

    def errors(self) -> Float[np.ndarray, "landmarks"]:
        """Of each landmark, in per cent of the normaliser."""
        return self.view.errors(self.found)


class FaceRank(Figure):
    """Faces sorted by their error, one of them seen from near, with its error in each facial area.

    Args:
        faces: pictures of one side.
    """

    def __init__(self, faces: Sequence[FoundFace]):
        super().__init__(8.6, 4.5)
        self.faces = list(faces)
        scheme = self.faces[0].view.scheme
        errors = np.stack([face.errors() for face in self.faces])
        self.errors = {WHOLE: errors.mean(axis=1), **by_area(errors, scheme)}
        self.order = {area: np.argsort(-values) for area, values in self.errors.items()}
        self._build()
        self.move(1)

    def _build(self) -> None:
        face = self.panel(0.15, 0.35, 3.7, 3.7)
        face.set(xticks=[], yticks=[])
        self._picture = self.faces[0].view.show_on(face)
        self._ways = face.add_collection(
            LineCollection([], colors="white", linewidths=1.3, path_effects=HALO)
        )
        self._dots = face.plot([], [], "o", ms=4.5, mfc=SKY, mec=BLACK, mew=0.6)[0]
        self._crosses = face.plot([], [], "X", ms=5.5, mfc=ORANGE, mec=BLACK, mew=0.6)[0]
        self.write(0.15, 0.1, "dot: truth · cross: found")
        most = 1.05 * max(values.max() for values in self.errors.values())
        curve = self.panel(4.65, 2.75, 3.75, 1.2)
        curve.set(xlim=(0, len(self.faces) + 1), ylim=(0, most))
        label(curve, "faces, the worst first", "error, %")
        self._curve = curve.plot([], [], color=BLUE, lw=1.8, marker=".", ms=4)[0]
        self._here = curve.plot([], [], "o", ms=11, mfc="none", mec=VERMILLION, mew=2.4)[0]
        areas = list(self.errors)
        bars = self.panel(4.65, 0.85, 3.75, 1.15)
        bars.set(xlim=(-0.6, len(areas) - 0.4), ylim=(0, most))
        label(bars, "", "error, %")
        bars.grid(axis="x", visible=False)
        bars.set_xticks(range(len(areas)), areas, rotation=25, ha="right", rotation_mode="anchor")
        means = [values.mean() for values in self.errors.values()]
        self._bars = bars.bar(
            range(len(areas)), means, 0.6, color=tint(ORANGE, 0.8), ec=INK, lw=0.6
        )
        for place, mean in enumerate(means):
            bars.plot([place - 0.36, place + 0.36], [mean, mean], color=INK, lw=2.2)
        self.write(4.65, 2.06, "bar: this face · line: mean of all")
        self._title = self.write(0.15, 4.2, "", size=LARGE, weight="bold")
        self.moving = [
            self._picture, self._ways, self._dots, self._crosses, self._curve, self._here,
            *self._bars, self._title,
        ]  # fmt: skip

    def move(self, rank: int, area: str = WHOLE) -> "FaceRank":
        """Chooses the face by its rank, 1 being the worst, and what faces are sorted by."""
        index = int(self.order[area][rank - 1])
        face, sorted_errors = self.faces[index], self.errors[area][self.order[area]]
        self._picture.set_data(face.view.picture)
        self._dots.set_data(*face.view.landmarks.T)
        self._crosses.set_data(*face.found.T)
        self._ways.set_segments(np.stack([face.view.landmarks, face.found], axis=1))
        self._curve.set_data(np.arange(len(sorted_errors)) + 1, sorted_errors)
        self._here.set_data([rank], [sorted_errors[rank - 1]])
        for bar, values in zip(self._bars, self.errors.values(), strict=True):
            bar.set_height(values[index])
        here = self.errors[area][index]
        self._title.set_text(
            f"{face.view.name}: number {rank} of {len(self.faces)} by {area}, {here:.1f} %"
        )
        told = ", ".join(
            f"{name} {values[index]:.1f} (all faces {values.mean():.1f})"
            for name, values in self.errors.items()
        )
        self.alt = (
            f"{face.view.name}, number {rank} of {len(self.faces)} faces sorted by the error of the {area}, "
            f"the worst first, with its true landmarks and those found. Errors in per cent: {told}."
        )
        return self


def worst_faces(faces: Sequence[FoundFace], count: int = 6) -> Figure:
    """The faces with the largest errors, with truth and found landmarks.

    Args:
        faces: to choose from.
        count: how many are shown, three in a row.
    """
    errors = np.array([face.errors().mean() for face in faces])
    worst = np.argsort(-errors)[:count]
    rows = -(-len(worst) // 3)
    figure = Figure(8.6, 0.35 + 3.05 * rows)
    told = []
    for place, index in enumerate(worst):
        face = faces[index]
        row, column = divmod(place, 3)
        left, bottom = 0.1 + 2.83 * column, 0.35 + 3.05 * (rows - 1 - row)
        axes = figure.panel(left, bottom, 2.72, 2.72)
        axes.set_axis_off()
        face.view.show_on(axes)
        ends = np.stack([face.view.landmarks, face.found], axis=1)
        axes.add_collection(
            LineCollection(list(ends), colors="white", linewidths=1.2, path_effects=HALO)
        )
        axes.plot(*face.view.landmarks.T, "o", ms=3.6, mfc=SKY, mec=BLACK, mew=0.5)
        axes.plot(*face.found.T, "X", ms=4.6, mfc=ORANGE, mec=BLACK, mew=0.5)
        figure.write(left, bottom + 2.77, f"{face.view.name}: {errors[index]:.1f} %", weight="bold")
        told.append(f"{face.view.name} {errors[index]:.1f}")
    mean = f"mean of all {len(faces)}: {errors.mean():.1f} %"
    figure.write(0.1, 0.1, f"dot: truth · cross: found · {mean}")
    figure.alt = (
        f"The {len(worst)} faces with the largest errors of {len(faces)}, true landmarks as dots, found "
        f"ones as crosses. NRMSE of each in per cent: {', '.join(told)}; mean of all {errors.mean():.1f}."
    )
    return figure
