"""What the folds say: the mean error of each value, and which differences are larger than chance.

Errors of one fold have its faces in common, so two values are compared fold by fold: the standard error
of their difference is that of its mean over folds. Folds also share most of what they are trained on,
which no estimate from one division accounts for (Bengio and Grandvalet, 2004): a difference of twice its
standard error is a hint, not a proof.

Of clips more is known than NRMSE over all frames. Hidden landmarks and steadiness are compared likewise,
by `Results.by`; what is best by NRMSE stays what is best.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from onedheat.crossval.measures import COMPARED, HEADINGS
from onedheat.crossval.search import Number
from onedheat.crossval.states import BESIDE, FoldState


@dataclass(frozen=True)
class Difference:
    """How much worse one value is than another on the same folds.

    Attributes:
        value, than: which.
        mean: NRMSE (or what is measured) of `value` less that of `than`, in per cent, mean over the folds
            that both have.
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
        measure: by which figure values are compared, one of `COMPARED`.
    """

    setting: str
    folds: int
    data: str
    states: tuple[FoldState, ...]
    measure: str = "nrmse"

    def by(self, measure: str) -> "Results":
        """The same folds, compared by another figure."""
        return replace(self, measure=measure)

    @property
    def beside(self) -> list[str]:
        """The figures beside NRMSE that any fold has: none of faces."""
        return [
            name
            for name in BESIDE
            if any(getattr(state, name) is not None for state in self.states)
        ]

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

    def by_fold(self, value: Number) -> dict[int, float]:
        """Fold → NRMSE in per cent (or what is measured), of the folds of a value that are complete."""
        return {
            state.fold: figure
            for state in self.states
            if state.value == value and (figure := getattr(state, self.measure)) is not None
        }

    def mean(self, value: Number) -> float | None:
        """What is measured of a value, over its folds; None if it has none yet."""
        found = list(self.by_fold(value).values())
        return float(np.mean(found)) if found else None

    def standard_error(self, value: Number) -> float | None:
        """Of that mean; None for fewer than two folds."""
        return _standard_error(list(self.by_fold(value).values()))

    @property
    def best(self) -> Number | None:
        """The value of the lowest figure on those folds that all values have, or, where there are none yet,
        on each one's own. A value that failed on a fold is not chosen. None if nothing can be.
        """
        failed = {state.value for state in self.failed}
        found = {value: self.by_fold(value) for value in self.values if value not in failed}
        found = {value: figures for value, figures in found.items() if figures}
        if not found:
            return None
        common = set.intersection(*map(set, found.values()))
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
        found, mine = [], self.by_fold(best)
        for value in self.values:
            theirs = self.by_fold(value)
            common = sorted(mine.keys() & theirs.keys())
            if value == best or not common:
                continue
            apart = [theirs[fold] - mine[fold] for fold in common]
            mean = float(np.mean(apart))
            found.append(Difference(value, best, mean, _standard_error(apart), len(apart)))
        return sorted(found, key=lambda difference: difference.mean)

    def verdict(self) -> str:
        """The best value, and whether the others are really worse, in words; of clips also what is best for
        hidden landmarks, and what is steadiest.
        """
        views = [self.by(name) for name in COMPARED]
        said = [view.best_in_words() for view in views if view.best is not None]
        said = said or [f"Nothing has been measured{'' if self.complete else ' yet'}."]
        said += [
            f"{self.setting}={state.value} failed on fold {state.fold}: {state.fault.removesuffix('.')}."
            for state in self.failed
        ]
        return " ".join(said)

    def best_in_words(self) -> str:
        """The best value by what is measured, and whether the others are really worse."""
        best, measure = self.best, COMPARED[self.measure]
        so_far = "" if self.complete else " so far"
        figure = _with_error(self.mean(best), self.standard_error(best))
        counted = _folds(len(self.by_fold(best)))
        beside = self._of_labels_and_lag(best) if self.measure == "jitter" else ""
        said = f"{self.setting}={best} is {measure.best}{so_far}: {measure.short} {figure}"
        said += f" on {counted}{beside}."
        if differences := self.differences():
            said += f" {_of_the_next(self.setting, differences[0], measure.worse)}"
            if near := [one.value for one in differences[1:] if not one.beyond_chance]:
                said += f" Nor is it told apart from {', '.join(map(str, near))}."
        return said

    def _of_labels_and_lag(self, value: Number) -> str:
        """What jitter is never told without: as steady as one likes is who stands still."""
        labels, lag = (self.by(name).mean(value) for name in ("jitter_of_labels", "lag"))
        said = "" if labels is None else f" (the labels have {labels:.3f} %)"
        return said if lag is None else f"{said}, lag {lag:.2f} frames"

    def as_text(self) -> str:
        """A table of all values, and the verdict."""
        views = [self.by(name) for name in ("nrmse", *self.beside)]
        headings = [part for one in views for part in (HEADINGS[one.measure], "± s.e.")]
        rows = [[self.setting, *headings, "folds"]]
        for value in self.values:
            figures = [
                part for one in views for part in (one.mean(value), one.standard_error(value))
            ]
            cells = ["" if figure is None else f"{figure:.3f}" for figure in figures]
            rows.append([str(value), *cells, f"{len(self.by_fold(value))}/{self.folds}"])
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
                {"value": value, "nrmse": self.mean(value)}
                | self._spread(value)
                | {
                    name: {"mean": self.by(name).mean(value)} | self.by(name)._spread(value)
                    for name in self.beside
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

    def _spread(self, value: Number) -> dict[str, Any]:
        """How what is measured of a value differs among folds, as plain values."""
        folds = [self.by_fold(value).get(fold) for fold in range(1, self.folds + 1)]
        return {"standard_error": self.standard_error(value), "folds": folds}

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


def _of_the_next(setting: str, difference: Difference, worse: str) -> str:
    said = f"{setting}={difference.value} is next, {worse} by {difference.mean:.3f}"
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
