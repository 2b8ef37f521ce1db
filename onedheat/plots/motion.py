"""Clips as strips of frames, with the way that one landmark takes through time below them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from onedheat.plots.augmentation import PhotoSheet
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GRID,
    LARGE,
    PALE,
    VERMILLION,
    YELLOW,
    label,
    show_picture,
)

MARGIN, LEFT, GAP, HEADING, CURVES, BELOW = 0.1, 0.62, 0.04, 0.36, 0.95, 0.5  # inches


@dataclass(frozen=True)
class ClipStrip:
    """Some frames of a clip, and where its landmarks are in all of them.

    Attributes:
        caption: what it shows.
        pictures: (P, H, W, 3), the frames that are shown.
        shown: their numbers, (P,).
        landmarks: (T, N, 2) in pixels of the frames.
        visible: (T, N).
        fps: frames a second.
    """

    caption: str
    pictures: UInt8[np.ndarray, "pictures height width 3"]
    shown: Sequence[int]
    landmarks: Float[np.ndarray, "frames landmarks 2"]
    visible: Bool[np.ndarray, "frames landmarks"]
    fps: float

    def hidden_spans(self, landmark: int) -> list[tuple[float, float]]:
        """From when to when a landmark is covered, in seconds."""
        hidden = np.pad(~self.visible[:, landmark], 1).astype(int)
        starts, ends = (np.flatnonzero(np.diff(hidden) == step) for step in (1, -1))
        return [
            ((start - 0.5) / self.fps, (end - 0.5) / self.fps)
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]


def clip_strips(strips: Sequence[ClipStrip], landmark: int, name: str) -> PhotoSheet:
    """Strips one above the other, each with one landmark's x and y over time.

    Args:
        strips: all of as many pictures and of one size.
        landmark: whose way is drawn.
        name: of that landmark, in words.
    """
    width = 8.6
    count, rows, columns = strips[0].pictures.shape[:3]
    cell = (width - LEFT - MARGIN + GAP) / count - GAP
    high = cell * rows / columns
    each = HEADING + high + GAP + CURVES + BELOW
    height = len(strips) * each + MARGIN
    figure = PhotoSheet(width, height, _say(strips, landmark, name))
    for number, strip in enumerate(strips):
        top = height - number * each
        figure.write(LEFT, top - HEADING + 0.1, strip.caption, size=LARGE, weight="bold")
        for place, (picture, t) in enumerate(zip(strip.pictures, strip.shown, strict=True)):
            axes = figure.panel(
                LEFT + place * (cell + GAP), top - HEADING - high, cell, high, label=f"frame {t}"
            )
            _draw_frame(axes, picture, strip.landmarks[t], strip.visible[t])
        axes = figure.panel(LEFT, top - each + BELOW, width - LEFT - MARGIN, CURVES)
        _draw_way(axes, strip, landmark, name)
    return figure


def _say(strips: Sequence[ClipStrip], landmark: int, name: str) -> str:
    """The alt text."""
    each = []
    for strip in strips:
        wide, high = np.ptp(strip.landmarks[:, landmark], axis=0)
        hidden = 1 - strip.visible[:, landmark].mean()
        each.append(
            f"{strip.caption}: {len(strip.pictures)} of {len(strip.landmarks)} frames; the {name} moves "
            f"over {wide:.0f} by {high:.0f} pixels of frames "
            f"{strip.pictures.shape[2]} pixels wide and is covered in {hidden:.0%} of them"
        )
    return (
        f"{'; '.join(each)}. Dots on the frames show that the landmarks move with the face: yellow where "
        "they are seen, crosses where something is in front of them. Below each strip smooth curves of "
        "x and y over time, grey where the landmark is covered."
    )


def _draw_frame(axes, picture, points, seen) -> None:
    show_picture(axes, picture)
    axes.plot(*points[seen].T, "o", ms=1.6, mfc=YELLOW, mec=BLACK, mew=0.25)
    axes.plot(*points[~seen].T, "x", ms=2.6, mec=VERMILLION, mew=0.8)


def _draw_way(axes, strip: ClipStrip, landmark: int, name: str) -> None:
    seconds = np.arange(len(strip.landmarks)) / strip.fps
    way = strip.landmarks[:, landmark]
    for start, end in strip.hidden_spans(landmark):
        axes.axvspan(start, end, color=GRID, lw=0)
    apart = int(np.abs(way[:, 0] - way[:, 1]).argmax())
    for axis, (word, colour, dashes) in enumerate((("x", BLUE, "-"), ("y", VERMILLION, "--"))):
        axes.plot(seconds, way[:, axis], dashes, color=colour, lw=1.6)
        # Named where they are farthest apart, each on the other's side, inside the panel.
        below = way[apart, axis] > way[apart, 1 - axis]
        axes.annotate(
            word,
            (seconds[apart], way[apart, axis]),
            (0, -3 if below else 2),
            textcoords="offset points",
            ha="center",
            va="top" if below else "bottom",
            color=colour,
            fontsize=LARGE,
        )
    for t in strip.shown:
        axes.axvline(t / strip.fps, color=PALE, lw=0.8, ls=":")
    axes.set_xlim(0, seconds[-1])
    label(axes, f"seconds; {name}, grey where it is covered", "pixels", grid=False)
