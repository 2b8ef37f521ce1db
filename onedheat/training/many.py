"""Many runs, several at once, each in a process and on a thread of its own.

What each of them does is resumable, so the whole is: what is finished is not done again, and what was
begun goes on.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from onedheat.files import write_atomically
from onedheat.models import LandmarkNetwork
from onedheat.processes import terminated_like_interrupted
from onedheat.training.run import Run

RESULT = "result.json"

Job = Callable[[], bool]
"""Says whether it came to its end; it was asked to stop otherwise. A worker must be able to import it."""


def train_and_measure(
    folder: Path,
    begin: Callable[[], Run],
    measure: Callable[[LandmarkNetwork], dict[str, dict[str, float]]],
) -> bool:
    """Finishes a run, and notes in its folder what is measured of it; nothing if that has been done.

    Args:
        folder: of the run.
        begin: opens it.
        measure: gives what is measured, e.g. ``"nrmse"``, each by how the network is looked at; see
            `onedheat.seed_results.Result`.

    Returns:
        Whether it is finished; else it was asked to stop, and its checkpoint is written.
    """
    if (folder / RESULT).exists():
        return True
    run = begin()
    if run.train() is None:
        return False
    network = run.average.module.eval()
    result = {
        **measure(network),
        "seconds": round(run.seconds, 1),
        "weights": sum(value.numel() for value in network.parameters()),
    }
    note(folder, result)
    return True


def note(folder: Path, result: dict[str, Any]) -> None:
    """Notes what was measured of a run, which is thereby finished."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / RESULT, (json.dumps(result, indent=2) + "\n").encode())


def noted(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """What was noted of finished runs.

    Raises:
        FileNotFoundError: one is not finished; the message says which.
    """
    for folder in folders:
        if not (folder / RESULT).exists():
            raise FileNotFoundError(f"{folder} is not finished; run the command without --ship")
    return [json.loads((folder / RESULT).read_text(encoding="utf-8")) for folder in folders]


def do_all(jobs: Mapping[str, Job], *, workers: int = 2, unit: str = "run") -> None:
    """Does every job, several at once, in their order.

    Ctrl-C and SIGTERM have those at work save and end, and then this process; so does a job that fails.

    Args:
        jobs: by the name that the progress bar shows; what has been done before returns at once.
        workers: how many at once.
        unit: what the bar counts.

    Raises:
        Whatever a job raises.
    """
    with terminated_like_interrupted():
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            todo = {pool.submit(_do, job): name for name, job in jobs.items()}
            with tqdm(total=len(todo), unit=unit) as bar:
                for future in as_completed(todo):
                    future.result()
                    bar.update()
                    bar.set_postfix_str(todo[future])
            pool.shutdown()
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                worker.terminate()  # a run then saves and ends
            if isinstance(error, KeyboardInterrupt):
                sys.exit("stopped; the same command goes on")
            raise


def _do(job: Job) -> None:
    torch.set_num_threads(1)  # networks this small gain little by a second one
    if not job():
        os._exit(1)  # or it would begin the job that already waits for it


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps a folder for this process.

    Raises:
        RuntimeError: another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise RuntimeError(f"another process works in {folder}; let it end first") from None
