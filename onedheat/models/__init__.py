"""Networks: face pictures in, one-dimensional heatmaps out; and what they are compared with."""

from onedheat.models.clips import ClipNetwork
from onedheat.models.detector import Detector, DetectorConfig
from onedheat.models.kinds import KINDS, build
from onedheat.models.network import LandmarkNetwork, NetworkConfig, Reading
from onedheat.models.tracker import Tracker, TrackerConfig, TrackerState

__all__ = [
    "KINDS",
    "ClipNetwork",
    "Detector",
    "DetectorConfig",
    "LandmarkNetwork",
    "NetworkConfig",
    "Reading",
    "Tracker",
    "TrackerConfig",
    "TrackerState",
    "build",
]
