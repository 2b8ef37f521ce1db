"""From a photo or a video to faces.

locating    one look: the face in a box, through the network, its landmarks with their uncertainty
landmarker  the faces of one photo, in boxes found or given
tracking    the same faces from frame to frame, each under its number
following   how a frame is looked at: in one pass or in two, with what a network remembers
identities  which of the faces seen is which of those known
cuts        where a video shows another scene
"""

from onedheat.pipeline.landmarker import (
    MIN_AGREEMENT,
    MIN_PEAK,
    MIN_PLACED_PEAK,
    SAME_FACE,
    Found,
    Image,
    Landmarker,
    load,
)
from onedheat.pipeline.locating import (
    Face,
    Located,
    calibrated,
    calibration_of,
    cut_out,
    enough_threads,
    landmarks_box,
    locate,
    read_pictures,
    to_batch,
)
from onedheat.pipeline.tracking import FaceTracker, TrackedFace

__all__ = [
    "MIN_AGREEMENT",
    "MIN_PEAK",
    "MIN_PLACED_PEAK",
    "SAME_FACE",
    "Face",
    "FaceTracker",
    "Found",
    "Image",
    "Landmarker",
    "Located",
    "TrackedFace",
    "calibrated",
    "calibration_of",
    "cut_out",
    "enough_threads",
    "landmarks_box",
    "load",
    "locate",
    "read_pictures",
    "to_batch",
]
