"""Sheets to check data by eye: many annotated faces, and what a landmark scheme says of its points."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from onedheat.data.clips import Frame
from onedheat.data.samples import Sample
from onedheat.geometry import Crop, tight_box, warp
from onedheat.landmarks import FACE_SIZE, Scheme
from onedheat.plots.augmentation import PhotoSheet
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    HALO,
    LARGE,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    show_picture,
)

MARGIN, GAP, CAPTION, HEADING = 0.12, 0.06, 0.22, 0.4  # inches
COLUMNS, CELL = 6, 1.75  # faces in a row, and the side of one in inches
AROUND = 1.6  # side of a cut-out, in sides of the landmarks' smallest square


@dataclass(frozen=True, eq=False)
class Cutout:
    """An annotated face cut out of its picture.

    Attributes:
        caption: where it comes from, in a few letters.
        picture: (S, S, 3).
        landmarks: (N, 2) in pixels of the cut-out; NaN where a point is not annotated.
        visible: (N,), where the data set says so.
    """

    caption: str
    picture: UInt8[np.ndarray, "side side 3"]
    landmarks: Float[np.ndarray, "landmarks 2"]
    visible: Bool[np.ndarray, "landmarks"] | None = None

    @classmethod
    def of(cls, sample: Sample, side: int = 200) -> "Cutout":
        """The face of a sample, `side` pixels wide. Raises `ImageError` if its picture cannot be had."""
        annotated = np.isfinite(sample.landmarks).all(axis=1)
        crop = Crop.from_box(tight_box(sample.landmarks[annotated], AROUND), side)
        name = Path(str(sample.source)).name
        if isinstance(sample.source, Frame):
            name = f"{sample.group.rpartition(':')[2]}, {sample.source.number}"
        return cls(
            name if len(name) <= 20 else f"…{name[-19:]}",
            warp(sample.image(), crop),
            crop.to_crop(sample.landmarks),
            sample.visible,
        )


def face_sheet(faces: Sequence[Cutout], scheme: Scheme, title: str) -> PhotoSheet:
    """Annotated faces side by side, each with its landmarks and lines.

    Points that can be seen are yellow dots, those that are marked as hidden are white rings.

    Args:
        faces: at least one.
        scheme: what their landmarks are.
        title: above the sheet.
    """
    columns, cell = min(COLUMNS, len(faces)), CELL
    rows = -(-len(faces) // columns)
    width = max(2 * MARGIN + columns * (cell + GAP) - GAP, 4.5)
    height = MARGIN + rows * (cell + CAPTION) + HEADING
    hidden = sum(int((~face.visible).sum()) for face in faces if face.visible is not None)
    note = f" {hidden} points are marked as hidden and drawn as rings." if hidden else ""
    figure = PhotoSheet(
        width,
        height,
        f"{title}: {len(faces)} faces, each with its {len(scheme)} annotated points as dots.{note} "
        f"They come from {', '.join(face.caption for face in faces)}.",
    )
    figure.write(MARGIN, height - HEADING + 0.13, title, size=LARGE, weight="bold")
    for number, face in enumerate(faces):
        down, across = divmod(number, columns)
        left = MARGIN + across * (cell + GAP)
        bottom = height - HEADING - down * (cell + CAPTION) - cell
        axes = figure.panel(left, bottom, cell, cell)
        show_picture(axes, face.picture, "bilinear")
        lines = [face.landmarks[list(line)] for line in scheme.lines]
        axes.add_collection(LineCollection(lines, colors=SKY, linewidths=0.7, alpha=0.8))
        seen = np.ones(len(scheme), bool) if face.visible is None else face.visible
        size = 3.2 if len(scheme) <= 30 else 2.2
        axes.plot(*face.landmarks[seen].T, "o", ms=size, mfc=YELLOW, mec=BLACK, mew=0.4)
        axes.plot(*face.landmarks[~seen].T, "o", ms=size + 0.6, mfc="none", mec="white", mew=0.9)
        figure.write(left, bottom - CAPTION + 0.07, face.caption)
    return figure


def scheme_sheet(scheme: Scheme, shape: Float[np.ndarray, "landmarks 2"], view: FaceView) -> Figure:
    """What a scheme says of its points: on the mean of all faces, on one face, and in words.

    Points that change places in the mirror have one colour and a line between them; those on the
    middle line are black. The normaliser is a dashed line.

    Args:
        scheme: to be checked.
        shape: (N, 2), the mean shape in any unit.
        view: one annotated face.
    """
    panel = 4.6 if len(scheme) <= 30 else 6.6  # inches a side; numbers need room
    entries = _entries(scheme)
    columns = max(1, min(4, int((2 * panel) // (0.09 * max(map(len, entries)) + 0.35))))
    rows = -(-len(entries) // columns)
    width, below = 2 * panel + 3 * MARGIN, rows * 0.21 + 0.45
    height = below + panel + HEADING
    apart = _normaliser_in_words(scheme)
    pairs = [(i, j) for i, j in enumerate(scheme.mirror) if i < j]
    figure = Figure(
        width,
        height,
        f"The scheme {scheme.name}: {len(scheme)} points on the mean of all faces and on "
        f"{view.name}, numbered. {len(pairs)} pairs change places in the mirror, "
        f"{len(scheme) - 2 * len(pairs)} points lie on the middle line. {apart}",
    )
    mean = figure.panel(MARGIN, below, panel, panel)
    face = figure.panel(2 * MARGIN + panel, below, panel, panel)
    view.show_on(face)
    for axes in (mean, face):
        axes.set(xticks=[], yticks=[])
    low, high = shape.min(axis=0), shape.max(axis=0)
    middle, reach = (low + high) / 2, 0.58 * float((high - low).max())
    mean.set(
        xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] + reach, middle[1] - reach)
    )
    _draw_points(mean, shape, scheme, halo=False)
    _draw_points(face, view.landmarks, scheme, halo=True)
    top = height - HEADING + 0.13
    figure.write(MARGIN, top, f"{scheme.name}: mean of all faces", size=LARGE, weight="bold")
    figure.write(2 * MARGIN + panel, top, view.name, size=LARGE, weight="bold")
    figure.write(MARGIN, below - 0.25, apart)
    for number, entry in enumerate(entries):
        across, down = divmod(number, rows)
        left = MARGIN + across * (width - 2 * MARGIN) / columns
        figure.write(left, below - 0.5 - 0.21 * down, entry)
    return figure


def _entries(scheme: Scheme) -> list[str]:
    """Every pair and every point on the middle line, in words."""
    points = scheme.points
    return [
        f"{i} {points[i]}" if i == j else f"{i} {points[i]} ↔ {j} {points[j]}"
        for i, j in enumerate(scheme.mirror)
        if i <= j
    ]


def _normaliser_in_words(scheme: Scheme) -> str:
    if scheme.normaliser == FACE_SIZE:
        return "Errors are divided by the size of the annotated face box."
    first, second = scheme.normaliser
    return f"Errors are divided by the distance of the points {first} and {second} (dashed)."


def _draw_points(
    axes: Axes, points: Float[np.ndarray, "landmarks 2"], scheme: Scheme, *, halo: bool
) -> None:
    colours = dict.fromkeys(range(len(scheme)), "white" if halo else BLACK)
    wheel = cycle((BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY))
    effects = HALO if halo else None
    for i, j in enumerate(scheme.mirror):
        if i < j:
            colours[i] = colours[j] = next(wheel)
            axes.plot(*points[[i, j]].T, color=colours[i], lw=0.7, alpha=0.6)
    for line in scheme.lines:
        axes.plot(*points[list(line)].T, color="white" if halo else BLACK, lw=0.8, alpha=0.6)
    if scheme.normaliser != FACE_SIZE:
        ends = points[list(scheme.normaliser)].T
        axes.plot(*ends, "--", color=YELLOW if halo else BLACK, lw=2, path_effects=effects)
    for i, (x, y) in enumerate(points):
        axes.plot(x, y, "o", ms=4.5, mfc=colours[i], mec=BLACK, mew=0.6)
        axes.annotate(
            str(i),
            (x, y),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=SMALL,
            color=colours[i],
            path_effects=effects,
        )
