"""The one coordinate convention, and everything that moves a point or a picture.

A coordinate is (x, y) in pixels. Pixel *centres* are integers and the first is 0, so pixel i covers
[i − ½, i + ½]. A box (x0, y0, x1, y1) holds continuous *edges*: a picture of width W is the box from
−½ to W − ½. Resizing by s therefore maps p to (p + ½)·s − ½.

A crop is one affine map in float64, kept with its inverse; a picture is resampled once, from the
original to the network's input, by `warp`, or by `warp_batch` where photos lie on a device. A `Bend`
moves what lies on the photo before, in the same resampling.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

Landmarks = Float[np.ndarray, "landmarks 2"]
Box = Float[np.ndarray, "4"]

MAX_SIDE = 32_000  # OpenCV's warp addresses pixels by 16-bit integers
MAX_FINE = 10_000  # side of the picture of all samples, 300 MB; only boxes as wide get fewer
COARSE = 4  # pixels of a picture between those for which it is worked out how far they are bent
MAX_SAMPLES = 2**21  # that `warp_batch` holds at once, about 100 bytes each


def tight_box(landmarks: Landmarks, scale: float = 1.25) -> Box:
    """The smallest square around the landmarks, scaled about its centre.

    The box of evaluation, training and a second pass.

    Args:
        landmarks: (N, 2) in pixels; those that are not annotated are NaN and do not count.
        scale: 1 touches the outermost landmarks.

    Returns:
        (4,) edges x0, y0, x1, y1 in pixels.

    Raises:
        ValueError: the landmarks all lie in one place, none is annotated, or some are infinite.
    """
    annotated = _annotated(landmarks)
    low, high = annotated.min(axis=0), annotated.max(axis=0)
    return square_box((low + high) / 2, float((high - low).max()) * scale)


def paper_box(landmarks: Landmarks, interocular: float) -> Box:
    """The tracker's box of the paper (section 5.1): centred on the mean of all landmarks, 2.5 times
    the inter-ocular distance wide.

    On a turned head that distance shrinks and the paper's box would cut the face, so it is never
    smaller than `tight_box(landmarks, 1.1)`.
    """
    tight = tight_box(landmarks, 1.1)
    center = _annotated(landmarks).mean(axis=0)
    return square_box(center, max(2.5 * interocular, float(tight[2] - tight[0])))


def _annotated(landmarks: Landmarks) -> Float[np.ndarray, "annotated 2"]:
    annotated = landmarks[~np.isnan(landmarks).any(axis=1)]
    if not len(annotated):
        raise ValueError(
            f"none of the {len(landmarks)} landmarks is annotated (all are NaN), so there is no box "
            "around them; leave this face out"
        )
    return annotated


def square_box(center: Float[np.ndarray, "2"], side: float) -> Box:
    """The square of that centre and side, as edges (x0, y0, x1, y1) in pixels."""
    if not (np.isfinite(center).all() and math.isfinite(side) and side > 0):
        raise ValueError(
            f"a box needs a finite centre and a side above 0; got centre {center.tolist()} and side "
            f"{side:g} px. Are the landmarks it was made from all different and finite?"
        )
    half = side / 2
    return np.array([center[0] - half, center[1] - half, center[0] + half, center[1] + half])


def box_overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]."""
    return float(box_overlaps(np.stack([first, second]))[0, 1])


def box_overlaps(boxes: Float[np.ndarray, "boxes 4"]) -> Float[np.ndarray, "boxes boxes"]:
    """Intersection over union of every pair of boxes (K, 4), in [0, 1]."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared / np.maximum(areas[:, None] + areas[None] - shared, 1e-12)


@dataclass(frozen=True, eq=False)
class Crop:
    """An affine map from a photo to a square picture of `size` × `size` pixels.

    Attributes:
        matrix: (3, 3) float64, photo → crop, both in pixel-centre coordinates.
        size: side of the crop in pixels.
    """

    matrix: Float[np.ndarray, "3 3"]
    size: int

    @classmethod
    def from_box(cls, box: Box, size: int, *, angle: float = 0.0, mirrored: bool = False) -> "Crop":
        """The crop that maps the edges of `box` to the edges −½ and size − ½ of the picture.

        Args:
            box: (4,) edges in the photo, in pixels; a box that is not square is stretched.
            size: side of the crop in pixels.
            angle: turns the picture about the box's centre, in degrees, clockwise as seen on a screen.
            mirrored: exchange left and right, after the turn.

        Raises:
            ValueError: the box has no area or is not finite.
        """
        x0, y0, x1, y1 = (float(edge) for edge in box)
        if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x1 > x0 and y1 > y0):
            raise ValueError(
                f"a box is (x0, y0, x1, y1) with x0 < x1 and y0 < y1, in pixels; got {list(box)}"
            )
        to_center = np.array([[1, 0, -(x0 + x1) / 2], [0, 1, -(y0 + y1) / 2], [0, 0, 1]])
        cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        side_x, side_y = size / (x1 - x0), size / (y1 - y0)
        middle = (size - 1) / 2
        to_picture = np.array(
            [[-side_x if mirrored else side_x, 0, middle], [0, side_y, middle], [0, 0, 1]]
        )
        return cls(to_picture @ turn @ to_center, size)

    @cached_property
    def inverse(self) -> Float[np.ndarray, "3 3"]:
        """(3, 3) float64, crop → photo."""
        return np.linalg.inv(self.matrix)

    @property
    def shrink(self) -> float:
        """Photo pixels per crop pixel, along the direction that shrinks most."""
        return float(np.linalg.norm(self.inverse[:2, :2], ord=2))

    def to_crop(self, points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Points of the photo as points of the crop, in pixels."""
        return transform(self.matrix, points)

    def to_photo(self, points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Points of the crop as points of the photo, in pixels."""
        return transform(self.inverse, points)


@dataclass(frozen=True, eq=False)
class Bend:
    """Places of a photo that pull what is around them along, as a Gaussian of their own width does.

    Attributes:
        places: (P, 2) in pixels of the photo.
        widths: (P,) standard deviations, in pixels.
        pulls: (P, 2), or at several times (T, P, 2), what each place moves the eye by, in pixels. As long
            as each is at most 0.15 of its place's width, six places fold the photo nowhere: a Gaussian's
            slope is 0.61 of its height over its width at most.
    """

    places: Float[np.ndarray, "places 2"]
    widths: Float[np.ndarray, "places"]
    pulls: Float[np.ndarray, "*times places 2"]

    TURNS: ClassVar[int] = 60  # of the search for a point, each at least a fifth nearer

    def shift(self, points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Where the photo is looked at, from where it is seen, in pixels."""
        squared = ((points[..., None, :] - self.places) ** 2).sum(axis=-1)
        return np.exp(-squared / (2 * self.widths**2)) @ self.pulls

    def bent(self, points: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Where points of the photo are seen in the bent one, in pixels; NaN stay NaN."""
        seen = points
        for _ in range(self.TURNS):
            seen = points - self.shift(seen)
        return seen


def transform(
    matrix: Float[np.ndarray, "3 3"], points: Float[np.ndarray, "*batch 2"]
) -> Float[np.ndarray, "*batch 2"]:
    """Points (…, 2) moved by an affine (3, 3) matrix, in float64."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def warp(
    image: UInt8[np.ndarray, "height width channels"], crop: Crop, bend: Bend | None = None
) -> UInt8[np.ndarray, "size size channels"]:
    """Resamples a photo once, to the picture that the crop describes.

    A crop pixel that covers several photo pixels is the mean of k × k bilinear samples spread evenly
    over its footprint, k = ⌈photo pixels per crop pixel⌉, so that shrinking does not alias and
    nothing is shifted. What lies outside the photo is black.

    Args:
        image: (H, W, C) uint8.
        crop: where to look and how large to draw it.
        bend: how the photo is bent before; not for photos wider than OpenCV can address.

    Returns:
        (size, size, C) uint8.
    """
    import cv2

    samples = _samples_a_side(crop)
    fine = crop.size * samples
    # Sample i of the fine picture lies at (i + ½)/k − ½ in the crop.
    offset = 0.5 / samples - 0.5
    to_photo = crop.inverse @ np.array(
        [[1 / samples, 0, offset], [0, 1 / samples, offset], [0, 0, 1]]
    )
    if bend is None:
        image, to_photo = _cut_to_need(image, to_photo, fine)
        picture = cv2.warpAffine(
            image,
            to_photo[:2],
            (fine, fine),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )
    else:
        looked_at = _looked_at(to_photo, fine, bend)
        picture = cv2.remap(
            image, looked_at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
    if samples > 1:
        picture = cv2.resize(picture, (crop.size, crop.size), interpolation=cv2.INTER_AREA)
    return picture.reshape(crop.size, crop.size, image.shape[2])


def _looked_at(
    to_photo: Float[np.ndarray, "3 3"], side: int, bend: Bend
) -> Float32[np.ndarray, "side side 2"]:
    """Where in a bent photo each pixel of a square picture lies. How far it is bent changes slowly, so
    that is worked out for some pixels and laid over all of them.
    """
    import cv2

    at = np.arange(side)
    x, y = np.meshgrid(at, at)
    everywhere = transform(to_photo, np.stack([x, y], axis=-1).astype(float))
    coarse = max(2, round(side / COARSE))
    # The coarse grid's pixels are spread over the picture's as `resize` does it.
    centre = (np.arange(coarse) + 0.5) * side / coarse - 0.5
    x, y = np.meshgrid(centre, centre)
    shift = bend.shift(transform(to_photo, np.stack([x, y], axis=-1)))
    shift = cv2.resize(shift, (side, side), interpolation=cv2.INTER_CUBIC)
    return (everywhere + shift).astype(np.float32)


def _samples_a_side(crop: Crop) -> int:
    """k: as many samples as a crop pixel covers photo pixels, within `MAX_FINE`."""
    return max(1, min(math.ceil(crop.shrink - 1e-6), MAX_FINE // crop.size))


def _cut_to_need(image, to_photo, side):
    """The part of a photo that a warp reads, with the map moved accordingly.

    Photos wider than OpenCV can address stay usable as long as the part that is read is not.
    """
    if max(image.shape[:2]) <= MAX_SIDE:
        return image, to_photo
    corners = np.array([[0, 0], [side, 0], [0, side], [side, side]], dtype=float) - 0.5
    seen = transform(to_photo, corners)
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(seen.min(axis=0)).astype(int) - 1, 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.ceil(seen.max(axis=0)).astype(int) + 2, (x0 + 1, y0 + 1), (width, height))
    if max(x1 - x0, y1 - y0) > MAX_SIDE:
        raise ValueError(
            f"the crop covers {x1 - x0} × {y1 - y0} photo pixels; at most {MAX_SIDE} a side can be "
            "read. Shrink the photo first."
        )
    shift = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]])
    return np.ascontiguousarray(image[y0:y1, x0:x1]), shift @ to_photo


def warp_batch(
    photos: Sequence[UInt8[Tensor, "_ _ channels"]],
    crops: Sequence[Crop],
    bends: Sequence[Bend | None] | None = None,
) -> UInt8[Tensor, "batch channels size size"]:
    """`warp` of many photos at once, where they lie: the same pictures to within one grey level.

    The k × k bilinear samples of a crop pixel are computed and averaged as they are defined at
    `warp`; only OpenCV's rounding of each sample to a whole grey level is left out.

    Args:
        photos: one (H, W, C) uint8 a crop, of any sizes, all on one device.
        crops: where to look in each and how large to draw it; all of one size.
        bends: how each photo is bent before, all by as many places; None for those that are not.

    Returns:
        (B, C, size, size) uint8 on that device.

    Raises:
        ValueError: no photo, not as many photos as crops, or crops of different sizes.
    """
    sizes = {crop.size for crop in crops}
    if len(photos) != len(crops) or len(sizes) != 1:
        raise ValueError(
            f"a batch needs one photo for each crop and crops of one size; got {len(photos)} photos, "
            f"{len(crops)} crops, sizes {sorted(sizes)}"
        )
    size, device, channels = sizes.pop(), photos[0].device, photos[0].shape[2]
    # All photos are one list of pixels; each begins where the one before it ends.
    pixels = torch.cat([photo.reshape(-1, channels) for photo in photos])
    height, width = torch.tensor([photo.shape[:2] for photo in photos]).T
    first = (height * width).cumsum(0) - height * width
    places = torch.stack([first, width, height]).to(device)
    to_photo = torch.from_numpy(np.stack([crop.inverse[:2] for crop in crops]))
    to_photo = to_photo.float().to(device)

    bent = None if bends is None else _stacked(bends, device)
    counts = [_samples_a_side(crop) for crop in crops]
    pictures = pixels.new_empty(len(crops), size, size, channels)
    for samples in sorted(set(counts)):
        alike = torch.tensor([i for i, count in enumerate(counts) if count == samples])
        faces = alike.to(device)
        how = None if bent is None else bent[:, :, faces]
        pictures[faces] = _averaged(pixels, places[:, faces], to_photo[faces], size, samples, how)
    return pictures.permute(0, 3, 1, 2)


def _averaged(
    pixels: UInt8[Tensor, "pixels channels"],
    places: Int64[Tensor, "3 batch"],
    to_photo: Float32[Tensor, "batch 2 3"],
    size: int,
    samples: int,
    bent: Float32[Tensor, "bends 5 batch"] | None,
) -> UInt8[Tensor, "batch size size channels"]:
    """Crops whose pixels are each the mean of samples × samples, some of these at a time."""
    device, (a, b, c) = pixels.device, to_photo.permute(2, 1, 0)[..., None, None, None]
    center = torch.arange(size, device=device)
    y, x = torch.meshgrid(center, center, indexing="ij")
    # Sample i of a crop pixel lies (i + ½)/k − ½ from its centre.
    offset = (torch.arange(samples, device=device) + 0.5) / samples - 0.5
    offsets = torch.cartesian_prod(offset, offset)[..., None, None]
    total = torch.zeros(len(to_photo), size, size, pixels.shape[1], device=device)
    for part in offsets.split(max(1, MAX_SAMPLES // (len(to_photo) * size * size))):
        # Sums, no matrix product: that would be rounded to ten bits where TF32 is switched on.
        seen = a * (x + part[:, 0]) + b * (y + part[:, 1]) + c
        if bent is not None:
            seen = _shifted(seen, bent)
        total += _bilinear(pixels, places, seen).sum(dim=1)
    return (total / samples**2).round().to(torch.uint8)


def _stacked(
    bends: Sequence[Bend | None], device: torch.device
) -> Float32[Tensor, "bends 5 batch"] | None:
    """Place, width and pull of each place of each photo's bend; a photo without one is not pulled."""
    count = next((len(bend.widths) for bend in bends if bend is not None), 0)
    if not count:
        return None
    still = Bend(np.zeros((count, 2)), np.ones(count), np.zeros((count, 2)))
    rows = [
        np.column_stack([bend.places, bend.widths, bend.pulls])
        for bend in (bend or still for bend in bends)
    ]
    return torch.from_numpy(np.stack(rows)).float().to(device).permute(1, 2, 0)


def _shifted(
    seen: Float32[Tensor, "2 batch samples size size"], bent: Float32[Tensor, "bends 5 batch"]
) -> Float32[Tensor, "2 batch samples size size"]:
    """Where bent photos are looked at; one place after another, as all at once would be large."""
    moved = seen
    for x, y, width, *pull in bent[..., None, None, None]:
        squared = (seen[0] - x) ** 2 + (seen[1] - y) ** 2
        moved = moved + torch.stack(pull) * torch.exp(-squared / (2 * width**2))
    return moved


def _bilinear(
    pixels: UInt8[Tensor, "pixels channels"],
    places: Int64[Tensor, "3 batch"],
    seen: Float32[Tensor, "2 batch samples size size"],
) -> Float32[Tensor, "batch samples size size channels"]:
    """Values of photos at points of theirs, black outside."""
    first, width, height = places[:, :, None, None, None]
    corner = seen.floor()
    (share_x, share_y), (left, top) = seen - corner, corner.long()
    value = 0.0
    for right, x_weight in ((0, 1 - share_x), (1, share_x)):
        for down, y_weight in ((0, 1 - share_y), (1, share_y)):
            x, y = left + right, top + down
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            index = torch.where(inside, first + y * width + x, 0)
            value = value + (x_weight * y_weight * inside)[..., None] * pixels[index]
    return value
