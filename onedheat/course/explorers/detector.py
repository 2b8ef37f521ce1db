"""The widgets of notebook 03: a face's way through the network, and networks of several resolutions."""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.show import show_widget
from onedheat.course.widgets import NARROW, NOTE, dropdown, explorer, slider, steps
from onedheat.plots.inside import WayThrough
from onedheat.plots.resolution import Resolution


def way_box(ways: Mapping[str, WayThrough], step: int = 13) -> widgets.VBox:
    """Choose a step, an axis and a face; see what the network makes of it.

    Args:
        ways: name of the face → its way.
        step: where to begin; where the axes have parted, or the choice of one changes nothing.
    """
    last = min(len(way.ways["x"]) for way in ways.values()) - 1
    axis = widgets.ToggleButtons(
        options=[("way to x", "x"), ("way to y", "y")],
        style={"button_width": "8em"},
        layout=widgets.Layout(**NARROW),
    )
    return explorer(
        lambda step, axis, face: ways[face].move(step, axis),
        {
            "step": slider("step", 0, last, min(step, last)),
            "axis": axis,
            "face": dropdown("face of", [(name, name) for name in ways]),
        },
    )


def explore_way(ways: Mapping[str, WayThrough], step: int = 13) -> None:
    """Shows `way_box`."""
    show_widget(way_box(ways, step), NOTE)


def resolution_box(
    pictures: Mapping[str, Resolution], value: int | None = None, landmark: int = 36
) -> widgets.VBox:
    """Choose a resolution L, a landmark and a drawn face; see what the trained networks find.

    Args:
        pictures: name of the face → its picture.
        value: L to begin with; the smallest where none is given.
        landmark: whose heatmaps are shown first.
    """
    first = next(iter(pictures.values()))
    bins = sorted(first.looks["1D"])
    return explorer(
        lambda bins, landmark, face: pictures[face].move(bins, landmark),
        {
            "bins": steps("L, bins an axis", bins, value or bins[0]),
            "landmark": slider("landmark", 0, len(first.view.landmarks) - 1, landmark),
            "face": dropdown("face", [(name, name) for name in pictures]),
        },
    )


def explore_resolution(
    pictures: Mapping[str, Resolution], value: int | None = None, landmark: int = 36
) -> None:
    """Shows `resolution_box`."""
    show_widget(resolution_box(pictures, value, landmark), NOTE)
