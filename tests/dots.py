"""Faces of three coloured dots, and a detector of them: what should be found is known exactly."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from onedheat.geometry import tight_box
from onedheat.heatmaps import Heatmaps
from onedheat.landmarks import Scheme
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import Landmarker

DOTS = Scheme(
    name="dots",
    points=("left", "right", "below"),
    mirror=(1, 0, 2),
    areas={"face": (0, 1, 2)},
    normaliser=(0, 1),
    lines=((0, 1, 2, 0),),
)
SHAPE = np.array([[-25.0, -20.0], [25.0, -20.0], [0.0, 24.0]])  # around a face's middle
SETTINGS = {"landmarks": 3, "size": 64, "upsample": 4, "width": 16, "channels": 16}


class DotReader(Detector):
    """A detector of red, green and blue dots: each vector is its colour's brightest along the other
    axis. Each dot counts more where that of the face in the middle would be, as networks see it."""

    def __init__(self):
        super().__init__(DetectorConfig(scheme=DOTS, **SETTINGS))
        self.looks = []
        low, high = SHAPE.min(axis=0), SHAPE.max(axis=0)
        places = torch.tensor((SHAPE - (low + high) / 2) / (1.25 * (high - low).max()))
        at = (torch.arange(64) - 31.5) / 64
        x, y = (
            at[None, None, :] - places[:, 0, None, None],
            at[None, :, None] - places[:, 1, None, None],
        )
        self.near = (1 - torch.hypot(x, y)).clip(min=0).float()

    def forward(self, images):
        self.looks.append(len(images))
        images = images * self.near
        return Heatmaps(x=images.amax(dim=2), y=images.amax(dim=3))


def face_at(x: float, y: float, scale: float = 1.0) -> np.ndarray:
    """The dots (3, 2) of a face whose middle is there."""
    return scale * SHAPE + (x, y)


def picture_of(
    *faces: np.ndarray, height: int = 160, width: int = 320, room: int = 0
) -> np.ndarray:
    """A dark room with faces in it; each hides what is behind it, the first is nearest."""
    y, x = np.mgrid[:height, :width]
    picture = np.zeros((height, width, 3))
    for face in reversed(faces):
        x0, y0, x1, y1 = tight_box(face, 1.25)
        picture[(x > x0) & (x < x1) & (y > y0) & (y < y1)] = 0
        sigma = 0.05 * np.ptp(face, axis=0).max()
        for color, (at_x, at_y) in enumerate(face):
            dot = 255 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2 * sigma**2))
            picture[..., color] = np.maximum(picture[..., color], dot)
    wall = 20 + 20 * np.sin(x / 40 + 2 * room) * np.sin(y / (30 - 8 * room))  # never all one grey
    return np.maximum(picture, wall[..., None]).round().astype(np.uint8)


class Watcher:
    """A face finder that knows where faces are, and counts how often it is asked."""

    def __init__(self):
        self.faces: Sequence[np.ndarray] = ()
        self.asked = 0

    def __call__(self, image):
        self.asked += 1
        boxes = np.array([tight_box(face) for face in self.faces]).reshape(-1, 4)
        return boxes, np.linspace(1, 0.9, len(boxes))


def dot_landmarker(finder: Callable | None = None, detector: Detector | None = None) -> Landmarker:
    """Finds dots; without a finder it knows of no face."""
    return Landmarker(detector or DotReader(), finder=finder or Watcher())
