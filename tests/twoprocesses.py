"""Trains with two processes on the processor, stopped in the middle and resumed:

python tests/twoprocesses.py TREE OUT PASSES LAUNCHER
"""

import os
import signal
import sys

import torch
from accelerate import debug_launcher, notebook_launcher
from smallruns import run_of, stop_after

from onedheat.data.w300 import read_300w


def train(tree: str, out: str, passes: int) -> None:
    torch.set_num_threads(1)
    faces = read_300w(tree)
    settings = {"passes": passes, "batch_size": 32}
    run = run_of(faces, out, how={"progress": True}, **settings)
    assert run.accelerator.num_processes == 2
    if not run.is_main:  # one is asked to stop; both must
        stop_after(run, passes // 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert run.train() is None and run.step == passes // 2
    resumed = run_of(faces, out, resume=True, **settings)
    assert resumed.step == passes // 2
    report = resumed.train()
    assert report.faces == 8 and resumed.step == passes
    first = next(resumed.bare.parameters()).detach().flatten()[0]
    both = resumed.accelerator.gather(first[None])
    assert both[0] == both[1] and (run.history != []) == run.is_main


LAUNCHERS = {"debug": debug_launcher, "notebook": notebook_launcher}

if __name__ == "__main__":
    tree, out, passes, launcher = sys.argv[1:]
    LAUNCHERS[launcher](train, (tree, out, int(passes)), num_processes=2)
