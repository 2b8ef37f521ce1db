"""Small networks, really trained for every value of the course's sliders.

All see the same drawn faces as often, at F = 64 and with one trunk; they differ in L, in γ, or in
having 2D maps. Each was trained with several seeds; the weights of the first are shipped.

    network = atlas.load("1d-L192-gamma0.4")
    atlas.results()["1d-L192-gamma0.4"].nrmse["dark"]  # of each seed, in per cent
"""

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from onedheat.checkpoints import CheckpointError, load_detector
from onedheat.models import LandmarkNetwork

HOME = Path(str(resources.files("onedheat") / "weights" / "atlas"))
RESULTS = "results.json"


class Result(NamedTuple):
    """What was measured of one network of the atlas.

    Attributes:
        nrmse: decoder → NRMSE in per cent of each seed, on drawn faces of other people.
        weights: how many it has.
        seconds: that each seed's training took.
    """

    nrmse: dict[str, tuple[float, ...]]
    weights: int
    seconds: tuple[float, ...]


@lru_cache(maxsize=1)
def results() -> dict[str, Result]:
    """What was measured of every network, by name."""
    found = json.loads((HOME / RESULTS).read_text())
    return {
        name: Result(
            nrmse={
                decoder: tuple(seed["nrmse"][decoder] for seed in seeds)
                for decoder in seeds[0]["nrmse"]
            },
            weights=seeds[0]["weights"],
            seconds=tuple(seed["seconds"] for seed in seeds),
        )
        for name, seeds in found.items()
    }


def load(name: str) -> LandmarkNetwork:
    """A network of the atlas, ready for use.

    Raises:
        CheckpointError: the atlas has no network of that name; the message lists those it has.
    """
    if name not in results():
        raise CheckpointError(f"the atlas has no network {name!r}; it has: {', '.join(results())}")
    return load_detector(HOME / name)
