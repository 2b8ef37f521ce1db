"""How far off one landmark is, frame by frame, by several ways to steady it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    GRID,
    LARGE,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    label,
    legend,
)
from onedheat.steadying import Comparison, Way

CLOSE = 60  # frames of the close-up
LINES = (
    {"color": BLACK, "ls": "-", "lw": 1.1},
    {"color": GREEN, "ls": (0, (6, 1.5)), "lw": 1.8},
    {"color": BLUE, "ls": "-", "lw": 2.2},
    {"color": ORANGE, "ls": "--", "lw": 2.0},
    {"color": VERMILLION, "ls": ":", "lw": 2.4},
    {"color": PURPLE, "ls": "-.", "lw": 1.8},
)


def errors_over_time(comparison: Comparison, clip: int = 0) -> Figure:
    """The error in x of one landmark over a clip: whole, and close up where the face moves most.

    Drawn are the landmarker, its detector, the filters that are a frame late, and optical flow; of the
    landmarks the first that errors are divided by, mostly an outer eye corner. What the landmarks of
    two markups differ by, the detector's mean error, is taken off all lines alike.

    Args:
        comparison: of ways to steady landmarks.
        clip: which of its clips.
    """
    ways = _drawn(comparison.ways)
    landmark = _landmark(comparison)
    points = comparison.clips.scheme.points
    name = points[comparison.points[landmark]].replace("_", " ")
    lines = {way.name: comparison.errors(way, clip)[:, landmark, 0] for way in ways}
    offset = float(np.nanmean(_detector(comparison.ways, lines)))
    lines = {way: values - offset for way, values in lines.items()}
    labelled = comparison.clips.clips[clip].landmarks[:, comparison.points[landmark], 0]
    start = _liveliest(labelled)

    figure = Figure(8.6, 6.0)
    whole, close = figure.panel(0.75, 3.2, 7.6, 1.85), figure.panel(0.75, 0.6, 7.6, 1.95)
    frames = np.arange(len(labelled))
    near = slice(start, start + CLOSE)
    for (way, values), style in zip(lines.items(), LINES, strict=False):
        whole.plot(frames, values, **style)
        close.plot(frames[near], values[near], label=way, **style)
    whole.axvspan(start, min(start + CLOSE, len(frames)) - 1, color=GRID, lw=0)
    whole.set_xlim(0, len(frames) - 1)
    close.set_xlim(start, min(start + CLOSE, len(frames)) - 1)
    kept = [values[near] for way, values in lines.items() if not way.startswith("flow")]
    most = 1.15 * max(float(np.nanmax(np.abs(values))) for values in kept) or 1.0
    close.set_ylim(-most, most)  # flow may be anywhere
    label(whole, "frame", "error in x, pixels")
    label(close, "frame, where the face moves most", "error in x, pixels")
    legend(
        whole,
        "lower left",
        *close.get_legend_handles_labels(),
        at=(-0.02, 1.0),
        ncols=3,
        handlelength=3,
        columnspacing=1.2,
    )
    shown = f"{comparison.clips.name}, clip {clip}: {name}"
    figure.write(0.75, 5.65, f"{shown}, less the detector's mean error", size=LARGE, weight="bold")
    spreads = "; ".join(
        f"{way} {np.nanstd(values):.2f}, at most {np.nanmax(np.abs(values)):.1f}"
        for way, values in lines.items()
    )
    figure.alt = (
        f"The error in x of the {name} over {len(frames)} frames of {comparison.clips.name}, in pixels, "
        f"without the detector's mean error: above the whole clip, below frames {start} to "
        f"{min(start + CLOSE, len(frames)) - 1}, where the face moves most and what is late is off to one "
        f"side. Standard deviations: {spreads}."
    )
    return figure


def _drawn(ways: Sequence[Way]) -> list[Way]:
    """The networks, the moving average that is one frame late and the 1€ filter as late, one flow."""
    networks = [way for way in ways if way.lag_at_rest is None and not _flows(way)]
    average = next(i for i, way in enumerate(ways) if way.lag_at_rest == 1.0)
    return [*networks, *ways[average : average + 2], next(way for way in ways if _flows(way))]


def _flows(way: Way) -> bool:
    return way.name.startswith("flow")


def _detector(ways: Sequence[Way], lines: dict) -> Float[np.ndarray, "frames"]:
    """The line of the detector frame by frame: the last of the networks."""
    return lines[[way for way in ways if way.lag_at_rest is None and not _flows(way)][-1].name]


def _landmark(comparison: Comparison) -> int:
    """Which of the measured landmarks is drawn."""
    wanted = comparison.clips.scheme.normaliser
    first = wanted[0] if isinstance(wanted, tuple) else comparison.points[0]
    return comparison.points.index(first) if first in comparison.points else 0


def _liveliest(way: Float[np.ndarray, "frames"]) -> int:
    """The first of the `CLOSE` frames in which a coordinate goes the longest way."""
    steps = np.nan_to_num(np.abs(np.diff(way)))
    if len(steps) <= CLOSE:
        return 0
    gone = np.convolve(steps, np.ones(CLOSE - 1), mode="valid")
    return int(gone.argmax())
