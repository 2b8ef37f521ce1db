"""A sheet of validation faces: what the network finds by now, beside what is labelled."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from onedheat.data.samples import Sample
from onedheat.drawing import draw_landmarks
from onedheat.geometry import Crop, tight_box, warp
from onedheat.landmarks import Scheme
from onedheat.pipeline import Landmarker

SIDE, COLUMNS, HEADING = 224, 4, 30  # pixels
AROUND = 1.5  # side of what is shown, in sides of the landmarks' smallest square
LABEL = (230, 159, 0)  # orange of Okabe and Ito, as a cross; what is found is a white dot
_SHIFT = 4


class SampleSheet(NamedTuple):
    """A drawn sheet.

    Attributes:
        picture: (H, W, 3).
        words: the same for who does not see it.
    """

    picture: UInt8[np.ndarray, "height width 3"]
    words: str


def draw_sheet(
    landmarker: Landmarker, samples: Sequence[Sample], scheme: Scheme, title: str
) -> SampleSheet:
    """Draws annotated faces with the landmarks that a network finds in their boxes.

    Args:
        landmarker: the network.
        samples: at least one.
        scheme: what the labels are.
        title: e.g. which step this is.

    Raises:
        ImageError: a picture cannot be read.
    """
    images = [sample.image() for sample in samples]
    boxes = np.stack([tight_box(sample.landmarks, 1.25) for sample in samples])
    found = landmarker.locate(images, boxes).landmarks
    cells, distances = [], []
    for sample, image, points in zip(samples, images, found, strict=True):
        crop = Crop.from_box(tight_box(sample.landmarks, AROUND), SIDE)
        labels, points = crop.to_crop(sample.landmarks), crop.to_crop(points)
        cell = np.ascontiguousarray(warp(image, crop))
        _draw_crosses(cell, labels)
        draw_landmarks(cell, points, lines=scheme.lines)
        cells.append(cell)
        distances.append(np.nanmean(np.linalg.norm(points - labels, axis=1)))
    mean = 100 * float(np.mean(distances)) * AROUND / SIDE
    words = (
        f"{title}. {len(samples)} validation faces with the landmarks found (white dots) and labelled "
        f"(orange crosses); on average they are {mean:.1f} % of the face's size apart."
    )
    return SampleSheet(_put_together(cells, f"{title}: dots are found, crosses labelled"), words)


def _draw_crosses(
    cell: UInt8[np.ndarray, "side side 3"], landmarks: Float[np.ndarray, "landmarks 2"]
) -> None:
    import cv2

    arm = 3.0
    for point in landmarks[np.isfinite(landmarks).all(axis=1)]:
        for way in ((arm, arm), (arm, -arm)):
            ends = np.round((point + np.array([way, np.negative(way)])) * 2**_SHIFT).astype(int)
            first, last = map(tuple, ends.tolist())
            cv2.line(cell, first, last, LABEL, 1, cv2.LINE_AA, _SHIFT)


def _put_together(
    cells: Sequence[UInt8[np.ndarray, "side side 3"]], heading: str
) -> UInt8[np.ndarray, "height width 3"]:
    rows = -(-len(cells) // COLUMNS)
    sheet = np.full((HEADING + rows * SIDE, COLUMNS * SIDE, 3), 255, np.uint8)
    for number, cell in enumerate(cells):
        down, across = divmod(number, COLUMNS)
        top, left = HEADING + down * SIDE, across * SIDE
        sheet[top : top + SIDE, left : left + SIDE] = cell
    page = Image.fromarray(sheet)
    ImageDraw.Draw(page).text((8, 6), heading, fill="black", font=ImageFont.load_default(15))
    return np.array(page)
