"""The journal that all workers share: an optuna study in a file, one trial for each value and fold.

A trial waits, then runs, then is complete or has failed. optuna's journal has no heartbeat (version 5:
only its SQL storage has), so a trial whose worker was killed would run for ever. Who works on a fold
therefore holds a lock on its folder. The system lets go of it with the process, however that ends: a
trial that runs and whose lock is free is taken over, and its run goes on from its checkpoint.

The locks are `flock`'s: they hold between machines where the file system passes them on, as NFS does
unless it is mounted with `nolock` or `local_lock`.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from onedheat.crossval.search import Number, Search
from onedheat.crossval.states import BESIDE, FoldState
from onedheat.errors import SearchError
from onedheat.training.settings import differences

JOURNAL = "study.journal"
NAME = "onedheat crossval"
ASKED = "asked"
FOLD = "fold"
PATIENCE = 600.0
"""Seconds to wait for another process to finish writing a line, before something must be wrong."""


class Claim:
    """A fold that this process alone works on, until it leaves the `with` block or ends.

    Attributes:
        value, fold: which.
        folder: of its run.
    """

    def __init__(self, trial: Any, value: Number, fold: int, folder: Path, lock: FileLock):
        self.trial, self.value, self.fold, self.folder = trial, value, fold, folder
        self._lock = lock

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Study:
    """A search and the folder that its workers share. It is made if it is not there yet.

    Args:
        out: the folder.
        search: what is asked for.

    Raises:
        SearchError: the folder holds another search or something else, its journal is damaged, it
            cannot be locked, or optuna is missing.
    """

    def __init__(self, out: str | Path, search: Search):
        self.optuna = _optuna()
        self.out, self.search = Path(out).resolve(), search
        self.journal = self.out / JOURNAL
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SearchError(f"--out {out} cannot be a folder: {error.strerror}") from error
        self._lock = FileLock(self.out / ".lock", timeout=PATIENCE)
        with self._alone():
            self.study = self._open()
            self._add_missing()

    # Opening ------------------------------------------------------------------------------------

    def _open(self) -> Any:
        """The study of this search, new or begun before."""
        if not self.journal.exists() and (others := sorted(self.out.glob("[!.]*"))):
            raise SearchError(
                f"{self.out} holds {others[0].name} but no {JOURNAL}; choose another --out"
            )
        optuna = self.optuna
        backend = optuna.storages.journal.JournalFileBackend(
            str(self.journal), optuna.storages.journal.JournalFileOpenLock(str(self.journal))
        )
        try:
            storage = optuna.storages.JournalStorage(backend)
            names = [one.study_name for one in storage.get_all_studies()]
            if names not in ([], [NAME]):
                raise ValueError(f"it holds the study {names[0]!r}")
            # The sampler draws nothing: every trial is given its value.
            how = {
                "storage": storage,
                "study_name": NAME,
                "sampler": optuna.samplers.RandomSampler(),
            }
            study = optuna.load_study(**how) if names else optuna.create_study(**how)
        except OSError:
            raise
        except Exception as error:  # optuna raises many kinds for lines that it did not write
            raise self._foreign(error) from error
        there = study.user_attrs.get(ASKED)
        if there is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(ASKED, self.search.as_json())
        elif not isinstance(there, dict):
            raise self._foreign("it does not say what was asked for")
        elif differing := differences(there, self.search.as_json()):
            raise SearchError(
                f"{self.out} was begun with another search ({'; '.join(differing)}); go on with that, "
                "or choose another --out"
            )
        return study

    def _add_missing(self) -> None:
        """Gives every value and fold its trial; where that was cut short once, the rest of them."""
        of = self.optuna.distributions
        values, folds = self.search.values, self.search.folds
        number = of.IntDistribution if isinstance(values[0], int) else of.FloatDistribution
        distributions = {
            self.search.setting: number(values[0], values[-1]),
            FOLD: of.IntDistribution(1, folds),
        }
        there = {self._place(trial) for trial in self._trials()}
        for value, fold in self.search.places:
            if (value, fold) not in there:
                self.study.add_trial(
                    self.optuna.trial.create_trial(
                        state=self.optuna.trial.TrialState.WAITING,
                        params={self.search.setting: value, FOLD: fold},
                        distributions=distributions,
                    )
                )

    # Looking ------------------------------------------------------------------------------------

    def states(self) -> list[FoldState]:
        """Where every fold is, in the order in which they are trained."""
        return [
            FoldState(
                *self._place(trial),
                state=trial.state.name.lower(),
                nrmse=trial.value if trial.state.name == "COMPLETE" else None,
                **{name: trial.user_attrs.get(name) for name in BESIDE},
                faces=trial.user_attrs.get("faces"),
                seconds=trial.user_attrs.get("seconds"),
                fault=trial.user_attrs.get("fault", ""),
            )
            for trial in self._trials()
        ]

    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return all(trial.state.is_finished() for trial in self._trials())

    def _trials(self, *states: str) -> list:
        wanted = tuple(self.optuna.trial.TrialState[state] for state in states) or None
        return self.study.get_trials(deepcopy=False, states=wanted)

    def _place(self, trial: Any) -> tuple[Number, int]:
        return trial.params[self.search.setting], trial.params[FOLD]

    # Working ------------------------------------------------------------------------------------

    def claim(self) -> Claim | None:
        """A fold to work on: one that was cut short, else the next; None if all are done or taken.

        Raises:
            SearchError: the journal cannot be written, or is damaged.
        """
        with self._alone():
            for trial in self._trials("RUNNING"):
                if claim := self._taken(self.optuna.Trial(self.study, trial._trial_id)):
                    return claim
            while self._trials("WAITING"):  # without one, `ask` would make up a trial
                if claim := self._taken(self.study.ask()):
                    return claim
        return None

    def _taken(self, trial: Any) -> Claim | None:
        """The claim on a trial, unless another process works on it."""
        value, fold = self._place(trial)
        folder = self.search.folder(self.out, value, fold)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".claim", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return None
        return Claim(trial, value, fold, folder, lock)

    def record(
        self, claim: Claim, nrmse: float, *, faces: int, seconds: float, **beside: float | None
    ) -> None:
        """Notes that a fold is done, for ever. One without a finite error has failed.

        Args:
            claim: which.
            nrmse: on the faces held out, in per cent.
            faces: how many these are.
            seconds: of training.
            beside: figures of `BESIDE`, by name; None, or one that is not finite, is not known.

        Raises:
            SearchError: the journal cannot be written, or is damaged.
        """
        if not math.isfinite(nrmse):
            return self.fail(claim, f"its NRMSE is {nrmse}")
        with self._alone():
            for name, figure in beside.items():
                if figure is not None and math.isfinite(figure):
                    claim.trial.set_user_attr(name, figure)
            claim.trial.set_user_attr("faces", faces)
            claim.trial.set_user_attr("seconds", round(seconds, 1))
            self.study.tell(claim.trial, nrmse)

    def fail(self, claim: Claim, fault: str) -> None:
        """Notes that a fold cannot be trained, and why: it would go the same way again.

        Raises:
            SearchError: the journal cannot be written, or is damaged.
        """
        with self._alone():
            claim.trial.set_user_attr("fault", fault)
            self.study.tell(claim.trial, state=self.optuna.trial.TrialState.FAIL)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets no other process write meanwhile, and begins with a journal that is sound."""
        try:
            self._lock.acquire()
        except Timeout:
            raise SearchError(
                f"another process has kept {self._lock.lock_file} for {PATIENCE / 60:.0f} minutes; "
                "end it, and start again: every fold goes on where it was"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise SearchError(
                f"{self.out} cannot be locked ({error}); without locks workers cannot share it: choose "
                "another --out"
            ) from error
        try:
            self._mend()
            yield
        except OSError as error:
            raise SearchError(
                f"{self.journal} cannot be used ({error}). What is done is kept; the same command "
                "goes on when it can"
            ) from error
        finally:
            self._lock.release()

    def _mend(self) -> None:
        """Cuts off a last line that a kill or a full disk left without its end, or the next would
        be written behind it.

        Raises:
            SearchError: any other line is none of optuna's.
        """
        if not self.journal.exists():
            return
        content = self.journal.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                json.loads(line)["op_code"]
            except (ValueError, KeyError, TypeError) as error:
                raise self._foreign(f"line {number}: {error}") from error
        if content and not whole:
            raise self._foreign("its only line has no end")
        if len(whole) < len(content):
            with self.journal.open("r+b") as stream:
                stream.truncate(len(whole))

    def _foreign(self, why: object) -> SearchError:
        return SearchError(
            f"{self.journal} is damaged, or no study of this command ({why}); choose another --out"
        )


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise SearchError(
            "crossval needs optuna, which is not installed: pip install 'onedheat[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would tell of every trial
    return optuna
