"""Small networks, really trained for every value of the course's sliders.

All see the same drawn faces as often, at F = 64 and with one trunk; they differ in L, in γ, or in
having 2D maps. Each was trained with several seeds; the weights of the first are shipped.

    network = atlas.load("1d-L192-gamma0.4")
    atlas.results()["1d-L192-gamma0.4"].nrmse["dark"]  # of each seed, in per cent
"""

from functools import lru_cache
from importlib import resources
from pathlib import Path

from onedheat.checkpoints import CheckpointError, load_detector
from onedheat.models import LandmarkNetwork
from onedheat.seed_results import Result, read_results

HOME = Path(str(resources.files("onedheat") / "weights" / "atlas"))
RESULTS = "results.json"


@lru_cache(maxsize=1)
def results() -> dict[str, Result]:
    """What was measured of every network, by name; NRMSE by decoder, on drawn faces of other people."""
    return read_results(HOME / RESULTS)


def load(name: str) -> LandmarkNetwork:
    """A network of the atlas, ready for use.

    Raises:
        CheckpointError: the atlas has no network of that name; the message lists those it has.
    """
    if name not in results():
        raise CheckpointError(f"the atlas has no network {name!r}; it has: {', '.join(results())}")
    return load_detector(HOME / name)
