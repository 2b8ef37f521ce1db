"""What was measured of networks that were each trained with several seeds, as one file keeps it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from onedheat.files import write_atomically

MEASURES = ("nrmse", "jitter", "lag")


class Result(NamedTuple):
    """What was measured of one network.

    Attributes:
        nrmse: how it was looked at, e.g. a decoder → NRMSE in per cent of each seed.
        weights: how many it has.
        seconds: that each seed's training took, on one thread of a machine that did other things, too.
        jitter: of video, likewise by look; see `onedheat.metrics.jitter`.
        lag: of video, in frames; see `onedheat.metrics.lag`.
    """

    nrmse: dict[str, tuple[float, ...]]
    weights: int
    seconds: tuple[float, ...]
    jitter: dict[str, tuple[float, ...]] = {}
    lag: dict[str, tuple[float, ...]] = {}


def read_results(path: Path) -> dict[str, Result]:
    """The results in a file, by network."""
    return {
        name: Result(
            weights=seeds[0]["weights"],
            seconds=tuple(seed["seconds"] for seed in seeds),
            **{
                kind: {look: tuple(seed[kind][look] for seed in seeds) for look in seeds[0][kind]}
                for kind in MEASURES
                if kind in seeds[0]
            },
        )
        for name, seeds in read_runs(path).items()
    }


def read_runs(path: Path) -> dict[str, list[dict[str, Any]]]:
    """What was measured of every seed of every network in a file, as `write_results` wrote it."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_results(path: Path, runs: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Writes what was measured of every seed of every network, each as `train_and_measure` notes it."""
    write_atomically(path, (json.dumps(runs, indent=1) + "\n").encode())
