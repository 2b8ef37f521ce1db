"""What trained networks of several resolutions L make of one face, and what L buys and costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GROUND,
    HALO,
    INK,
    LARGE,
    SMALL,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    draw_seeds,
    label,
    legend,
)
from onedheat.plots.maps import bin_centers

STYLES = {
    "1D": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "2D": {"color": VERMILLION, "linestyle": "--", "marker": "s"},
}
NAMES = {"1D": "1D", "2D": "2D, trunk run at L"}
MIB = 2**20


@dataclass(frozen=True)
class TrainedNetwork:
    """One trained network.

    Attributes:
        kind: ``"1D"`` or ``"2D"``.
        bins: L.
        nrmse: of each seed, in per cent.
        numbers: that it puts out for a face: 2NL or NL².
        saved: bytes that autograd keeps of a face in training.
    """

    kind: str
    bins: int
    nrmse: tuple[float, ...]
    numbers: int
    saved: int

    @property
    def mean(self) -> float:
        """NRMSE in per cent, the mean of its seeds."""
        return float(np.mean(self.nrmse))


@dataclass(frozen=True, eq=False)
class AnswerAtL:
    """What one trained network found on one face.

    Attributes:
        network: which.
        landmarks: (N, 2) in pixels of the face.
        heatmaps: x and y vectors (N, L) each, or one map (N, L, L) as (y, x).
    """

    network: TrainedNetwork
    landmarks: Float[np.ndarray, "landmarks 2"]
    heatmaps: Sequence[Float[np.ndarray, "landmarks *bins"]]


class Resolution(Figure):
    """A face as the networks of one L see it: landmarks, the heatmaps of one of them, and the price.

    The 2D network's map has the 1D network's vectors below it and at its side, each bin where it lies.

    Args:
        view: the face with its true landmarks; `size` is F.
        answers: of all networks, on this face.
    """

    def __init__(self, view: FaceView, answers: Sequence[AnswerAtL]):
        super().__init__(8.6, 7.6)
        self.view = view
        self.answers = {
            kind: {one.network.bins: one for one in answers if one.network.kind == kind}
            for kind in STYLES
        }
        self._build_face()
        self._build_heatmaps()
        networks = [one.network for one in answers]
        self._marks = [
            draw_errors(self.panel(0.75, 0.6, 3.3, 1.75), networks),
            draw_bytes(self.panel(5.15, 0.6, 3.3, 1.75), networks),
        ]
        self._title = self.write(0.15, 7.28, "", size=LARGE, weight="bold")
        self._says = {
            "1D": self.write(0.15, 7.0, "", color=BLUE),
            "2D": self.write(0.15, 6.74, "", color=VERMILLION),
        }
        self.moving = [
            *self._ways.values(), *self._crosses.values(), self._ring,
            self._map, *self._curves, *self._guides, self._none,
            *(mark for marks in self._marks for mark in marks),
            self._title, *self._says.values(),
        ]  # fmt: skip
        self.move(max(self.answers["1D"]))

    def _build_face(self) -> None:
        axes = self.panel(0.15, 2.95, 3.6, 3.6)
        axes.set(xticks=[], yticks=[])
        self.view.show_on(axes)
        axes.plot(*self.view.landmarks.T, "o", ms=5, mfc="white", mec=BLACK, mew=0.8)
        self._ways, self._crosses = {}, {}
        for kind, marker, colour in (("1D", "X", BLUE), ("2D", "s", VERMILLION)):
            lines = LineCollection([], colors="white", linewidths=1.2, path_effects=HALO)
            self._ways[kind] = axes.add_collection(lines)
            face = {"mfc": colour, "mec": BLACK} if kind == "1D" else {"mfc": "none", "mec": colour}
            self._crosses[kind] = axes.plot(
                [],
                [],
                marker,
                ms=5.5 if kind == "1D" else 4.5,
                mew=0.7 if kind == "1D" else 1.3,
                **face,
            )[0]
        self._ring = axes.plot(
            [], [], "o", ms=17, mfc="none", mec=YELLOW, mew=2, path_effects=HALO
        )[0]
        self.write(0.15, 2.74, "white dot: truth · cross: 1D · square: 2D, by dark")

    def _build_heatmaps(self) -> None:
        edge, side, strip = self.view.size - 0.5, 2.75, 0.7
        left, bottom = 4.7, 3.8
        above = self.panel(left, bottom, side, side)
        below = self.panel(left, bottom - strip - 0.08, side, strip, sharex=above)
        beside = self.panel(left + side + 0.08, bottom, strip, side, sharey=above)
        self._map = above.imshow(
            np.zeros((1, 1)), cmap="cividis", vmin=0, vmax=1, interpolation="nearest",
            extent=(-0.5, edge, edge, -0.5),
        )  # fmt: skip
        ticks = np.linspace(0, self.view.size, 5)
        above.set(xlim=(-0.5, edge), ylim=(edge, -0.5), xticks=ticks, yticks=ticks)
        above.tick_params(labelbottom=False, bottom=False)
        beside.tick_params(labelleft=False, left=False)
        below.set(ylim=(-0.25, 1.25), yticks=[0, 1])
        beside.set(xlim=(-0.25, 1.25), xticks=[0, 1])
        label(above, "", "y, pixels of the face", grid=False)
        label(below, "x, pixels of the face", "output", grid=False)
        self._curves = [
            axes.plot([], [], color=BLUE, lw=1.4, drawstyle="default")[0]
            for axes in (below, beside)
        ]
        truth = {"color": INK, "lw": 1.2, "ls": ":"}
        self._guides = [below.axvline(0, **truth), beside.axhline(0, **truth)]
        self._guides.append(above.plot([], [], "o", ms=5, mfc="white", mec=BLACK, mew=0.8)[0])
        self._none = above.text(
            edge / 2, edge / 2, "", ha="center", va="center", fontsize=SMALL, color=INK,
            bbox={"facecolor": GROUND, "edgecolor": "none", "pad": 4},
        )  # fmt: skip

    def move(self, bins: int, landmark: int = 36) -> "Resolution":
        """Chooses L and the landmark whose heatmaps are shown."""
        view, told = self.view, []
        for kind, of_kind in self.answers.items():
            answer = of_kind.get(bins)
            found = answer.landmarks if answer else np.zeros((0, 2))
            self._crosses[kind].set_data(*found.T)
            ends = np.stack([view.landmarks, found], axis=1) if answer else []
            self._ways[kind].set_segments(ends)
            told.append(self._tell(kind, answer))
            self._says[kind].set_text(told[-1])
        self._ring.set_data(*view.landmarks[landmark][:, None])
        self._show_heatmaps(bins, landmark)
        for marks in self._marks:
            marks[0].set_xdata([bins, bins])
        name = view.name_of(landmark)
        self._title.set_text(
            f"L = {bins}, L/F = {bins / view.size:g}; heatmaps of landmark {landmark}, {name}"
        )
        self.alt = (
            f"{view.name} with the true landmarks and those that networks of L = {bins} bins over "
            f"{view.size} pixels found; beside it the heatmaps of landmark {landmark}, {name}; below "
            f"NRMSE and saved bytes of all networks against L. {' '.join(told)}"
        )
        return self

    def _tell(self, kind: str, answer: AnswerAtL | None) -> str:
        if answer is None:
            return f"{kind}: there is no network of this resolution; maps end at L = F."
        network, here = answer.network, self.view.errors(answer.landmarks).mean()
        away = here * self.view.interocular / 100
        return (
            f"{kind}: {away:.1f} px or {here:.1f} % on this face, {network.mean:.2f} % on the test "
            f"faces; {network.numbers:,} numbers put out, {network.saved / MIB:.2f} MiB kept."
        )

    def _show_heatmaps(self, bins: int, landmark: int) -> None:
        vectors, maps = (of_kind.get(bins) for of_kind in self.answers.values())
        at = bin_centers(self.view.size, bins)
        x, y = (
            (one[landmark] for one in vectors.heatmaps) if vectors else (np.full(bins, np.nan),) * 2
        )
        self._curves[0].set_data(at, x)
        self._curves[1].set_data(y, at)
        for curve in self._curves:
            curve.set_marker("o" if bins <= 64 else "")
            curve.set_markersize(3)
        true_x, true_y = self.view.landmarks[landmark]
        self._guides[0].set_xdata([true_x, true_x])
        self._guides[1].set_ydata([true_y, true_y])
        self._guides[2].set_data([true_x], [true_y])
        self._map.set_visible(maps is not None)
        self._none.set_text("" if maps else f"no 2D network at L = {bins}")
        if maps:
            self._map.set_data(maps.heatmaps[0][landmark])


def draw_errors(axes: Axes, networks: Sequence[TrainedNetwork]) -> list:
    """NRMSE against L: the mean of the seeds, with bars from the best to the worst of them."""
    for kind, style in STYLES.items():
        row = {network.bins: network.nrmse for network in networks if network.kind == kind}
        if row:
            draw_seeds(axes, row, ms=6, label=NAMES[kind], **style)
    _name_bins(axes, networks)
    axes.margins(y=0.15)
    label(axes, "L, bins an axis", "NRMSE, % (dark)")
    legend(axes, "upper right", at=(0.87, 1.03))
    return [_mark(axes, networks[0].bins)]


def draw_bytes(axes: Axes, networks: Sequence[TrainedNetwork]) -> list:
    """Bytes that autograd keeps of a face against L."""
    for kind, style in STYLES.items():
        row = [network for network in networks if network.kind == kind]
        if row:
            axes.plot(
                [network.bins for network in row], [network.saved / MIB for network in row],
                lw=1.8, ms=6, label=NAMES[kind], **style,
            )  # fmt: skip
    _name_bins(axes, networks)
    axes.set(yscale="log", ylim=(0.7, 20))
    axes.set_yticks([1, 3, 10], ["1", "3", "10"])
    axes.minorticks_off()
    label(axes, "L, bins an axis", "MiB kept a face (log)")
    legend(axes, "center right", at=(0.87, 0.6))
    return [_mark(axes, networks[0].bins)]


def _mark(axes: Axes, bins: int) -> Artist:
    """A line at the L that is looked at."""
    return axes.axvline(bins, color=INK, lw=1.2, ls=":")


def _name_bins(axes: Axes, networks: Sequence[TrainedNetwork]) -> None:
    bins = sorted({network.bins for network in networks})
    axes.set_xticks(bins, [str(one) for one in bins])
    axes.set_xlim(0, bins[-1] * 1.05)
