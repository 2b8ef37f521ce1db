"""Searches that take seconds: a very small network, few values, few folds."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from smallruns import QUICK, SMALL

from onedheat.crossval.search import Search
from onedheat.data.clips import ClipSet
from onedheat.data.samples import FaceSet
from onedheat.models import LandmarkNetwork, TrackerConfig
from onedheat.presets import Preset

TRACKER = TrackerConfig(**asdict(SMALL))


def search_of(
    faces: FaceSet, values: Sequence[str] = ("0", "0.4"), folds: int = 2, **changes
) -> Search:
    """A search of γ; `changes` go to the recipe, one pass unless they say otherwise."""
    preset = Preset(SMALL, replace(QUICK, **{"passes": 1} | changes), "")
    return Search.of(preset, faces, "gamma", values, folds)


def search_on_clips(
    clips: ClipSet,
    start: LandmarkNetwork | None,
    values: Sequence[str] = ("0", "0.3"),
    folds: int = 2,
    *,
    setting: str = "decay",
    **changes,
) -> Search:
    """A search of λ for a tracker around a detector that is left as it is."""
    recipe = {"passes": 1, "batch_size": 2, "frames": 3, "freeze_detector": True} | changes
    preset = Preset(TRACKER, replace(QUICK, **recipe), "")
    return Search.of(preset, clips, setting, values, folds, start)
