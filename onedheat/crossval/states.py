"""Where one fold is, and what was measured on it."""

from dataclasses import dataclass

from onedheat.crossval.search import Number

BESIDE = ("nrmse_hidden", "jitter", "jitter_of_labels", "lag")
"""What a report of clips says beside NRMSE, see `onedheat.reports.Report`."""


@dataclass(frozen=True)
class FoldState:
    """Where one fold of one value is.

    Attributes:
        value, fold: which.
        state: ``"waiting"``, ``"running"`` (or cut short, until someone goes on with it),
            ``"complete"`` or ``"fail"``.
        nrmse: on the faces held out, in per cent, of clips over all frames; None unless complete.
        nrmse_hidden, jitter, jitter_of_labels, lag: as a report has them, of clips; None of faces, and
            where the clips do not tell.
        faces: how many were held out, of clips their frames; None unless complete.
        seconds: of training, all resumptions together; None unless complete.
        fault: why it failed; empty unless it did.
    """

    value: Number
    fold: int
    state: str
    nrmse: float | None = None
    nrmse_hidden: float | None = None
    jitter: float | None = None
    jitter_of_labels: float | None = None
    lag: float | None = None
    faces: int | None = None
    seconds: float | None = None
    fault: str = ""

    @property
    def finished(self) -> bool:
        """Whether it is never run again."""
        return self.state in ("complete", "fail")
