"""The controls of notebook 09: the frames of a video, test faces with landmarks of one's own."""

import ipywidgets as widgets

from onedheat.course.widgets import explorer, shown, slider, steps
from onedheat.plots.own import FoundPoints, TrackedVideo


def video_box(video: TrackedVideo) -> widgets.VBox:
    """Choose a frame; see its landmarks, and where it lies in time."""
    return explorer(video.move, {"frame": steps("frame", list(video.frames), 0)})


def found_points_box(points: FoundPoints) -> widgets.VBox:
    """Choose a test face; see what each detector found on it."""
    return explorer(points.move, {"face": slider("test face", 0, len(points.faces) - 1, 0)})


explore_video = shown(video_box)
explore_found_points = shown(found_points_box)
