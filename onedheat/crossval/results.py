"""What the folds say: the mean error of each value, and which differences are larger than chance.

Errors of one fold have its faces in common, so two values are compared fold by fold: the standard error
of their difference is that of its mean over folds. Folds also share most of what they are trained on,
which no estimate from one division accounts for (Bengio and Grandvalet, 2004): a difference of twice its
standard error is a hint, not a proof.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from onedheat.crossval.search import Number
from onedheat.crossval.study import FoldState


@dataclass(frozen=True)
class Difference:
    """How much worse one value is than another on the same folds.

    Attributes:
        value, than: which.
        mean: NRMSE of `value` less that of `than`, in per cent, mean over the folds that both have.
        standard_error: of that mean; None for fewer than two folds.
        folds: how many both have.
    """

    value: Number
    than: Number
    mean: float
    standard_error: float | None
    folds: int

    @property
    def beyond_chance(self) -> bool:
        """Whether it is larger than its standard error."""
        return self.standard_error is not None and self.mean > self.standard_error


@dataclass(frozen=True)
class Results:
    """What is known of a search by now.

    Attributes:
        setting: what was searched.
        folds: how many there are of each value.
        data: the training set in words.
        states: of every fold.
    """

    setting: str
    folds: int
    data: str
    states: tuple[FoldState, ...]

    @property
    def values(self) -> list[Number]:
        """All values, in rising order."""
        return sorted({state.value for state in self.states})

    @property
    def done(self) -> int:
        """How many folds are never run again."""
        return sum(state.finished for state in self.states)

    @property
    def complete(self) -> bool:
        """Whether that is all of them."""
        return self.done == len(self.states)

    @property
    def failed(self) -> list[FoldState]:
        """Folds that could not be trained."""
        return [state for state in self.states if state.state == "fail"]

    def errors(self, value: Number) -> dict[int, float]:
        """Fold → NRMSE in per cent, of the folds of a value that are complete."""
        return {
            state.fold: state.nrmse
            for state in self.states
            if state.value == value and state.nrmse is not None
        }

    def mean(self, value: Number) -> float | None:
        """NRMSE of a value, in per cent, over its folds; None if it has none yet."""
        found = list(self.errors(value).values())
        return float(np.mean(found)) if found else None

    def standard_error(self, value: Number) -> float | None:
        """Of that mean; None for fewer than two folds."""
        return _standard_error(list(self.errors(value).values()))

    @property
    def best(self) -> Number | None:
        """The value of the lowest error on those folds that all values have, or, where there are none yet,
        on each one's own. A value that failed on a fold is not chosen. None if nothing can be.
        """
        failed = {state.value for state in self.failed}
        found = {value: self.errors(value) for value in self.values if value not in failed}
        found = {value: errors for value, errors in found.items() if errors}
        if not found:
            return None
        common = set.intersection(*(set(errors) for errors in found.values()))
        return min(
            found,
            key=lambda value: np.mean([found[value][fold] for fold in common or found[value]]),
        )

    def differences(self) -> list[Difference]:
        """Every other value's difference from the best, where they have folds in common, the smallest
        first.
        """
        best = self.best
        if best is None:
            return []
        found, mine = [], self.errors(best)
        for value in self.values:
            theirs = self.errors(value)
            common = sorted(mine.keys() & theirs.keys())
            if value == best or not common:
                continue
            apart = [theirs[fold] - mine[fold] for fold in common]
            mean = float(np.mean(apart))
            found.append(Difference(value, best, mean, _standard_error(apart), len(apart)))
        return sorted(found, key=lambda difference: difference.mean)

    def verdict(self) -> str:
        """The best value, and whether the others are really worse, in words."""
        best = self.best
        if best is None:
            return "Nothing has been measured yet."
        so_far = "" if self.complete else " so far"
        nrmse = _with_error(self.mean(best), self.standard_error(best))
        counted = _folds(len(self.errors(best)))
        said = f"{self.setting}={best} is best{so_far}: NRMSE {nrmse} on {counted}."
        if differences := self.differences():
            said += f" {_of_the_next(self.setting, differences[0])}"
            if near := [one.value for one in differences[1:] if not one.beyond_chance]:
                said += f" Nor is it told apart from {', '.join(map(str, near))}."
        for state in self.failed:
            said += f" {self.setting}={state.value} failed on fold {state.fold}: {state.fault}"
        return said

    def as_text(self) -> str:
        """A table of all values, and the verdict."""
        rows = [(self.setting, "NRMSE %", "± s.e.", "folds")]
        for value in self.values:
            mean, spread = self.mean(value), self.standard_error(value)
            rows.append(
                (
                    str(value),
                    "" if mean is None else f"{mean:.3f}",
                    "" if spread is None else f"{spread:.3f}",
                    f"{len(self.errors(value))}/{self.folds}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows
        ]
        return "\n".join([*lines, self.verdict()])

    def as_json(self) -> dict[str, Any]:
        """The same as plain values; what is not known is None."""
        best = self.best
        differences = self.differences()
        return {
            "setting": self.setting,
            "data": self.data,
            "folds": self.folds,
            "complete": self.complete,
            "best": best,
            "nrmse": None if best is None else self.mean(best),
            "standard_error": None if best is None else self.standard_error(best),
            "values": [
                {
                    "value": value,
                    "nrmse": self.mean(value),
                    "standard_error": self.standard_error(value),
                    "folds": [self.errors(value).get(fold) for fold in range(1, self.folds + 1)],
                }
                for value in self.values
            ],
            "differences_from_best": [
                asdict(one) | {"beyond_chance": one.beyond_chance} for one in differences
            ],
            "failed": [
                {"value": state.value, "fold": state.fold, "fault": state.fault}
                for state in self.failed
            ],
        }  # fmt: skip

    def as_csv(self) -> str:
        """A line for each fold that is complete or has failed."""
        held = io.StringIO(newline="")
        names = [entry.name for entry in fields(FoldState)]
        writer = csv.writer(held)
        writer.writerow([self.setting, *names[1:]])
        for state in sorted(self.states, key=lambda state: (state.value, state.fold)):
            if state.finished:
                writer.writerow([getattr(state, name) for name in names])
        return held.getvalue()


def _of_the_next(setting: str, difference: Difference) -> str:
    said = f"{setting}={difference.value} is next, worse by {difference.mean:.3f}"
    if difference.standard_error is None:
        return f"{said} on one fold, which says nothing about chance."
    said += f" ± {difference.standard_error:.3f} points on the same {_folds(difference.folds)}"
    if difference.beyond_chance:
        return f"{said}: more than its standard error."
    return f"{said}: no more than its standard error, so these folds do not tell the two apart."


def _with_error(mean: float, standard_error: float | None) -> str:
    return f"{mean:.3f} %" if standard_error is None else f"{mean:.3f} ± {standard_error:.3f} %"


def _folds(count: int) -> str:
    return f"{count} fold{'' if count == 1 else 's'}"


def _standard_error(values: Sequence[float]) -> float | None:
    """Of a mean: the sample's standard deviation over the root of its size."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))
