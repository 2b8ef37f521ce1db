"""Decoders on noisy vectors whose truth is known: what each reads, and its mean error."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.heatmaps import (
    DECODERS,
    bin_to_coordinate,
    blur,
    decode,
    quantize,
    recover,
    render,
)
from onedheat.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    LARGE,
    PALE,
    VERMILLION,
    Figure,
    label,
    legend,
)

STYLES = {
    "argmax": {"color": VERMILLION, "linestyle": "-", "marker": "o"},
    "centroid": {"color": GREEN, "linestyle": "-.", "marker": "^"},
    "dark": {"color": BLUE, "linestyle": "--", "marker": "s"},
}
KINDS = {"of each bin alone": 0.0, "of neighbours together": 0.5}
"""Kind of noise → over how many σ of the target it is alike."""

RATIO = math.sqrt(2 / math.pi)  # mean absolute value of a Gaussian, in its standard deviation


def noise_like(shape: tuple[int, int], alike: float, seed: int) -> Float[Tensor, "draws bins"]:
    """Gaussian noise of standard deviation 1 in every bin.

    Args:
        shape: (draws, L).
        alike: standard deviation, in bins, of the Gaussian that the noise is blurred with; 0 leaves
            each bin on its own.
        seed: another seed, other noise.
    """
    margin = math.ceil(4 * alike)  # or the noise would be less at the ends
    rng = np.random.default_rng(seed)
    white = rng.standard_normal((shape[0], shape[1] + 2 * margin), dtype=np.float32)
    if alike == 0:
        return torch.from_numpy(white)
    smooth = blur(torch.from_numpy(white), alike)[:, margin:-margin]
    # Of a Gaussian kernel of sum 1 the squares sum to 1 / (2 √π σ), up to what a narrow one lacks.
    impulse = torch.zeros(1, 2 * margin + 1)
    impulse[0, margin] = 1
    return smooth / blur(impulse, alike).norm()


def noisy_vectors(
    coordinates: Float[Tensor, "draws"],
    size: int,
    bins: int,
    target_sigma: float,
    noise: float,
    *,
    kind: str = "of each bin alone",
    seed: int = 0,
) -> Float[Tensor, "draws bins"]:
    """Target vectors of peak 1 with noise on them.

    Args:
        coordinates: the truth, in pixels.
        size: F in pixels.
        bins: L.
        target_sigma: of the Gaussians, in pixels.
        noise: its standard deviation, of the peak.
        kind: of `KINDS`.
        seed: of the noise.
    """
    alike = KINDS[kind] * target_sigma * bins / size
    clean = render(coordinates, size, bins, target_sigma)
    return clean + noise * noise_like((len(coordinates), bins), alike, seed).to(clean)


def scattered(draws: int, size: int, target_sigma: float, seed: int) -> Float[Tensor, "draws"]:
    """Random coordinates at least 4σ from either edge, in pixels."""
    margin = 4 * target_sigma
    drawn = np.random.default_rng(seed).uniform(margin, size - 1 - margin, draws)
    return torch.from_numpy(drawn.astype(np.float32))


@cache
def mean_errors(
    bins: int,
    target_sigma: float,
    noise: float,
    *,
    size: int = 256,
    kind: str = "of each bin alone",
    draws: int = 400,
    seed: int = 0,
) -> dict[str, float]:
    """Decoder → mean absolute error of one coordinate in pixels, over random places and noise.

    Arguments as in `noisy_vectors`; `draws` is the number of vectors.
    """
    truth = scattered(draws, size, target_sigma, seed)
    vectors = noisy_vectors(truth, size, bins, target_sigma, noise, kind=kind, seed=seed + 1)
    return {
        name: (decode(vectors, size, target_sigma, decoder=name) - truth).abs().mean().item()
        for name in DECODERS
    }


def least_error(bins: int, target_sigma: float, noise: float, size: int = 256) -> float:
    """Mean absolute error in pixels below which no unbiased reader of such vectors can come.

    The Cramér–Rao bound for the place of a Gaussian of peak 1 and width σ whose bins, w = F/L pixels
    apart, have independent noise of standard deviation s: a standard deviation of s·√(2σw/√π).

    Arguments as in `noisy_vectors`, for noise of each bin alone.
    """
    width = size / bins
    return RATIO * noise * math.sqrt(2 * target_sigma * width / math.sqrt(math.pi))


def rounded_first(bins: int, target_sigma: float) -> dict[str, float]:
    """Decoder → mean error in pixels on clean vectors drawn round a coordinate that Eq. 3 rounded.

    All in the paper's frame [0, F): Eq. 3, then Eq. 2 round the bin, then reading (Eq. 7 is argmax).
    """
    size = 256
    truth = scattered(2000, size, target_sigma, seed=0)
    kept = recover(quantize(truth, size, bins), size, bins)
    vectors = render(kept, size, bins, target_sigma, frame="paper")
    how = {"size": size, "target_sigma": target_sigma, "frame": "paper"}
    return {
        name: (decode(vectors, **how, decoder=name) - truth).abs().mean().item()
        for name in DECODERS
    }


class DecoderRace(Figure):
    """One noisy vector with what each decoder reads off it, and their mean errors against L.

    Args:
        bins: L of each mark.
        sigmas: widths of the target that can be chosen, in pixels.
        noises: standard deviations of the noise that can be chosen, in per cent of the peak.
        size: F in pixels.
        draws: vectors behind each mark.
    """

    REACH = 14  # pixels on either side of the truth

    def __init__(
        self,
        bins: Sequence[int],
        sigmas: Sequence[int] = (2, 4),
        noises: Sequence[int] = (1, 2, 5, 10, 20),
        size: int = 256,
        draws: int = 400,
    ):
        super().__init__(8.0, 4.7)
        self.bins, self.size, self.draws = list(bins), size, draws
        # All that a slider can ask for, so that none has to wait.
        self.errors = {
            (sigma, noise, kind): [
                mean_errors(count, sigma, noise / 100, size=size, kind=kind, draws=draws)
                for count in bins
            ]
            for sigma in sigmas
            for noise in noises
            for kind in KINDS
        }
        self._build()
        self.move(self.bins[len(self.bins) // 2], noises[len(noises) // 2], sigmas[-1])

    def _build(self) -> None:
        near = self._near = self.panel(0.65, 0.65, 3.25, 2.95)
        near.set(xlim=(-self.REACH, self.REACH), ylim=(-0.6, 1.75), yticks=[0, 1])
        label(near, "pixels from the truth", "vector", grid=False)
        near.axvline(0, color=INK, lw=1.2, ls=":")
        curve = self.panel(4.65, 0.65, 3.2, 2.95)
        curve.set(xscale="log", yscale="log", ylim=(0.005, 6))
        curve.set(xlim=(self.bins[0] / 1.15, self.bins[-1] * 1.15))
        ticks = [count for count in (64, 128, 256, 512, 768) if count in self.bins] or self.bins
        curve.set_xticks(ticks, [str(count) for count in ticks])
        curve.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        curve.minorticks_off()
        label(curve, "L, bins an axis", "mean error of one coordinate, pixels")
        self._vector = near.plot([], [], color=BLACK, lw=1, marker=".", ms=4)[0]
        self._reads = {
            name: near.plot(
                [], [], color=style["color"], marker=style["marker"], ls=style["linestyle"],
                lw=1.6, ms=8, mec=BLACK, mew=0.8, markevery=[1],
            )[0]
            for name, style in STYLES.items()
        }  # fmt: skip
        self._lines = {
            name: curve.plot([], [], lw=2, ms=7, label=name, **style)[0]
            for name, style in STYLES.items()
        }
        self._bound = curve.plot([], [], color=INK, lw=1.4, ls=":", label="least possible")[0]
        self._here = curve.axvline(self.bins[0], color=PALE, lw=6, alpha=0.35)
        self._legend = legend(
            curve, "lower left", at=(-0.06, 0.99), ncols=2, borderaxespad=0.2, columnspacing=1.2
        )
        self._title = self.write(0.15, 4.38, "", size=LARGE, weight="bold")
        self._said = self.write(0.65, 3.68, "", linespacing=1.4, va="bottom")
        self.moving = [
            self._here, self._vector, *self._reads.values(), self._bound, *self._lines.values(),
            self._legend, self._title, self._said,
        ]  # fmt: skip

    def move(
        self,
        bins: int,
        noise: int,
        sigma: int,
        kind: str = "of each bin alone",
        draw: int = 1,
    ) -> "DecoderRace":
        """Chooses L, the noise in per cent of the peak, the target's σ in pixels, the kind of noise,
        and which of many vectors is shown."""
        truth = scattered(1, self.size, sigma, seed=1000 + draw)
        vector = noisy_vectors(
            truth, self.size, bins, sigma, noise / 100, kind=kind, seed=2000 + draw
        )
        at = bin_to_coordinate(torch.arange(bins, dtype=torch.float32), self.size, bins) - truth
        inside = at.abs() <= self.REACH
        self._vector.set_data(at[inside].numpy(), vector[0, inside].numpy())
        read = {}
        for height, name in zip((1.62, 1.48, 1.34), DECODERS, strict=True):
            found = decode(vector, self.size, sigma, decoder=name) - truth
            read[name] = found.item()
            self._reads[name].set_data([read[name]] * 2, [-0.6, height])
        errors = self.errors[sigma, noise, kind]
        for name, line in self._lines.items():
            line.set_data(self.bins, [one[name] for one in errors])
        alone = KINDS[kind] == 0
        least = [least_error(count, sigma, noise / 100, self.size) for count in self.bins]
        self._bound.set_data(self.bins, least if alone else [np.nan] * len(least))
        for entry in (self._legend.legend_handles[-1], self._legend.get_texts()[-1]):
            entry.set_visible(alone)
        self._here.set_xdata([bins, bins])
        here = errors[self.bins.index(bins)]
        told = ", ".join(f"{name} {here[name]:.2f}" for name in DECODERS)
        self._title.set_text(f"L = {bins}, σ = {sigma} px, noise {noise} %:  {told} px")
        once = [f"{name} {value:+.2f}" for name, value in read.items()]
        self._said.set_text(f"above: mean errors; off this one vector:\n{', '.join(once)} px")
        first, last = errors[0], errors[-1]
        ends = ", ".join(f"{name} {first[name]:.2f} and {last[name]:.2f}" for name in DECODERS)
        self.alt = (
            f"On the left a vector of {bins} bins over {self.size} pixels, a Gaussian of σ {sigma} pixels "
            f"with noise {kind}, {noise} per cent of the peak; read off it, from the truth: "
            f"{', '.join(once)} pixels. On the right the mean error of {self.draws} such vectors against "
            f"L, on logarithmic axes. At {self.bins[0]} and {self.bins[-1]} bins, in pixels: {ends}; at "
            f"{bins}: {told}."
        )
        if alone:
            self.alt += f" A dotted line is the least possible: {least[0]:.2f} and {least[-1]:.2f}."
        return self
