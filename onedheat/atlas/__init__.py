"""Small networks, really trained for every value of the course's sliders.

All see the same drawn faces as often, at F = 64 and with one trunk; they differ in L, in γ, or in
having 2D maps. Trackers start from these detectors, and all see the same drawn clips as often; they
differ in λ, in L, or in being the recurrent 2D one. What was trained with several seeds is shipped with
the weights of the first.

    network = atlas.load("1d-L192-gamma0.4")
    atlas.results()["1d-L192-gamma0.4"].nrmse["dark"]  # of each seed, in per cent
    atlas.results()["tracker-L192-decay0.3"].nrmse["with memory"]
"""

from functools import lru_cache
from importlib import resources
from pathlib import Path

from onedheat.atlas.plan import entries
from onedheat.checkpoints import CheckpointError
from onedheat.models import LandmarkNetwork
from onedheat.models.folder import read_folder
from onedheat.seed_results import Result, read_results

HOME = Path(str(resources.files("onedheat") / "weights" / "atlas"))
RESULTS = "results.json"


@lru_cache(maxsize=1)
def results() -> dict[str, Result]:
    """What was measured of every network, by name: of detectors NRMSE by decoder, on drawn faces of other
    people; of trackers what `onedheat.atlas.make.measure_on_clips` says, on clips of other people.
    """
    return read_results(HOME / RESULTS)


def load(name: str) -> LandmarkNetwork:
    """A network of the atlas, ready for use.

    Raises:
        CheckpointError: the atlas has no network of that name; the message lists those it has.
    """
    if name not in results():
        raise CheckpointError(f"the atlas has no network {name!r}; it has: {', '.join(results())}")
    inside = entries()[name].inside
    parts = {} if inside is None else {"detector": load(inside)}
    return read_folder(HOME / name, parts=parts)
