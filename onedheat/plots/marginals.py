"""A map of one landmark and its two marginals (Eq. 12): what they keep of it and what they lose."""

from collections.abc import Sequence

import numpy as np

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    INK,
    LARGE,
    ORANGE,
    PALE,
    VERMILLION,
    Figure,
    label,
    tint,
)
from onedheat.plots.maps import (
    Map,
    Vector,
    bin_centers,
    misplaced,
    multiplied_back,
    one_mode,
    two_modes,
    vectors_of,
)

COLOURS = "cividis"


class MapAndVectors(Figure):
    """A map with its marginals below and beside it, and the map that they give when multiplied.

    An orange cross marks where the peaks of the two vectors meet. Subclasses say in `move` which map.

    Args:
        size: F in pixels.
    """

    SIDE, STRIP, GAP = 2.8, 0.95, 0.1  # inches

    def __init__(self, size: int):
        super().__init__(8.0, 5.15)
        self.size = size
        side, strip, gap, left, bottom = self.SIDE, self.STRIP, self.GAP, 0.75, 1.65
        self._map = self.panel(left, bottom, side, side)
        below = self.panel(left, bottom - gap - strip, side, strip, sharex=self._map)
        beside = self.panel(left + side + gap, bottom, strip, side, sharey=self._map)
        self._back = self.panel(5.05, bottom, side, side)
        self._images = []
        for axes in (self._map, self._back):
            edges = (-0.5, size - 0.5, size - 0.5, -0.5)
            self._images.append(
                axes.imshow(np.zeros((2, 2)), cmap=COLOURS, extent=edges, interpolation="nearest")
            )
            axes.set(xticks=np.linspace(0, size, 5), yticks=np.linspace(0, size, 5))
        self._map.tick_params(labelbottom=False, bottom=False)
        beside.tick_params(labelleft=False, left=False)
        below.set(ylim=(0, 1.15), yticks=[0, 1])
        beside.set(xlim=(0, 1.15), xticks=[0, 1])
        label(self._map, "", "y, pixels of the face", grid=False)
        label(below, "x, pixels of the face", "of its peak", grid=False)
        label(beside, "of its peak", "", grid=False)
        label(self._back, "x, pixels of the face", "", grid=False)
        self.write(left, bottom + side + 0.08, "the map")
        self.write(left + side + gap, bottom + side + 0.08, "its y vector", color=VERMILLION)
        self.write(left + side + gap, 0.72, "its x\nvector", color=BLUE)
        self.write(5.05, bottom + side + 0.08, "the two vectors, multiplied back")

        self._hills = [
            below.fill([0], [0], color=tint(BLUE, 0.15), lw=0)[0],
            beside.fill([0], [0], color=tint(VERMILLION, 0.15), lw=0)[0],
        ]
        self._curves = [
            below.plot([], [], color=BLUE, lw=1.8)[0],
            beside.plot([], [], color=VERMILLION, lw=1.8)[0],
        ]
        style = {"color": "white", "lw": 1, "ls": ":"}
        self._guides = [self._map.plot([], [], **style)[0] for _ in range(2)]
        self._cross = self._map.plot([], [], "X", ms=10, mfc=ORANGE, mec=BLACK, mew=1.2)[0]
        self._title = self.write(0.15, 4.85, "", size=LARGE, weight="bold")
        self._note = self.write(5.05, 0.4, "", linespacing=1.45, va="bottom")
        self._before = [
            below.plot([], [], color=INK, lw=1.2, ls="--")[0],
            beside.plot([], [], color=INK, lw=1.2, ls="--")[0],
        ]
        self.moving = [
            *self._images, *self._hills, *self._curves, *self._before, *self._guides, self._cross,
            self._title, self._note,
        ]  # fmt: skip

    def show_map(self, map2d: Map) -> None:
        """Draws a map, its vectors, the cross, and what the vectors give back.

        Attributes set: `vectors`, `cross` (x, y in pixels), `held` (what the map holds under the
        cross, of its highest value) and `lost` (see `misplaced`).
        """
        bins = len(map2d)
        self.vectors = vectors_of(map2d)
        rebuilt = multiplied_back(*self.vectors)
        self.lost = misplaced(map2d, rebuilt)
        for image, drawn in zip(self._images, (map2d, rebuilt), strict=True):
            image.set_data(drawn)
            image.set_clim(0, drawn.max())
        at = bin_centers(self.size, bins)
        self._draw_curves(self._curves, at, self.vectors)
        ends = at[[0, *range(bins), -1]]
        x, y = (np.pad(vector / vector.max(), 1) for vector in self.vectors)
        self._hills[0].set_xy(np.column_stack([ends, x]))
        self._hills[1].set_xy(np.column_stack([y, ends]))
        # Rounded, so that of two equal peaks it is always the first.
        best = [int(np.round(vector / vector.max(), 9).argmax()) for vector in self.vectors]
        px, py = self.cross = (float(at[best[0]]), float(at[best[1]]))
        self.held = float(map2d[best[1], best[0]] / map2d.max())
        self._cross.set_data([px], [py])
        self._guides[0].set_data([px, px], [py, self.size])
        self._guides[1].set_data([px, self.size], [py, py])

    def _draw_curves(self, curves, at: Vector, vectors: tuple[Vector, Vector]) -> None:
        x, y = (vector / vector.max() for vector in vectors)
        curves[0].set_data(at, x)
        curves[1].set_data(y, at)

    def _words(self) -> str:
        """What every map's alt text ends with."""
        bins = len(self.vectors[0])
        return (
            f"Below it the x vector and beside it the y vector, {2 * bins:,} numbers for the map's "
            f"{bins**2:,}. Their peaks meet at ({self.cross[0]:.1f}, {self.cross[1]:.1f}), where the map "
            f"holds {100 * self.held:.0f} per cent of its highest value. On the right the vectors "
            f"multiplied back: {100 * self.lost:.1f} per cent of the map lies elsewhere there."
        )


class OneMode(MapAndVectors):
    """One Gaussian that can be moved, widened and tilted.

    Args:
        size: F in pixels.
    """

    def __init__(self, size: int = 128):
        super().__init__(size)
        self.move(48, 80)

    def move(
        self, x: float, y: float, sigma: float = 8, tilt: int = 0, bins: int = 64
    ) -> "OneMode":
        """Chooses the centre and σ in pixels, the correlation of x and y in per cent, and L."""
        self.show_map(one_mode(x, y, self.size, bins, sigma, tilt / 100))
        self._title.set_text(
            f"L = {bins}: {bins**2:,} numbers in the map, {2 * bins:,} in the vectors, {bins // 2} times "
            "fewer"
        )
        self._note.set_text(
            f"σ = {sigma:g} px, correlation of x and y {tilt / 100:+.2f}\n"
            f"multiplied back, {100 * self.lost:.1f} % lies elsewhere"
        )
        self.alt = (
            f"A map of {bins} by {bins} bins over {self.size} pixels with one Gaussian at ({x:g}, {y:g}), "
            f"σ {sigma:g} pixels, correlation {tilt / 100:.2f}. {self._words()}"
        )
        return self


class TwoModes(MapAndVectors):
    """Two Gaussians of which a part can be moved to the other diagonal; the vectors do not notice.

    Args:
        size: F in pixels.
    """

    BINS, SIGMA = 96, 7  # L, and the width of each Gaussian in pixels

    def __init__(self, size: int = 128):
        super().__init__(size)
        self.move(56, 50)

    def move(self, distance: float, brightness: int, moved: int = 0) -> "TwoModes":
        """Chooses the distance in pixels, and brightness and what is moved in per cent."""
        size, bins, sigma = self.size, self.BINS, self.SIGMA
        drawn = two_modes(distance, brightness / 100, moved / 100, size, bins, sigma)
        self.show_map(drawn)
        before = vectors_of(two_modes(distance, brightness / 100, 0.0, size, bins, sigma))
        at = bin_centers(size, bins)
        self._draw_curves(self._before, at, before)
        self.change = max(
            float(np.abs(now / now.max() - then / then.max()).max())
            for now, then in zip(self.vectors, before, strict=True)
        )
        share = min(brightness, 100 - brightness) * moved / 100
        self._title.set_text(
            f"{share:.0f} % moved from each spot to the other diagonal: the vectors changed by "
            f"{self.change:.3f}"
        )
        self._note.set_text(
            "dashed: the vectors before the move\n"
            f"under the cross: {100 * self.held:.0f} % of the map's peak\n"
            f"multiplied back, {100 * self.lost:.1f} % lies elsewhere"
        )
        self.alt = (
            f"A map of {bins} by {bins} bins with a spot up left that holds {brightness - share:.0f} per "
            f"cent, one down right with {100 - brightness - share:.0f}, and {share:.0f} at each of the "
            f"other two corners, {distance:g} pixels apart. {self._words()} Against the same map with "
            f"nothing moved the vectors changed by {self.change:.3f} of their peak."
        )
        return self


def maps_of_one_pair(moved: Sequence[int] = (0, 50, 100)) -> Figure:
    """Different maps in a row, each over its x vector and beside its y vector: the same for all.

    Args:
        moved: how much of two equal spots is moved to the other diagonal in each, in per cent.
    """
    size, bins, side, strip = 128, TwoModes.BINS, 1.75, 0.55
    figure = Figure(0.35 + len(moved) * (side + strip + 0.3), 3.3)
    at = bin_centers(size, bins)
    told, first, most = [], None, 0.0
    for column, part in enumerate(moved):
        left, bottom = 0.35 + column * (side + strip + 0.3), 1.1
        drawn = two_modes(56, 0.5, part / 100, size, bins, TwoModes.SIGMA)
        x, y = (vector / vector.max() for vector in vectors_of(drawn))
        first = first or (x, y)
        most = max(
            [most, *(float(np.abs(a - b).max()) for a, b in zip((x, y), first, strict=True))]
        )
        axes = figure.panel(left, bottom, side, side)
        axes.imshow(drawn, cmap=COLOURS, extent=(-0.5, size - 0.5, size - 0.5, -0.5))
        below = figure.panel(left, bottom - strip - 0.05, side, strip, sharex=axes)
        beside = figure.panel(left + side + 0.05, bottom, strip, side, sharey=axes)
        below.plot(at, x, color=BLUE, lw=1.8)
        beside.plot(y, at, color=VERMILLION, lw=1.8, ls="--")
        for panel in (axes, below, beside):
            panel.set(xticks=[], yticks=[])
            for spine in panel.spines.values():
                spine.set_color(PALE)
        below.set(ylim=(0, 1.15))
        beside.set(xlim=(0, 1.15))
        share = part / 2
        axes.set_title(f"{part:.0f} % moved", fontsize=LARGE, color=INK, weight="bold", pad=5)
        told.append(
            f"spots of {50 - share:.0f} and {50 - share:.0f} per cent on the "
            f"falling diagonal, of {share:.0f} and {share:.0f} on the rising one"
        )
    figure.write(0.35, 0.14, "below each map its x vector (solid), beside it its y vector (dashed)")
    figure.alt = (
        f"{len(moved)} maps of {size} pixels with different spots: {'; '.join(told)}. Below each its x "
        f"vector, beside it its y vector: they differ by at most {most:.3f} of their peak."
    )
    return figure
