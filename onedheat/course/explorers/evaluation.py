"""The widgets of notebook 06: the CED and its threshold, the box, the size of a test set, the worst
faces.
"""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.show import show_widget
from onedheat.course.widgets import NARROW, NOTE, dropdown, explorer, slider, steps
from onedheat.plots.areas import FaceRank
from onedheat.plots.boxes import BoxMap
from onedheat.plots.errors import CedView, Resampled


def ced_box(
    view: CedView, first: str | None = None, second: str | None = None, threshold: int = 8
) -> widgets.VBox:
    """Choose a threshold and two measurements; see what the field's figures make of them.

    Args:
        view: the measurements.
        first: and
        second: those to begin with; the first two where none are given.
        threshold: in per cent.
    """
    names = list(view.measured)
    options = [(name, name) for name in names]
    solid, dashed = dropdown("solid", options), dropdown("dashed", options)
    solid.value, dashed.value = first or names[0], second or names[1]
    return explorer(
        view.move,
        {"threshold": slider("threshold, %", 2, 15, threshold), "first": solid, "second": dashed},
    )


def explore_ced(
    view: CedView, first: str | None = None, second: str | None = None, threshold: int = 8
) -> None:
    """Shows `ced_box`."""
    show_widget(ced_box(view, first, second, threshold), NOTE)


def map_box(maps: Mapping[str, BoxMap]) -> widgets.VBox:
    """Choose a side and a shift of the box, and a face; see what is found in it.

    Args:
        maps: name of the face → its picture, all of the same scales and shifts.
    """
    looks = next(iter(maps.values())).looks
    side, shift = (
        widgets.SelectionSlider(
            options=options,
            value=value,
            description=description,
            style={"description_width": "8em"},
            layout=widgets.Layout(**NARROW),
        )
        for description, options, value in (
            ("side", [(f"{one:g}", one) for one in looks.scales], looks.scales[0]),
            ("shift, %", [(f"{100 * one:.0f}", one) for one in looks.shifts], looks.shifts[0]),
        )
    )
    side.value, shift.value = next(iter(maps.values())).best()
    return explorer(
        lambda side, shift, face: maps[face].move(side, shift),
        {
            "side": side,
            "shift": shift,
            "face": dropdown("face", [(name, name) for name in maps]),
        },
    )


def explore_map(maps: Mapping[str, BoxMap]) -> None:
    """Shows `map_box`."""
    show_widget(map_box(maps), NOTE)


def resampled_box(pictures: Mapping[str, Resampled], count: int | None = None) -> widgets.VBox:
    """Choose how many faces a test set has, and what is compared; see how far NRMSE scatters.

    Args:
        pictures: what is compared → its picture, all of the same sizes.
        count: of faces, to begin with; the fewest where none is given.
    """
    counts = sorted(next(iter(pictures.values())).means)
    return explorer(
        lambda count, pair: pictures[pair].move(count),
        {
            "count": steps("faces", counts, count or counts[0]),
            "pair": dropdown("compare", [(name, name) for name in pictures]),
        },
    )


def explore_resampled(pictures: Mapping[str, Resampled], count: int | None = None) -> None:
    """Shows `resampled_box`."""
    show_widget(resampled_box(pictures, count), NOTE)


def rank_box(view: FaceRank, rank: int = 1) -> widgets.VBox:
    """Choose a rank and what faces are sorted by; see the face.

    Args:
        view: the faces.
        rank: to begin with, 1 being the worst.
    """
    return explorer(
        view.move,
        {
            "rank": slider("rank, 1 is worst", 1, len(view.faces), rank),
            "area": dropdown("sorted by", [(area, area) for area in view.order]),
        },
    )


def explore_rank(view: FaceRank, rank: int = 1) -> None:
    """Shows `rank_box`."""
    show_widget(rank_box(view, rank), NOTE)
