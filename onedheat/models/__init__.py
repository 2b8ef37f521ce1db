"""Networks: face pictures in, one-dimensional heatmaps out."""

from onedheat.models.detector import Detector, DetectorConfig

__all__ = ["Detector", "DetectorConfig"]
