"""Runs that take seconds: a very small network on drawn faces."""

from dataclasses import replace
from pathlib import Path

from onedheat.data.samples import FaceSet
from onedheat.models import DetectorConfig
from onedheat.presets import Preset, TrainConfig
from onedheat.training import Run

SMALL = DetectorConfig(width=16, channels=8, size=32, depth=1, compressed=4, upsample=4)
QUICK = TrainConfig(
    passes=3,
    batch_size=8,
    warmup_steps=2,
    validation=0.2,
    precision="fp32",
    validate_every=1,
    ema=0.9,
)


def run_of(faces: FaceSet, out: Path, resume: bool = False, *, how=None, **changes) -> Run:
    """A run of the small network; `how` goes to `Run`, `changes` to its recipe."""
    more = {"progress": False, "samples": 0} | (how or {})
    return Run(Preset(SMALL, replace(QUICK, **changes), ""), faces, out, resume=resume, **more)


def stop_after(run: Run, steps: int, ask) -> None:
    """Calls `ask` once the run has made so many steps."""
    learn = run.learner.learn

    def learn_and_ask(parts):
        losses = learn(parts)
        if run.step == steps:
            ask()
        return losses

    run.learner.learn = learn_and_ask
