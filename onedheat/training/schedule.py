"""What follows from seed and step alone: the faces of a step, its learning rate, the average's decay."""

import math
from collections.abc import Iterator

import numpy as np

from onedheat.errors import DataError
from onedheat.presets import TrainConfig


def learning_rate(step: int, steps: int, config: TrainConfig) -> float:
    """Linear warm-up, then a cosine to 0, or no change."""
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    fall = 0.5 * (1 + math.cos(math.pi * step / steps)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * warm * fall


def ema_decay(step: int, config: TrainConfig) -> float:
    """Share of the averaged weights that is kept at a step.

    With `ema_warmup` an average of n steps keeps at most (1 + n)/(10 + n): it reaches back over the
    last tenth or so of the run, never to the random weights that the run began with, until that is
    as far as `ema` reaches.
    """
    if not config.ema_warmup:
        return config.ema
    return min(config.ema, (1 + step) / (10 + step))


class Batches:
    """Batches of (pass, face), decided by seed and step; every face once a pass, in a new order.

    Faces that do not fill a last batch wait for the next pass.

    Args:
        faces: how many there are.
        config: batch size, passes, seed.
        first_step: where iteration starts.

    Raises:
        DataError: too few faces for one batch.
    """

    def __init__(self, faces: int, config: TrainConfig, first_step: int):
        if faces < config.batch_size:
            smaller = (
                f"take a smaller batch: --set batch_size={_fitting(faces, config.accumulate)}"
                if faces >= config.accumulate
                else f"lower accumulate={config.accumulate}"
            )
            raise DataError(
                f"{faces} training faces do not fill one batch of {config.batch_size}; add faces, or "
                f"{smaller}"
            )
        self.faces, self.config, self.first_step = faces, config, first_step
        self.per_pass = faces // config.batch_size
        self.steps = self.per_pass * config.passes
        self._order: tuple[int, np.ndarray] = -1, np.empty(0, int)

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return (self.at(step) for step in range(self.first_step, self.steps))

    def at(self, step: int) -> list[tuple[int, int]]:
        """The batch of one step, as (pass, index of the face)."""
        epoch, place = divmod(step, self.per_pass)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self.config.seed, epoch])
            self._order = epoch, rng.permutation(self.faces)
        size = self.config.batch_size
        return [(epoch, int(face)) for face in self._order[1][place * size : (place + 1) * size]]


def _fitting(faces: int, parts: int) -> int:
    """A batch size that so many faces fill: a power of two times the parts that it is split into."""
    size = parts
    while 2 * size <= faces:
        size *= 2
    return size


class MicroBatches:
    """The parts of every batch that one process works on, one after another.

    A batch is split into `accumulate` parts for each process. Which process works on a part changes
    nothing about it, so that two processes do what one does with twice the `accumulate`.

    Args:
        batches: the whole ones.
        process: number of this process, from 0.
        processes: how many work together.

    Raises:
        DataError: the batch cannot be split evenly.
    """

    def __init__(self, batches: Batches, process: int = 0, processes: int = 1):
        config = batches.config
        self.batches, self.each = batches, config.accumulate
        self.first, self.parts = process * self.each, processes * self.each
        self.size, left = divmod(config.batch_size, self.parts)
        if left:
            raise DataError(
                f"a batch of {config.batch_size} faces cannot be split evenly among {processes} "
                f"processes of accumulate={self.each} parts each; choose a batch_size that is a "
                f"multiple of {self.parts}"
            )

    def __len__(self) -> int:
        return len(self.batches) * self.each

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for batch in self.batches:
            for part in range(self.first, self.first + self.each):
                yield batch[part * self.size : (part + 1) * self.size]
