"""One-dimensional heatmaps: quantise, render, marginalise, decode (Eq. 2–5, 7 and 12).

A face of `size` = F pixels is described per axis by L bins. Two *frames* say where bin j lies:

* ``"centre"`` (ours): bin j covers an equal share of the F pixels and is centred at
  (j + ½)·F/L − ½ in pixel-centre coordinates;
* ``"paper"``: bin j stands for j·F/L, the left edge to which Eq. 3 and 4 round.

Targets are rendered at the unrounded coordinate in either frame, so that nothing is rounded before
decoding. What rounding by Eq. 3–4 alone costs is kept in `quantize` and `recover`.

What a network puts into its heatmaps depends on its `loss`. With ``"l2"`` (the paper) it regresses
Gaussians of peak 1; with ``"cross_entropy"`` they are logits of distributions that sum to 1.
"""

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

Frame = Literal["centre", "paper"]
Loss = Literal["l2", "cross_entropy"]
Vectors = Float[Tensor, "*batch bins"]
Coordinates = Float[Tensor, "*batch"]


class Heatmaps(NamedTuple):
    """The x and the y vector of every landmark, as the network gives them (Eq. 6)."""

    x: Float[Tensor, "*batch landmarks bins"]
    y: Float[Tensor, "*batch landmarks bins"]


# Quantisation, as the paper writes it -----------------------------------------------------------


def quantize(coordinates: Coordinates, size: int, bins: int) -> Int[Tensor, "*batch"]:
    """Eq. 3: the bin ⌊p·L/F⌋ that a coordinate is rounded down to.

    Args:
        coordinates: p in pixels, in the paper's own frame [0, F).
        size: F, side of the face in pixels.
        bins: L.
    """
    return torch.floor(coordinates * (bins / size)).long()


def recover(index: Int[Tensor, "*batch"], size: int, bins: int) -> Coordinates:
    """Eq. 4: the coordinate x·F/L that is left of a bin, its left edge, in pixels."""
    return index * (size / bins)


def quantization_error(
    points: Float[Tensor, "*batch 2"], size: int, bins: int
) -> Float[Tensor, "*batch"]:
    """Eq. 5: distance in pixels between points and what Eq. 3 and 4 leave of them.

    Example:
        >>> p = torch.tensor([142.84, 188.72], dtype=torch.float64)
        >>> [round(quantization_error(p, 256, bins).item(), 2) for bins in (128, 768)]
        [1.11, 0.18]
    """
    return (points - recover(quantize(points, size, bins), size, bins)).norm(dim=-1)


# Bins and coordinates ---------------------------------------------------------------------------


def bin_to_coordinate(
    index: Float[Tensor, "*batch"], size: int, bins: int, frame: Frame = "centre"
) -> Coordinates:
    """The coordinate in pixels of a (fractional) bin index."""
    width = size / bins
    return index * width + (0.0 if frame == "paper" else (width - 1) / 2)


def coordinate_to_bin(
    coordinates: Coordinates, size: int, bins: int, frame: Frame = "centre"
) -> Float[Tensor, "*batch"]:
    """The fractional bin index of a coordinate in pixels; the inverse of `bin_to_coordinate`."""
    width = size / bins
    return (coordinates - (0.0 if frame == "paper" else (width - 1) / 2)) / width


# Targets ----------------------------------------------------------------------------------------


def render(
    coordinates: Coordinates,
    size: int,
    bins: int,
    target_sigma: float,
    *,
    loss: Loss = "l2",
    frame: Frame = "centre",
) -> Vectors:
    """The target vector h* of each coordinate: a Gaussian at its unrounded place.

    It is the marginal (Eq. 12) of the 2D Gaussian of Eq. 2, up to scale: a network trained by L2 is
    given a peak of 1, one trained by cross-entropy a sum of 1.

    Args:
        coordinates: (…) in pixels; those outside the face leave an empty or partial vector for
            ``"l2"``, and the nearest bins' share for ``"cross_entropy"``.
        size: F in pixels.
        bins: L.
        target_sigma: width of the Gaussian in face pixels.

    Returns:
        (…, L)
    """
    positions = torch.arange(bins, device=coordinates.device, dtype=coordinates.dtype)
    positions = bin_to_coordinate(positions, size, bins, frame)
    exponent = -((positions - coordinates[..., None]) ** 2) / (2 * target_sigma**2)
    return exponent.exp() if loss == "l2" else exponent.softmax(dim=-1)


def render_2d(
    points: Float[Tensor, "*batch 2"],
    size: int,
    bins: int,
    target_sigma: float,
    *,
    frame: Frame = "centre",
) -> Float[Tensor, "*batch bins bins"]:
    """Eq. 2: the 2D Gaussian of each point with peak 1, as (…, y, x)."""
    x, y = (render(points[..., axis], size, bins, target_sigma, frame=frame) for axis in (0, 1))
    return y[..., :, None] * x[..., None, :]


def marginalize(maps: Float[Tensor, "*batch bins bins"]) -> Heatmaps:
    """Eq. 12: a 2D heatmap (…, y, x) summed over y and over x."""
    return Heatmaps(x=maps.sum(dim=-2), y=maps.sum(dim=-1))


# Reading a coordinate off a vector --------------------------------------------------------------


def distribution(vectors: Vectors, loss: Loss) -> Vectors:
    """Probabilities (sum 1 over the bins) of what a network put out.

    With L2 what is below 0 is noise around an empty bin and is cut off; a vector with nothing above
    0 says nothing and becomes uniform. One that holds NaN is a broken network's and becomes NaN.
    """
    if loss == "cross_entropy":
        return vectors.softmax(dim=-1)
    positive = vectors.clamp(min=0)
    total = positive.sum(dim=-1, keepdim=True)
    return torch.where(total == 0, 1 / vectors.shape[-1], positive / total.clamp(min=1e-12))


def heights(vectors: Vectors, size: int, target_sigma: float, *, loss: Loss = "l2") -> Vectors:
    """Vectors in heights of the L2 target, to be looked at: one that is certain peaks at 1.

    By L2 that is what a network puts out. By cross-entropy it is the probability that the softmax makes
    of it, over that at the peak of the target.
    """
    if loss == "l2":
        return vectors
    bin_width = size / vectors.shape[-1]
    return distribution(vectors, loss) * (target_sigma * math.sqrt(2 * math.pi) / bin_width)


FAINT = 1e-3  # height of the target from which `log_heights` begins to count in powers of ten


def log_heights(
    vectors: Vectors, size: int, target_sigma: float, *, loss: Loss = "l2", step: int = 1
) -> Float[Tensor, "*batch positions"]:
    """Vectors in heights on a logarithmic scale, to be read by a network: 0 for none, 1 for the target's.

    Raw logits are hard to read: one number added to all of them changes nothing that they mean, but
    where most lie far below 0 it switches off every ReLU that reads them. Heights mean the same
    whatever the loss, and are never below 0. Their logarithm keeps what is faint apart from nothing: a
    thousandth of the target reads as 0.10, a hundredth as 0.35, a tenth as 0.67.

    In 32 bits at least, as a softmax over hundreds of bins needs. Heights of so many bins at a time, `step`,
    are averaged before their logarithm is taken; as many must make up a vector.
    """
    exact = vectors.float() if vectors.dtype.itemsize < 4 else vectors
    high = heights(exact, size, target_sigma, loss=loss)
    if loss == "l2":  # a probability is never below 0
        high = high.clamp(min=0)
    high = high.unflatten(-1, (-1, step)).mean(dim=-1)
    return (high / FAINT).log1p() / math.log1p(1 / FAINT)


def argmax_index(weights: Vectors, sigma: float) -> Float[Tensor, "*batch"]:
    """Index of the best bin (Eq. 7)."""
    best = weights.max(dim=-1)
    return torch.where(best.values.isnan(), best.values, best.indices.to(weights.dtype))


def centroid_index(weights: Vectors, sigma: float) -> Float[Tensor, "*batch"]:
    """Mean bin index within ±2σ of the best bin, weighted by what the bins hold.

    Near the border the window ends at it, and as far from the best bin on the other side: what is cut
    off one side of a peak only would draw its mean to the other.
    """
    last = weights.shape[-1] - 1
    index = torch.arange(last + 1, device=weights.device, dtype=weights.dtype)
    best = weights.argmax(dim=-1, keepdim=True)
    reach = torch.minimum(best, last - best).clamp(max=max(1.0, 2 * sigma))
    near = weights * ((index - best).abs() <= reach)
    # Centred on the best bin, so that an all-zero window falls back to it.
    offset = (near * (index - best)).sum(dim=-1) / near.sum(dim=-1).clamp(min=1e-12)
    return best[..., 0] + offset


def dark_index(weights: Vectors, sigma: float) -> Float[Tensor, "*batch"]:
    """Blur with the target's σ, take the logarithm, and make one Newton step from the maximum.

    The logarithm of a Gaussian is a parabola, so one step from any bin near the top reaches it. The
    blur is what keeps the maximum from being that of the noise (DARK, Zhang et al. 2020, in 1D). It
    takes height from what lies near the border, which is given back. One bin more on either side lets
    the outermost be stepped from; no step leaves the bins.
    """
    bins = weights.shape[-1]
    at = torch.arange(-1, bins + 1, device=weights.device, dtype=weights.dtype)
    blurred = blur(weights, sigma, beyond=1) / height_kept(at, bins, sigma)
    best = blurred[..., 1:-1].argmax(dim=-1, keepdim=True)
    around = torch.cat([best, best + 1, best + 2], dim=-1)  # `blurred` begins one bin earlier
    left, middle, right = blurred.gather(-1, around).clamp(min=1e-12).log().unbind(dim=-1)
    slope, curvature = (right - left) / 2, left - 2 * middle + right
    step = torch.where(curvature >= 0, 0.0, -slope / curvature.clamp(max=-1e-12))
    return best[..., 0] + step.clamp(-0.5, 0.5)


def height_kept(
    at: Float[Tensor, "positions"], bins: int, sigma: float
) -> Float[Tensor, "positions"]:
    """What a blurred vector must be divided by near the border, beyond which nothing lies; 1 elsewhere.

    A Gaussian at μ, blurred with its own σ, becomes one √2 as wide; at bin j this is lowered to the
    share inside the border of a Gaussian about (j + μ)/2 whose width is σ/√2. The share grows inwards
    and takes the top with it, by up to 0.7 σ. At j = μ its logarithm has half the slope of that of the
    share about j itself: divided by the root of the latter, the top is back at μ.

    Args:
        at: bins j.
        bins: L.
        sigma: of vector and blur, in bins.
    """
    to_border = torch.stack([at + 0.5, bins - 0.5 - at]) * (math.sqrt(2) / sigma)
    return torch.special.ndtr(to_border).prod(dim=0).clamp(min=1e-12).sqrt()


def blur(vectors: Vectors, sigma: float, *, beyond: int = 0) -> Float[Tensor, "*batch positions"]:
    """Vectors convolved with a Gaussian of `sigma` bins; outside lies nothing.

    Multiplied in the frequency domain, which is several times faster than sliding a kernel of eight σ
    over hundreds of bins, and as exact as 32-bit floats are. So many bins `beyond` either end are given
    as well, at most 4σ.
    """
    radius, bins = math.ceil(4 * sigma), vectors.shape[-1]
    at = torch.arange(-radius, radius + 1, device=vectors.device, dtype=vectors.dtype)
    kernel = (-(at**2) / (2 * sigma**2)).softmax(dim=0)
    length = 2 ** math.ceil(math.log2(bins + 2 * radius))  # or the ends would reach each other
    spectrum = torch.fft.rfft(vectors, length) * torch.fft.rfft(kernel, length)
    return torch.fft.irfft(spectrum, length)[..., radius - beyond : radius + bins + beyond]


DECODERS: dict[str, Callable[[Vectors, float], Float[Tensor, "*batch"]]] = {
    "argmax": argmax_index,
    "centroid": centroid_index,
    "dark": dark_index,
}


def decode(
    vectors: Vectors,
    size: int,
    target_sigma: float,
    *,
    decoder: str = "dark",
    loss: Loss = "l2",
    frame: Frame = "centre",
) -> Coordinates:
    """The coordinate that each vector of one axis stands for.

    Args:
        vectors: (…, L), what the network put out.
        size: F in pixels.
        target_sigma: width of the Gaussians it was trained on, in face pixels.
        decoder: ``"argmax"``, ``"centroid"`` or ``"dark"``.
        loss: what the vectors hold (see `distribution`).
        frame: where the bins lie.

    Returns:
        (…) in pixels of the face.

    Raises:
        ValueError: no such decoder.
    """
    if decoder not in DECODERS:
        raise ValueError(f"no decoder {decoder!r}; there are: {', '.join(DECODERS)}")
    bins = vectors.shape[-1]
    weights = distribution(vectors.float() if vectors.dtype.itemsize < 4 else vectors, loss)
    index = DECODERS[decoder](weights, target_sigma * bins / size)
    return bin_to_coordinate(index, size, bins, frame)


# How sure a vector is ---------------------------------------------------------------------------


FLOOR = 0.2  # of the peak; chosen on held-out training faces, by correlation with the error
_CUT = math.sqrt(-2 * math.log(FLOOR))  # where a Gaussian falls to FLOOR, in its own σ
# Share of its variance that a Gaussian keeps when it is cut there.
_KEPT = 1 - 2 * _CUT * FLOOR / math.sqrt(2 * math.pi) / math.erf(_CUT / math.sqrt(2))


def spread(vectors: Vectors, size: int, target_sigma: float, *, loss: Loss = "l2") -> Coordinates:
    """Standard deviation in pixels of what a vector leaves open about its coordinate.

    Either loss teaches a network the mean of the targets that an image could have had: the
    distribution of the coordinate, blurred with the target's Gaussian. Its variance is therefore the
    one asked for plus `target_sigma`².

    Bins under a fifth of the peak are left out, as a thin floor of noise over hundreds of bins would
    outweigh the peak; the variance that a Gaussian loses by that is given back. A peak that the border
    cuts is as wide as its whole side says.
    """
    bins = vectors.shape[-1]
    weights = distribution(vectors, loss)
    peak, best = weights.max(dim=-1, keepdim=True)
    weights = weights * (weights >= FLOOR * peak)
    index = torch.arange(bins, device=vectors.device, dtype=vectors.dtype)
    inwards = (index - best) * torch.where(best < bins / 2, 1, -1)  # from the best bin
    total, squares = weights.sum(dim=-1), weights * inwards**2
    variance = squares.sum(dim=-1) / total - ((weights * inwards).sum(dim=-1) / total) ** 2
    # Half a Gaussian has the variance of the whole, about its top.
    side = inwards.clamp(0, 1)  # 1 on it, 0 elsewhere; the best bin belongs to both
    half = (squares * side).sum(dim=-1) / ((weights * side).sum(dim=-1) + peak[..., 0] / 2)
    is_cut = (weights[..., 0] > 0) | (weights[..., -1] > 0)
    variance = torch.where(is_cut, torch.maximum(variance, half), variance)
    return (variance * (size / bins) ** 2 / _KEPT - target_sigma**2).clamp(min=0).sqrt()


def confidence(
    vectors: Vectors, size: int, target_sigma: float, *, loss: Loss = "l2"
) -> Coordinates:
    """How high a vector's peak is against that of a target, in [0, 1].

    With L2 that is the value of the best bin itself. With cross-entropy the peak probability is
    divided by that of a target Gaussian.
    """
    if loss == "l2":
        return vectors.amax(dim=-1).clamp(0, 1)
    ideal = size / vectors.shape[-1] / (target_sigma * math.sqrt(2 * math.pi))
    return (vectors.softmax(dim=-1).amax(dim=-1) / ideal).clamp(0, 1)
