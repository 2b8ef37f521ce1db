"""What each step's loss was, left on the device until someone asks.

Reading a number from a GPU waits for all that it was given to do, so steps hand over tensors, and
they are read some twenty steps at a time.
"""

import math

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor

RECENT = 20


class Losses:
    """The losses of a run.

    Attributes:
        total, count: sum and number of those read since the last `forget`.
        recent: the mean of each of the last steps that were read.
    """

    def __init__(self, accelerator: Accelerator):
        self.accelerator = accelerator
        self.pending: list[Tensor] = []
        self.first_pending = 0
        self.total, self.count = 0.0, 0
        self.recent: list[float] = []

    def add(self, step: int, losses: Float[Tensor, "parts"]) -> None:
        """Notes the losses of a step's parts in this process, without reading them."""
        if not self.pending:
            self.first_pending = step
        self.pending.append(losses)

    def read(self) -> tuple[int, float] | None:
        """Reads what was noted, of all processes; each must ask.

        Returns:
            The first step whose loss is not finite, with that loss; None if there is none.
        """
        if not self.pending:
            return None
        mine = torch.stack(self.pending)  # (steps, parts of this process)
        every = self.accelerator.gather(mine).view(-1, *mine.shape)
        means = every.cpu().double().mean(dim=(0, 2)).tolist()  # not every device has float64
        self.pending.clear()
        for step, mean in enumerate(means, self.first_pending):
            if not math.isfinite(mean):
                return step, mean
        self.total, self.count = self.total + sum(means), self.count + len(means)
        self.recent = [*self.recent, *means][-RECENT:]
        return None

    def mean(self) -> float:
        """Mean of the steps since the last `forget`; NaN where there was none."""
        return self.total / self.count if self.count else math.nan

    def forget(self) -> None:
        """Begins a new mean."""
        self.total, self.count = 0.0, 0

    def state(self) -> dict[str, float]:
        """What a resumed run needs to go on with the same mean."""
        return {"total": self.total, "count": self.count}

    def restore(self, state: dict[str, float]) -> None:
        """Goes on from `state`."""
        self.total, self.count = float(state["total"]), int(state["count"])
