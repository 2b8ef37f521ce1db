"""The controls of notebook 09: the frames of a video, test faces with landmarks of one's own."""

import ipywidgets as widgets

from onedheat.course.show import show_widget
from onedheat.course.widgets import NOTE, explorer, slider, steps
from onedheat.plots.own import FoundPoints, TrackedVideo


def video_box(video: TrackedVideo, frame: int = 0) -> widgets.VBox:
    """Choose a frame; see its landmarks, and where it lies in time."""
    return explorer(video.move, {"frame": steps("frame", list(video.frames), frame)})


def explore_video(video: TrackedVideo, frame: int = 0) -> None:
    """Shows `video_box`."""
    show_widget(video_box(video, frame), NOTE)


def found_points_box(points: FoundPoints, face: int = 0) -> widgets.VBox:
    """Choose a test face; see what each detector found on it."""
    return explorer(points.move, {"face": slider("test face", 0, len(points.faces) - 1, face)})


def explore_found_points(points: FoundPoints, face: int = 0) -> None:
    """Shows `found_points_box`."""
    show_widget(found_points_box(points, face), NOTE)
