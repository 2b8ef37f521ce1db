"""A plot that follows a run while it trains, in any notebook: no widgets, one picture in its place.

live = LivePlot("my first run")
Run(preset, faces, "runs/first", on_validation=live).train()
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from IPython.display import display

from onedheat.course.show import picture_of
from onedheat.plots import Figure
from onedheat.plots.learning import learning_curves
from onedheat.training import Measured


@runtime_checkable
class HasHistory(Protocol):
    """What is followed: `onedheat.training.Run`."""

    @property
    def history(self) -> Sequence[Measured]:
        """What was measured so far."""


class LivePlot:
    """Loss and validation error of a run, drawn anew after each validation.

    Args:
        title: above the plot.
        constant: NRMSE in per cent of the mean face, for a dotted line.
    """

    def __init__(self, title: str = "training", *, constant: float | None = None):
        self.title, self.constant = title, constant
        self.figure: Figure = learning_curves([], title)
        self._shown: Any = None

    def __call__(self, run: HasHistory) -> None:
        """Shows where the run is; `Run` calls this as its `on_validation`."""
        self.figure = learning_curves(run.history, self.title, constant=self.constant)
        content, metadata = picture_of(self.figure)
        if self._shown is None:
            self._shown = display(content, display_id=True, metadata=metadata, raw=True)
        else:
            self._shown.update(content, metadata=metadata, raw=True)
