"""What a tracker keeps while a video runs does not grow, however long it is."""

import os
from pathlib import Path

import pytest
import torch

from onedheat.heatmaps import Heatmaps
from onedheat.models import Tracker, TrackerConfig
from onedheat.models.clips import state_bytes

STATM = Path("/proc/self/statm")


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not STATM.is_file(), reason="no /proc to read the memory from")
@pytest.mark.parametrize("frames", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_memory_is_flat_however_many_frames_are_refined(frames):
    tracker = Tracker(TrackerConfig(width=16, channels=16)).eval()
    state = tracker.start()
    before, kept = 0, state_bytes(state)
    with torch.inference_mode():
        for frame in range(frames):
            if frame == 200:  # the allocator is warm
                before = resident()
            _, state = tracker.refine(Heatmaps(*torch.rand(2, 1, 68, 384)), state)
    # The states of all these frames would be 20 MB and more, their heatmaps 160.
    assert resident() - before < 4_000_000
    assert state_bytes(state) == kept == 52_224 and state.x.grad_fn is None
    assert torch.isfinite(state.x).all()
