"""What each part of the recipe is worth, and each system: many runs at one budget, with seeds.

    python -m onedheat.studies recipe --root 300W --out runs/recipe
    studies.results("recipe")["loss l2"].nrmse["dark"]  # of each seed, in per cent

Runs are on real faces, which are not the project's to give; what was measured of them is shipped.
"""

import json
from importlib import resources
from pathlib import Path
from typing import NamedTuple

HOME = Path(str(resources.files("onedheat") / "studies" / "measured"))


class Result(NamedTuple):
    """What was measured of one arm of a study.

    Attributes:
        nrmse: how it was looked at (a decoder, mirrored or not, in which box) → NRMSE in per cent of
            each seed.
        weights: how many the network has.
        seconds: that each seed's training took, on one thread of a machine that did other things, too.
    """

    nrmse: dict[str, tuple[float, ...]]
    weights: int
    seconds: tuple[float, ...]


def results(study: str) -> dict[str, Result]:
    """What was measured of every arm of a study, by name.

    Raises:
        FileNotFoundError: no results of such a study are shipped; the message lists those that are.
    """
    path = HOME / f"{study}.json"
    if not path.is_file():
        there = ", ".join(sorted(other.stem for other in HOME.glob("*.json"))) or "none"
        raise FileNotFoundError(f"no results of a study {study!r} are shipped; there are: {there}")
    return {
        arm: Result(
            nrmse={
                look: tuple(seed["nrmse"][look] for seed in seeds) for look in seeds[0]["nrmse"]
            },
            weights=seeds[0]["weights"],
            seconds=tuple(seed["seconds"] for seed in seeds),
        )
        for arm, seeds in json.loads(path.read_text()).items()
    }
