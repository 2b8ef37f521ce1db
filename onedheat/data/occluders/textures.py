"""What occluders are covered with: colours of a unit square, in [0, 1]."""

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, UInt8

Texture = Float[np.ndarray, "side side 3"]
Photo = UInt8[np.ndarray, "_ _ 3"]  # of any size, whatever is painted


def unit_square(side: int) -> Float[np.ndarray, "side side 2"]:
    """(x, y) from −1 to 1 of the pixel centres of a square picture."""
    line = (2 * np.arange(side) + 1) / side - 1
    return np.stack(np.meshgrid(line, line), axis=-1)


def _colour(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """Any brightness, seldom garish: grey mixed with a random colour."""
    grey, colour = rng.uniform(0.05, 0.95), rng.random(3)
    return grey + rng.uniform(0, 0.7) * (colour - grey)


def _plain(rng: np.random.Generator, side: int) -> Texture:
    return np.tile(_colour(rng), (side, side, 1))


def _gradient(rng: np.random.Generator, side: int) -> Texture:
    share = np.clip(0.5 + 0.5 * _along(rng, side), 0, 1)[..., None]
    return (1 - share) * _colour(rng) + share * _colour(rng)


def _noise(rng: np.random.Generator, side: int) -> Texture:
    """Random values on grids of 4, 8, 16 and 32, the finer the weaker."""
    import cv2

    value = sum(
        cv2.resize(rng.random((cells, cells)), (side, side), interpolation=cv2.INTER_CUBIC) / weight
        for cells, weight in ((4, 1.0), (8, 2.0), (16, 3.0), (32, 4.0))
    )
    share = np.clip((value - value.min()) / np.ptp(value), 0, 1)[..., None]
    return (1 - share) * _colour(rng) + share * _colour(rng)


def cut_patch(rng: np.random.Generator, side: int, photo: Photo) -> Texture:
    """A square of a photo upside down, so that it looks like the photo and is no second face."""
    import cv2

    height, width = photo.shape[:2]
    edge = max(1, int(min(height, width) * rng.uniform(0.2, 0.5)))
    x, y = rng.integers(0, width - edge + 1), rng.integers(0, height - edge + 1)
    patch = photo[y : y + edge, x : x + edge][::-1]
    way = cv2.INTER_AREA if edge > side else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(patch), (side, side), interpolation=way) / 255.0


def _checker(rng: np.random.Generator, side: int) -> Texture:
    waves = rng.uniform(2, 6)
    angle = rng.uniform(0, math.pi)
    first, second = (np.sign(np.sin(math.pi * waves * _along_angle(side, angle + turn)))
                     for turn in (0, math.pi / 2))  # fmt: skip
    return _two_colours(rng, first * second > 0)


def _stripes(rng: np.random.Generator, side: int) -> Texture:
    return _two_colours(rng, np.sin(math.pi * rng.uniform(3, 9) * _along(rng, side)) > 0)


def _dots(rng: np.random.Generator, side: int) -> Texture:
    waves, angle = rng.uniform(3, 7), rng.uniform(0, math.pi)
    value = sum(
        np.cos(math.pi * waves * _along_angle(side, angle + turn)) for turn in (0, math.pi / 2)
    )
    return _two_colours(rng, value > rng.uniform(0.5, 1.2))


def _along(rng: np.random.Generator, side: int) -> Float[np.ndarray, "side side"]:
    return _along_angle(side, rng.uniform(0, 2 * math.pi))


def _along_angle(side: int, angle: float) -> Float[np.ndarray, "side side"]:
    """How far each pixel lies in a direction, −1 to 1 along an axis."""
    return unit_square(side) @ np.array([math.cos(angle), math.sin(angle)])


def _two_colours(rng: np.random.Generator, where: Bool[np.ndarray, "side side"]) -> Texture:
    dark, light = rng.uniform(0, 0.45), rng.uniform(0.55, 1)
    first, second = (value + 0.25 * (rng.random(3) - 0.5) for value in (dark, light))
    return np.clip(np.where(where[..., None], first, second), 0, 1)


TEXTURES: dict[str, dict[str, Callable[..., Texture]]] = {
    "train": {"plain": _plain, "gradient": _gradient, "noise": _noise, "photo": cut_patch},
    "test": {"checker": _checker, "stripes": _stripes, "dots": _dots},
}
