"""A video with what was found in it, frame by frame; landmarks of one's own, found by several detectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.landmarks import Scheme
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    LARGE,
    ORANGE,
    PALE,
    PURPLE,
    SMALL,
    VERMILLION,
    YELLOW,
    Figure,
    label,
    legend,
    show_picture,
)

Points = Float[np.ndarray, "landmarks 2"]
BAR_COLOURS = (PALE, ORANGE, BLUE, GREEN, PURPLE)


class TrackedVideo(Figure):
    """A frame of a video with one face's landmarks, above the way that one of them takes.

    Args:
        frames: number of a frame → its picture (H, W, 3); all of one size. These can be shown.
        track: (T, N, 2) in pixels for every frame of the video, NaN where the face was not seen.
        seconds: (T,), when each frame is shown.
        landmark: whose way is drawn.
        name: of that landmark, in words.
        sigma: (T, N, 2), the standard deviations of the track, drawn as a band round the way.
    """

    WIDTH, LEFT, CURVES, BELOW = 6.4, 0.75, 1.5, 0.55  # inches

    def __init__(
        self,
        frames: Mapping[int, UInt8[np.ndarray, "height width 3"]],
        track: Float[np.ndarray, "frames landmarks 2"],
        seconds: Float[np.ndarray, "frames"],
        *,
        landmark: int,
        name: str,
        sigma: Float[np.ndarray, "frames landmarks 2"] | None = None,
    ):
        self.frames, self.track, self.seconds = frames, track, seconds
        self.landmark, self.name, self.sigma = landmark, name, sigma
        rows, columns = next(iter(frames.values())).shape[:2]
        wide = self.WIDTH - self.LEFT - 0.2
        high = min(wide * rows / columns, 4.5)
        below = self.BELOW + self.CURVES
        super().__init__(self.WIDTH, below + 0.15 + high + 0.4)
        photo = self.panel(self.LEFT, below + 0.15, wide, high)
        first = next(iter(frames))
        self._photo = show_picture(photo, frames[first], "bilinear")
        self._dots = photo.plot([], [], "o", ms=3, mfc=YELLOW, mec=BLACK, mew=0.5)[0]
        curves = self.panel(self.LEFT, self.BELOW, wide, self.CURVES)
        for axis, (word, colour, dashes) in enumerate((("x", BLUE, "-"), ("y", VERMILLION, "--"))):
            way = track[:, landmark, axis] - np.nanmean(track[:, landmark, axis])
            curves.plot(seconds, way, dashes, color=colour, lw=1.8, label=f"{word} − mean")
            if sigma is not None:
                spread = sigma[:, landmark, axis]
                curves.fill_between(
                    seconds, way - spread, way + spread, color=colour, alpha=0.25, lw=0
                )
        band = "" if sigma is None else "; the bands are ± σ"
        label(curves, f"seconds; {name}{band}", "pixels")
        bottom, top = curves.get_ylim()
        curves.set_ylim(bottom, top + 0.35 * (top - bottom))  # room for the legend
        legend(curves, "upper right", ncols=2)
        self._cursor = curves.axvline(0, color=BLACK, lw=1.2)
        self._title = self.write(self.LEFT, below + high + 0.27, "", size=LARGE, weight="bold")
        self.moving = [self._photo, self._dots, self._cursor, self._title]
        self.move(first)

    def move(self, frame: int) -> "TrackedVideo":
        """Shows the frame of that number."""
        points, second = self.track[frame], self.seconds[frame]
        self._photo.set_data(self.frames[frame])
        self._dots.set_data(points[:, 0], points[:, 1])
        self._cursor.set_xdata([second, second])
        self._title.set_text(f"frame {frame}, {second:.2f} s")
        seen = np.isfinite(points).all()
        x, y = (f"{value:.1f}" for value in points[self.landmark])
        told = ""
        if self.sigma is not None:
            x, y = (
                f"{at} ± {s:.1f}"
                for at, s in zip((x, y), self.sigma[frame, self.landmark], strict=True)
            )
            told = " A band round each curve shows one standard deviation."
        where = f"{len(points)} dots on the face, the {self.name} at x = {x}, y = {y} pixels"
        way = self.track[:, self.landmark]
        wide, high = np.nanmax(way, axis=0) - np.nanmin(way, axis=0)
        self.alt = (
            f"Frame {frame} of a video of {len(self.track)}, at {second:.2f} seconds, with "
            f"{where if seen else 'no landmarks: the face was not seen'}. Below it the way of the "
            f"{self.name} over time: x spans {wide:.0f} and y {high:.0f} pixels."
            f"{told}"
        )
        return self


def frames_in_a_row(
    frames: Mapping[int, UInt8[np.ndarray, "height width 3"]],
    track: Float[np.ndarray, "frames landmarks 2"],
    seconds: Float[np.ndarray, "frames"],
    *,
    count: int = 5,
) -> Figure:
    """Some frames of a video beside one another, with one face's landmarks.

    Args:
        frames: number of a frame → its picture, all of one size.
        track: (T, N, 2) in pixels for every frame of the video, NaN where the face was not seen.
        seconds: (T,), when each frame is shown.
        count: how many are shown, evenly from first to last.
    """
    numbers = sorted(frames)
    shown = [
        numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, count).round().astype(int))
    ]
    rows, columns = frames[shown[0]].shape[:2]
    gap, width = 0.06, 8.6
    wide = (width + gap) / len(shown) - gap
    high = wide * rows / columns
    figure = Figure(width, high + 0.3)
    for place, number in enumerate(shown):
        left = place * (wide + gap)
        axes = figure.panel(left, 0, wide, high, label=f"frame {number}")
        show_picture(axes, frames[number])
        axes.plot(*track[number].T, "o", ms=1.8, mfc=YELLOW, mec=BLACK, mew=0.3)
        figure.write(left + 0.02, high + 0.08, f"{seconds[number]:.2f} s")
    seen = int(np.isfinite(track).all(axis=(1, 2)).sum())
    figure.alt = (
        f"{len(shown)} frames of a video of {len(track)}, at {', '.join(f'{seconds[n]:.2f}' for n in shown)} "
        f"seconds, with {track.shape[1]} yellow dots on the same face in each; it was seen in {seen} frames."
    )
    return figure


@dataclass(frozen=True, eq=False)
class OwnFace:
    """A test face as the network sees it.

    Attributes:
        picture: (S, S, 3).
        truth: (N, 2) in pixels of the picture.
        found: name of a detector → (N, 2) likewise.
        errors: name of a detector → NRMSE of this face in per cent.
    """

    picture: UInt8[np.ndarray, "side side 3"]
    truth: Points
    found: Mapping[str, Points]
    errors: Mapping[str, float]


class FoundPoints(Figure):
    """One test face beside itself, with what each of several detectors found.

    Rings are the annotation, dots what was found, and a line joins those of one landmark.

    Args:
        faces: those that can be shown.
        scheme: what the landmarks are.
    """

    CELL, GAP = 2.7, 0.12  # inches

    def __init__(self, faces: Sequence[OwnFace], scheme: Scheme):
        self.faces, self.scheme = faces, scheme
        self.names = list(faces[0].found)
        count = len(self.names)
        super().__init__(count * (self.CELL + self.GAP) + self.GAP, self.CELL + 0.95)
        self._photos, self._rings, self._dots, self._joins, self._titles = [], [], [], [], []
        for place, _ in enumerate(self.names):
            left = self.GAP + place * (self.CELL + self.GAP)
            axes = self.panel(left, 0.4, self.CELL, self.CELL)
            self._photos.append(show_picture(axes, faces[0].picture))
            self._joins.append([axes.plot([], [], color=YELLOW, lw=1.2)[0] for _ in scheme.points])
            self._rings.append(axes.plot([], [], "o", ms=9, mfc="none", mec="white", mew=1.6)[0])
            self._dots.append(axes.plot([], [], "o", ms=5, mfc=YELLOW, mec=BLACK, mew=0.7)[0])
            self._titles.append(self.write(left, self.CELL + 0.47, "", weight="bold"))
        self.write(self.GAP, 0.14, "ring: where it was annotated    dot: where it was found")
        self.moving = [
            *self._photos,
            *(join for joins in self._joins for join in joins),
            *self._rings,
            *self._dots,
            *self._titles,
        ]
        self.move(0)

    def move(self, face: int) -> "FoundPoints":
        """Shows the face of that number."""
        one = self.faces[face]
        for place, name in enumerate(self.names):
            found = one.found[name]
            self._photos[place].set_data(one.picture)
            self._rings[place].set_data(one.truth[:, 0], one.truth[:, 1])
            self._dots[place].set_data(found[:, 0], found[:, 1])
            for join, was, now in zip(self._joins[place], one.truth, found, strict=True):
                join.set_data([was[0], now[0]], [was[1], now[1]])
            self._titles[place].set_text(f"{name}\n{one.errors[name]:.1f} %")
        said = "; ".join(f"{name}: {one.errors[name]:.1f} per cent" for name in self.names)
        self.alt = (
            f"Test face {face} of {len(self.faces)}, once for each detector, with {len(self.scheme)} "
            "rings where its landmarks were annotated and dots where they were found, joined by lines. "
            f"Mean distance in per cent of the normalising distance: {said}."
        )
        return self


def errors_of_starts(errors: Mapping[str, Float[np.ndarray, "faces"]], divided_by: str) -> Figure:
    """Mean errors on the same test faces as bars, each face a dot beside its bar.

    Args:
        errors: what found the landmarks → NRMSE of each test face, in per cent.
        divided_by: what errors are divided by, in words.
    """
    count = len(errors)
    faces = len(next(iter(errors.values())))
    height = 0.55 * count
    figure = Figure(8.6, height + 1.1)
    axes = figure.panel(3.1, 0.6, 5.2, height)
    for place, (values, colour) in enumerate(
        zip(errors.values(), BAR_COLOURS * count, strict=False)
    ):
        mean = float(np.mean(values))
        axes.barh(place, mean, 0.62, color=colour, edgecolor=BLACK, lw=0.6)
        axes.plot(values, np.full(faces, place), "|", color=BLACK, ms=9, mew=0.9, alpha=0.6)
        end = max(mean, float(np.max(values)))
        axes.annotate(
            f"{mean:.1f} %", (end, place), (8, 0), textcoords="offset points", va="center",
            color=INK, fontsize=LARGE, weight="bold",
        )  # fmt: skip
    axes.set_yticks(range(count), list(errors), fontsize=SMALL)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlim(0, 1.2 * max(float(np.max(values)) for values in errors.values()))
    label(axes, f"NRMSE, % of {divided_by}; a stroke is a face, a bar their mean", "")
    figure.write(
        0.15, height + 0.75, f"{faces} faces that none was trained on", size=LARGE, weight="bold"
    )
    said = "; ".join(f"{name} {np.mean(values):.1f}" for name, values in errors.items())
    figure.alt = (
        f"Bars of the mean error on {faces} test faces, in per cent of {divided_by}: {said}. A stroke "
        "marks the error of each face."
    )
    return figure
