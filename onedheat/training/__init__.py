"""Training: one loop (`run`), and around it what makes it safe to leave alone for hours.

schedule   which faces a step sees, and how fast it learns: by seed and step alone
starting   from weights that were trained before
nearest    likewise, for landmarks that these do not know
losses     what each step's loss was, asked of the device seldom
saving     checkpoints that are whole, or refused
logs       metrics.csv, TensorBoard, and a picture of what is found by now
machine    precision, processes and requests to stop
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
