"""Trains the atlas: `python -m onedheat.atlas --out FOLDER [--workers 2] [--ship]`.

Every network and seed is a run of its own in FOLDER/runs/NAME/seedN. What is finished is never done
again, what was begun is resumed, so the command may be killed and started again at any time.
`--only 'tracker*' 2d-L16` trains what these names and patterns stand for. `--ship` then writes one seed's
weights of each, in half precision, and every seed's errors into the package, beside what is there.
"""

import argparse
import shutil
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from onedheat import atlas
from onedheat.atlas import HOME, RESULTS
from onedheat.atlas.clips import kept_clips
from onedheat.atlas.faces import kept_faces
from onedheat.atlas.plan import (
    CLIP_FRAMES,
    CLIPS,
    FACES,
    TEST_CLIPS,
    TEST_FACES,
    Entry,
    entries,
)
from onedheat.checkpoints import load_detector, write_weights
from onedheat.data.clips import ClipSet
from onedheat.data.samples import FaceSet
from onedheat.evaluation import evaluate_clips
from onedheat.files import folder_written_atomically
from onedheat.models import LandmarkNetwork
from onedheat.pipeline import Landmarker
from onedheat.reliability import gather
from onedheat.seed_results import read_runs, write_results
from onedheat.training import Run
from onedheat.training.many import alone, do_all, noted, train_and_measure

DECODER = "dark"  # of trackers; the best of vectors and of maps


def faces_of(out: Path, *, workers: int = 0, progress: bool = False) -> tuple[FaceSet, FaceSet]:
    """The faces trained on and those measured on, drawn into `out` when they are asked for first."""
    common = {"workers": workers, "progress": progress}
    return (
        kept_faces(FACES, 0, out / "train.npy", **common),
        kept_faces(TEST_FACES, 1, out / "test.npy", **common),
    )


def clips_of(out: Path, *, workers: int = 0, progress: bool = False) -> tuple[ClipSet, ClipSet]:
    """The clips trained on and those measured on, likewise. What passes in front is of another family."""
    common = {"workers": workers, "progress": progress}
    return (
        kept_clips(CLIPS, CLIP_FRAMES, 0, out / "train-clips.npy", occluders="train", **common),
        kept_clips(TEST_CLIPS, CLIP_FRAMES, 1, out / "test-clips.npy", occluders="test", **common),
    )


def data_of(entry: Entry, out: Path, **how) -> tuple[FaceSet, FaceSet] | tuple[ClipSet, ClipSet]:
    """What a network is trained on, and what it is measured on."""
    return faces_of(out, **how) if entry.start is None else clips_of(out, **how)


def folder_of(out: Path, name: str, seed: int) -> Path:
    """Where the run of a network and seed lies."""
    return out / "runs" / name / f"seed{seed}"


def measure(network: LandmarkNetwork, faces: FaceSet) -> dict[str, dict[str, float]]:
    """NRMSE in per cent by each of the network's decoders, all of one look at each face."""
    found = gather(Landmarker(network), faces, network.decoders)
    return {"nrmse": {decoder: float(of_it.relative().mean()) for decoder, of_it in found.items()}}


def measure_on_clips(
    network: LandmarkNetwork, detector: LandmarkNetwork, clips: ClipSet
) -> dict[str, dict[str, float]]:
    """What a tracker finds ``"with memory"``, and the detector that it starts from ``"frame by frame"``.

    Both look where the labels of the last frame are. Vectors and maps are read by the same decoder.

    Returns:
        NRMSE in per cent of all landmarks, and under the same name with ``", covered"`` of those that
        something passes in front of; jitter in per cent, of the ``"labels"`` too; lag in frames.
    """
    reports = {
        "with memory": evaluate_clips(Landmarker(network, decoder=DECODER), clips),
        "frame by frame": evaluate_clips(Landmarker(detector, decoder=DECODER), clips),
    }
    errors = {look: report.nrmse for look, report in reports.items()}
    covered = {f"{look}, covered": report.nrmse_hidden for look, report in reports.items()}
    labels = {"labels": reports["with memory"].jitter_of_labels}
    return {
        "nrmse": errors | covered,
        "jitter": {look: report.jitter for look, report in reports.items()} | labels,
        "lag": {look: report.lag for look, report in reports.items()},
    }


def train_one(
    entry: Entry,
    seed: int,
    training: FaceSet | ClipSet,
    test: FaceSet | ClipSet,
    folder: Path,
) -> bool:
    """Trains and measures one network, or goes on with it; see `train_and_measure`."""
    start = None if entry.start is None else atlas.load(entry.start)

    def begin() -> Run:
        how = {"start": start, "resume": True, "progress": False}
        return Run(entry.preset(seed), training, folder, **how)

    def measured(network: LandmarkNetwork) -> dict[str, dict[str, float]]:
        return measure(network, test) if start is None else measure_on_clips(network, start, test)

    return train_and_measure(folder, begin, measured)


def _train_named(name: str, seed: int, out: Path) -> bool:
    entry = entries()[name]
    return train_one(entry, seed, *data_of(entry, out), folder_of(out, name, seed))


def make(out: Path, names: Sequence[str], *, workers: int = 2) -> None:
    """Trains the named networks with every seed of theirs, several at once, the first seeds first.

    Raises:
        RuntimeError: another process is at work in this folder.
    """
    asked = [entries()[name] for name in names]
    with alone(out):
        for one in {entry.start is None: entry for entry in asked}.values():
            data_of(one, out, workers=workers, progress=True)
        jobs = {
            f"{entry.name} seed {entry.seeds[place]}": partial(
                _train_named, entry.name, entry.seeds[place], out
            )
            for place in range(max(len(entry.seeds) for entry in asked))
            for entry in asked
            if place < len(entry.seeds)
        }
        do_all(jobs, workers=workers, unit="network")


def ship(out: Path, names: Sequence[str], home: Path = HOME) -> None:
    """Writes the first seed's weights in half precision, and the errors of all, into the package.

    What is there of other networks stays, as long as the plan has them.

    Raises:
        FileNotFoundError: a run is not finished; the message says which.
    """
    plan = entries()
    runs = {
        name: noted([folder_of(out, name, seed) for seed in plan[name].seeds]) for name in names
    }
    for name in names:
        network = load_detector(folder_of(out, name, plan[name].seeds[0]) / "last")
        without = None if plan[name].inside is None else "detector"
        with folder_written_atomically(home / name) as folder:
            write_weights(network, folder, half=True, without=without)
    before = read_runs(home / RESULTS) if (home / RESULTS).exists() else {}
    there = before | runs
    for folder in set(home.glob("*/")) - {home / name for name in plan}:
        shutil.rmtree(folder)
    write_results(home / RESULTS, {name: there[name] for name in plan if name in there})


def matching(patterns: Iterable[str]) -> list[str]:
    """The networks that some names or patterns (``"tracker*"``) stand for, in the plan's order.

    Raises:
        ValueError: one stands for none; the message lists the names.
    """
    patterns, names = list(patterns), list(entries())
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ValueError(f"no network {pattern}; there are: {', '.join(names)}")
    return [name for name in names if any(fnmatchcase(name, one) for one in patterns)]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m onedheat.atlas", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the runs lie")
    parser.add_argument("--workers", type=int, default=2, help="networks trained at once")
    parser.add_argument(
        "--only", nargs="*", metavar="NAME", help=f"or a pattern: {', '.join(entries())}"
    )
    parser.add_argument("--ship", action="store_true", help="write weights into the package, too")
    given = parser.parse_args(arguments)
    try:
        names = matching(given.only or ["*"])
    except ValueError as error:
        parser.error(str(error))
    make(given.out, names, workers=given.workers)
    if given.ship:
        ship(given.out, names)
