"""Landmarks drawn into a photo, to be looked at and written to a file.

Every mark is a light colour on a wider dark one, so that it reads on light and on dark skin, and is
placed to a sixteenth of a pixel: a drawing that rounds cannot show whether the landmarks were right.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.geometry import Box

LIGHT, DARK, LINE = (255, 255, 255), (0, 0, 0), (86, 180, 233)  # LINE: sky blue of Okabe and Ito
_SHIFT = 4  # bits behind the point of a coordinate that OpenCV is given


def draw_landmarks(
    image: UInt8[np.ndarray, "height width 3"],
    landmarks: Float[np.ndarray, "landmarks 2"],
    *,
    lines: Sequence[Sequence[int]] = (),
    box: Box | None = None,
) -> None:
    """Draws one face's landmarks into an image, in place, sized to the face.

    Args:
        image: (H, W, 3) uint8 RGB, contiguous; it is changed.
        landmarks: (N, 2) in pixels; those outside the image are left out by themselves.
        lines: polylines as indices of landmarks, see `Scheme.lines`.
        box: (4,) edges, drawn as a frame.
    """
    import cv2

    side = float(np.ptp(landmarks, axis=0).max())
    width = max(1, round(side / 250))
    rim = max(0.6, side / 300)

    def fixed(points) -> np.ndarray:
        return np.round(np.asarray(points) * 2**_SHIFT).astype(np.int32)

    def stroke(points, closed: bool):
        # On a small face a rim of a whole pixel would hide what the lines follow.
        edge = [(DARK, width + 2 * round(side / 300))] if side >= 150 else []
        for color, thickness in (*edge, (LINE, width)):
            cv2.polylines(image, [fixed(points)], closed, color, thickness, cv2.LINE_AA, _SHIFT)

    if box is not None:
        x0, y0, x1, y1 = box
        stroke([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], closed=True)
    for line in lines:
        stroke(landmarks[list(line)], closed=False)
    radius = max(0.7, side / 110)
    for color, reach in ((DARK, radius + rim), (LIGHT, radius)):
        for x, y in fixed(landmarks).tolist():
            cv2.circle(image, (x, y), round(reach * 2**_SHIFT), color, -1, cv2.LINE_AA, _SHIFT)


def draw_number(image: UInt8[np.ndarray, "height width 3"], number: int, box: Box) -> None:
    """Writes a face's number above its box, in place, sized to the face.

    Args:
        image: (H, W, 3) uint8 RGB, contiguous; it is changed.
        number: which face it is.
        box: (4,) edges; a number that would stand above the picture stands inside the box.
    """
    import cv2

    height = max(12.0, 0.12 * float(box[2] - box[0]))  # of a digit, in pixels
    scale = height / cv2.getTextSize("0", cv2.FONT_HERSHEY_SIMPLEX, 1.0, 1)[0][1]
    width = max(1, round(height / 8))
    x, y = float(box[0]), float(box[1]) - 0.4 * height
    if y < 1.2 * height:
        y = float(box[1]) + 1.4 * height
    place = (round(max(x, 0.0)) + width, round(y))
    for color, thickness in ((DARK, 3 * width), (LIGHT, width)):
        cv2.putText(
            image,
            str(number),
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            color,
            thickness,
            cv2.LINE_AA,
        )
