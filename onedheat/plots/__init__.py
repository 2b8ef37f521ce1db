"""Pictures of the course: data in, a `Figure` with alt text out. Nothing here touches global state."""

from onedheat.plots.figure import FaceView, Figure

__all__ = ["FaceView", "Figure"]
