"""The steps of a face's way through a detector: what each one is, and a sheet of them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from onedheat.plots.figure import BLUE, SMALL, Figure

Kind = Literal["picture", "features", "vectors", "landmarks"]
Way = Sequence["Station"]

COLOURS = "cividis"
TILES = 6  # channels or landmarks that are shown one by one
BYTES = 4  # of a 32-bit float


@dataclass(frozen=True, eq=False)
class Station:
    """One step of a picture's way through a detector.

    Attributes:
        name: of the step.
        does: what happens there, in a sentence.
        kind: what its values are.
        values: ``"picture"`` (3, F, F) RGB in [0, 1]; ``"features"`` (C, y, x) or, of an axis,
            (K, positions, what is left of the other axis); ``"vectors"`` (N, L); ``"landmarks"``
            (N, 2) in pixels of the face.
        weights: how many it has, those of its own axis only.
        axis: ``"x"`` or ``"y"`` where the axes have parted, else ``""``.
    """

    name: str
    does: str
    kind: Kind
    values: Float[np.ndarray, "..."]
    weights: int
    axis: str = ""

    @property
    def shape(self) -> str:
        """Such as ``"64 × 32 × 32"``."""
        return " × ".join(map(str, self.values.shape))

    @property
    def bytes(self) -> int:
        """What its values take as 32-bit floats."""
        return BYTES * self.values.size

    @property
    def summary(self) -> str:
        """Shape, numbers, bytes and weights in a line."""
        size = f"{self.bytes / 1024:,.1f} KiB" if self.bytes >= 1024 else f"{self.bytes} bytes"
        return f"{self.shape} = {self.values.size:,} numbers, {size}; {self.weights:,} weights"

    def upright(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Values (…, rows, columns) of an axis laid so that this axis runs as it does on the face."""
        turned = (self.kind, self.axis) in (("features", "x"), ("vectors", "y"))
        return np.swapaxes(values, -1, -2) if turned else values

    def overview(self) -> Float[np.ndarray, "rows columns *rgb"]:
        """All of it as one picture: RGB, the mean |value| over channels, or a line a landmark."""
        if self.kind == "picture":
            return np.moveaxis(self.values, 0, -1)
        if self.kind == "features":
            return self.upright(np.abs(self.values).mean(axis=0))
        return self.upright(self.values)

    def tiles(self) -> list[Float[np.ndarray, "rows columns"]]:
        """The channels that vary most from position to position, in their order."""
        flat = self.values.reshape(len(self.values), -1)
        order = np.argsort(-flat.std(axis=1), kind="stable")[:TILES]
        return [self.upright(self.values[channel]) for channel in sorted(order)]

    def grid(self) -> tuple[int, int]:
        """How many positions it tells apart along x and along y; 0 where it has none."""
        if self.kind == "landmarks":
            return 0, 0
        if self.kind == "vectors":
            bins = self.values.shape[-1]
            return (bins, 0) if self.axis == "x" else (0, bins)
        rows, columns = self.upright(self.values).shape[-2:]
        return columns, rows


def stations_sheet(ways: Mapping[str, Way]) -> Figure:
    """Every step of both ways as a small picture with its name and shape.

    Args:
        ways: as `WayThrough` takes them.
    """
    columns = 7
    shared = [station for station in ways["x"] if not station.axis]
    rows: list[tuple[str, Way]] = [
        ("both axes", shared[start : start + columns]) for start in range(0, len(shared), columns)
    ]
    parted = {
        axis: [s for s in way if s.axis and s.kind != "landmarks"] for axis, way in ways.items()
    }
    rows += [(f"{axis} alone", way) for axis, way in parted.items()]
    side, gap, foot, edge = 1.04, 0.12, 0.58, 0.32
    high = len(rows) * (side + foot) + 0.1
    figure = Figure(edge + columns * (side + gap), high)
    number = 0
    for row, (branch, way) in enumerate(rows):
        bottom = high - 0.06 - side - row * (side + foot)
        figure.write(
            0.16, bottom + side / 2, branch, rotation=90, ha="center", va="center", size=SMALL
        )
        number = len(shared) if row == len(rows) - 1 else number
        for column, station in enumerate(way):
            left = edge + column * (side + gap)
            _show_small(figure.panel(left, bottom, side, side), station)
            figure.write(left, bottom - 0.19, f"{number} {_short(station.name)}")
            figure.write(left, bottom - 0.37, station.shape, color=BLUE)
            number += 1
    figure.alt = (
        f"The way of one face through the network in {len(rows)} rows of small pictures. Up to the "
        "features both axes share it: "
        + "; ".join(f"{station.name} {station.shape}" for station in shared)
        + ". Then each axis goes its own way, here of x: "
        + "; ".join(f"{station.name} {station.shape}" for station in parted["x"])
        + "."
    )
    return figure


def _show_small(axes: Axes, station: Station) -> None:
    axes.set(xticks=[], yticks=[])
    axes.imshow(station.overview(), cmap=COLOURS, aspect="auto", interpolation="nearest")


def _short(name: str) -> str:
    return (
        name.replace("hourglass, ", "")
        .replace("convolution", "conv.")
        .replace("end of the ", "")
        .replace(" to ", "→")
    )
