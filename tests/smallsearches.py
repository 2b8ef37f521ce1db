"""Searches that take seconds: a very small network, few values, few folds."""

from collections.abc import Sequence
from dataclasses import replace

from smallruns import QUICK, SMALL

from onedheat.crossval.search import Search
from onedheat.data.samples import FaceSet
from onedheat.presets import Preset


def search_of(
    faces: FaceSet, values: Sequence[str] = ("0", "0.4"), folds: int = 2, **changes
) -> Search:
    """A search of γ; `changes` go to the recipe, one pass unless they say otherwise."""
    preset = Preset(SMALL, replace(QUICK, **{"passes": 1} | changes), "")
    return Search.of(preset, faces, "gamma", values, folds)
