"""What a tracker's step costs: no test says how long anything takes."""

import pytest
from randomnet import CONFIG

from onedheat.bench import tracking
from onedheat.bench.tracking import alternately, following, tracking_cost
from onedheat.engines import TorchEngine
from onedheat.models import Tracker, TrackerConfig
from onedheat.pipeline import Landmarker

SMALL = TrackerConfig(**CONFIG.as_dict())


def test_calls_are_timed_in_turns_once_they_are_warm(monkeypatch):
    now, made = [0.0], []
    monkeypatch.setattr(tracking.time, "perf_counter", lambda: now[0])

    def lasting(name, *seconds):
        left = list(seconds)

        def call():
            made.append(name)
            now[0] += left.pop(0) if len(left) > 1 else left[0]

        return call

    found = alternately(lasting("a", 9.0, 1.0, 5.0, 2.0), lasting("b", 0.5), seconds=0.0, least=3)
    assert found == [[1.0, 5.0, 2.0], [0.5] * 3] and "".join(made) == "ab" * 4


def test_the_step_is_what_a_tracker_adds_and_its_share_is_of_the_whole_frame(monkeypatch):
    times = [[0.018, 0.018, 0.090], [0.020, 0.019, 0.093]]  # once the machine was busy
    monkeypatch.setattr(tracking, "alternately", lambda *calls, seconds: times)
    found = tracking_cost(SMALL)
    assert found["torch"] == {"frame_ms": 18.0, "step_ms": 2.0, "share": 0.1}
    assert found["state_bytes"] == 2 * 68 * 4 * SMALL.positions
    assert set(found) >= {"state_bytes", "torch"}


def test_frames_of_one_face_are_followed_without_the_tracker_and_with_it(monkeypatch):
    network, states = Tracker(SMALL).eval(), []
    without = following(Landmarker(network.detector, engine=TorchEngine(network.detector)))
    within = following(Landmarker(network, engine=TorchEngine(network)))
    refine = network.refine
    monkeypatch.setattr(
        network, "refine", lambda found, state: states.append(state) or refine(found, state)
    )
    without()
    assert not states
    within(), within()
    zero, first = states
    assert (zero.x == 0).all() and first.x.shape == (1, 68, SMALL.positions)
    assert first.x.abs().sum() > 0


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_both_engines_stand_in_one_run(name):
    found = tracking_cost(SMALL, seconds=0.0)
    if name not in found:
        pytest.skip("no ONNX Runtime here")
    assert found[name]["frame_ms"] > 0 and found[name]["share"] < 1
    assert found[name]["share"] == pytest.approx(
        found[name]["step_ms"] / (found[name]["frame_ms"] + found[name]["step_ms"]), abs=0.01
    )
