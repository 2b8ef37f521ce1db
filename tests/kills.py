"""Kills a run again and again, at random moments, every second time while it saves, and resumes it:

    python tests/kills.py FOLDER KILLS SEED

Prints one JSON object: how many kills there were, how many of them while a checkpoint was written,
how many resumed runs went wrong, and whether the run ended with the unbroken run's weights.
"""

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import kornia.augmentation  # noqa: F401  once, here, not in every process that is forked
import torch
from faces300w import make_300w
from smallruns import run_of

from onedheat.checkpoints import load_detector
from onedheat.data.w300 import read_300w


def train(folder: Path, faces, passes: int) -> None:
    """Passes of four steps, with a checkpoint after each step."""
    settings = {"passes": passes, "save_minutes": 1e-9, "validate_every": 10}
    run_of(faces, folder, resume=True, **settings).train()


def started(work: Callable[[], None]) -> int:
    """The id of a forked process that does it, and ends with 0 if it went well."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_half_saved(run: Path) -> bool:
    """Whether a checkpoint lies there that has not been given its name yet."""
    return any((run / "checkpoints").glob(".step-*"))


def wait_for_saving(run: Path, seconds: float) -> None:
    """Returns when a checkpoint is being written, or after so many seconds."""
    until = time.monotonic() + seconds
    while not is_half_saved(run) and time.monotonic() < until:
        time.sleep(0.0005)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "last/training.pt", weights_only=True)
    return {
        f"{part}.{name}": value
        for part in ("detector", "average")
        for name, value in state[part].items()
    }


def main(folder: Path, kills: int, seed: int) -> dict[str, int | bool]:
    torch.set_num_threads(1)
    rng = random.Random(seed)
    faces = read_300w(make_300w(folder / "300w", faces=40))
    passes = 4 + kills  # about as many steps from kill to kill, however many there are
    begun = time.monotonic()
    assert ended(started(lambda: train(folder / "unbroken", faces, passes))) == 0
    longest = (time.monotonic() - begun) * 4 / kills  # of a life; twice the mean
    expected = weights_of(folder / "unbroken")

    found = {"kills": 0, "while_saving": 0, "failed": 0, "runs": 0, "equal": True}
    while found["kills"] < kills:
        out = folder / f"run{found['runs']}"
        found["runs"] += 1
        while True:
            child = started(lambda out=out: train(out, faces, passes))
            if found["kills"] < kills:
                time.sleep(rng.uniform(0, longest))
                if found["kills"] % 2:
                    wait_for_saving(out, seconds=longest)
                    time.sleep(rng.uniform(0, 0.005))
                os.kill(child, signal.SIGKILL)
            how = ended(child)
            if how == 0:
                break
            found["failed" if how > 0 else "kills"] += 1
            if found["failed"]:
                return found
            found["while_saving"] += is_half_saved(out)
            if (out / "last").exists():
                load_detector(out / "last")
        found["equal"] &= all(
            torch.equal(value, expected[name]) for name, value in weights_of(out).items()
        )
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
