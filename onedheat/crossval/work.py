"""Workers: processes that take one fold after another, train it, and note its error.

They share nothing but the folder, so those of other machines work along when the same command is
started there. Each trains alone, on the processor or on one GPU.
"""

import gc
import logging
import os
import pickle
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from accelerate.utils import parse_flag_from_env

from onedheat.checkpoints import CheckpointError
from onedheat.crossval.progress import Progress
from onedheat.crossval.results import Results
from onedheat.crossval.search import Search
from onedheat.crossval.states import BESIDE
from onedheat.crossval.study import JOURNAL, Claim, Study
from onedheat.data.clips import ClipSet
from onedheat.data.images import ImageError
from onedheat.errors import DataError, SearchError
from onedheat.files import write_atomically
from onedheat.processes import (
    ctrl_c_held_back,
    end_with_parent,
    hear_ctrl_c,
    terminated_like_interrupted,
)
from onedheat.training.machine import stop_requests
from onedheat.training.run import Run
from onedheat.video import VideoError

LOOK = 2.0
"""Seconds after which one looks again: for a fold that has come free, or for what was done."""

TO_SAVE = 120.0
"""Seconds that workers are given to save and end."""

CSV = "folds.csv"

NOT_OF_THE_VALUE = (SearchError, CheckpointError, DataError, ImageError, VideoError, OSError)
"""What ends a worker: every other fold would meet it too. Whatever else a fold raises is due to its value."""

_log = logging.getLogger(__name__)


def results_of(study: Study) -> Results:
    """What is known by now."""
    search, faces = study.search, study.search.faces
    what = "clips" if isinstance(faces, ClipSet) else "faces"
    return Results(
        setting=search.setting,
        folds=search.folds,
        data=f"{faces.name}, {faces.split}, {len(faces)} {what}",
        states=tuple(study.states()),
    )


# One worker ----------------------------------------------------------------------------------------


def work(search: Search, out: Path, stop_asked: Callable[[], bool] = lambda: False) -> bool:
    """Trains folds until none is left.

    A fold that another worker trains is waited for, in case that worker is killed.

    Args:
        search: what is asked for.
        out: the folder that workers share.
        stop_asked: whether to end; a run in the middle hears of it by itself, saves and ends.

    Returns:
        Whether all folds are done; else it was asked to stop.

    Raises:
        SearchError: the folder, or this machine, cannot be used.
        CheckpointError, DataError, ImageError, OSError: a run cannot go on. Its fold is not lost: the next
            worker tries.
    """
    study = Study(out, search)
    if not study.finished():
        _check_machine(search)
    while not stop_asked():
        claim = study.claim()
        if claim is None:
            if study.finished():
                return True
            _sleep(LOOK, stop_asked)
            continue
        with claim:
            if not _train(study, claim, stop_asked):
                return False
            _write_csv(study)
    return False


def _train(study: Study, claim: Claim, stop_asked: Callable[[], bool]) -> bool:
    """Trains a fold or goes on with it, and notes its error; whether it came to its end.

    A value that cannot be trained with has failed on the fold; others may do better, and the search goes on.
    """
    gc.collect()  # the run before, which may have failed for want of memory, holds itself by a cycle
    _check_gpu()
    fold = study.search.divided[claim.fold - 1]
    try:
        run = Run(
            study.search.at(claim.value),
            fold.training,
            claim.folder,
            held_out=fold.held_out,
            start=study.search.start,
            resume=True,
            progress=False,
            samples=0,
            find_place=False,  # its weights are dropped
        )
        report = None if stop_asked() else run.train()
    except NOT_OF_THE_VALUE:
        raise
    except Exception as error:  # any: a value that ended its worker would end the next one, too
        study.fail(claim, _in_words(error))
        return True
    if report is None:
        return False
    beside = {name: getattr(report, name) for name in BESIDE}
    study.record(claim, report.nrmse, faces=report.faces, seconds=run.seconds, **beside)
    _drop_weights(claim.folder)
    return True


def _in_words(error: Exception) -> str:
    """What an error says, on one line; its kind too, unless its words were written to be read alone."""
    lines = str(error).strip().splitlines() or [""]
    said = (
        lines[-1] if lines[0].startswith("Caught ") else lines[0]
    )  # from a worker: a traceback first
    if isinstance(error, FloatingPointError | ValueError) and said:
        return said
    return f"{type(error).__name__}: {said}".removesuffix(": ")


def _check_gpu() -> None:
    """Makes sure that the GPU still works for this process: after some errors it does not, and all folds to
    come would fail.

    Raises:
        SearchError: it does not.
    """
    if not torch.cuda.is_initialized():
        return
    try:
        torch.rand(1, device="cuda").item()
    except RuntimeError as error:
        raise SearchError(
            f"the GPU does nothing more for a worker whose fold failed ({_in_words(error)})"
        ) from error


def _drop_weights(folder: Path) -> None:
    """Removes the checkpoints of a run that is done: a hundred runs of the paper's would fill a disk."""
    for path in (folder / "last", folder / "checkpoints"):
        if path.is_symlink():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _tidy(study: Study) -> None:
    """Removes what a kill has left between the noting of a fold and the dropping of its weights."""
    for state in study.states():
        if state.state == "complete":
            _drop_weights(study.search.folder(study.out, state.value, state.fold))


def _write_csv(study: Study) -> None:
    """Writes what is known by now, for people: nothing depends on it."""
    try:
        write_atomically(study.out / CSV, results_of(study).as_csv().encode())
    except OSError as error:
        _log.warning("%s cannot be written (%s); the search goes on", study.out / CSV, error)


def _sleep(seconds: float, stop_asked: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stop_asked():
        time.sleep(0.05)


# Several -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Worker:
    """A process that works, and the end of a pipe through which it says why it could not go on."""

    process: BaseProcess
    told: Connection

    @classmethod
    def start(cls, search: Search, out: Path, number: int, workers: int) -> "Worker":
        """Starts worker `number` of so many, the first is 0."""
        context = get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        # Pickled here: as an argument, weights to start from would lie in /dev/shm, which may be small.
        given = (pickle.dumps(search), out, _gpu_of(number), workers, tell)
        process = context.Process(target=_worker, args=given)
        with ctrl_c_held_back():
            process.start()
        tell.close()
        return cls(process, told)

    def fault(self) -> str:
        """Why it ended, where that was not as it should; empty otherwise."""
        try:
            if self.told.poll():
                return self.told.recv()
        except EOFError:
            pass
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"it was killed (signal {-code})"
        return f"it ended with exit code {code}" if code else ""


def _gpu_of(number: int) -> str | None:
    """The GPU of a worker, as CUDA_VISIBLE_DEVICES names it: dealt in turn; None where there is none."""
    count = torch.cuda.device_count()
    if not count:
        return None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    return visible.split(",")[number % count]


def _worker(search: bytes, out: Path, gpu: str | None, workers: int, tell: Connection) -> None:
    """What a worker's process does, given the search pickled."""
    end_with_parent()
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read when CUDA starts, which it has not yet
    else:
        torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    try:
        with stop_requests() as stop_asked:
            hear_ctrl_c()
            work(pickle.loads(search), out, stop_asked)
    except KeyboardInterrupt:
        pass  # asked twice
    except NOT_OF_THE_VALUE as error:
        tell.send(str(error))


def run(search: Search, out: str | Path, *, workers: int = 1, progress: bool = True) -> Results:
    """Searches with so many processes, together with whoever works in the same folder already.

    What is done is never done again. Ctrl-C and SIGTERM have every worker save and end.

    Args:
        search: what is asked for.
        out: the folder.
        workers: how many processes train at once.
        progress: show a bar and each fold's error on standard error.

    Returns:
        What is known in the end; not `complete` if it was stopped.

    Raises:
        SearchError: the folder holds another search or cannot be used, this machine cannot train what is
            asked for, or all workers have ended before everything was done; the message says why.
    """
    begun = (Path(out) / JOURNAL).exists()
    if not begun:
        _check_machine(search)
    study = Study(out, search)
    if begun and not study.finished():  # what is done can be looked at on any machine
        _check_machine(search)
    _tidy(study)
    team: list[Worker] = []
    stopped = False
    try:
        with terminated_like_interrupted(), Progress(study, shown=progress) as bar:
            if not study.finished():
                for number in range(workers):
                    team.append(Worker.start(search, study.out, number, workers))
            while alive := [one.process.sentinel for one in team if one.process.is_alive()]:
                bar.show()
                wait(alive, timeout=LOOK)
            bar.show()
    except KeyboardInterrupt:
        stopped = True
    finally:
        _stop(team)
    faults = [fault for one in team if (fault := one.fault())]
    results = results_of(study)
    if faults and not stopped and not results.complete:
        raise SearchError(
            f"{results.done} of {len(results.states)} folds are done, but no worker is left: "
            f"{'; '.join(dict.fromkeys(faults))}. The same command goes on in {study.out}"
        )
    _write_csv(study)
    return results


def _check_machine(search: Search) -> None:
    """Makes sure that workers can train on this machine, or each would end at its first fold.

    Raises:
        SearchError: fp16 without a GPU.
    """
    on_gpu = torch.cuda.is_available() and not parse_flag_from_env("ACCELERATE_USE_CPU")
    if search.preset.train.precision == "fp16" and not on_gpu:
        raise SearchError(
            "precision=fp16 needs a GPU, and this machine has none to use; set precision=bf16 or "
            "precision=fp32, or search on one that has"
        )


def _stop(team: list[Worker]) -> None:
    """Has workers save and end; kills those that do not."""
    for one in team:
        if one.process.is_alive():
            one.process.terminate()
    until = time.monotonic() + TO_SAVE
    try:
        for one in team:
            one.process.join(max(0.0, until - time.monotonic()))
    except KeyboardInterrupt:
        pass  # asked twice: what was saved last has to do
    for one in team:
        if one.process.is_alive():
            one.process.kill()
            one.process.join()
