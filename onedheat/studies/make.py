"""Carries a study out: `python -m onedheat.studies NAME --root 300W --out FOLDER [--workers 2] [--ship]`.

Every arm and seed is a run of its own in FOLDER/ARM/seedN. What is finished is never done again, also
where only its result has been shipped and FOLDER is gone; what was begun is resumed. The first seed of
all arms comes first. `--ship` writes what was measured so far into the package. Where the plan of a study
changes, its file in `measured` must go: its results are of other runs.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path

from onedheat.crossval.folds import divided_in_folds
from onedheat.data.samples import FaceSet
from onedheat.data.w300 import read_300w
from onedheat.evaluation import evaluate
from onedheat.models import LandmarkNetwork
from onedheat.pipeline import Landmarker
from onedheat.reliability import gather
from onedheat.seed_results import read_runs, write_results
from onedheat.studies import HOME
from onedheat.studies.plan import STUDIES, Arm, Study
from onedheat.training import Run
from onedheat.training.many import RESULT, alone, do_all, note, noted, train_and_measure

TEST = "lfpw/testset"


def faces_of(study: Study, root: Path, seed: int) -> tuple[FaceSet, FaceSet]:
    """What a seed's runs are trained on, and what they are measured on."""
    training = read_300w(root, "train")
    if not study.folds:
        return training, read_300w(root, TEST)
    return divided_in_folds(training, study.folds)[seed % study.folds]


def measure(network: LandmarkNetwork, faces: FaceSet) -> dict[str, dict[str, float]]:
    """NRMSE in per cent: by each decoder, with the mirrored face, and in boxes that are off."""
    found = gather(Landmarker(network), faces, network.decoders)
    errors = {decoder: float(of_it.relative().mean()) for decoder, of_it in found.items()}
    once, mirrored = Landmarker(network), Landmarker(network, flip=True)
    errors["mirrored"] = evaluate(mirrored, faces).nrmse
    errors["redrawn"] = evaluate(once, faces, redrawn=True).nrmse
    errors["jittered"] = evaluate(once, faces, box="jittered").nrmse
    errors["jittered, redrawn"] = evaluate(once, faces, box="jittered", redrawn=True).nrmse
    return {"nrmse": errors}


def train_one(arm: Arm, seed: int, training: FaceSet, measured: FaceSet, folder: Path) -> bool:
    """Trains and measures one arm, or goes on with it; see `train_and_measure`."""
    preset = arm.of_seed(seed)

    def begin() -> Run:
        start = arm.start(preset.detector, seed) if arm.start else None
        how = {"start": start, "progress": False, "samples": 0}
        return Run(preset, training, folder, resume=True, **how)

    return train_and_measure(folder, begin, lambda network: measure(network, measured))


def _train_named(study: str, arm: str, seed: int, root: Path, out: Path) -> bool:
    asked = STUDIES[study]
    return train_one(asked.arm(arm), seed, *faces_of(asked, root, seed), folder_of(out, arm, seed))


def folder_of(out: Path, arm: str, seed: int) -> Path:
    """Where the run of an arm and seed lies."""
    return out / arm.replace(" ", "-").replace(",", "") / f"seed{seed}"


def make(name: str, root: Path, out: Path, arms: Sequence[str], *, workers: int = 2) -> None:
    """Carries out the named arms of a study, several runs at once.

    Raises:
        RuntimeError: another process is at work in this folder.
    """
    with alone(out):
        take_shipped(name, out)
        jobs = {
            f"{arm} seed {seed}": partial(_train_named, name, arm, seed, root, out)
            for seed in STUDIES[name].seeds
            for arm in arms
        }
        do_all(jobs, workers=workers)


def take_shipped(name: str, out: Path, home: Path = HOME) -> None:
    """Puts what was shipped of a study where its runs lie, so that they count as finished."""
    file = home / f"{name}.json"
    if not file.exists():
        return
    for arm, seeds in read_runs(file).items():
        for seed, result in zip(STUDIES[name].seeds, seeds, strict=False):
            folder = folder_of(out, arm, seed)
            if not (folder / RESULT).exists():
                note(folder, result)


def ship(name: str, out: Path, home: Path = HOME) -> None:
    """Writes into the package what was measured so far of every arm, up to its first seed not finished.

    Raises:
        FileNotFoundError: the first seed of the first arm, to which all are compared, is not finished.
    """
    study, measured = STUDIES[name], {}
    noted([folder_of(out, study.arms[0].name, study.seeds[0])])
    for arm in study.arms:
        folders = (folder_of(out, arm.name, seed) for seed in study.seeds)
        finished = list(takewhile(lambda folder: (folder / RESULT).exists(), folders))
        if finished:
            measured[arm.name] = noted(finished)
    home.mkdir(parents=True, exist_ok=True)
    write_results(home / f"{name}.json", measured)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    about = "; ".join(f"{name}: {study.about}" for name, study in STUDIES.items())
    parser = argparse.ArgumentParser(
        prog="python -m onedheat.studies", description=__doc__, epilog=about
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--root", type=Path, required=True, help="where 300W lies")
    parser.add_argument("--out", type=Path, required=True, help="where the runs lie")
    parser.add_argument("--workers", type=int, default=2, help="runs at once")
    parser.add_argument("--only", nargs="*", metavar="ARM", help="some of its arms")
    parser.add_argument("--ship", action="store_true", help="write what was measured, too")
    given = parser.parse_args(arguments)
    names = [arm.name for arm in STUDIES[given.study].arms]
    if unknown := set(given.only or ()) - set(names):
        parser.error(f"no arm {', '.join(sorted(unknown))}; there are: {', '.join(names)}")
    make(given.study, given.root, given.out, given.only or names, workers=given.workers)
    if given.ship:
        ship(given.study, given.out)
