"""The widgets of notebook 07: what λ keeps of the past, and a clip in which something passes."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.show import show_widget
from onedheat.course.widgets import NARROW, NOTE, STYLE, dropdown, explorer, slider
from onedheat.plots.recurrence import Recurrence
from onedheat.plots.tracked import TrackedClip

TENTHS = tuple(tenth / 10 for tenth in range(11))


def recurrence_box(view: Recurrence, decay: float = 0.3) -> widgets.VBox:
    """Choose λ; see the weights of the frames before, and V as it builds up and fades.

    Args:
        view: the picture.
        decay: λ to begin with, a tenth.
    """
    return explorer(view.move, {"decay": _decays(TENTHS, decay)})


def explore_recurrence(view: Recurrence, decay: float = 0.3) -> None:
    """Shows `recurrence_box`."""
    show_widget(recurrence_box(view, decay), NOTE)


def tracked_box(views: Mapping[str, TrackedClip], decay: float, frame: int = 0) -> widgets.VBox:
    """Choose λ, a frame, a landmark and a clip; see what detector and tracker find.

    Args:
        views: name of the clip → its picture.
        decay: λ to begin with, one that there is a tracker of.
        frame: to begin with.
    """
    first = next(iter(views.values())).clip
    return explorer(
        lambda decay, frame, landmark, clip: views[clip].move(decay, frame, landmark),
        {
            "decay": _decays(tuple(first.remembered), decay),
            "frame": slider("frame", 0, min(len(one.clip) for one in views.values()) - 1, frame),
            "landmark": slider("landmark", 0, first.truth.shape[1] - 1, first.most_covered()),
            "clip": dropdown("clip", [(name, name) for name in views]),
        },
    )


def explore_tracked(views: Mapping[str, TrackedClip], decay: float, frame: int = 0) -> None:
    """Shows `tracked_box`."""
    show_widget(tracked_box(views, decay, frame), NOTE)


def _decays(values: tuple[float, ...], value: float) -> widgets.SelectionSlider:
    return widgets.SelectionSlider(
        options=[(f"{one:.1f}", one) for one in values],
        value=value,
        description="λ",
        style=STYLE,
        layout=widgets.Layout(**NARROW),
    )
