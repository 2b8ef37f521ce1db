"""DARK (Zhang et al. 2020, [37]): the centre of the Gaussian that a map was meant to be.

Of its two halves one is here, how a map is read; the other, targets drawn at the unrounded place, is
what every network of this package is trained on.
"""

import torch

from onedheat.heatmaps import blur
from onedheat.models.compared.maps import Indices, Maps, peak, sample


def dark(maps: Maps, sigma: float) -> Indices:
    """Blur, logarithm, one Newton step from the best bin: μ = m − H⁻¹·g.

    The logarithm of a Gaussian is a paraboloid with its top at μ, so that the gradient g and the
    Hessian H of any bin m say where it is. Both are taken by central differences over the 3×3 bins
    around m (the authors' code takes the second differences over five; on a paraboloid they agree). As there,
    nothing lies beyond the border for the blur: tops within 2σ of it come out up to 0.6 σ inside.

    Args:
        maps: (B, N, y, x), Gaussians of the loss L2.
        sigma: width in bins of the blur, that of the targets.

    Returns:
        (B, N, 2) fractional bins (x, y), within one bin of the best.
    """
    smooth = blur(blur(maps.clamp(min=0), sigma).mT.contiguous(), sigma).mT
    column, row = (at.clamp(1, maps.shape[-1] - 2) for at in peak(smooth))
    logs = {
        (dx, dy): sample(smooth, column + dx, row + dy).clamp(min=1e-12).log()
        for dx in (-1, 0, 1)
        for dy in (-1, 0, 1)
    }
    gx = (logs[1, 0] - logs[-1, 0]) / 2
    gy = (logs[0, 1] - logs[0, -1]) / 2
    hxx = logs[1, 0] - 2 * logs[0, 0] + logs[-1, 0]
    hyy = logs[0, 1] - 2 * logs[0, 0] + logs[0, -1]
    hxy = (logs[1, 1] - logs[1, -1] - logs[-1, 1] + logs[-1, -1]) / 4
    determinant = hxx * hyy - hxy**2
    # Elsewhere there is no top: the best bin is kept.
    is_top = (hxx < 0) & (determinant > 0)
    scale = torch.where(is_top, -1 / determinant.where(is_top, 1), 0)
    step = torch.stack([hyy * gx - hxy * gy, hxx * gy - hxy * gx], dim=-1) * scale[..., None]
    return torch.stack([column, row], dim=-1) + step.clamp(-1, 1)
