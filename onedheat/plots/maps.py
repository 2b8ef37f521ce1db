"""Maps of one landmark with one mode or two, and what is left of them in their marginals (Eq. 12)."""

import numpy as np
import torch
from jaxtyping import Float

from onedheat.heatmaps import Frame, bin_to_coordinate, marginalize, render_2d

Map = Float[np.ndarray, "bins bins"]
Vector = Float[np.ndarray, "bins"]


def one_mode(
    x: float, y: float, size: int, bins: int, sigma: float, correlation: float = 0.0
) -> Map:
    """Eq. 2 with a tilt: a Gaussian map (y, x) of sum 1 whose x and y go together.

    Args:
        x, y: its centre in pixels of the face.
        size: F in pixels.
        bins: L.
        sigma: standard deviation along x and along y, in pixels.
        correlation: of x and y, between −1 and 1; at 0 this is the map of Eq. 2.
    """
    position = bin_centers(size, bins)
    across, down = (position - x)[None, :] / sigma, (position - y)[:, None] / sigma
    square = across**2 - 2 * correlation * across * down + down**2
    drawn = np.exp(-square / (2 * (1 - correlation**2)))
    return drawn / drawn.sum()


def two_modes(
    distance: float, brightness: float, moved: float, size: int, bins: int, sigma: float
) -> Map:
    """A map (y, x) of sum 1 with a mode up left and one down right, part of them moved to the ghosts.

    The ghosts are the other two corners of the square that the modes span. What is moved comes from
    both modes in equal parts and goes to both ghosts, so that no column and no row gains or loses.

    Args:
        distance: between the modes, along x and along y, in pixels.
        brightness: share of the whole that the mode up left has, in (0, 1).
        moved: how much is moved, in [0, 1]: 1 is as much as the weaker mode has.
        size: F in pixels.
        bins: L.
        sigma: of each mode, in pixels.
    """
    middle = (size - 1) / 2
    low, high = middle - distance / 2, middle + distance / 2
    ghost = moved * min(brightness, 1 - brightness)
    corners = torch.tensor(
        [[low, low], [high, high], [high, low], [low, high]], dtype=torch.float64
    )
    shares = torch.tensor(
        [brightness - ghost, 1 - brightness - ghost, ghost, ghost], dtype=torch.float64
    )
    drawn = (shares[:, None, None] * render_2d(corners, size, bins, sigma)).sum(dim=0).numpy()
    return drawn / drawn.sum()


def multiplied_back(x: Vector, y: Vector) -> Map:
    """The map (y, x) of sum 1 in which the two vectors know nothing of each other."""
    return y[:, None] * x[None, :] / (x.sum() * y.sum())


def misplaced(map2d: Map, rebuilt: Map) -> float:
    """Share of a map that must be carried elsewhere to make another of it, in [0, 1]."""
    return float(np.abs(map2d / map2d.sum() - rebuilt / rebuilt.sum()).sum() / 2)


def bin_centers(size: int, bins: int, frame: Frame = "centre") -> Vector:
    """Where the bins lie, in pixels of the face."""
    return bin_to_coordinate(torch.arange(bins, dtype=torch.float64), size, bins, frame).numpy()


def vectors_of(map2d: Map) -> tuple[Vector, Vector]:
    """The x and the y vector of a map (Eq. 12)."""
    x, y = marginalize(torch.from_numpy(map2d))
    return x.numpy(), y.numpy()
