"""When a run saves, and what it does where it cannot."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from onedheat.checkpoints import CheckpointError
from onedheat.training.saving import Checkpoints

PATIENCE, BETWEEN_TRIES = 3600.0, 10.0
"""Seconds for which a finished run waits for room on the disk, and how often it looks."""

# What the libraries raise when a file cannot be written to its end: ours, torch's, safetensors'.
UNWRITABLE = (OSError, RuntimeError, SafetensorError)

_log = logging.getLogger(__name__)


class Keeper:
    """Saves a run now and then.

    A disk that is full, or a folder that cannot be written, ends no run: it says so once, trains on,
    and tries again when the next checkpoint is due. Only at its end, when nothing else is left to do,
    it waits for room, up to an hour. What was saved before stays as it is.

    Args:
        checkpoints: where to; None in processes that do not write.
        minutes: between two checkpoints.
        step: of the newest checkpoint, -1 if there is none.
    """

    def __init__(self, checkpoints: Checkpoints | None, minutes: float, step: int = -1):
        self.checkpoints, self.minutes, self.step = checkpoints, minutes, step
        self.warned = False
        self.begin()

    def begin(self) -> None:
        """Lets the time to the next checkpoint begin."""
        self.tried_at = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return time.monotonic() - self.tried_at > 60 * self.minutes

    def write(self, step: int, fill: Callable[[Path], None]) -> None:
        """Writes a checkpoint, unless there is one of this step.

        Raises:
            OSError, RuntimeError, SafetensorError: it cannot be written.
        """
        self.begin()
        if self.checkpoints is not None and step != self.step:
            self.checkpoints.write(step, fill)
        self.step, self.warned = step, False

    def write_or_warn(self, step: int, fill: Callable[[Path], None]) -> None:
        """Writes a checkpoint; where that is impossible the run goes on without it."""
        try:
            self.write(step, fill)
        except UNWRITABLE as error:
            self._warn(step, error, "training goes on, and tries again later")

    def write_or_wait(
        self, step: int, fill: Callable[[Path], None], give_up: Callable[[], bool]
    ) -> None:
        """Writes the last checkpoint; where that is impossible waits until it is not.

        Args:
            step: of the run.
            fill: writes the files into a folder.
            give_up: whether to wait no longer.

        Raises:
            CheckpointError: the waiting is over.
        """
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.write(step, fill)
            except UNWRITABLE as error:
                if give_up() or time.monotonic() > until:
                    raise CheckpointError(
                        f"step {step} cannot be saved ({error}). {self.newest_in_words()}. Make room; "
                        "--resume goes on from there"
                    ) from error
                self._warn(step, error, "waiting for room; Ctrl-C gives up")
            time.sleep(BETWEEN_TRIES)

    def newest_in_words(self) -> str:
        """What there is to go on from."""
        if self.step < 0:
            return "No checkpoint has been written yet"
        return f"The checkpoint of step {self.step} is whole"

    def _warn(self, step: int, error: Exception, then: str) -> None:
        if not self.warned:
            _log.warning(
                "step %d cannot be saved (%s); %s. %s", step, error, then, self.newest_in_words()
            )
        self.warned = True


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keeps other processes from training in the same folder. Where there are no locks, none is set.

    Raises:
        CheckpointError: another process does.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise CheckpointError(
            f"another process is training in {folder}; wait for it, or choose another --out"
        ) from None
    except (OSError, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        lock.release()
