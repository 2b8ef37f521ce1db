"""What a tracker's step costs: no test says how long anything takes."""

import pytest
import torch
from randomnet import CONFIG

from onedheat.bench import tracking
from onedheat.bench.tracking import alternately, step_of, tracking_cost
from onedheat.engines import TorchEngine
from onedheat.heatmaps import Heatmaps
from onedheat.models import Tracker, TrackerConfig

SMALL = TrackerConfig(**CONFIG.as_dict())


def test_calls_are_timed_in_turns_and_the_median_counts(monkeypatch):
    now, made = [0.0], []
    monkeypatch.setattr(tracking.time, "perf_counter", lambda: now[0])

    def lasting(name, *seconds):
        left = list(seconds)

        def call():
            made.append(name)
            now[0] += left.pop(0) if len(left) > 1 else left[0]

        return call

    found = alternately(lasting("a", 9.0, 1.0, 5.0, 2.0), lasting("b", 0.5), seconds=0.0, least=3)
    assert found == [2.0, 0.5] and "".join(made) == "ab" * 4


def test_the_share_is_of_the_frame_with_the_step(monkeypatch):
    monkeypatch.setattr(tracking, "alternately", lambda *calls, seconds: [0.018, 0.002])
    found = tracking_cost(SMALL)
    assert found["torch"] == {"frame_ms": 18.0, "step_ms": 2.0, "share": 0.1}
    assert found["state_bytes"] == 2 * 68 * 4 * SMALL.positions
    assert set(found) >= {"state_bytes", "torch"}


def test_frame_and_step_are_what_is_timed(monkeypatch):
    """The frame runs the engine on one face, the step refines once and keeps what comes out."""
    seen, network = [], Tracker(SMALL).eval()

    class Watched(TorchEngine):
        def __call__(self, pictures):
            seen.append(tuple(pictures.shape))
            return super().__call__(pictures)

    tracking._shares(network, Watched(network.detector), seconds=0.0)
    assert set(seen) == {(1, 3, SMALL.size, SMALL.size)} and len(seen) == 6

    states = []
    refine = network.refine
    monkeypatch.setattr(
        network, "refine", lambda found, state: states.append(state) or refine(found, state)
    )
    step = step_of(network, TorchEngine(network.detector))
    step(), step()
    zero, first = states
    assert (zero.x == 0).all()
    torch.manual_seed(0)
    assert first.x.abs().sum() > 0
    assert isinstance(refine(Heatmaps(*torch.rand(2, 1, 68, SMALL.bins)), first)[0], Heatmaps)


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_both_engines_stand_in_one_run(name):
    found = tracking_cost(SMALL, seconds=0.0)
    if name not in found:
        pytest.skip("no ONNX Runtime here")
    assert 0 < found[name]["share"] < 1
    assert found[name]["share"] == pytest.approx(
        found[name]["step_ms"] / (found[name]["frame_ms"] + found[name]["step_ms"]), abs=0.01
    )
