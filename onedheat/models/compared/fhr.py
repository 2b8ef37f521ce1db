"""Fractional heatmap regression (Tai et al. 2019, [30]): a fraction from three samples.

Its targets, Gaussians at the unrounded place, are those of every network here.
"""

import torch
from torch import Tensor

from onedheat.models.compared.maps import Indices, Maps, neighbours, peak, sample


def fhr(maps: Maps, sigma: float) -> Indices:
    """Solves for the centre of a Gaussian of known width, from the best bin and one neighbour an axis.

    On one axis ln h(m) and ln h(m + δ), δ = ±1, are two equations −(m − μ)²/2σ² + c with the unknowns
    μ and c: μ = m + δ·(½ + σ²·(ln h(m + δ) − ln h(m))). Of the two neighbours the larger one is taken;
    μ then lies between m and the middle to it, and is held there.

    Args:
        maps: (B, N, y, x), Gaussians of the loss L2.
        sigma: their width in bins.

    Returns:
        (B, N, 2) fractional bins (x, y).
    """
    column, row = peak(maps)
    bins = maps.shape[-1]
    middle = sample(maps, column, row)

    def solve(at: Tensor, before: Tensor, after: Tensor) -> Tensor:
        toward = torch.where((after > before) & (at < bins - 1) | (at == 0), 1, -1)
        neighbour = torch.where(toward > 0, after, before)
        ratio = neighbour.clamp(min=1e-12).log() - middle.clamp(min=1e-12).log()
        return at + toward * (0.5 + sigma**2 * ratio).clamp(0, 0.5)

    return torch.stack([solve(*axis) for axis in neighbours(maps, column, row)], dim=-1)
