"""How steady the faces of a video were, and what the time of its frames went to."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from onedheat.plots.figure import (
    BLUE,
    GREEN,
    INK,
    LARGE,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILLION,
    Figure,
    label,
    legend,
)

Seconds = Float[np.ndarray, "seconds 2"]
FACES = 6  # that have a line of their own
LINES = (
    {"color": BLUE, "ls": "-", "marker": "o"},
    {"color": VERMILLION, "ls": "--", "marker": "s"},
    {"color": GREEN, "ls": "-.", "marker": "^"},
    {"color": PURPLE, "ls": ":", "marker": "D"},
    {"color": ORANGE, "ls": (0, (5, 1, 1, 1)), "marker": "v"},
    {"color": SKY, "ls": (0, (3, 2)), "marker": "P"},
)
STAGES = {
    "track": ("finding faces and landmarks", BLUE, ""),
    "read": ("decoding", ORANGE, "//"),
    "write": ("drawing, writing", GREEN, ".."),
}


def jitter_over_time(faces: Mapping[int, Seconds], means: Mapping[int, float], how: str) -> Figure:
    """The label-free jitter of each face in each second of a video.

    Args:
        faces: number of a face → (S, 2), seconds and jitter in per cent of the normalising distance.
        means: number of a face → its jitter in the whole video.
        how: the faces were looked at, for the heading.
    """
    # The longest tracks have lines of their own, under their numbers.
    longest = sorted(sorted(faces, key=lambda face: -len(faces[face]))[:FACES])
    figure = Figure(8.6, 3.4)
    axes = figure.panel(0.75, 0.6, 5.6, 2.25)
    for face in faces.keys() - set(longest):
        axes.plot(*faces[face].T, color=PALE, lw=1.0)
    for face, style in zip(longest, LINES, strict=False):
        named = f"face {face}: {means[face]:.2f} %"
        axes.plot(*faces[face].T, lw=1.8, ms=5, label=named, **style)
    highest = max((values[:, 1].max() for values in faces.values() if len(values)), default=1.0)
    axes.set_ylim(0, 1.1 * max(highest, 0.01))
    label(axes, "seconds of the video", "jitter, % of the norm. distance")
    if longest:
        legend(axes, "upper left", at=(1.01, 1.03), handlelength=3.2)
    else:
        axes.text(
            0.5, 0.5, "no face in three frames in a row", transform=axes.transAxes,
            ha="center", color=INK, fontsize=LARGE,
        )  # fmt: skip
    figure.write(0.75, 3.05, f"Jitter, {how}", size=LARGE, weight="bold")
    told = "; ".join(
        f"face {face} {means[face]:.2f} per cent in the mean, between {values[:, 1].min():.2f} and "
        f"{values[:, 1].max():.2f}"
        for face, values in sorted(faces.items())
        if face in longest
    )
    rest = len(faces) - len(longest)
    more = f" {rest} more faces, seen more shortly, are drawn in grey." if rest else ""
    figure.alt = (
        "How much landmarks shake by themselves: the mean length of their second difference in per cent "
        f"of the normalising distance, over the seconds of a video, {how}: "
        f"{told or 'no face was seen in three frames in a row'}.{more}"
    )
    return figure


def time_of_frames(stages: Mapping[str, Seconds], means: Mapping[str, float], how: str) -> Figure:
    """Milliseconds of a frame in each second of a video, stacked by what they went to.

    Args:
        stages: ``"read"``, ``"track"``, ``"write"`` → (S, 2), seconds and milliseconds a frame.
        means: the same names → milliseconds of a frame in the whole video.
        how: the faces were looked at, for the heading.
    """
    figure = Figure(8.6, 3.4)
    axes = figure.panel(0.75, 0.6, 4.6, 2.25)
    seconds = stages["track"][:, 0]
    below = np.zeros(len(seconds))
    for name, (words, colour, hatch) in STAGES.items():
        values = stages[name][:, 1]
        named = f"{words}: {means[name]:.1f} ms"
        axes.bar(
            seconds, values, 1.0, bottom=below, label=named, color=colour, hatch=hatch,
            edgecolor="white", lw=0.4,
        )  # fmt: skip
        below = below + values
    label(axes, "seconds of the video", "milliseconds a frame")
    if len(seconds):
        legend(axes, "upper left", at=(1.01, 1.03), reverse=True)
    total = sum(means.values())
    figure.write(0.75, 3.05, f"Time of a frame, {how}", size=LARGE, weight="bold")
    parts = ", ".join(f"{words} {means[name]:.1f}" for name, (words, *_) in STAGES.items())
    figure.alt = (
        f"Milliseconds of a frame over the seconds of a video, {how}, as stacked bars: {parts}; together "
        f"{total:.1f} milliseconds, which is {1000 / total if total else 0:.0f} frames a second. Taken on "
        "this machine with whatever else ran on it."
    )
    return figure
