"""Networks: face pictures in, one-dimensional heatmaps out; and what they are compared with."""

from onedheat.models.detector import Detector, DetectorConfig
from onedheat.models.kinds import KINDS, build
from onedheat.models.network import LandmarkNetwork, NetworkConfig, Reading

__all__ = [
    "KINDS",
    "Detector",
    "DetectorConfig",
    "LandmarkNetwork",
    "NetworkConfig",
    "Reading",
    "build",
]
