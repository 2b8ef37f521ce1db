"""The puzzle of notebook 04: a picture, its two shadows, an affinity and two answers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.patches import Rectangle

from onedheat.plots.figure import (
    BLUE,
    HALO,
    INK,
    LARGE,
    ORANGE,
    PALE,
    PURPLE,
    SMALL,
    Figure,
    label,
    legend,
)

Vector = Float[np.ndarray, " size"]
STYLES = ({"color": PURPLE, "ls": "--", "lw": 2.2}, {"color": BLUE, "ls": "-", "lw": 2.0})


class Case(NamedTuple):
    """One picture of the puzzle and what two networks make of it.

    Attributes:
        picture: (a, a) as (y, x).
        places: (2, 2), x and y of the brighter and of the fainter blob.
        affinity: W^{yx}, (a, a); row i holds how much each y position matters to x position i.
        answers: name of the network → (a,) probability that the lower blob is at each x.
    """

    picture: Float[np.ndarray, "size size"]
    places: Float[np.ndarray, "2 2"]
    affinity: Float[np.ndarray, "size size"]
    answers: Mapping[str, Vector]


class PuzzleView(Figure):
    """Left a picture with its shadows, right W^{yx} laid on it, below what the networks answer.

    Args:
        cases: pictures; turned over, each is one of `turned`.
        turned: the same ones upside down.
    """

    def __init__(self, cases: Sequence[Case], turned: Sequence[Case]):
        super().__init__(8.6, 5.7)
        self.cases, self.turned = list(cases), list(turned)
        first = self.cases[0]
        size = len(first.picture)
        edge = size - 0.5
        self._pixels = np.arange(size)
        extent = (-0.5, edge, edge, -0.5)
        bottom, side, strip = 2.3, 2.6, 0.8
        picture, matrix = (self.panel(left, bottom, side, side) for left in (0.75, 5.15))
        below = self.panel(0.75, bottom - 0.12 - strip, side, strip, sharex=picture)
        beside = self.panel(0.75 + side + 0.12, bottom, strip, side, sharey=picture)
        answers = self.panel(5.15, 0.62, side, 1.4, sharex=matrix)

        brightest = max(case.picture.max() for case in self.cases)
        look = {"extent": extent, "interpolation": "nearest"}
        self._picture = picture.imshow(first.picture, cmap="gray", vmin=0, vmax=brightest, **look)
        self._matrix = matrix.imshow(first.affinity.T, cmap="cividis", vmin=0, vmax=1, **look)
        for axes in (picture, matrix):
            axes.set(xticks=[0, 10, 20], yticks=[0, 10, 20])
            axes.tick_params(labelbottom=False, bottom=False)
        label(picture, "", "y, pixels", grid=False)
        label(matrix, "", "y, pixels", grid=False)
        label(below, "x, pixels", "sum over y", grid=False)
        label(beside, "sum over x", "", grid=False)
        label(answers, "x, pixels", "probability")
        high = max(case.picture.sum(axis=axis).max() for case in self.cases for axis in (0, 1))
        below.set(ylim=(0, 1.1 * high), yticks=[0, 1])
        beside.set(xlim=(0, 1.1 * high), xticks=[0, 1])
        beside.tick_params(labelleft=False, left=False)
        answers.set(ylim=(0, 0.45), yticks=[0, 0.2, 0.4])

        self._shadows = [axes.plot([], [], color=INK, lw=1.8)[0] for axes in (below, beside)]
        ring = {"ms": 17, "mfc": "none", "mew": 2, "ls": "none", "path_effects": HALO}
        self._rings = [
            axes.plot([], [], marker, mec=colour, **ring)[0]
            for axes in (picture, matrix)
            for marker, colour in (("o", "white"), ("s", ORANGE))
        ]
        self._columns = [
            matrix.add_patch(Rectangle((0, -0.5), 1, size, fill=False, ec=colour, lw=1.2, ls=line))
            for colour, line in (("white", "-"), (ORANGE, "--"))
        ]
        self._marks = [answers.axvline(0, color=PALE, lw=1.2, ls=":") for _ in range(2)]
        self._curves = {
            name: answers.plot([], [], label=name, **style)[0]
            for name, style in zip(first.answers, STYLES, strict=True)
        }
        title = "x of the lower blob, as answered with (dotted: the two blobs)"
        legend(
            answers, "lower left", at=(0.06, 0.01), bbox_transform=self.transFigure, title=title,
            title_fontsize=SMALL, ncols=2, handlelength=2.6,
        )  # fmt: skip
        self.write(0.75, 5.13, "The picture, which no branch sees", weight="bold")
        self.write(0.75, 4.95, "circle: the brighter blob, square: the fainter one")
        self.write(5.15, 5.13, "W laid on the picture", weight="bold")
        self.write(5.15, 4.95, "column x: the weights of row x")
        self._title = self.write(0.1, 5.4, "", size=LARGE, weight="bold")
        self.moving = [
            self._picture, self._matrix, *self._columns, *self._rings, *self._shadows,
            *self._marks, *self._curves.values(), self._title,
        ]  # fmt: skip
        self.move(0)

    def move(self, number: int, upside_down: bool = False) -> "PuzzleView":
        """Chooses a picture, and whether it is turned over."""
        case = (self.turned if upside_down else self.cases)[number]
        (bx, by), (fx, fy) = case.places
        self._picture.set_data(case.picture)
        self._matrix.set(data=case.affinity.T, clim=(0, case.affinity.max()))
        self._shadows[0].set_data(self._pixels, case.picture.sum(axis=0))
        self._shadows[1].set_data(case.picture.sum(axis=1), self._pixels)
        for ring, place in zip(self._rings, (*case.places, *case.places), strict=True):
            ring.set_data(*place[:, None])
        for column, mark, x in zip(self._columns, self._marks, (bx, fx), strict=True):
            column.set_x(round(x) - 0.5)
            mark.set_xdata([x, x])
        for name, curve in self._curves.items():
            curve.set_data(self._pixels, case.answers[name])

        lower = "brighter" if by > fy else "fainter"
        asked = bx if by > fy else fx
        self._title.set_text(
            f"Picture {number}{', upside down' if upside_down else ''}: "
            f"the lower blob, the {lower} one, is at x = {asked:.1f}"
        )
        said = "; ".join(
            f"{name} gives {_share(answer, bx):.2f} to the brighter blob and "
            f"{_share(answer, fx):.2f} to the fainter one"
            for name, answer in case.answers.items()
        )
        rows = "; ".join(
            f"the {name} blob's row has {_share(case.affinity[round(x)], by):.2f} of its weight at the "
            f"brighter blob's y and {_share(case.affinity[round(x)], fy):.2f} at the fainter one's"
            for name, x in (("brighter", bx), ("fainter", fx))
        )
        self.alt = (
            f"Picture {number}{' upside down' if upside_down else ''} of the puzzle: the brighter blob "
            f"at x {bx:.1f}, y {by:.1f}, the fainter one at x {fx:.1f}, y {fy:.1f}, with its sums "
            f"over y and over x as curves. The {lower} one is lower. In the affinity {rows}. "
            f"As x of the lower one {said}."
        )
        return self


def _share(weights: Vector, place: float) -> float:
    """What lies within two and a half pixels of a place."""
    return float(weights[np.abs(np.arange(len(weights)) - place) <= 2.5].sum())
