"""The picture of clips made from the photographs, by the code that makes them for training."""

from collections.abc import Mapping

import numpy as np

from onedheat.course.photos import photographed_faces
from onedheat.data.datasets import BEND
from onedheat.data.images import RGB
from onedheat.data.stills import StillMotionConfig, clips_from_stills
from onedheat.geometry import Landmarks
from onedheat.plots import Figure
from onedheat.plots.motion import ClipStrip, clip_strips

FRAMES, SHOWN = 90, range(8, 89, 16)
LANDMARK = "nose_bridge_3"
SIDE = 192  # pixels
SEEDS = {"train": 28, "test": 34}  # lively clips, chosen by eye
CAPTIONS = {
    "train": "{}, moving and bent, with what gets in the way in training",
    "test": "{}, moving, with what gets in the way in tests",
}


def moving_faces(photos: Mapping[str, tuple[RGB, Landmarks]]) -> Figure:
    """A clip of each photograph: the first with the occluders of training, the next with those of tests.

    Args:
        photos: name → photo and the landmarks of its face, in pixels of the photo.
    """
    faces = photographed_faces(photos)
    strips = []
    for family, name, number in zip(SEEDS, photos, range(len(photos)), strict=True):
        bend = BEND if family == "train" else 0.0
        config = StillMotionConfig(width=SIDE, height=SIDE, occluders=family, bend=bend)
        clip = clips_from_stills(faces, FRAMES, seed=SEEDS[family], config=config).clips[number]
        pictures = np.stack([clip.frames[t] for t in SHOWN])
        caption, track = CAPTIONS[family].format(name), (clip.landmarks, clip.visible)
        strips.append(ClipStrip(caption, pictures, SHOWN, *track, config.fps))
    landmark = faces.scheme.points.index(LANDMARK)
    return clip_strips(strips, landmark, "tip of the nose")
