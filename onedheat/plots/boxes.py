"""What the box around a face does to the landmarks that are found in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from onedheat.geometry import Landmarks, square_box, tight_box
from onedheat.landmarks import Scheme
from onedheat.metrics import nrmse
from onedheat.plots.figure import (
    BLACK,
    HALO,
    INK,
    LARGE,
    ORANGE,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    Figure,
    label,
    number,
)


def moved_box(landmarks: Landmarks, scale: float, shift: float) -> Float[np.ndarray, "4"]:
    """`tight_box` of a scale, shifted to the right by a share of its side."""
    box = tight_box(landmarks, scale)
    side = float(box[2] - box[0])
    return square_box((box[:2] + box[2:]) / 2 + (shift * side, 0.0), side)


@dataclass(frozen=True, eq=False)
class BoxLooks:
    """What a network finds in a face, in boxes of several scales and shifts.

    Attributes:
        name: of the face.
        photo: that the face is in.
        truth: (N, 2) in pixels of the photo.
        scales: of `tight_box`.
        shifts: to the right, as shares of the box's side.
        found: (scales, shifts, N, 2) in pixels of the photo.
        scheme: what the landmarks are.
    """

    name: str
    photo: UInt8[np.ndarray, "height width 3"]
    truth: Float[np.ndarray, "landmarks 2"]
    scales: Sequence[float]
    shifts: Sequence[float]
    found: Float[np.ndarray, "scales shifts landmarks 2"]
    scheme: Scheme

    def errors(self) -> Float[np.ndarray, "scales shifts"]:
        """NRMSE of this face in per cent, in each box."""
        looks = self.found.reshape(-1, *self.truth.shape)
        truth = np.broadcast_to(self.truth, looks.shape)
        distance = np.full(len(looks), float(self.scheme.normalising_distance(self.truth)))
        return nrmse(looks, truth, distance).reshape(self.found.shape[:2])


class BoxMap(Figure):
    """A face with the box that the network is shown and what it finds there; beside it the error in
    every box.

    Args:
        looks: of one face.
    """

    MOST = 8.0  # per cent, where the map's colours end; they begin at the least error

    def __init__(self, looks: BoxLooks):
        super().__init__(8.6, 4.5)
        self.looks, self.error = looks, looks.errors()
        height, width = looks.photo.shape[:2]
        face = self.panel(0.15, 0.35, 3.6, 3.6)
        face.imshow(looks.photo, interpolation="bilinear")
        face.set(xticks=[], yticks=[])
        room = 0.15 * width  # boxes may reach beyond the photo
        face.set(xlim=(-room, width + room), ylim=(height + room, -room), facecolor="#333333")
        face.plot(*looks.truth.T, "o", ms=3.6, mfc=SKY, mec=BLACK, mew=0.5)
        self._ways = face.add_collection(LineCollection([], colors="white", linewidths=1.2))
        self._crosses = face.plot([], [], "X", ms=4.8, mfc=ORANGE, mec=BLACK, mew=0.5)[0]
        self._box = face.add_patch(Rectangle((0, 0), 1, 1, fc="none", ec=YELLOW, lw=2.2))
        self._box.set_path_effects(HALO)
        key = "dot: truth · cross: found · frame: what the network sees · white +: the best box"
        self.write(0.15, 0.1, key)
        self._build_map()
        self._title = self.write(0.15, 4.2, "", size=LARGE, weight="bold")
        self.moving = [self._ways, self._crosses, self._box, self._mark, self._title]
        self.move(*self.best())

    def _build_map(self) -> None:
        shifts, scales = self.looks.shifts, self.looks.scales
        axes = self.panel(4.75, 0.75, 2.9, 3.1)
        shown = axes.imshow(
            self.error, cmap="cividis", vmin=self.error.min(), vmax=self.MOST, aspect="auto", origin="lower",
            interpolation="nearest",
        )  # fmt: skip
        few = range(0, len(shifts), 2)
        axes.set_xticks(list(few), [_signed(shifts[one]) for one in few])
        few = range(0, len(scales), 2)
        axes.set_yticks(list(few), [f"{scales[one]:g}" for one in few])
        label(axes, "shift to the right, % of the side", "side / smallest square", grid=False)
        bar = self.colorbar(shown, cax=self.panel(7.75, 0.75, 0.14, 3.1), extend="max")
        bar.set_label("NRMSE of this face, %", fontsize=SMALL, color=INK)
        bar.outline.set_visible(False)
        row, column = np.unravel_index(self.error.argmin(), self.error.shape)
        axes.plot([column], [row], "+", ms=11, mec="white", mew=2.5)
        self._mark = axes.plot([], [], "o", ms=15, mfc="none", mec=VERMILLION, mew=3)[0]

    def best(self) -> tuple[float, float]:
        """Scale and shift of the least error."""
        row, column = np.unravel_index(self.error.argmin(), self.error.shape)
        return self.looks.scales[row], self.looks.shifts[column]

    def move(self, scale: float, shift: float) -> "BoxMap":
        """Chooses the box."""
        looks = self.looks
        row, column = list(looks.scales).index(scale), list(looks.shifts).index(shift)
        found, error = looks.found[row, column], self.error[row, column]
        box = moved_box(looks.truth, scale, shift)
        self._box.set_bounds(box[0], box[1], box[2] - box[0], box[3] - box[1])
        self._crosses.set_data(*found.T)
        self._ways.set_segments(np.stack([looks.truth, found], axis=1))
        self._mark.set_data([column], [row])
        self._title.set_text(
            f"side {scale:g} × the smallest square, shift {_signed(shift)} %: NRMSE {error:.1f} %"
        )
        at, by = self.best()
        self.alt = (
            f"{looks.name} in a box of {scale:g} times the smallest square round its landmarks, "
            f"shifted by {_signed(shift)} per cent of its side: NRMSE of this face {error:.1f} per cent. "
            f"Over all boxes, with sides from {looks.scales[0]:g} to {looks.scales[-1]:g} and shifts up to "
            f"{100 * looks.shifts[-1]:.0f} per cent, it goes from {self.error.min():.1f} (side {at:g}, "
            f"shift {_signed(by)}) to {self.error.max():.1f} per cent."
        )
        return self


def _signed(share: float) -> str:
    """In per cent, with its sign where there is one."""
    return number(100 * share, "+.0f") if share else "0"
