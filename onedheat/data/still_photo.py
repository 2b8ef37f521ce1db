"""The part of a photo around a face, with a border that goes on where the photo ends."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.data.images import RGB, ImageError

AnySize = UInt8[np.ndarray, "_ _ 3"]

_REACH = 3.2  # radii of the face from its middle to each side
_NEAR, _FAR = 0.07, 0.3  # standard deviations of the border's blurs, in radii


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A square around a face.

    Attributes:
        pixels: (S, S, 3).
        matrix: (3, 3), photo → square, both in pixel-centre coordinates.
        scale: pixels of the square to a pixel of the photo, at most 1.
    """

    pixels: RGB
    matrix: Float[np.ndarray, "3 3"]
    scale: float


def surround(
    photo: RGB, middle: Float[np.ndarray, "2"], radius: float, shown: float
) -> Surroundings:
    """Cuts a face and its surroundings out of a photo.

    A photo much finer than it will be shown is reduced by a whole number: the mean of s × s pixels,
    which shifts nothing. Where the photo ends its mirror image goes on, the more blurred the farther,
    as a background out of focus: neither a hard edge nor a second face is there to be learned from.

    Args:
        photo: (H, W, 3).
        middle: of the face, in pixels of the photo.
        radius: of the face, in pixels of the photo.
        shown: the same in the pictures that will be made of it, at least.

    Raises:
        ImageError: the photo has no pixel there.
    """
    reduced = max(1, round(radius / shown / 2))
    height, width = (side // reduced for side in photo.shape[:2])
    radius, middle = radius / reduced, (middle + 0.5) / reduced - 0.5
    reach = math.ceil(_REACH * radius)
    first = np.floor(middle).astype(int) - reach
    last = first + 2 * reach + 1
    low, high = np.maximum(first, 0), np.minimum(last, (width, height))
    if (high <= low).any():
        raise ImageError(
            f"a photo of {photo.shape[1]} × {photo.shape[0]} pixels has none around its landmarks; are "
            "they of another photo, or of one of another size?"
        )
    inside = photo[low[1] * reduced : high[1] * reduced, low[0] * reduced : high[0] * reduced]
    matrix = np.array([[1, 0, -first[0]], [0, 1, -first[1]], [0, 0, 1]], dtype=float)
    to_reduced = np.array([[1, 0, 0.5 - reduced / 2], [0, 1, 0.5 - reduced / 2], [0, 0, reduced]])
    pixels = _continue(_reduce(inside, reduced), low - first, last - high, radius)
    return Surroundings(pixels, matrix @ to_reduced / reduced, 1 / reduced)


def _reduce(photo: RGB, times: int) -> AnySize:
    import cv2

    size = (photo.shape[1] // times, photo.shape[0] // times)
    return photo if times == 1 else cv2.resize(photo, size, interpolation=cv2.INTER_AREA)


def _continue(photo: RGB, before, after, radius: float) -> AnySize:
    """A photo with a border, `before` (x, y) its first pixel and `after` its last."""
    import cv2

    height, width = photo.shape[:2]
    (left, top), (right, bottom) = before.tolist(), after.tolist()
    whole = cv2.copyMakeBorder(photo, top, bottom, left, right, cv2.BORDER_REFLECT_101)
    if not (before.any() or after.any()):
        return whole
    x, y = np.arange(whole.shape[1]) - left, np.arange(whole.shape[0]) - top
    outside_x = np.maximum(np.maximum(-x, x - (width - 1)), 0)
    outside_y = np.maximum(np.maximum(-y, y - (height - 1)), 0)
    outside = np.hypot(outside_x[None], outside_y[:, None]).astype(np.float32) / np.float32(radius)
    for blur in (_NEAR, _FAR):
        share = np.minimum(outside / (2 * blur), 1)[..., None]
        whole = whole + share * (_blurred(whole, blur * radius) - whole)
    return np.round(whole).astype(np.uint8)


def _blurred(picture, sigma: float):
    """Blurred by a Gaussian, at a resolution that is enough for it."""
    import cv2

    size = (picture.shape[1], picture.shape[0])
    times = max(1.0, sigma / 2)
    small = tuple(max(1, round(side / times)) for side in size)
    coarse = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), sigma / times)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
