"""A plot that follows a run while it trains, in any notebook: no widgets, one picture in its place.

live = LivePlot("my first run")
Run(preset, faces, "runs/first", on_validation=live).train()
"""

import base64
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from IPython.display import display

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
        if self._shown is None:
            self._shown = display(*self._content(), display_id=True, **self._how())
        else:
            self._shown.update(*self._content(), **self._how())

    def _content(self) -> tuple[dict[str, str]]:
        encoded = base64.b64encode(self.figure.small_png()).decode()
        return ({"image/png": encoded, "text/plain": self.figure.alt},)

    def _how(self) -> dict[str, Any]:
        return {"metadata": {"image/png": {"alt": self.figure.alt}}, "raw": True}
