"""Where in a face the landmarks of one's own lie, learned from the training photos in which a finder sees
the face.
"""

import logging

import numpy as np

from onedheat.data.clips import ClipSet, drawn_frames
from onedheat.data.images import ImageError
from onedheat.data.samples import FaceSet
from onedheat.faces import FinderError, make_finder
from onedheat.geometry import Box, tight_box
from onedheat.place import Place, fit_place
from onedheat.video import VideoError

LOOKED_AT = 30
"""Photos that the finder looks at: YuNet takes 3 seconds for them, the cascade 20."""

FEWEST = 3
"""Faces found, of which a median says something."""

DIGITS = 4

_log = logging.getLogger(__name__)


def learn_place(faces: FaceSet | ClipSet, seed: int) -> Place | None:
    """From the box of a whole face to that of the landmarks, by medians over some of the faces.

    Both finders place their boxes alike, so what one of them says holds for the other.

    Args:
        faces: annotated faces, or clips, of which some frames are looked at.
        seed: chooses those that are looked at.

    Returns:
        The place; None, with a warning, where no finder can be had or it sees too few of the faces.
    """
    drawn = drawn_frames if isinstance(faces, ClipSet) else FaceSet.drawn
    looked_at = drawn(faces, LOOKED_AT, seed)
    try:
        finder = make_finder()
    except FinderError as error:
        _log.warning("%s; %s", error, _UNPLACED)
        return None
    found, wanted = [], []
    for sample in looked_at.samples:
        around = tight_box(sample.landmarks)
        try:
            boxes, _ = finder(sample.image())
        except (ImageError, VideoError):
            continue  # training says so, if it goes on without it
        if (own := _face_of(around, boxes)) is not None:
            found.append(own)
            wanted.append(around)
    if len(found) < FEWEST:
        _log.warning(
            "the face finder sees %d of %d training faces, %d are needed; %s",
            len(found),
            len(looked_at),
            FEWEST,
            _UNPLACED,
        )
        return None
    return Place(*(round(part, DIGITS) for part in fit_place(np.array(found), np.array(wanted))))


_UNPLACED = (
    "so `detect` will not know where in a face these landmarks lie, and finds them only if they span "
    "the whole face: give boxes=… around them"
)


def _face_of(around: Box, boxes: np.ndarray) -> Box | None:
    """Of a photo's faces the one that landmarks belong to: their box's centre is less than a side from
    its own, and nearest.
    """
    if not len(boxes):
        return None
    centers, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2] - boxes[:, 0]
    apart = np.abs(centers - (around[:2] + around[2:]) / 2).max(axis=1) / sides
    nearest = apart.argmin()
    return boxes[nearest] if apart[nearest] < 1 else None
