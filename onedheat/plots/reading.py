"""Vectors that a network put out for a face, and what each decoder reads off them."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.heatmaps import DECODERS, Heatmaps, decode, heights, spread
from onedheat.models import DetectorConfig
from onedheat.plots.decoding import STYLES
from onedheat.plots.figure import (
    BLACK,
    INK,
    LARGE,
    ORANGE,
    SKY,
    YELLOW,
    FaceView,
    Figure,
    label,
    tint,
)
from onedheat.plots.maps import bin_centers

MARKS = {"o": "●", "^": "▲", "s": "■"}  # a line's marker → the letter that looks like it


def read_all(heatmaps: Heatmaps, config: DetectorConfig) -> dict[str, Float[Tensor, "*batch 2"]]:
    """Decoder → (…, N, 2) in pixels of the face: what each reads off a network's vectors."""
    return {
        name: torch.stack(
            [decode(v, **config.meaning, decoder=name, frame=config.frame) for v in heatmaps],
            dim=-1,
        )
        for name in DECODERS
    }


def spreads(heatmaps: Heatmaps, config: DetectorConfig) -> Float[Tensor, "*batch 2"]:
    """(…, N, 2): σ in pixels of the face that is read off each vector."""
    return torch.stack([spread(vectors, **config.meaning) for vectors in heatmaps], dim=-1)


class ReadVector(Figure):
    """A face with one landmark, one of its vectors, and what each decoder reads off it.

    Args:
        view: the face, with the network's input size as its `size`.
        heatmaps: what the network put out for it, each vector (N, L).
        config: the network's.
        truth: (N, 2) in pixels of the face, where it is known.
    """

    REACH = 12  # pixels on either side of what dark reads

    def __init__(
        self,
        view: FaceView,
        heatmaps: Heatmaps,
        config: DetectorConfig,
        truth: Float[np.ndarray, "landmarks 2"] | None = None,
    ):
        super().__init__(8.0, 4.6)
        self.view, self.truth, self.target_sigma = view, truth, config.target_sigma
        self.vectors = [heights(v.double(), **config.meaning).numpy() for v in heatmaps]
        self.read = {
            name: value.double().numpy() for name, value in read_all(heatmaps, config).items()
        }
        self.sigma = spreads(heatmaps, config).double().numpy()
        self.positions = bin_centers(config.size, self.vectors[0].shape[-1], config.frame)
        self._build()
        self.move(0)

    def _build(self) -> None:
        face = self.panel(0.1, 0.75, 3.3, 3.3)
        face.set_axis_off()
        self.view.show_on(face)
        whole = self.panel(4.15, 3.05, 3.7, 1.0)
        near = self.panel(4.15, 0.65, 3.7, 1.85)
        low = min(0.0, *(float(vectors.min()) for vectors in self.vectors))
        high = max(1.0, *(float(vectors.max()) for vectors in self.vectors))
        whole.set(xlim=(-0.5, self.view.size - 0.5), ylim=(low, high * 1.05), yticks=[0, 1])
        near.set(xlim=(-self.REACH, self.REACH), ylim=(low, high * 1.35), yticks=[0, 1])
        label(whole, "pixels of the face", "height", grid=False)
        label(near, "from near: pixels from what dark reads", "height", grid=False)
        self._line = face.plot([], [], color=YELLOW, lw=2)[0]
        self._dot = face.plot([], [], "o", ms=8, mfc=YELLOW, mec=BLACK, mew=1.3)[0]
        self._band = near.axvspan(0, 1, color=tint(SKY, 0.25))
        self._whole = whole.plot([], [], color=BLACK, lw=1.3)[0]
        self._target = near.plot([], [], color=INK, lw=1.2, ls=":")[0]
        self._near = near.plot([], [], color=BLACK, lw=1.3, marker=".", ms=4)[0]
        self._reads = {
            name: near.plot(
                [], [], color=style["color"], marker=style["marker"], ls=style["linestyle"],
                lw=1.6, ms=8, mec=BLACK, mew=0.8, markevery=[1], label=name,
            )[0]
            for name, style in STYLES.items()
        }  # fmt: skip
        self._star = near.plot([], [], "*", ms=14, mfc=ORANGE, mec=BLACK, mew=1)[0]
        self._high = high
        self._title = self.write(0.15, 4.28, "", size=LARGE, weight="bold")
        self._said = self.write(0.12, 0.66, "", linespacing=1.4, va="top")
        self.moving = [
            self._line, self._dot, self._whole, self._band, self._target, self._near,
            *self._reads.values(), self._star, self._title, self._said,
        ]  # fmt: skip

    def move(self, landmark: int, axis: str = "x") -> "ReadVector":
        """Chooses the landmark, and its x or its y vector."""
        side = "xy".index(axis)
        vector, at = self.vectors[side][landmark], self.positions
        read = {name: float(value[landmark, side]) for name, value in self.read.items()}
        sigma = float(self.sigma[landmark, side])
        zero = read["dark"]
        place = self.read["dark"][landmark]
        self._dot.set_data([place[0]], [place[1]])
        ends = (self.view.size * np.array([-1.0, 1.0]) + place[side], place[[1 - side] * 2])
        self._line.set_data(*(ends if axis == "x" else ends[::-1]))
        self._whole.set_data(at, vector)
        self._band.set(x=-sigma, width=2 * sigma)
        near = np.abs(at - zero) <= self.REACH
        self._near.set_data(at[near] - zero, vector[near])
        target = np.exp(-((at[near] - zero) ** 2) / (2 * self.target_sigma**2))
        self._target.set_data(at[near] - zero, target)
        for step, (name, line) in enumerate(self._reads.items()):
            top = self._high * (1.27 - 0.09 * step)
            line.set_data([read[name] - zero] * 2, [-9, top])
        told = ", ".join(f"{name} {value:.2f}" for name, value in read.items())
        key = " ".join(f"{MARKS[style['marker']]} {name}" for name, style in STYLES.items())
        said = f"{key}\nband: ± the σ read off · dotted: a target, σ {self.target_sigma:g} px"
        alt = ""
        self._star.set_data([], [])
        if self.truth is not None:
            true = float(self.truth[landmark, side])
            self._star.set_data([true - zero], [self._high * 0.5])
            said += f"\nstar: the truth, {true:.2f}"
            alt = f" The truth is {true:.2f}."
        self._title.set_text(
            f"{axis} of {self.view.name_of(landmark)} ({landmark}):  {told}, σ {sigma:.1f} px"
        )
        self._said.set_text(said)
        self.alt = (
            f"The face of {self.view.name} with landmark {landmark}, {self.view.name_of(landmark)}, and its "
            f"{axis} vector of {len(vector)} bins, which peaks at {vector.max():.2f}, whole and from near. "
            f"Read off it, in pixels of the face: {told}; its spread σ is {sigma:.1f} pixels.{alt}"
        )
        return self
