"""What one axis looks at on the other: affinities on a face, and what they are worth (notebook 04).

W^{yx} has a row for each x position and a column for each y position. Transposed it lies on a picture as
it is: the column above x holds row x, so that what x looks at stands where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    HALO,
    INK,
    LARGE,
    ORANGE,
    SKY,
    SMALL,
    VERMILLION,
    YELLOW,
    FaceView,
    Figure,
    Seeds,
    draw_seeds,
    label,
    legend,
)

Affinities = Float[np.ndarray, "channels positions positions"]
STYLES = (
    {"color": BLUE, "ls": "-", "marker": "o"},
    {"color": ORANGE, "ls": "--", "marker": "s"},
    {"color": GREEN, "ls": "-.", "marker": "D"},
)


def row_entropy(affinities: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*rows"]:
    """How evenly each row spreads its weight, from 0 (all on one position) to 1 (the same on all).

    Args:
        affinities: (…, a) rows that sum to 1.
    """
    logs = np.log(np.clip(affinities, 1e-30, None))
    return -(affinities * logs).sum(axis=-1) / np.log(affinities.shape[-1])


def position_edges(position: int, size: int, count: int) -> tuple[float, float]:
    """Where a position of the features begins and ends, in pixels of the face."""
    width = size / count
    return position * width - 0.5, (position + 1) * width - 0.5


class FaceAffinity(Figure):
    """A face with one row of an affinity laid on it and drawn at its side, beside the whole matrix.

    The curve has one scale for all channels; the red on the face is deepest where the row is largest.

    Args:
        view: the face, with the network's input size as its `size`.
        yx: W^{yx} of every channel.
    """

    def __init__(self, view: FaceView, yx: Affinities):
        super().__init__(9.75, 4.75)
        self.view, self.yx = view, yx.astype(float)
        self.entropy = row_entropy(self.yx)
        side, count = 3.55, yx.shape[-1]
        face, matrix = (self.panel(left, 0.62, side, side) for left in (0.65, 6.1))
        curve = self.panel(4.28, 0.62, 0.95, side)
        edge = view.size - 0.5
        view.show_on(face)
        face.plot(*view.landmarks.T, "o", ms=2.6, mfc=YELLOW, mec=BLACK, mew=0.5)
        ticks = np.arange(0, view.size + 1, view.size // 4)
        face.set(xticks=ticks, yticks=ticks)
        label(face, "x, pixels of the face", "y, pixels of the face", grid=False)
        label(matrix, "x position", "y position", grid=False)
        strip = np.zeros((count, 1, 4))
        self._band = face.imshow(
            strip, extent=(0, 1, edge, -0.5), interpolation="nearest", aspect="auto"
        )
        face.set(xlim=(-0.5, edge), ylim=(edge, -0.5))
        even, most = 1 / count, float(self.yx.max())
        curve.set(xlim=(0, 1.05 * most), ylim=(edge, -0.5), xticks=[0, round(0.8 * most, 1)])
        curve.tick_params(labelleft=False, left=False)
        curve.axvline(even, color=INK, lw=1.2, ls=":")
        label(curve, "weight", "", grid=False)
        self._weights = curve.plot([], [], color=VERMILLION, lw=1.8)[0]
        self._frame = face.add_patch(Rectangle((0, -0.5), 1, view.size, fill=False, ec=SKY, lw=1.2))
        self._most = face.plot([], [], "<", ms=9, mfc=ORANGE, mec=BLACK, mew=1)[0]
        self._matrix = matrix.imshow(self.yx[0].T, cmap="cividis", interpolation="nearest")
        self._column = matrix.add_patch(
            Rectangle((0, -0.5), 1, count, fill=False, ec="white", lw=1.6, path_effects=HALO)
        )
        self._title = self.write(0.15, 4.45, "", size=LARGE, weight="bold")
        self._note = self.write(6.1, 4.22, "")
        self.write(
            0.65, 4.22, "redder: more, within this row · triangle: most · dotted: equal weights"
        )
        self.moving = [
            self._band, self._frame, self._most, self._weights, self._matrix, self._column,
            self._title, self._note,
        ]  # fmt: skip
        self.move(0, count // 2)

    def move(self, channel: int, position: int) -> "FaceAffinity":
        """Chooses a channel k and a position i along x: row i of W^{yx} of that channel."""
        row, size = self.yx[channel, position], self.view.size
        x0, x1 = position_edges(position, size, len(row))
        strip = np.empty((len(row), 1, 4))
        strip[:, 0, :3], strip[:, 0, 3] = to_rgb(VERMILLION), 0.85 * row / row.max()
        self._band.set(data=strip, extent=(x0, x1, size - 0.5, -0.5))
        self._frame.set(x=x0, width=x1 - x0)
        best = int(row.argmax())
        y0, y1 = position_edges(best, size, len(row))
        self._most.set_data([x1 + 0.02 * size], [(y0 + y1) / 2])  # beside it, not on it
        self._weights.set_data(row, (np.arange(len(row)) + 0.5) * size / len(row) - 0.5)
        weights = self.yx[channel]
        self._matrix.set(data=weights.T, clim=(0, weights.max()))
        self._column.set_x(position - 0.5)
        entropy = self.entropy[channel, position]
        even = 1 / len(row)
        self._title.set_text(
            f"Channel {channel}, x position {position}: looks most at y = {(y0 + y1) / 2:.0f} px, "
            f"weight {row[best]:.2f}"
        )
        self._note.set_text(
            f"W transposed, 0 to {weights.max():.2f}; entropy of the row {entropy:.2f}"
        )
        self.alt = (
            f"The face of {self.view.name}. In channel {channel}, position {position} along x (pixels "
            f"{x0 + 0.5:.0f} to {x1 - 0.5:.0f}) gives its largest weight, {row[best]:.2f}, to y "
            f"{(y0 + y1) / 2:.0f}; equal weights would be {even:.3f}. The row's entropy is {entropy:.2f} of "
            "its most. At the side of the face the row as a curve, beside it the whole affinity matrix of "
            f"{len(row)} by {len(row)}, transposed; its largest weight is {weights.max():.2f}."
        )
        return self


def entropy_by_channel(faces: Mapping[str, Affinities]) -> Figure:
    """Mean entropy of the rows of each channel, sorted, a line for each face.

    Args:
        faces: whose face → W^{yx}.
    """
    figure = Figure(7.0, 3.7)
    axes = figure.panel(0.85, 0.7, 5.9, 2.8)
    told = []
    for (name, yx), style in zip(faces.items(), STYLES, strict=False):
        found = np.sort(row_entropy(yx.astype(float)).mean(axis=-1))
        axes.plot(found, label=name, lw=1.8, ms=4, **style)
        told.append(
            f"{name}: from {found[0]:.2f} to {found[-1]:.2f}, median {np.median(found):.2f}"
        )
    axes.axhline(1, color=INK, lw=1.2, ls=":")
    axes.annotate(
        "equal weights", (0, 1), (2, -13), textcoords="offset points", fontsize=SMALL, color=INK
    )
    axes.set(ylim=(0, 1.05))
    label(axes, "channels, sharpest first", "entropy of a row, share of the most")
    legend(axes, "lower right")
    figure.alt = (
        "How evenly the rows of the affinities spread their weight, mean of each channel, sorted; 1 is "
        f"equal weights, 0 all on one position. {'; '.join(told)}."
    )
    return figure


def error_against_gamma(
    errors: Mapping[str, Mapping[float, Seeds]], marked: float | None = None
) -> Figure:
    """NRMSE against γ; where there are several values of one γ, their mean, and a bar from the least
    to the most.

    Args:
        errors: name of the line → γ → NRMSE in per cent of each seed.
        marked: a γ to mark, such as the one that was trained with.
    """
    figure = Figure(7.0, 4.0)
    axes = figure.panel(0.85, 0.7, 5.9, 3.1)
    told = []
    for (name, line), style in zip(errors.items(), STYLES, strict=False):
        row = {gamma: line[gamma] for gamma in sorted(line)}
        if all(len(seeds) == 1 for seeds in row.values()):
            axes.plot(list(row), list(row.values()), label=name, lw=1.8, ms=6, **style)
        else:
            draw_seeds(axes, row, label=name, ms=6, **style)
        means = ", ".join(
            f"γ {gamma:g} {np.mean(seeds):.2f}"
            + f" ({min(seeds):.2f} to {max(seeds):.2f})" * (len(seeds) > 1)
            for gamma, seeds in row.items()
        )
        told.append(f"{name}: {means}")
    if marked is not None:
        axes.axvline(marked, color=INK, lw=1.2, ls=":")
    label(axes, "γ", "NRMSE, % of inter-ocular distance")
    legend(axes, "best")
    figure.alt = f"NRMSE in per cent against γ. {'; '.join(told)}."
    return figure


@dataclass(frozen=True)
class AnswerAtGamma:
    """What a network of one γ makes of a face.

    Attributes:
        landmarks: (N, 2) in pixels of the crop.
        yx: mean of W^{yx} over the channels; None where γ = 0 and it is not used.
    """

    landmarks: Float[np.ndarray, "landmarks 2"]
    yx: Float[np.ndarray, "positions positions"] | None


class GammaView(Figure):
    """A drawn face with its true landmarks and those that the network of a γ finds; beside it W^{yx}.

    Args:
        view: the face; its landmarks are the true ones.
        answers: γ → what the network trained with it finds.
    """

    def __init__(self, view: FaceView, answers: Mapping[float, AnswerAtGamma]):
        super().__init__(8.6, 4.75)
        self.view, self.answers = view, dict(answers)
        side = 3.55
        face, matrix = (self.panel(left, 0.62, side, side) for left in (0.65, 4.95))
        view.show_on(face)
        face.set(xticks=np.arange(0, view.size + 1, view.size // 4))
        face.set(yticks=np.arange(0, view.size + 1, view.size // 4))
        label(face, "x, pixels of the face", "y, pixels of the face", grid=False)
        label(matrix, "x position", "y position", grid=False)
        face.plot(*view.landmarks.T, "o", ms=4, mfc=SKY, mec=BLACK, mew=0.6)
        self._ways = face.add_collection(LineCollection([], colors="white", linewidths=1.4))
        self._crosses = face.plot([], [], "X", ms=5.5, mfc=ORANGE, mec=BLACK, mew=0.6)[0]
        shape = next(one.yx.shape for one in self.answers.values() if one.yx is not None)
        self._matrix = matrix.imshow(np.zeros(shape), cmap="cividis", interpolation="nearest")
        self._title = self.write(0.15, 4.45, "", size=LARGE, weight="bold")
        self._note = self.write(4.95, 4.22, "")
        self.write(0.65, 4.22, "blue dot: the truth · orange cross: found")
        self.moving = [self._ways, self._crosses, self._matrix, self._title, self._note]
        self.move(next(iter(self.answers)))

    def error(self, gamma: float) -> float:
        """NRMSE of this face in per cent."""
        return float(self.view.errors(self.answers[gamma].landmarks).mean())

    def move(self, gamma: float) -> "GammaView":
        """Chooses the network."""
        answer, error = self.answers[gamma], self.error(gamma)
        self._crosses.set_data(*answer.landmarks.T)
        self._ways.set_segments(np.stack([self.view.landmarks, answer.landmarks], axis=1))
        self._title.set_text(f"trained with γ = {gamma:.1f}: NRMSE of this face {error:.2f} %")
        if answer.yx is None:
            self._matrix.set_visible(False)
            note = "γ = 0: no affinity is computed"
            said = "At γ = 0 no affinity is computed."
        else:
            self._matrix.set_visible(True)
            self._matrix.set(data=answer.yx.T, clim=(0, answer.yx.max()))
            note = f"W transposed, mean of the channels, 0 to {answer.yx.max():.2f}"
            entropy = row_entropy(answer.yx).mean()
            said = (
                f"Beside it the affinity, mean of all channels, with weights up to {answer.yx.max():.2f}; "
                f"the entropy of the rows of this mean is {entropy:.2f} of the most (channels by "
                "themselves are sharper)."
            )
        self._note.set_text(note)
        self.alt = (
            f"A drawn face, {self.view.name}, with its true landmarks as dots and those found by the "
            f"network trained with γ = {gamma:.1f} as crosses; NRMSE of this face {error:.2f} per cent. "
            f"{said}"
        )
        return self
