"""A detector at work on one face: step by step, a picture, a shape, weights and bytes each."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.collections import LineCollection

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    LARGE,
    ORANGE,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    label,
)
from onedheat.plots.stations import COLOURS, TILES, Station, Way

FINEST = 64  # positions whose bounds are drawn; more of them would hide the face
LANDMARKS_SHOWN = (8, 30, 36, 45, 48, 57)  # of 68: chin, nose, outer eye corners, mouth


class WayThrough(Figure):
    """The face, what a step makes of all of it, some of its channels, and how large every step is.

    Args:
        view: the face, with the network's input size as its `size`.
        ways: ``"x"`` and ``"y"`` → the steps up to the vectors of that axis; equally many.
    """

    SIDE = 2.9  # inches of a picture

    def __init__(self, view: FaceView, ways: Mapping[str, Way]):
        super().__init__(8.5, 6.65)
        self.view, self.ways = view, ways
        bottom = 2.65
        self._face = self.panel(0.15, bottom, self.SIDE, self.SIDE)
        self._whole = self.panel(3.2, bottom, self.SIDE, self.SIDE)
        view.show_on(self._face)
        view.show_on(self._whole)
        for axes in (self._face, self._whole):
            axes.set(xticks=[], yticks=[])
        self._tiles = [
            self.panel(6.28 + 1.07 * (n % 2), bottom + 0.95 * (2 - n // 2), 1.0, 0.9)
            for n in range(TILES)
        ]
        for axes in self._tiles:
            axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
        self._face_caption = self.write(0.15, 2.44, "")
        self._caption = self.write(3.2, 2.44, "")
        self._tile_caption = self.write(6.28, 2.44, "")
        self._draw_sizes()
        self._prepare()
        self.move(0)

    def _draw_sizes(self) -> None:
        """Two rows of bars, a bar a step: what it keeps and how many weights it has."""
        steps = self.ways["x"]
        at = np.arange(len(steps))
        rows = (
            (1.42, "KiB", [step.bytes / 1024 for step in steps], BLUE, (1, 10, 100)),
            (0.5, "weights", [step.weights for step in steps], VERMILLION, (100, 10_000)),
        )
        self._sizes, self._marks = [], []
        for low, name, values, colour, ticks in rows:
            axes = self.panel(0.95, low, 7.4, 0.8)
            axes.bar(at, values, color=colour, width=0.7)
            axes.set(yscale="log", xlim=(-0.6, len(steps) - 0.4), xticks=at)
            axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
            axes.set_ylim(min(v for v in values if v > 0) / 2.5, max(values) * 2.5)
            axes.minorticks_off()
            label(axes, "", name)
            axes.grid(visible=False, axis="x")
            self._sizes.append(values)
            self._marks.append(axes.bar([0], [1], color=ORANGE, width=0.7, ec=BLACK, lw=1.2)[0])
            if name == "KiB":
                axes.tick_params(labelbottom=False)
        self.write(4.65, 0.08, "step", ha="center")

    def _prepare(self) -> None:
        edge = self.view.size - 0.5
        on_face = {"extent": (-0.5, edge, edge, -0.5), "interpolation": "nearest"}
        nothing = np.zeros((1, 1))
        self._overview = self._whole.imshow(nothing, cmap=COLOURS, **on_face)
        self._whole.set(xlim=(-0.5, edge), ylim=(edge, -0.5))
        self._dots = self._whole.plot([], [], "o", ms=4, mfc=YELLOW, mec=BLACK, mew=0.6)[0]
        self._lines = self._face.add_collection(LineCollection([], colors="white", linewidths=0.8))
        self._found = self._face.add_collection(LineCollection([], colors=YELLOW, linewidths=0.9))
        unit = {"extent": (0, 1, 1, 0), "aspect": "auto", "interpolation": "nearest"}
        self._channels = [axes.imshow(nothing, cmap=COLOURS, **unit) for axes in self._tiles]
        self._curves = [axes.plot([], [], color=BLUE, lw=1.5)[0] for axes in self._tiles]
        self._peaks = [
            axes.plot([], [], "o", ms=7, mfc=YELLOW, mec=BLACK, mew=1)[0] for axes in self._tiles
        ]
        self._title = self.write(0.15, 6.33, "", size=LARGE, weight="bold")
        self._shape = self.write(0.15, 6.03, "")
        self._does = self.write(0.15, 5.75, "")
        self.moving = [
            self._overview, self._dots, self._lines, self._found, *self._channels, *self._curves,
            *self._peaks, *self._marks, self._face_caption, self._caption, self._tile_caption,
            self._title, self._shape, self._does,
        ]  # fmt: skip

    def move(self, step: int, axis: str = "x") -> "WayThrough":
        """Chooses the step, and the axis whose way is shown where the axes have parted."""
        station = self.ways[axis][step]
        self._show_on_face(station)
        self._show_whole(station)
        self._show_tiles(station, self.ways[axis][-2])
        for mark, values in zip(self._marks, self._sizes, strict=True):
            mark.set(x=step - 0.35, height=values[step])
        branch = f", on the way to {station.axis}" if station.axis else ""
        last = len(self.ways[axis]) - 1
        self._title.set_text(f"Step {step} of {last}{branch}: {station.name}")
        self._shape.set_text(station.summary)
        self._does.set_text(station.does)
        self.alt = (
            f"The face of {self.view.name} at step {step} of {last} of its way through the "
            f"network{branch}: {station.name}. {station.does} {station.summary}. "
            "Bars below compare bytes and weights of all steps."
        )
        return self

    def _show_on_face(self, station: Station) -> None:
        edge, segments = self.view.size - 0.5, []
        columns, rows = station.grid()
        if 1 < columns <= FINEST:
            at = np.linspace(-0.5, edge, columns + 1)[1:-1]
            segments += [[(one, -0.5), (one, edge)] for one in at]
        if 1 < rows <= FINEST:
            at = np.linspace(-0.5, edge, rows + 1)[1:-1]
            segments += [[(-0.5, one), (edge, one)] for one in at]
        self._lines.set_segments(segments)
        self._lines.set_alpha(min(0.8, 12 / max(columns, rows, 1)))
        text = "the face, and the positions told apart"
        if max(columns, rows) > FINEST:
            text = f"the face; {max(columns, rows)} positions, too fine to draw"
        self._found.set_segments([])
        if station.kind == "landmarks":
            text = f"the face; each line is one {station.axis}"
            x, y = station.values.T
            across = [[(one, -0.5), (one, edge)] for one in x]
            down = [[(-0.5, one), (edge, one)] for one in y]
            self._found.set_segments(across if station.axis == "x" else down)
        self._face_caption.set_text(text)

    def _show_whole(self, station: Station) -> None:
        reached = station.kind == "landmarks"
        self._overview.set_visible(not reached)
        self._dots.set_data(*(station.values.T if reached else ([], [])))
        if not reached:
            picture = station.overview()
            self._overview.set_data(picture)
            self._overview.set_clim(float(picture.min()), float(picture.max()))
        self._caption.set_text(
            {
                "picture": "the same, as the network gets it",
                "features": "mean |value| over its channels",
                "vectors": f"{len(station.values)} vectors, a {_line_of(station.axis)} each",
                "landmarks": f"{len(station.values)} landmarks",
            }[station.kind]
        )

    def _show_tiles(self, station: Station, vectors: Station) -> None:
        for channel, curve, peak in zip(self._channels, self._curves, self._peaks, strict=True):
            channel.set_visible(False)
            curve.set_data([], [])
            peak.set_data([], [])
        if station.kind in ("picture", "features"):
            tiles = station.tiles()
            for channel, tile in zip(self._channels, tiles, strict=False):
                channel.set_data(tile)
                channel.set_clim(float(tile.min()), float(tile.max()))
                channel.set_visible(True)
            colours = station.kind == "picture"
            text = "red, green, blue" if colours else f"{len(tiles)} channels that vary most"
        else:
            chosen = _some_of(len(vectors.values))
            for curve, peak, vector in zip(
                self._curves, self._peaks, vectors.values[chosen], strict=False
            ):
                line = _in_unit_square(vector, vectors.axis)
                curve.set_data(*line)
                if station.kind == "landmarks":
                    best = vector.argmax()
                    peak.set_data([line[0][best]], [line[1][best]])
            text = f"vectors of {len(chosen)} landmarks"
        self._tile_caption.set_text(text)


def _line_of(axis: str) -> str:
    return "row" if axis == "x" else "column"


def _some_of(landmarks: int) -> list[int]:
    """A few landmarks spread over the face."""
    if landmarks == 68:
        return list(LANDMARKS_SHOWN)
    return np.linspace(0, landmarks - 1, min(TILES, landmarks)).round().astype(int).tolist()


def _in_unit_square(vector: Float[np.ndarray, "bins"], axis: str) -> tuple[np.ndarray, np.ndarray]:
    """A vector as a curve: x to the right and y downward, as on the face."""
    along = (np.arange(len(vector)) + 0.5) / len(vector)
    height = np.clip(vector, -0.1, 1.1) / 1.25 + 0.1
    return (along, 1 - height) if axis == "x" else (height, along)
