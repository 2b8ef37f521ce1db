"""How far a search is, on standard error: a line for each fold as it is done, and in a terminal a bar
with the best value by now and the time left.
"""

import sys
from typing import Any

from tqdm import tqdm

from onedheat.crossval.results import Results
from onedheat.crossval.states import FoldState
from onedheat.crossval.study import Study
from onedheat.data.clips import ClipSet
from onedheat.training.logs import read_metrics


class Progress:
    """Watches a study. The bar counts passes over training faces, so that it moves within a fold too.

    Args:
        study: what is watched; other machines' folds are counted as well.
        shown: if not, nothing is written.
    """

    def __init__(self, study: Study, *, shown: bool = True):
        self.study, self.shown = study, shown
        self.passes = {value: study.search.at(value).train.passes for value in study.search.values}

    def __enter__(self) -> "Progress":
        states = self.study.states()
        self.known = {(one.value, one.fold) for one in states if one.finished}
        self.bar = tqdm(
            total=sum(self.passes[one.value] for one in states),
            initial=round(self._made(states)),
            unit="pass",
            disable=None if self.shown else True,  # None: in a file a bar is only noise
        )
        self.show()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.close()

    def show(self) -> None:
        """Looks again."""
        if not self.shown:
            return
        states, search = self.study.states(), self.study.search
        for one in states:
            if one.finished and (one.value, one.fold) not in self.known:
                self.known.add((one.value, one.fold))
                count = f"{len(self.known)}/{len(states)}"
                tqdm.write(f"onedheat: {count} {self._in_words(one)}", file=sys.stderr)
        if self.bar.disable:
            return
        self.bar.n = min(self.bar.total, max(self.bar.n, round(self._made(states))))
        results = Results(search.setting, search.folds, "", tuple(states))
        self.bar.set_description_str(f"{results.done}/{len(states)} folds", refresh=False)
        if (best := results.best) is not None:
            said = f"best {search.setting}={best}: {results.mean(best):.2f} %"
            self.bar.set_postfix_str(said, refresh=False)
        self.bar.refresh()

    def _made(self, states: list[FoldState]) -> float:
        """Passes made; of a run in the middle, those at its last validation."""
        made = 0.0
        for one in states:
            if one.finished:
                made += self.passes[one.value]
            elif one.state == "running":
                rows = read_metrics(self.study.search.folder(self.study.out, one.value, one.fold))
                made += rows[-1].passes if rows else 0.0
        return made

    def _in_words(self, state: FoldState) -> str:
        place = f"{self.study.search.setting}={state.value}, fold {state.fold}"
        if state.state == "fail":
            return f"{place} failed: {state.fault}"
        what = "frames" if isinstance(self.study.search.faces, ClipSet) else "faces"
        return (
            f"{place}: NRMSE {state.nrmse:.3f} % on {state.faces} {what} "
            f"({state.seconds / 60:.1f} min of training)"
        )
