"""The widgets of notebook 06: the CED and its threshold, the box, the size of a test set, the worst
faces.
"""

from collections.abc import Mapping

import ipywidgets as widgets

from onedheat.course.widgets import NARROW, dropdown, explorer, shown, slider, steps
from onedheat.plots.areas import FaceRank
from onedheat.plots.boxes import BoxMap
from onedheat.plots.errors import CedView, Resampled


def ced_box(view: CedView, first: str, second: str) -> widgets.VBox:
    """Choose a threshold and two measurements; see what the field's figures make of them.

    Args:
        view: the measurements.
        first: and
        second: those to begin with.
    """
    solid, dashed = (dropdown(line, view.measured) for line in ("solid", "dashed"))
    solid.value, dashed.value = first, second
    return explorer(
        view.move,
        {"threshold": slider("threshold, %", 2, 15, 8), "first": solid, "second": dashed},
    )


def map_box(maps: Mapping[str, BoxMap]) -> widgets.VBox:
    """Choose a side and a shift of the box, and a face; see what is found in it.

    Args:
        maps: name of the face → its picture, all of the same scales and shifts.
    """
    first = next(iter(maps.values()))
    side, shift = first.best()
    return explorer(
        lambda side, shift, face: maps[face].move(side, shift),
        {
            "side": steps("side", first.looks.scales, side, width=NARROW),
            "shift": steps(
                "shift, %",
                first.looks.shifts,
                shift,
                label=lambda one: f"{100 * one:.0f}",
                width=NARROW,
            ),
            "face": dropdown("face", maps),
        },
    )


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
            "pair": dropdown("compare", pictures),
        },
    )


def rank_box(view: FaceRank) -> widgets.VBox:
    """Choose a rank and what faces are sorted by; see the face."""
    return explorer(
        view.move,
        {
            "rank": slider("rank, 1 is worst", 1, len(view.faces), 1),
            "area": dropdown("sorted by", view.order),
        },
    )


explore_ced = shown(ced_box)
explore_map = shown(map_box)
explore_resampled = shown(resampled_box)
explore_rank = shown(rank_box)
