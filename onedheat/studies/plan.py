"""What is compared: which networks, each trained how, and on which faces it is measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from onedheat.checkpoints import load_detector
from onedheat.models import DetectorConfig, LandmarkNetwork, NetworkConfig, build
from onedheat.models.compared import systems
from onedheat.models.compared.heatmaps2d import start_empty
from onedheat.presets import Preset, TrainConfig, with_settings

Start = Callable[[NetworkConfig, int], LandmarkNetwork]
"""Makes the weights that a run of that seed starts from."""


@dataclass(frozen=True)
class Arm:
    """One of the things compared.

    Attributes:
        name: of its folder.
        preset: what is trained and how; each run has a seed of its own.
        start: what it starts from; random weights by default.
    """

    name: str
    preset: Preset
    start: Start | None = None

    def of_seed(self, seed: int) -> Preset:
        """The preset with that seed."""
        return replace(self.preset, train=replace(self.preset.train, seed=seed))


@dataclass(frozen=True)
class Study:
    """Arms that differ in one thing each, all with the same faces and budget.

    Attributes:
        about: the question, in a sentence.
        arms: the first is what the others are held against.
        seeds: of which each arm has a run.
        folds: parts of the training photos; a run of seed s holds out part s mod `folds`, and is
            measured there. 0 to train on all and to measure on the test faces.
    """

    about: str
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    folds: int

    def arm(self, name: str) -> Arm:
        """The arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)


# The network and the budget of all arms, written out: what is shipped as `tiny` may change after them.
NETWORK = DetectorConfig(loss="cross_entropy")
TRAIN = TrainConfig(passes=12, validate_every=12)
BASE = Preset(NETWORK, TRAIN, "")

_PIXELS_AS_THEY_ARE = [
    f"{name}_share=0"
    for name in ("gradient", "shadow", "light", "tone", "color", "gray", "blur", "motion", "jpeg")
] + ["noise=0"]


def _arm(name: str, *settings: str, start: Start | None = None) -> Arm:
    return Arm(name, with_settings(BASE, list(settings)), start)


def _synthetic(config: NetworkConfig, seed: int) -> LandmarkNetwork:
    """Weights that have seen drawn faces alone."""
    return load_detector("synthetic68")


def _empty(config: NetworkConfig, seed: int) -> LandmarkNetwork:
    """Random weights whose last layers give almost nothing, as the 2D detector's do."""
    torch.manual_seed(seed)
    network = build(config)
    for branch in (network.second_x, network.second_y):
        start_empty(branch.deconvolution)
    return network


RECIPE = Study(
    "What is each part of the recipe worth?",
    (
        _arm("base"),
        _arm("loss l2", "loss=l2"),
        _arm("sigma 1", "target_sigma=1"),
        _arm("sigma 3", "target_sigma=3"),
        _arm("light 0.4", "light=0.4"),
        _arm("pixels as they are", *_PIXELS_AS_THEY_ARE),
        _arm("no occluders", "occluder_share=0"),
        _arm("rotation 15", "rotation=15"),
        _arm("empty start", start=_empty),
        _arm("synthetic start", start=_synthetic),
        _arm("no average", "ema=0"),
        _arm("rate doubled", "learning_rate=2e-3"),
        _arm("gamma 0", "gamma=0"),
        _arm("twice as long", "passes=24", "validate_every=24"),
        _arm("wider", "width=96"),
        _arm("two stacks", "stacks=2"),
        _arm("two stacks, last supervised", "stacks=2", "supervise_all=false"),
    ),
    seeds=(0, 1),
    folds=5,
)

CHANGES: dict[str, dict[str, str]] = {
    "loss and targets": {
        "loss l2": "L2, the paper's loss",
        "sigma 1": "narrower targets, σ = 1 px",
        "sigma 3": "wider targets, σ = 3 px",
    },
    "augmentation": {
        "light 0.4": "stronger changes of light",
        "pixels as they are": "no light, colour, blur, noise",
        "no occluders": "no patches over the face",
        "rotation 15": "turned by 15° at most",
    },
    "start": {
        "empty start": "last layers begin near nothing",
        "synthetic start": "weights that know drawn faces",
    },
    "averaging and rate": {
        "no average": "newest weights, no average",
        "rate doubled": "twice the learning rate",
    },
    "length": {"twice as long": "twice the passes"},
    "network": {
        "gamma 0": "no co-attention, γ = 0",
        "wider": "half again as wide",
        "two stacks": "two stacks",
        "two stacks, last supervised": "two stacks, last supervised",
    },
}
"""Part of the recipe → its arms → what each changes, in words."""

Seeds = TypeVar("Seeds")


def in_parts(by_arm: Mapping[str, Seeds]) -> dict[str, dict[str, Seeds]]:
    """What there is of the arms of `RECIPE`, part by part and in words; its first arm has no part."""
    parts = {
        part: {words: by_arm[arm] for arm, words in arms.items() if arm in by_arm}
        for part, arms in CHANGES.items()
    }
    return {part: changes for part, changes in parts.items() if changes}


def _system(name: str) -> Arm:
    return Arm(name, replace(BASE, detector=systems(NETWORK)[name].config))


SYSTEMS = Study(
    "What does each system make of the same trunk, faces and budget?",
    (
        _arm("1d@3"),
        _arm("1d@3 l2", "loss=l2"),
        _arm("1d@0.5", f"bins={NETWORK.size // 2}"),
        *map(_system, ("2d@0.25", "2d@0.5", "dsnt", "integral", "simcc", "regression")),
    ),
    seeds=(0, 1, 2),
    folds=0,
)

SYSTEM_NAMES = {
    "1d@3": "1D, L = 384",
    "1d@3 l2": "1D, L = 384, L2",
    "1d@0.5": "1D, L = 64",
    "2d@0.25": "2D, L = 32",
    "2d@0.5": "2D, L = 64",
    "dsnt": "DSNT",
    "integral": "integral",
    "simcc": "SimCC",
    "regression": "regression",
}
"""Arm of `SYSTEMS` → what it is called in a table."""

STUDIES: dict[str, Study] = {"recipe": RECIPE, "systems": SYSTEMS}
