"""Two steps of networks that leave weights without a gradient, by two processes on the processor:

python tests/idleprocesses.py OUT
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
from accelerate import debug_launcher
from smallruns import QUICK, SMALL

from onedheat.data.synthetic import synthetic_clips
from onedheat.models import NetworkConfig, TrackerConfig
from onedheat.presets import Preset
from onedheat.training import Run

TRACKER = TrackerConfig(**asdict(replace(SMALL, stacks=2)))
IDLE = {
    "apart": (replace(SMALL, gamma=0.0), {"coattention.p", "coattention.q"}),
    "tracker": (
        TRACKER,
        {f"detector.early.0.{axis}.{part}" for axis in "xy" for part in ("weight", "bias")},
    ),
}


def train(out: str) -> None:
    torch.set_num_threads(1)
    clips = synthetic_clips(10, frames=2, size=32)
    for name, (network, idle) in IDLE.items():
        of = clips if isinstance(network, TrackerConfig) else clips.faces()
        take_two_steps(network, of, Path(out) / name, idle)


def take_two_steps(network: NetworkConfig, of, out: Path, idle: set[str]) -> None:
    config = replace(QUICK, batch_size=4, accumulate=2, frames=2)
    run = Run(Preset(network, config, ""), of, out, progress=False, samples=0)
    assert run.accelerator.num_processes == 2
    before = {name: value.detach().clone() for name, value in run.bare.named_parameters()}
    pictures = iter(run._pictures(0))
    for _ in range(2):
        run.learner.learn([next(pictures) for _ in range(2)])
    for name, value in run.bare.named_parameters():
        both = run.accelerator.gather(value.detach()[None])
        assert torch.equal(both[0], both[1]), name
    still = {name for name, value in run.bare.named_parameters() if value.grad is None}
    assert still == idle, still
    assert all(torch.equal(run.bare.get_parameter(name), before[name]) for name in idle)


if __name__ == "__main__":
    debug_launcher(train, (sys.argv[1],), num_processes=2)
