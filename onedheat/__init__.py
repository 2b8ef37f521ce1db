"""Facial landmark detection with one-dimensional heatmaps.

    >>> import onedheat
    >>> landmarker = onedheat.load("tiny68")           # doctest: +SKIP
    >>> faces = landmarker("photo.jpg")                # doctest: +SKIP

An independent implementation of Yin et al., "Attentive One-Dimensional Heatmap Regression for
Facial Landmark Detection and Tracking" (ACM Multimedia 2020). Importing the package is cheap: each
public name is fetched from its module when it is first used.
"""

from importlib import import_module as _import
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME_OF = {
    "load": "pipeline",
    "Landmarker": "pipeline",
    "Face": "pipeline",
    "FaceTracker": "pipeline",
    "TrackedFace": "pipeline",
    "Detector": "models",
    "DetectorConfig": "models",
    "Tracker": "models",
    "TrackerConfig": "models",
    "read_image": "data.images",
    "read_video": "video",
    "Scheme": "landmarks",
    "tight_box": "geometry",
    "OnedheatError": "errors",
}
_PACKAGES = ("data", "errors")
__all__ = sorted([*_HOME_OF, *_PACKAGES])

if TYPE_CHECKING:
    from onedheat import data as data
    from onedheat import errors as errors
    from onedheat.data.images import read_image as read_image
    from onedheat.errors import OnedheatError as OnedheatError
    from onedheat.geometry import tight_box as tight_box
    from onedheat.landmarks import Scheme as Scheme
    from onedheat.models import Detector as Detector
    from onedheat.models import DetectorConfig as DetectorConfig
    from onedheat.models import Tracker as Tracker
    from onedheat.models import TrackerConfig as TrackerConfig
    from onedheat.pipeline import Face as Face
    from onedheat.pipeline import FaceTracker as FaceTracker
    from onedheat.pipeline import Landmarker as Landmarker
    from onedheat.pipeline import TrackedFace as TrackedFace
    from onedheat.pipeline import load as load
    from onedheat.video import read_video as read_video


def __getattr__(name: str):
    if name in _PACKAGES:
        return _import(f"onedheat.{name}")
    if name not in _HOME_OF:
        raise AttributeError(
            f"module 'onedheat' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    return getattr(_import(f"onedheat.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name != "TYPE_CHECKING")})
