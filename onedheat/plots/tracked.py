"""A clip in which something passes, as a detector and trackers of several λ see it (notebook 07)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from onedheat.landmarks import Scheme
from onedheat.metrics import point_errors
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GRID,
    GROUND,
    HALO,
    INK,
    LARGE,
    SMALL,
    VERMILLION,
    YELLOW,
    Figure,
    label,
    legend,
)
from onedheat.plots.maps import bin_centers

Points = Float[np.ndarray, "frames landmarks 2"]
Vectors = Float[np.ndarray, "frames landmarks bins"]
BESIDE = (
    2.0  # times a landmark's median error without memory, the least that the error axis goes up to
)
MOST = 40.0  # per cent of the inter-ocular distance; an error above leaves the panel


@dataclass(frozen=True, eq=False)
class Seen:
    """What one network found in every frame of a clip.

    Attributes:
        landmarks: (T, N, 2) in pixels of each frame's crop.
        x: (T, N, L), its x vectors in heights of a target.
        y: (T, N, L), its y vectors likewise.
        state: (T, C, P), V of the x axis after each frame (Eq. 13); None without memory.
        listens: (N,), which of its C features follows each landmark; None where none does.
    """

    landmarks: Points
    x: Vectors
    y: Vectors
    state: Float[np.ndarray, "frames features positions"] | None = None
    listens: tuple[int | None, ...] = ()


@dataclass(frozen=True, eq=False)
class ClipSeen:
    """One clip, seen by a detector frame by frame, and by trackers around it.

    Attributes:
        name: what captions call it.
        pictures: (T, S, S, 3), the crops at any resolution.
        size: F; landmarks and axes count in pixels of an F × F crop.
        truth: (T, N, 2) in the same pixels.
        covered: (T, N), whether something passes in front of a landmark.
        scheme: what the landmarks are.
        alone: what the detector found.
        remembered: λ → what the tracker of that λ found.
    """

    name: str
    pictures: UInt8[np.ndarray, "frames side side 3"]
    size: int
    truth: Points
    covered: Bool[np.ndarray, "frames landmarks"]
    scheme: Scheme
    alone: Seen
    remembered: Mapping[float, Seen]

    def __len__(self) -> int:
        return len(self.pictures)

    def errors(self, seen: Seen) -> Float[np.ndarray, "frames landmarks"]:
        """Of each landmark in each frame, in per cent of the inter-ocular distance."""
        apart = self.scheme.normalising_distance(self.truth)
        return point_errors(seen.landmarks, self.truth, apart)

    def most_covered(self) -> int:
        """The landmark that is covered in most frames, of those that are seen before and after."""
        counts = self.covered[1:-1].sum(axis=0) * ~(self.covered[0] | self.covered[-1])
        return int(counts.argmax())

    def hardest_frame(self, landmark: int) -> int:
        """Of the frames in which it is covered that in which the detector is off most; 0 without any."""
        errors = self.errors(self.alone)[:, landmark]
        return int(np.where(self.covered[:, landmark], errors, 0).argmax())

    def name_of(self, landmark: int) -> str:
        """A landmark's name in words."""
        return self.scheme.points[landmark].replace("_", " ")


class TrackedClip(Figure):
    """A frame of the clip, the two vectors of one landmark, and below them, over all frames, what the
    state holds and how far off the landmark is.

    Args:
        clip: what was seen.
    """

    def __init__(self, clip: ClipSeen):
        super().__init__(8.6, 8.4)
        self.clip = clip
        self._build_face()
        panels = [self.panel(4.75, bottom, 3.7, 1.3) for bottom in (6.1, 4.25)]
        self._vectors = [
            self._build_vector(axes, axis) for axes, axis in zip(panels, "xy", strict=True)
        ]
        self._build_time()
        self._title = self.write(0.15, 8.1, "", size=LARGE, weight="bold")
        self._note = self.write(0.15, 7.83, "")
        self.moving = [
            self._picture, *self._points, self._ring,
            *(artist for vector in self._vectors for artist in vector),
            self._held, self._none, *self._spans, *self._lines, *self._here, self._title, self._note,
        ]  # fmt: skip
        self.move(next(iter(clip.remembered)))

    def _build_face(self) -> None:
        axes, edge = self.panel(0.15, 3.95, 3.5, 3.5), self.clip.size - 0.5
        axes.set(xticks=[], yticks=[], xlim=(-0.5, edge), ylim=(edge, -0.5))
        self._picture = axes.imshow(self.clip.pictures[0], extent=(-0.5, edge, edge, -0.5))
        axes.set(xlim=(-0.5, edge), ylim=(edge, -0.5))
        self._points = [
            axes.plot([], [], marker, ms=size, mfc=face, mec=line, mew=width)[0]
            for marker, size, face, line, width in (
                ("o", 4.5, "white", BLACK, 0.6),
                ("s", 5.5, "none", VERMILLION, 1.2),
                ("X", 5.5, BLUE, "white", 0.5),
            )
        ]
        self._ring = axes.plot(
            [], [], "o", ms=17, mfc="none", mec=YELLOW, mew=2, path_effects=HALO
        )[0]
        self.write(0.15, 3.72, "white dot: truth · orange square: detector · blue cross: tracker")

    def _build_vector(self, axes: Axes, axis: str) -> list:
        axes.set(xlim=(-0.5, self.clip.size - 0.5), ylim=(-0.25, 1.25), yticks=[0, 1])
        label(axes, f"{axis}, pixels of the crop", "heatmap")
        truth = axes.axvline(0, color=INK, lw=1.2, ls=":", label="truth")
        alone = axes.plot([], [], color=VERMILLION, lw=1.4, ls="--", label="detector, E")[0]
        refined = axes.plot([], [], color=BLUE, lw=1.7, label="tracker")[0]
        if axis == "x":
            legend(
                axes, "lower left", at=(-0.04, 0.97), ncols=3, handlelength=1.8, columnspacing=1.0
            )
        return [truth, alone, refined]

    def _build_time(self) -> None:
        """The two panels over all frames."""
        frames, size = len(self.clip), self.clip.size
        above, below = self.panel(0.75, 2.35, 7.7, 1.1), self.panel(0.75, 0.6, 7.7, 1.45)
        edges = (-0.5, frames - 0.5, size - 0.5, -0.5)
        self._none = above.text(
            frames / 2, size / 2, "no feature of V follows this landmark", ha="center", va="center",
            color="white", fontsize=SMALL,
        )  # fmt: skip
        self._held = above.imshow(
            np.zeros((1, frames)), cmap="cividis", extent=edges, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        above.set(xlim=edges[:2], ylim=edges[2:], yticks=[0, size // 2, size - 1])
        above.tick_params(labelbottom=False)
        label(above, "", "state V,\nx, pixels", grid=False)
        paper = ListedColormap([GROUND, GRID])
        self._spans = [
            below.imshow(
                np.zeros((1, frames)), cmap=paper, vmin=0, vmax=1, aspect="auto",
                extent=(-0.5, frames - 0.5, 0, MOST), interpolation="nearest", zorder=0,
            )
        ]  # fmt: skip
        self._lines = [
            below.plot([], [], color=VERMILLION, lw=1.6, ls="--", marker="s", ms=3.5)[0],
            below.plot([], [], color=BLUE, lw=2.0, marker="o", ms=3.5)[0],
        ]
        below.set(xlim=edges[:2])
        label(below, "frame; grey where the landmark is covered", "error, %", grid=False)
        self._below = below
        self._here = [axes.axvline(0, color=INK, lw=1.2, ls=":") for axes in (above, below)]

    def move(self, decay: float, frame: int = 0, landmark: int | None = None) -> "TrackedClip":
        """Chooses λ, a frame, and the landmark that is followed; by default the most covered one."""
        clip, alone, seen = self.clip, self.clip.alone, self.clip.remembered[decay]
        landmark = clip.most_covered() if landmark is None else landmark
        self._picture.set_data(clip.pictures[frame])
        for points, found in zip(
            self._points, (clip.truth, alone.landmarks, seen.landmarks), strict=True
        ):
            points.set_data(*found[frame].T)
        self._ring.set_data(*clip.truth[frame, landmark][:, None])
        self._show_vectors(seen, frame, landmark)
        self._show_time(seen, frame, landmark)
        self._say(decay, frame, landmark)
        return self

    def _show_vectors(self, seen: Seen, frame: int, landmark: int) -> None:
        clip = self.clip
        at = bin_centers(clip.size, clip.alone.x.shape[-1])
        for axis, (truth, alone, refined) in enumerate(self._vectors):
            true = clip.truth[frame, landmark, axis]
            truth.set_xdata([true, true])
            alone.set_data(at, (clip.alone.x, clip.alone.y)[axis][frame, landmark])
            refined.set_data(at, (seen.x, seen.y)[axis][frame, landmark])

    def _show_time(self, seen: Seen, frame: int, landmark: int) -> None:
        clip, frames = self.clip, np.arange(len(self.clip))
        held = self._held_of(seen, landmark)
        self._none.set_visible(not held.any())
        self._held.set_data(held)
        self._held.set_clim(0, held.max() or 1.0)
        self._spans[0].set_data(clip.covered[None, :, landmark])
        errors = [clip.errors(one)[:, landmark] for one in (clip.alone, seen)]
        for line, values in zip(self._lines, errors, strict=True):
            line.set_data(frames, values)
        for mark in self._here:
            mark.set_xdata([frame, frame])
        # One axis for a landmark at all λ, or they could not be compared.
        every = [clip.errors(one)[:, landmark] for one in clip.remembered.values()]
        top = min(MOST, 1.1 * max(map(np.max, [errors[0], *every])))
        if self._below.get_ylim() != (0, top):
            self._below.set_ylim(0, top)
            self.forget_ground()

    def _held_of(self, seen: Seen, landmark: int) -> Float[np.ndarray, "positions frames"]:
        """The feature of V that follows the landmark, over all frames; zeros where none does."""
        feature = seen.listens[landmark]
        return np.zeros_like(seen.state[:, 0].T) if feature is None else seen.state[:, feature].T

    def _say(self, decay: float, frame: int, landmark: int) -> None:
        clip, name = self.clip, self.clip.name_of(landmark)
        errors = {
            "the detector": clip.errors(clip.alone),
            "the tracker": clip.errors(clip.remembered[decay]),
        }
        covered = clip.covered[:, landmark]
        state = "covered" if covered[frame] else "in sight"
        self._title.set_text(f"λ = {decay:g}, frame {frame}; landmark {landmark}, {name}, {state}")
        here = ", ".join(f"{one} {values[frame, landmark]:.1f} %" for one, values in errors.items())
        self._note.set_text(f"this landmark in this frame is off by: {here}")
        told = [f"in this frame {here}"]
        for when, which in (
            (f"in its {int(covered.sum())} covered frames", covered),
            ("in the others", ~covered),
        ):
            if which.any():
                means = ", ".join(
                    f"{one} {values[which, landmark].mean():.1f} %"
                    for one, values in errors.items()
                )
                told.append(f"{when} {means}")
        followed = clip.remembered[decay].listens[landmark] is not None
        held = "the feature of the state that follows it" if followed else "no feature of the state"
        self.alt = (
            f"{clip.name}, frame {frame} of {len(clip)}, with the true landmarks, those that the detector "
            f"found by itself and those of the tracker with λ = {decay:g}. Landmark {landmark}, {name}, is "
            f"{state}; beside the frame its two heatmaps, below {held} over all frames and the landmark's "
            f"error. It is off, in per cent of the inter-ocular distance, {'; '.join(told)}."
        )


def frames_of_one_landmark(
    clip: ClipSeen, decay: float, frames: list[int], landmark: int
) -> Figure:
    """Some frames side by side, with the truth, what the detector found, and what the tracker did.

    Args:
        clip: what was seen.
        decay: λ of the tracker.
        frames: which; at most eight have room.
        landmark: that has a ring.
    """
    cell, gap = (8.4 - 0.06 * (len(frames) - 1)) / len(frames), 0.06
    figure, edge = Figure(8.6, cell + 0.62), clip.size - 0.5
    seen = clip.remembered[decay]
    told = []
    for place, frame in enumerate(frames):
        axes = figure.panel(0.1 + place * (cell + gap), 0.32, cell, cell)
        axes.set(xticks=[], yticks=[])
        axes.imshow(clip.pictures[frame], extent=(-0.5, edge, edge, -0.5))
        axes.set(xlim=(-0.5, edge), ylim=(edge, -0.5))
        at = clip.truth[frame, landmark]
        axes.plot(*at[:, None], "o", ms=15, mfc="none", mec=YELLOW, mew=2, path_effects=HALO)
        axes.plot(*at[:, None], "o", ms=5, mfc="white", mec=BLACK, mew=0.6)
        axes.plot(
            *clip.alone.landmarks[frame, landmark][:, None], "s", ms=6, mfc="none", mec=VERMILLION,
            mew=1.6,
        )  # fmt: skip
        axes.plot(
            *seen.landmarks[frame, landmark][:, None], "X", ms=6, mfc=BLUE, mec="white", mew=0.5
        )
        covered = clip.covered[frame, landmark]
        figure.write(
            0.1 + place * (cell + gap),
            cell + 0.38,
            f"frame {frame}{', covered' if covered else ''}",
        )
        errors = [clip.errors(one)[frame, landmark] for one in (clip.alone, seen)]
        told.append(
            f"frame {frame}{' (covered)' if covered else ''} {errors[0]:.1f} and {errors[1]:.1f}"
        )
    figure.write(
        0.1,
        0.08,
        f"{clip.name_of(landmark)}; white dot: truth · orange square: detector · blue cross: tracker, "
        f"λ = {decay:g}",
    )
    figure.alt = (
        f"{len(frames)} frames of {clip.name} with one landmark, {clip.name_of(landmark)}: where it is, "
        f"where the detector puts it by itself, and where the tracker with λ = {decay:g} does. Errors of "
        f"the two in per cent of the inter-ocular distance: {'; '.join(told)}."
    )
    return figure
