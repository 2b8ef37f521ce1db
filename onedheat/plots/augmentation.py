"""How training pictures vary: each way alone, then all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.plots.figure import BLACK, LARGE, YELLOW, Figure, encoded, show_picture

MARGIN, GAP, CAPTION, MIDDLE, HEADING = 0.1, 0.04, 0.3, 0.3, 0.42  # inches


@dataclass(frozen=True)
class Strip:
    """Pictures beside each other, under one caption.

    Attributes:
        caption: what varies.
        pictures: (P, F, F, 3).
        landmarks: (P, N, 2) in pixels of the pictures, where they are to be shown.
    """

    caption: str
    pictures: UInt8[np.ndarray, "pictures size size 3"]
    landmarks: Float[np.ndarray, "pictures landmarks 2"] | None = None


class PhotoSheet(Figure):
    """A figure that is stored in all its colours: few colours would add noise of their own."""

    def small_png(self) -> bytes:
        """The picture as PNG bytes, as few as keep all of it."""
        return encoded(self.drawn(), optimize=True)


def augmentation_sheet(parts: Sequence[Strip], together: Sequence[Strip]) -> PhotoSheet:
    """Strips of one part each in two columns, and below them strips of everything together.

    Args:
        parts: read down the first column, then down the second; all of one length.
        together: over the full width, under the caption of the first.
    """
    width = 8.6
    column = (width - 2 * MARGIN - MIDDLE) / 2
    small, large = _cell(column, parts[0]), _cell(width - 2 * MARGIN, together[0])
    rows = -(-len(parts) // 2)
    below = MARGIN + len(together) * (large + GAP) + HEADING
    height = below + rows * (small + CAPTION) + HEADING
    shown = sum(len(strip.pictures) for strip in (*parts, *together))
    figure = PhotoSheet(
        width,
        height,
        f"{shown} training pictures made from two photographs. {len(parts)} strips show one change "
        f"each, weak on the left and strong on the right: "
        f"{'; '.join(strip.caption for strip in parts)}. Below them all changes together; dots show "
        "that every landmark moved with its picture.",
    )
    _head(figure, height, "One change at a time, weak to strong; in brackets, how many get it")
    for number, strip in enumerate(parts):
        across, down = divmod(number, rows)
        left, top = MARGIN + across * (column + MIDDLE), height - HEADING - down * (small + CAPTION)
        figure.write(left, top - CAPTION + 0.09, strip.caption)
        _lay_out(figure, strip, left, top - CAPTION, small)
    _head(figure, below, together[0].caption)
    for row, strip in enumerate(together):
        _lay_out(figure, strip, MARGIN, below - HEADING - row * (large + GAP), large)
    return figure


def _cell(width: float, strip: Strip) -> float:
    """Side of a picture, in inches, where a strip fills a width."""
    return (width + GAP) / len(strip.pictures) - GAP


def _head(figure: Figure, top: float, text: str) -> None:
    figure.write(MARGIN, top - HEADING + 0.13, text, size=LARGE, weight="bold")


def _lay_out(figure: Figure, strip: Strip, left: float, top: float, cell: float) -> None:
    for number, picture in enumerate(strip.pictures):
        axes = figure.panel(left + number * (cell + GAP), top - cell, cell, cell)
        show_picture(axes, picture)
        if strip.landmarks is not None:
            axes.plot(*strip.landmarks[number].T, "o", ms=1.6, mfc=YELLOW, mec=BLACK, mew=0.25)
