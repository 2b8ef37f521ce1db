"""What each part of the recipe is worth, and each system: many runs at one budget, with seeds.

    python -m onedheat.studies recipe --root 300W --out runs/recipe
    studies.results("recipe")["loss l2"].nrmse["dark"]  # of each seed, in per cent

Runs are on real faces, which are not the project's to give; what was measured of them is shipped.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from itertools import combinations
from pathlib import Path
from statistics import median, stdev

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


def differences(measured: Mapping[str, Result], look: str = "dark") -> dict[str, tuple[float, ...]]:
    """How far each arm lies from the first one, by one look, in points of NRMSE; below 0 it is better.

    Seed by seed, as far as both have it: both were measured on the same faces, and one seed's may be
    harder than another's.
    """
    first, *others = measured
    return {
        name: _apart(measured[name].nrmse[look], measured[first].nrmse[look]) for name in others
    }


def looks_apart(result: Result, look: str = "dark") -> dict[str, tuple[float, ...]]:
    """How far the other looks at one network lie from that one, likewise."""
    return {
        other: _apart(errors, result.nrmse[look])
        for other, errors in result.nrmse.items()
        if other != look
    }


def standard_error(seeds: Sequence[float]) -> float | None:
    """Of the mean of a few seeds; None of one, which says nothing about it.

    Of two it is half of what lies between them, and itself known poorly.
    """
    return stdev(seeds) / len(seeds) ** 0.5 if len(seeds) > 1 else None


def scatter(changes: Iterable[Sequence[float]]) -> float | None:
    """How far apart two seeds of one change lie, typically: the median over all of them.

    For normal noise that is the standard deviation of one seed, within 5 %; a change that is a matter of
    luck by itself hardly moves it. None where no change has two seeds.
    """
    apart = [abs(one - other) for seeds in changes for one, other in combinations(seeds, 2)]
    return median(apart) if apart else None


def beyond_chance(seeds: Sequence[float], scatter: float | None) -> bool:
    """Whether the mean and its standard error lie outside what one seed scatters by, on one side.

    Two seeds of a change that does nothing do so once in twenty times. One seed is never believed.
    """
    error = standard_error(seeds)
    if error is None or scatter is None:
        return False
    return abs(sum(seeds) / len(seeds)) - error > scatter


def _apart(errors: tuple[float, ...], others: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(one - other for one, other in zip(errors, others, strict=False))
