"""Landmarks on faces, and the two vectors that each of them is."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection

from onedheat.heatmaps import Frame, Heatmaps
from onedheat.landmarks import Scheme
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    HALO,
    INK,
    LARGE,
    ORANGE,
    SKY,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    label,
    show_picture,
    tint,
)
from onedheat.plots.maps import bin_centers

Points = Float[np.ndarray, "landmarks 2"]


def faces_on_photo(
    image: UInt8[np.ndarray, "height width 3"],
    landmarks: Sequence[Points],
    sigma: Sequence[Points],
    *,
    scheme: Scheme,
    name: str = "The photo",
    width: float = 5.0,
) -> Figure:
    """A photo with every face's landmarks and their 2σ ellipses.

    Args:
        image: (H, W, 3) uint8.
        landmarks: one (N, 2) a face, in pixels of the photo.
        sigma: one (N, 2) a face, standard deviations along x and y in pixels of the photo.
        scheme: what the landmarks are.
        name: whose photo, for the alt text.
        width: inches.
    """
    rows, columns = image.shape[:2]
    height = width * rows / columns
    spreads = ", ".join(f"{one.mean():.1f} pixels" for one in sigma) or "none"
    figure = Figure(
        width,
        height,
        f"{name}: a photo with {len(landmarks)} face{'s' * (len(landmarks) != 1)} found. "
        f"{len(scheme)} dots a face mark {', '.join(scheme.areas) or 'its points'}; an ellipse round "
        f"each dot shows two standard deviations. Mean standard deviation of a coordinate: {spreads}.",
    )
    axes = figure.panel(0, 0, width, height)
    show_picture(axes, image, "bilinear")
    for points, spread in zip(landmarks, sigma, strict=True):
        _draw_face(axes, points, spread, scheme)
    return figure


def face_close_up(view: FaceView, sigma: Points, *, width: float = 5.0) -> Figure:
    """One face with its landmarks and 2σ ellipses; the least and the most certain one are ringed.

    Args:
        view: the face.
        sigma: (N, 2) in pixels of the crop.
        width: inches.
    """
    spread = sigma.mean(axis=1)
    least, most = int(spread.argmax()), int(spread.argmin())
    figure = Figure(
        width,
        width + 0.55,
        f"The face of {view.name} with {len(view.landmarks)} landmarks. The ellipse round each dot "
        f"shows two standard deviations. Most certain: {view.name_of(most)}, {spread[most]:.2f} pixels "
        f"of a {view.size}-pixel face; least certain: {view.name_of(least)}, {spread[least]:.2f} pixels.",
    )
    axes = figure.panel(0, 0.55, width, width)
    axes.set_axis_off()
    view.show_on(axes)
    _draw_face(axes, view.landmarks, sigma, view.scheme)
    rings = ((least, "s", ORANGE, "least"), (most, "D", "white", "most"))
    for index, marker, colour, word in rings:
        axes.plot(
            *view.landmarks[index], marker, ms=13, mfc="none", mec=colour, mew=2, path_effects=HALO
        )
        shape = "square" if marker == "s" else "diamond"
        line = f"{shape}: {word} certain, {view.name_of(index)}, σ = {spread[index]:.2f} px"
        figure.write(0.02, 0.32 if word == "least" else 0.1, line)
    return figure


def _draw_face(axes: Axes, points: Points, sigma: Points, scheme: Scheme) -> None:
    lines = [points[list(line)] for line in scheme.lines]
    axes.add_collection(LineCollection(lines, colors="white", linewidths=0.8, alpha=0.7))
    axes.add_collection(
        EllipseCollection(
            4 * sigma[:, 0],
            4 * sigma[:, 1],
            np.zeros(len(points)),
            units="xy",
            offsets=points,
            offset_transform=axes.transData,
            facecolors=tint(SKY, 0.2),
            edgecolors=SKY,
            linewidths=0.9,
        )
    )
    axes.plot(*points.T, "o", ms=3, mfc=YELLOW, mec=BLACK, mew=0.6)


class TwoVectors(Figure):
    """A face with the x vector of one landmark below it and the y vector at its side.

    The vectors stand where their bins lie, so a peak is straight below or beside the landmark. The
    shaded band is the coordinate ± one standard deviation.

    Args:
        view: the face, with the network's input size as its `size`.
        heatmaps: what the network put out for it, each vector (N, L), in `heights` of a target.
        sigma: (N, 2) in pixels of the crop.
        frame: where the bins lie.
    """

    FACE, STRIP, GAP = 4.4, 1.15, 0.1  # inches

    def __init__(self, view: FaceView, heatmaps: Heatmaps, sigma: Points, frame: Frame = "centre"):
        super().__init__(6.6, 7.1)
        self.view, self.sigma = view, sigma
        self.vectors = [vectors.detach().cpu().double().numpy() for vectors in heatmaps]
        bins = self.vectors[0].shape[-1]
        self.positions = bin_centers(view.size, bins, frame)
        self._build(bins)
        self.move(0)

    def _build(self, bins: int) -> None:
        side, strip, gap = self.FACE, self.STRIP, self.GAP
        left, bottom = 0.75, 0.6 + strip + gap
        face = self.panel(left, bottom, side, side)
        below = self.panel(left, 0.6, side, strip, sharex=face)
        beside = self.panel(left + side + gap, bottom, strip, side, sharey=face)
        self.view.show_on(face)
        face.plot(*self.view.landmarks.T, "o", ms=2.6, mfc=YELLOW, mec=BLACK, mew=0.5)

        ticks = np.linspace(0, self.view.size, 5)
        face.set(xticks=ticks, yticks=ticks)
        face.tick_params(labelbottom=False, bottom=False)
        beside.tick_params(labelleft=False, left=False)
        everything = np.concatenate([vectors.ravel() for vectors in self.vectors])
        low, high = float(everything.min()), float(everything.max())
        margin = 0.1 * (high - low)
        marks = [0, 1] if high > 0.5 else [0]
        below.set(ylim=(low - margin, high + margin), yticks=marks)
        beside.set(xlim=(low - margin, high + margin), xticks=marks)
        label(face, "", "y, pixels of the face", grid=False)
        label(below, "x, pixels of the face", "height", grid=False)
        label(beside, "height", "", grid=False)
        right = left + side + gap
        self.write(right, bottom + side + 0.1, f"y vector:\n{bins} numbers", color=VERMILLION)
        self.write(right, 0.6 + 0.1, f"x vector:\n{bins} numbers", color=BLUE)

        # Guides lead from the landmark down to the peak of x and right to the peak of y. They begin on
        # the face and end at the far side of the strip, so they are drawn beyond their axes.
        edge = self.view.size - 0.5
        self._end = edge + (gap + strip) / side * self.view.size
        self._bands = [
            below.axvspan(0, 1, color=tint(BLUE, 0.25)),
            beside.axhspan(0, 1, color=tint(VERMILLION, 0.25)),
        ]
        self._hills = [
            below.fill([0], [0], color=tint(BLUE, 0.12), lw=0)[0],
            beside.fill([0], [0], color=tint(VERMILLION, 0.12), lw=0)[0],
        ]
        style = {"lw": 1.3, "clip_on": False}
        self._guides = [
            face.plot([], [], color=SKY, ls="--", **style)[0],
            face.plot([], [], color=ORANGE, ls="-.", **style)[0],
        ]
        self._curves = [
            below.plot([], [], color=BLUE, lw=1.8)[0],
            beside.plot([], [], color=VERMILLION, lw=1.8)[0],
        ]
        self._dot = face.plot([], [], "o", ms=9, mfc=YELLOW, mec=BLACK, mew=1.4)[0]
        self._title = self.write(0.15, 6.85, "", size=LARGE, weight="bold", color=INK)
        self.moving = [
            *self._hills, *self._bands, *self._guides, *self._curves, self._dot, self._title,
        ]  # fmt: skip

    def move(self, landmark: int) -> "TwoVectors":
        """Chooses the landmark whose vectors are shown."""
        (px, py), (sx, sy) = self.view.landmarks[landmark], self.sigma[landmark]
        x, y = (vectors[landmark] for vectors in self.vectors)
        self._curves[0].set_data(self.positions, x)
        self._curves[1].set_data(y, self.positions)
        ends = self.positions[[0, *range(len(x)), -1]]
        self._hills[0].set_xy(np.column_stack([ends, np.pad(x, 1)]))
        self._hills[1].set_xy(np.column_stack([np.pad(y, 1), ends]))
        self._guides[0].set_data([px, px], [py, self._end])
        self._guides[1].set_data([px, self._end], [py, py])
        self._bands[0].set(x=px - sx, width=2 * sx)
        self._bands[1].set(y=py - sy, height=2 * sy)
        self._dot.set_data([px], [py])
        name = self.view.name_of(landmark)
        self._title.set_text(
            f"landmark {landmark}, {name}:  x = {px:.1f} ± {sx:.1f},  y = {py:.1f} ± {sy:.1f} px"
        )
        self.alt = (
            f"The face of {self.view.name} with landmark {landmark}, {name}, marked. Below the face its "
            f"x vector of {len(x)} numbers peaks at {x.max():.2f} under x = {px:.1f} ± {sx:.1f} pixels; at "
            f"the side its y vector of {len(y)} numbers peaks at {y.max():.2f} beside y = {py:.1f} ± "
            f"{sy:.1f} pixels."
        )
        return self
