"""What the recurrence V_t = U_t + λ·V_{t−1} keeps of the past (Eq. 13; notebook 07)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from onedheat.models.tracker import decayed_sums
from onedheat.plots.figure import BLUE, GRID, LARGE, VERMILLION, Figure, label

SEEN, HIDDEN, AGAIN = 10, 10, 5  # frames: a landmark is in sight, covered, in sight again
AGES = 16  # frames back that are drawn


def half_life(decay: float) -> float:
    """Frames after which a frame's weight λ^k is a half; infinite at λ = 1."""
    if decay == 0:
        return 0.0
    return math.inf if decay == 1 else math.log(0.5) / math.log(decay)


def sum_of_weights(decay: float) -> float:
    """1 + λ + λ² + …, what V comes to where all frames are alike; infinite at λ = 1."""
    return math.inf if decay == 1 else 1 / (1 - decay)


def answer(decay: float, signal: Sequence[float]) -> Float[np.ndarray, "frames"]:
    """V of a U that is one number a frame, by the package's own recurrence."""
    features = torch.tensor(signal, dtype=torch.float64)[None, :, None, None]
    return decayed_sums(features, decay).flatten().numpy()


class Recurrence(Figure):
    """The weights λ^k of the frames before, and V of a feature that is there, covered, and there again.

    Args:
        decay: λ to begin with.
    """

    def __init__(self, decay: float = 0.3):
        super().__init__(8.6, 3.95)
        self._build_weights()
        self._build_answer()
        self._title = self.write(0.15, 3.62, "", size=LARGE, weight="bold")
        self._note = self.write(0.15, 3.34, "")
        self.moving = [
            *self._bars, self._half, self._sum, self._top, self._title, self._note,
        ]  # fmt: skip
        self.move(decay)

    def _build_weights(self) -> None:
        axes = self.panel(0.75, 0.65, 3.2, 2.45)
        self._bars = list(axes.bar(np.arange(AGES), np.zeros(AGES), 0.72, color=BLUE))
        self._half = axes.axvline(0, color=VERMILLION, lw=1.6, ls="--")
        axes.set(xlim=(-0.6, AGES - 0.4), ylim=(0, 1.08), yticks=[0, 0.5, 1])
        axes.set_xticks(range(0, AGES, 3))
        label(axes, "k, frames back", "weight of that frame, $λ^k$")

    def _build_answer(self) -> None:
        axes = self.panel(4.85, 0.65, 3.6, 2.45)
        self.signal = [1.0] * SEEN + [0.0] * HIDDEN + [1.0] * AGAIN
        self._frames = np.arange(1, len(self.signal) + 1)
        axes.axvspan(SEEN + 0.5, SEEN + HIDDEN + 0.5, color=GRID, lw=0)
        self._sum = axes.plot([], [], "-o", color=BLUE, lw=1.8, ms=4)[0]
        self._top = axes.axhline(0, color=VERMILLION, lw=1.6, ls="--")
        axes.set(xlim=(0, len(self.signal) + 1), ylim=(0, SEEN + AGAIN + 0.8))
        label(axes, "frame t; U = 1, in the grey frames 0", "$V_t$")

    def move(self, decay: float) -> "Recurrence":
        """Chooses λ."""
        weights = decay ** np.arange(AGES)
        for bar, weight in zip(self._bars, weights, strict=True):
            bar.set_height(weight)
        half, total = half_life(decay), sum_of_weights(decay)
        self._half.set_xdata([half, half] if math.isfinite(half) else [-9, -9])
        values = answer(decay, self.signal)
        self._sum.set_data(self._frames, values)
        self._top.set_ydata([total, total] if math.isfinite(total) else [99, 99])
        in_words = (
            f"half of a frame's weight is gone after {half:.1f} frames; all weights together "
            f"{total:.2f}"
            if math.isfinite(total)
            else "no frame is ever forgotten; the weights have no sum"
        )
        self._title.set_text(f"λ = {decay:g}")
        self._note.set_text(f"{in_words} (dashed)" if math.isfinite(total) else in_words)
        built, left = values[SEEN - 1], values[SEEN + HIDDEN - 1]
        self.alt = (
            f"On the left the weights of the {AGES} last frames at λ = {decay:g}: 1 for the present one, "
            f"{weights[1]:.2f} for the one before, {weights[5]:.3f} five back; {in_words}. On the right V "
            f"of a feature that is 1 for {SEEN} frames, 0 for {HIDDEN} and 1 again: it builds up to "
            f"{built:.2f}, and at the end of the zeros {left:.3g} of it is left."
        )
        return self
