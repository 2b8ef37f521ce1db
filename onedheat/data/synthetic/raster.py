"""A small z-buffer: which triangle each pixel shows, in NumPy, all triangles at once."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_BUCKETS = (1, 2, 3, 5, 9, 18, 40, 100, 300, 1024)
_DEPTH_STEPS = 1024  # per millimetre: depths are compared as whole numbers, the same on any machine


class Surface(NamedTuple):
    """What a picture shows of a mesh; flat arrays over the P pixels that it covers.

    Attributes:
        pixels: (P,) indices into the flattened picture, ascending.
        triangles: (P,) the visible triangle.
        weights: (P, 3) of its corners.
        depth: (P,) toward the viewer.
    """

    pixels: Int[np.ndarray, "pixels"]
    triangles: Int[np.ndarray, "pixels"]
    weights: Float[np.ndarray, "pixels 3"]
    depth: Float[np.ndarray, "pixels"]

    def sample(
        self,
        corners: Int[np.ndarray, "triangles 3"],
        values: Float[np.ndarray, "vertices channels"],
    ) -> Float[np.ndarray, "pixels channels"]:
        """Values of vertices at each pixel."""
        a, b, c = corners.T
        out = values[a[self.triangles]] * self.weights[:, :1]
        out += values[b[self.triangles]] * self.weights[:, 1:2]
        out += values[c[self.triangles]] * self.weights[:, 2:]
        return out


def rasterize(
    points: Float[np.ndarray, "vertices 2"],
    depth: Float[np.ndarray, "vertices"],
    corners: Int[np.ndarray, "triangles 3"],
    size: int,
    *,
    both_sides: bool = False,
) -> Surface:
    """What a `size` × `size` picture shows of a mesh of small triangles.

    Triangles are grouped by size; each group tries every pixel of its bounding boxes at once.

    Args:
        points: (V, 2) in pixels, pixel centres being integers.
        depth: (V,) in mm, larger is nearer.
        corners: (T, 3) vertices of each triangle; seen from the front they turn clockwise on the screen.
        size: of the picture.
        both_sides: draw triangles seen from behind too.
    """
    # Elementwise arithmetic from here on: the same on any machine.
    points = points.astype(np.float32)
    x, y = points[:, 0][corners.T], points[:, 1][corners.T]  # (3, T)
    area = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    seen = np.abs(area) > 1e-6 if both_sides else area > 1e-6
    front = np.flatnonzero(seen)
    x, y, area = x[:, front], y[:, front], area[front]
    left = np.maximum(np.ceil(np.minimum(np.minimum(x[0], x[1]), x[2])), 0)
    right = np.minimum(np.floor(np.maximum(np.maximum(x[0], x[1]), x[2])), size - 1)
    top = np.maximum(np.ceil(np.minimum(np.minimum(y[0], y[1]), y[2])), 0)
    bottom = np.minimum(np.floor(np.maximum(np.maximum(y[0], y[1]), y[2])), size - 1)
    extent = np.maximum(right - left, bottom - top) + 1
    extent[(right < left) | (bottom < top)] = 0

    found, smaller = [], 0
    for side in _BUCKETS:
        group = np.flatnonzero((extent > smaller) & (extent <= side))
        smaller = side
        if len(group):
            corner = left[group], top[group]
            at, which, weights = _covered(x[:, group], y[:, group], area[group], corner, side, size)
            found.append((at, front[group[which]], weights))
    if not found:
        nothing = np.empty(0, np.int64)
        return Surface(nothing, nothing, np.empty((0, 3), np.float32), np.empty(0, np.float32))
    at, which, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
    depth = depth.astype(np.float32)[corners.T]
    here = depth[0][which] * weights[:, 0]
    here += depth[1][which] * weights[:, 1]
    here += depth[2][which] * weights[:, 2]
    key = np.round(here * _DEPTH_STEPS).astype(np.int64) << 32
    key |= np.arange(len(key))
    nearest = np.full(size * size, np.iinfo(np.int64).min)
    np.maximum.at(nearest, at, key)
    pixels = np.flatnonzero(nearest > np.iinfo(np.int64).min)
    winner = nearest[pixels] & 0xFFFFFFFF
    return Surface(pixels, which[winner], weights[winner], here[winner])


def _covered(x, y, area, corner, side, size):
    """The pixels inside each triangle of a group: flat index, triangle, weights of the corners."""
    left, top = corner
    steps = np.arange(side, dtype=np.float32)
    across, down = left[:, None] + steps, top[:, None] + steps  # (G, side)
    # Each weight is an affine function: one part along x, one along y.
    scale = 1 / area[:, None]
    bx, by = (x[1] - x[0])[:, None] * scale, (y[1] - y[0])[:, None] * scale
    cx, cy = (x[2] - x[0])[:, None] * scale, (y[2] - y[0])[:, None] * scale
    dx, dy = across - x[0][:, None], down - y[0][:, None]
    second = (dx * cy)[:, None, :] - (dy * cx)[:, :, None]
    third = (dy * bx)[:, :, None] - (dx * by)[:, None, :]
    inside = (second >= 0) & (third >= 0) & (second + third <= 1)
    chosen = np.flatnonzero(inside).astype(np.int32)
    second, third = second.ravel()[chosen], third.ravel()[chosen]
    # Of all lines of all boxes; NumPy divides faster than it takes remainders.
    line = chosen // np.int32(side)
    which = line // np.int32(side)
    row, column = line - which * np.int32(side), chosen - line * np.int32(side)
    row += top.astype(np.int32)[which]
    column += left.astype(np.int32)[which]
    seen = (row < size) & (column < size)
    if not seen.all():
        which, row, column = which[seen], row[seen], column[seen]
        second, third = second[seen], third[seen]
    at = row * np.int32(size) + column
    return at, which, np.stack([1 - second - third, second, third], axis=1)
