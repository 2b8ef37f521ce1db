"""Training: one loop (`run`), and around it what makes it safe to leave alone for hours.

learner     one step: gradients, optimiser, and the average of the weights
schedule    which faces a step sees, and how fast it learns: by seed and step alone
starting    from weights that were trained before
nearest     likewise, for landmarks that these do not know
placing     where in a face landmarks of one's own lie
losses      what each step's loss was, asked of the device seldom
blame       which face a loss that is not finite comes from
validation  how good the averaged weights are by now, and a `sheet` of what they find
logs        metrics.csv, TensorBoard, and that sheet
settings    what a run was asked for, held against what it is resumed with
saving      checkpoints that are whole, or refused
keeping     when one is written, and what is done where it cannot be
machine     precision, processes and requests to stop
many        several runs at once
"""

from onedheat.training.logs import Measured, read_metrics
from onedheat.training.machine import fast_precision, stop_requests
from onedheat.training.run import Run
from onedheat.training.schedule import Batches, MicroBatches, ema_decay, learning_rate

__all__ = [
    "Batches",
    "Measured",
    "MicroBatches",
    "Run",
    "ema_decay",
    "fast_precision",
    "learning_rate",
    "read_metrics",
    "stop_requests",
]
