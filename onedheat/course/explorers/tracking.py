"""The widgets of notebook 07: what λ keeps of the past, and a clip in which something passes."""

from collections.abc import Iterable, Mapping

import ipywidgets as widgets

from onedheat.course.widgets import NARROW, dropdown, explorer, shown, slider, steps
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
            "decay": _decays(first.remembered, decay),
            "frame": slider("frame", 0, min(len(one.clip) for one in views.values()) - 1, frame),
            "landmark": slider("landmark", 0, first.truth.shape[1] - 1, first.most_covered()),
            "clip": dropdown("clip", views),
        },
    )


def _decays(values: Iterable[float], value: float) -> widgets.SelectionSlider:
    return steps("λ", list(values), value, label="{:.1f}".format, width=NARROW)


explore_recurrence = shown(recurrence_box)
explore_tracked = shown(tracked_box)
