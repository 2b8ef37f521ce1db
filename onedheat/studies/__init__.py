"""What each part of the recipe is worth, and each system: many runs at one budget, with seeds.

    python -m onedheat.studies recipe --root 300W --out runs/recipe
    studies.results("recipe")["loss l2"].nrmse["dark"]  # of each seed, in per cent

Runs are on real faces, which are not the project's to give; what was measured of them is shipped.
"""

from importlib import resources
from pathlib import Path

from onedheat.seed_results import Result, read_results

HOME = Path(str(resources.files("onedheat") / "studies" / "measured"))


def results(study: str) -> dict[str, Result]:
    """What was measured of every arm of a study, by name. It was looked at by each decoder, with the
    mirrored face, and in boxes that are off.

    Raises:
        FileNotFoundError: no results of such a study are shipped; the message lists those that are.
    """
    path = HOME / f"{study}.json"
    if not path.is_file():
        there = ", ".join(sorted(other.stem for other in HOME.glob("*.json"))) or "none"
        raise FileNotFoundError(f"no results of a study {study!r} are shipped; there are: {there}")
    return read_results(path)
