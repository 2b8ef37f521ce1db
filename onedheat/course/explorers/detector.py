"""The widgets of notebook 03: a face's way through the network, and networks of several resolutions."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.widgets import dropdown, explorer, shown, slider, steps, toggle
from onedheat.plots.inside import WayThrough
from onedheat.plots.resolution import Resolution

PARTED = 13  # a step after which the axes have parted, so that the choice of one changes something
EYE_CORNER = 36  # the landmark whose heatmaps are shown first


def way_box(ways: Mapping[str, WayThrough]) -> widgets.VBox:
    """Choose a step, an axis and a face; see what the network makes of it.

    Args:
        ways: name of the face → its way.
    """
    last = min(len(way.ways["x"]) for way in ways.values()) - 1
    return explorer(
        lambda step, axis, face: ways[face].move(step, axis),
        {
            "step": slider("step", 0, last, min(PARTED, last)),
            "axis": toggle([("way to x", "x"), ("way to y", "y")]),
            "face": dropdown("face of", ways),
        },
    )


def resolution_box(pictures: Mapping[str, Resolution]) -> widgets.VBox:
    """Choose a resolution L, a landmark and a drawn face; see what the trained networks find.

    Args:
        pictures: name of the face → its picture.
    """
    first = next(iter(pictures.values()))
    bins = sorted(first.answers["1D"])
    return explorer(
        lambda bins, landmark, face: pictures[face].move(bins, landmark),
        {
            "bins": steps("L, bins an axis", bins, bins[0]),
            "landmark": slider("landmark", 0, len(first.view.landmarks) - 1, EYE_CORNER),
            "face": dropdown("face", pictures),
        },
    )


explore_way = shown(way_box)
explore_resolution = shown(resolution_box)
