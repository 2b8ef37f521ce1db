"""A figure that carries its alt text, and the face that most figures show.

Colours are Okabe and Ito's, which every reader tells apart; what differs in colour also differs in
marker or line style. Figures bring their own light ground, so they read in dark themes too.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.figure
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from PIL import Image

from onedheat.geometry import Box, Crop, tight_box, warp
from onedheat.landmarks import Scheme
from onedheat.metrics import point_errors

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GROUND, INK, PALE, GRID = "#FFFFFF", "#222222", "#8A8A8A", "#E4E4E4"

SMALL, LARGE = 10, 12  # points; nothing is smaller
Seeds = Sequence[float]

DPI = 100  # one picture pixel for one CSS pixel

HALO = [patheffects.withStroke(linewidth=3, foreground=BLACK)]
"""Keeps light lines and letters readable on any photo."""


def number(value: float, form: str) -> str:
    """A number as it is printed: with a real minus, and none before a zero.

    Args:
        value: the number.
        form: as for `format`, a precision at least: ``".2f"``, ``"+.0f"``.
    """
    sign, rest = ("+", form[1:]) if form.startswith("+") else ("", form)
    return f"{value:{sign}z{rest}}".replace("-", "−")


class Figure(matplotlib.figure.Figure):
    """A matplotlib figure with its alt text, laid out in inches.

    What moves with a slider is a subclass with a method `move`: it is drawn once, and after each move
    `png` redraws only the artists in `moving`, which takes a fifth of the time.

    Attributes:
        alt: what the picture shows, in words, with its numbers.
        moving: what `png` draws anew each time, in this order, over a ground that it draws once.
    """

    def __init__(self, width: float, height: float, alt: str = ""):
        super().__init__(figsize=(width, height), dpi=DPI, facecolor=GROUND)
        FigureCanvasAgg(self)
        self.alt = alt
        self.moving: list[Artist] = []
        self._ground: Any = None

    def panel(self, left: float, bottom: float, width: float, height: float, **more: Any) -> Axes:
        """Axes at a place given in inches from the lower left corner."""
        wide, high = self.get_size_inches()
        axes = self.add_axes((left / wide, bottom / high, width / wide, height / high), **more)
        axes.tick_params(labelsize=SMALL, color=PALE, labelcolor=INK)
        for spine in axes.spines.values():
            spine.set_color(PALE)
        return axes

    def write(self, left: float, bottom: float, text: str, *, size: float = SMALL, **more: Any):
        """Text at a place given in inches from the lower left corner."""
        wide, high = self.get_size_inches()
        return self.text(left / wide, bottom / high, text, fontsize=size, **{"color": INK, **more})

    def forget_ground(self) -> None:
        """Has the next `png` draw everything, because something outside `moving` changed."""
        self._ground = None

    def png(self) -> bytes:
        """The picture as PNG bytes, as fast as they come."""
        return encoded(self.drawn(), compress_level=1)

    def small_png(self) -> bytes:
        """The same in 256 colours and a third of the bytes, for pages that are stored."""
        picture = self.drawn()
        # The octree keeps rare colours, such as a yellow dot on a face; the mean of an area would not.
        palette = picture.quantize(256, method=Image.Quantize.FASTOCTREE)
        return encoded(picture.quantize(palette=palette), optimize=True)

    def drawn(self) -> Image.Image:
        """The picture, (H, W) RGB."""
        canvas = self.canvas
        if self._ground is None:
            for artist in self.moving:
                artist.set_animated(True)
            canvas.draw()
            self._ground = canvas.copy_from_bbox(self.bbox)
        else:
            canvas.restore_region(self._ground)
        for artist in self.moving:
            (artist.axes or self).draw_artist(artist)
        return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def encoded(picture: Image.Image, **how: Any) -> bytes:
    """A picture as PNG bytes; `how` goes to Pillow."""
    held = io.BytesIO()
    picture.save(held, format="png", **how)
    return held.getvalue()


def label(axes: Axes, x: str, y: str, *, grid: bool = True) -> None:
    """Names both axes, units included, in the letters of the course."""
    axes.set_xlabel(x, fontsize=SMALL, color=INK)
    axes.set_ylabel(y, fontsize=SMALL, color=INK)
    if grid:
        axes.grid(color=GRID, lw=0.8)
        axes.set_axisbelow(True)


def legend(
    of: Axes | Figure,
    loc: str,
    *entries: Any,
    at: tuple[float, float] | None = None,
    **more: Any,
) -> Legend:
    """Says what is what in axes or a figure, in the letters of the course.

    Args:
        of: the axes or the figure.
        loc: a place in it, or that corner of the legend which lies `at` a place.
        entries: handles and names; by default those of the axes.
        at: in shares of the axes or the figure.
        more: what else `matplotlib.axes.Axes.legend` takes.
    """
    letters = {"fontsize": SMALL, "labelcolor": INK, "frameon": False}
    return of.legend(*entries, loc=loc, bbox_to_anchor=at, **letters, **more)


def draw_seeds(axes: Axes, row: Mapping[float, Seeds], **style: Any) -> None:
    """The mean of the seeds at each place, with bars from the best to the worst of them."""
    means = np.array([np.mean(seeds) for seeds in row.values()])
    ends = np.array([(min(seeds), max(seeds)) for seeds in row.values()]).T
    axes.errorbar(list(row), means, yerr=np.abs(ends - means), lw=1.8, capsize=4, **style)


def show_picture(
    axes: Axes, picture: UInt8[np.ndarray, "height width 3"], interpolation: str = "antialiased"
) -> AxesImage:
    """Fills axes with a picture alone; they count its pixels."""
    rows, columns = picture.shape[:2]
    axes.set_axis_off()
    shown = axes.imshow(picture, interpolation=interpolation)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    return shown


def tint(colour: str, alpha: float) -> tuple[float, float, float, float]:
    """A colour made transparent."""
    return (*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), alpha)


@dataclass(frozen=True)
class FaceView:
    """One face cut out of its photo, with its landmarks.

    Attributes:
        name: whose face, as captions say it.
        picture: (S, S, 3), the face at any resolution.
        size: F; landmarks and axes count in pixels of an F × F crop.
        landmarks: (N, 2) in pixels of the crop.
        scheme: what the landmarks are.
    """

    name: str
    picture: UInt8[np.ndarray, "side side 3"]
    size: int
    landmarks: Float[np.ndarray, "landmarks 2"]
    scheme: Scheme

    @classmethod
    def from_photo(
        cls,
        name: str,
        image: UInt8[np.ndarray, "height width 3"],
        landmarks: Float[np.ndarray, "landmarks 2"],
        size: int,
        *,
        scheme: Scheme,
        side: int = 512,
        box: Box | None = None,
    ) -> "FaceView":
        """Cuts the face in a box, by default `tight_box(landmarks)`, out of a photo, drawn `side`
        pixels wide."""
        box = tight_box(landmarks) if box is None else box
        return cls(
            name,
            warp(image, Crop.from_box(box, side)),
            size,
            Crop.from_box(box, size).to_crop(landmarks),
            scheme,
        )

    @property
    def interocular(self) -> float:
        """The normalising distance in pixels of the crop."""
        return float(self.scheme.normalising_distance(self.landmarks[None])[0])

    def errors(self, found: Float[np.ndarray, "landmarks 2"]) -> Float[np.ndarray, "landmarks"]:
        """How far off landmarks of the crop are, each in per cent of the normalising distance."""
        apart = np.array([self.interocular])
        return point_errors(found[None], self.landmarks[None], apart)[0]

    def name_of(self, landmark: int) -> str:
        """The landmark's name in words."""
        return self.scheme.points[landmark].replace("_", " ")

    def show_on(self, axes: Axes):
        """Draws the picture on axes that count pixels of the crop."""
        edge = self.size - 0.5
        shown = axes.imshow(self.picture, extent=(-0.5, edge, edge, -0.5), interpolation="bilinear")
        axes.set(xlim=(-0.5, edge), ylim=(edge, -0.5))
        return shown
