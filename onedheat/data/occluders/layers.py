"""Occluders as pictures with transparency, and a picture with one of them in front of it."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.data.motion import least_jerk
from onedheat.data.occluders.shapes import Family, Matrix, Shape, of_family
from onedheat.data.occluders.textures import TEXTURES, Photo, cut_patch, unit_square

Layer = UInt8[np.ndarray, "side side 4"]
Picture = UInt8[np.ndarray, "height width 3"]


def paint(
    shape: Shape,
    rng: np.random.Generator,
    family: Family,
    *,
    side: int = 192,
    photo: Photo | None = None,
) -> Layer:
    """A shape in a random texture of a family, as a picture of its unit square.

    Args:
        shape: what is painted.
        rng: where texture and colours are drawn from.
        family: of the textures.
        side: S, pixels from −1 to 1.
        photo: what a patch is cut from; without one no texture is.

    Returns:
        (S, S, 4) RGBA, colours multiplied by alpha, so that it can be resampled without dark seams.
    """
    kinds = [name for name in of_family(family, TEXTURES) if name != "photo" or photo is not None]
    name = kinds[rng.integers(len(kinds))]
    texture = cut_patch(rng, side, photo) if name == "photo" else TEXTURES[family][name](rng, side)
    distance = shape.distance(unit_square(side))
    # Rounder than cardboard: a little light falls off towards the edge.
    shade = 1 - 0.35 * np.exp(np.minimum(distance, 0) / 0.12)
    alpha = least_jerk(0.5 - distance / shape.softness)[..., None]
    colour = np.clip(texture * shade[..., None], 0, 1) * alpha
    return np.round(255 * np.concatenate([colour, alpha], axis=2)).astype(np.uint8)


def place(center: Sequence[float] | Float[np.ndarray, "2"], radius: float, angle: float) -> Matrix:
    """The (3, 3) map from a shape's own coordinates to pixels.

    Args:
        center: where the shape's (0, 0) lies, (x, y) in pixels.
        radius: half the side of its square from −1 to 1, in pixels.
        angle: in radians, clockwise as seen on a screen.
    """
    cos, sin = radius * math.cos(angle), radius * math.sin(angle)
    return np.array([[cos, -sin, center[0]], [sin, cos, center[1]], [0.0, 0.0, 1.0]])


def overlay(picture: Picture, layer: Layer, to_picture: Matrix) -> Picture:
    """A picture (H, W, 3) with a layer in front of it, seen where `place` says.

    The picture that was given is not changed, and is given back where the layer does not reach it.
    """
    import cv2

    low, high = _bounds(to_picture, picture.shape[1], picture.shape[0])
    if (high <= low).any():
        return picture
    (x0, y0), (x1, y1) = low, high
    # A layer much finer than it is shown would alias.
    shown = max(1, int(2 * np.linalg.norm(to_picture[:2, 0])))
    if shown < len(layer):
        layer = cv2.resize(layer, (shown, shown), interpolation=cv2.INTER_AREA)
    pixel = 2 / len(layer)
    to_own = np.array([[pixel, 0, pixel / 2 - 1], [0, pixel, pixel / 2 - 1], [0, 0, 1]])
    to_part = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]]) @ to_picture @ to_own
    placed = cv2.warpAffine(layer, to_part[:2], (int(x1 - x0), int(y1 - y0)))
    behind = picture[y0:y1, x0:x1].astype(np.uint16)
    clear = 255 - placed[..., 3:].astype(np.uint16)
    covered = picture.copy()
    covered[y0:y1, x0:x1] = placed[..., :3] + ((behind * clear + 127) // 255).astype(np.uint8)
    return covered


def _bounds(to_picture: Matrix, width: int, height: int):
    """First pixel and the one after the last that the unit square can reach, cut to the picture."""
    center, radius = to_picture[:2, 2], np.linalg.norm(to_picture[:2, 0]) * math.sqrt(2)
    end = np.array([width, height])
    low = np.clip(np.floor(center - radius).astype(int), 0, end)
    return low, np.clip(np.ceil(center + radius).astype(int) + 1, 0, end)
