"""The widget of notebook 05: runs, looked at validation by validation."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.widgets import dropdown, explorer, shown, slider
from onedheat.plots.sharpening import Sharpening


def sharpening_box(
    pictures: Mapping[str, Sharpening], moment: int = 0, landmark: int = 36
) -> widgets.VBox:
    """Choose a validation, a landmark, a run and a face; see what the network answers by then.

    Args:
        pictures: name of the face → its picture.
        moment: the validation to begin with; 0 is before the first step.
        landmark: whose vectors are shown first.
    """
    first = next(iter(pictures.values()))
    last = max(len(moments) for moments in first.runs.values()) - 1
    controls = {
        "moment": slider("validation", 0, last, min(moment, last)),
        "landmark": slider("landmark", 0, len(first.view.landmarks) - 1, landmark),
    }
    if len(first.runs) > 1:
        controls["run"] = dropdown("run", first.runs)
    if len(pictures) > 1:
        controls["face"] = dropdown("face", pictures)
    names = next(iter(first.runs)), next(iter(pictures))
    return explorer(
        lambda moment, landmark, run=names[0], face=names[1]: pictures[face].move(
            run, moment, landmark
        ),
        controls,
    )


explore_sharpening = shown(sharpening_box)
