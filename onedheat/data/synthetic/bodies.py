"""What belongs to a head beside its surface: ears, neck and shoulders, as small meshes."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from onedheat.data.synthetic.head import Points

Corners = Int[np.ndarray, "triangles 3"]


@lru_cache(maxsize=1)
def ears() -> tuple[Points, Corners, Points, Float[np.ndarray, "vertices"]]:
    """Vertices, triangles, normals and brightness of both ears."""
    turn, ring = np.meshgrid(np.linspace(0, 2 * np.pi, 17), np.linspace(0, 1, 6), indexing="ij")
    across, up = ring * np.cos(turn), ring * np.sin(turn)
    bulge = 6 * np.sqrt(np.clip(1 - ring**2, 0, 1)) + 3 * np.exp(-(((ring - 0.75) / 0.2) ** 2))
    z = -10 + 14 * across - 4 * up
    y = 14 + 28 * up * (1 - 0.12 * up)
    x = 70 + bulge - 5 * across
    left = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    bright = (0.93 - 0.35 * np.exp(-(((ring - 0.35) / 0.25) ** 2))).ravel()
    index = np.arange(len(left)).reshape(17, 6)
    a, b, c, d = (
        p.ravel() for p in (index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    right = left * (-1, 1, 1)
    both = np.concatenate([left, right])
    corners = np.concatenate([corners, corners[:, ::-1] + len(left)])
    return both, corners, _normals(both, corners), np.concatenate([bright, bright])


# Neck and shoulders: mm below the eyes, half width, half depth, how far behind the head's centre.
_BODY = np.array([
    (70, 50, 44, -14), (105, 55, 50, -16), (135, 58, 54, -18), (152, 68, 58, -19),
    (166, 98, 66, -20), (182, 150, 74, -22), (212, 195, 88, -22), (300, 210, 100, -22),
])  # fmt: skip


@lru_cache(maxsize=1)
def body() -> tuple[Points, Corners, Points, Float[np.ndarray, "vertices"]]:
    """Vertices, triangles, normals and height (mm below the eyes) of neck and shoulders."""
    levels = np.linspace(70, 300, 24)
    across, deep, back = (np.interp(levels, _BODY[:, 0], _BODY[:, i]) for i in (1, 2, 3))
    turn = np.radians(np.linspace(-110, 110, 37))  # the back is never seen
    x = across[:, None] * np.sin(turn)
    z = deep[:, None] * np.cos(turn) + back[:, None]
    y = np.broadcast_to(levels[:, None], x.shape)
    index = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (
        p.ravel() for p in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    corners = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    return points, corners, _normals(points, corners), points[:, 1]


def _normals(points: Points, corners: Corners) -> Points:
    """Unit normals of a mesh's vertices, (V, 3): the mean of the triangles around each."""
    a, b, c = (points[corners[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros_like(points)
    for i in range(3):
        np.add.at(out, corners[:, i], face)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
