"""Trains the atlas: `python -m onedheat.atlas --out FOLDER [--workers 2] [--ship]`.

Every network and seed is a run of its own in FOLDER/runs/NAME/seedN. What is finished is never done
again, what was begun is resumed, so the command may be killed and started again at any time.
`--ship` then writes one seed's weights of each, in half precision, and every seed's errors into the
package.
"""

import argparse
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from onedheat.atlas import HOME, RESULTS
from onedheat.atlas.faces import kept_faces
from onedheat.atlas.plan import FACES, SEEDS, TEST_FACES, Entry, entries
from onedheat.checkpoints import load_detector, write_weights
from onedheat.data.samples import FaceSet
from onedheat.files import folder_written_atomically
from onedheat.models import LandmarkNetwork
from onedheat.pipeline import Landmarker
from onedheat.reliability import gather
from onedheat.seed_results import write_results
from onedheat.training import Run
from onedheat.training.many import alone, do_all, noted, train_and_measure


def faces_of(out: Path, *, workers: int = 0, progress: bool = False) -> tuple[FaceSet, FaceSet]:
    """The faces trained on and those measured on, drawn into `out` when they are asked for first."""
    common = {"workers": workers, "progress": progress}
    return (
        kept_faces(FACES, 0, out / "train.npy", **common),
        kept_faces(TEST_FACES, 1, out / "test.npy", **common),
    )


def folder_of(out: Path, name: str, seed: int) -> Path:
    """Where the run of a network and seed lies."""
    return out / "runs" / name / f"seed{seed}"


def measure(network: LandmarkNetwork, faces: FaceSet) -> dict[str, float]:
    """NRMSE in per cent by each of the network's decoders, all of one look at each face."""
    found = gather(Landmarker(network), faces, network.decoders)
    return {decoder: float(of_it.relative().mean()) for decoder, of_it in found.items()}


def train_one(entry: Entry, seed: int, training: FaceSet, test: FaceSet, folder: Path) -> bool:
    """Trains and measures one network, or goes on with it; see `train_and_measure`."""

    def begin() -> Run:
        return Run(entry.preset(seed), training, folder, resume=True, progress=False)

    return train_and_measure(folder, begin, lambda network: measure(network, test))


def _train_named(name: str, seed: int, out: Path) -> bool:
    return train_one(entries()[name], seed, *faces_of(out), folder_of(out, name, seed))


def make(out: Path, names: Sequence[str], *, workers: int = 2) -> None:
    """Trains the named networks with every seed, several at once.

    Raises:
        RuntimeError: another process is at work in this folder.
    """
    with alone(out):
        faces_of(out, workers=workers, progress=True)
        jobs = {
            f"{name} seed {seed}": partial(_train_named, name, seed, out)
            for seed in SEEDS
            for name in names
        }
        do_all(jobs, workers=workers, unit="network")


def ship(out: Path, names: Sequence[str], home: Path = HOME) -> None:
    """Writes the first seed's weights in half precision, and the errors of all, into the package.

    Raises:
        FileNotFoundError: a run is not finished; the message says which.
    """
    results = {}
    for name in names:
        folders = [folder_of(out, name, seed) for seed in SEEDS]
        results[name] = noted(folders)
        network = load_detector(folders[0] / "last")
        with folder_written_atomically(home / name) as folder:
            write_weights(network, folder, half=True)
    for folder in set(home.glob("*/")) - {home / name for name in names}:
        shutil.rmtree(folder)
    write_results(home / RESULTS, results)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m onedheat.atlas", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the runs lie")
    parser.add_argument("--workers", type=int, default=2, help="networks trained at once")
    parser.add_argument("--only", nargs="*", metavar="NAME", help=", ".join(entries()))
    parser.add_argument("--ship", action="store_true", help="write weights into the package, too")
    given = parser.parse_args(arguments)
    names = list(entries())
    if unknown := set(given.only or ()) - set(names):
        parser.error(f"no network {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    make(given.out, given.only or names, workers=given.workers)
    if given.ship:
        ship(given.out, names)
