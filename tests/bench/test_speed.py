"""Times: no test says how long anything takes."""

import pytest
import torch
from randomnet import random_network

from onedheat.bench import speed
from onedheat.bench.speed import forward_ms, photo_ms, post_trunk_time, time_call
from onedheat.engines import TorchEngine

QUICK = {"seconds": 0.0, "least": 1}


@pytest.fixture
def clock(monkeypatch):
    """A clock that only what is timed moves."""
    now = [0.0]
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    return now


def lasting(clock, *seconds):
    """A call that takes these times, one after the other, the last one for ever."""
    left = list(seconds)

    def call():
        clock[0] += left.pop(0) if len(left) > 1 else left[0]

    return call


def test_the_first_call_warms_up_and_the_median_of_the_others_counts(clock):
    assert time_call(lasting(clock, 1.0, 0.2, 9.0, 0.3), seconds=2.0) == pytest.approx(0.3)


def test_a_short_call_is_repeated_until_the_time_is_over(clock):
    calls = []
    step = lasting(clock, 0.25)
    time_call(lambda: (calls.append(1), step()), seconds=2.0)
    assert len(calls) == 1 + 8


def test_a_call_longer_than_that_is_made_twice(clock):
    assert time_call(lasting(clock, 7.0, 5.0, 1.0), seconds=2.0) == 5.0


def test_a_call_longer_than_the_limit_is_made_once(clock):
    assert time_call(lasting(clock, 21.0, 5.0), seconds=2.0) == 21.0


class Slow:
    """An engine that takes a tenth of a second a picture."""

    device = torch.device("cpu")

    def __init__(self, clock, per_picture=0.1):
        self.clock, self.per_picture, self.seen = clock, per_picture, []

    def __call__(self, pictures):
        self.seen.append(tuple(pictures.shape))
        self.clock[0] += self.per_picture * len(pictures)


def test_times_are_milliseconds_a_face(clock):
    engine = Slow(clock)
    assert forward_ms(engine, 64) == {"1": 100.0, "32": 100.0}
    assert set(engine.seen) == {(1, 3, 64, 64), (32, 3, 64, 64)}


def test_what_would_take_too_long_has_no_figure(clock):
    engine = Slow(clock, per_picture=10.0)
    assert forward_ms(engine, 64) == {"1": 10000.0, "32": None}
    assert set(engine.seen) == {(1, 3, 64, 64)}


def test_the_way_from_a_photo_runs_the_engine_on_that_many_faces():
    network, seen = random_network(), []

    class Watched(TorchEngine):
        def __call__(self, pictures):
            seen.append(len(pictures))
            return super().__call__(pictures)

    found = photo_ms(network, Watched(network), **QUICK)
    assert set(seen) == {1, 32} and all(value > 0 for value in found.values())


def test_what_the_network_alone_is_known_to_take_is_not_tried_from_a_photo(clock):
    network = random_network()
    engine = Slow(clock)
    assert photo_ms(network, engine, at_least=21_000.0) == {"1": None, "32": None}
    assert engine.seen == []


def test_the_share_after_the_trunk_is_a_part_of_the_whole(clock, monkeypatch):
    network = random_network()
    kind = type(network)
    real = kind.read_features, type(network.trunk).forward
    times = iter([(0, 3.0), (1, 1.0)])

    def slowed(which, seconds):
        def run(self, *values):
            clock[0] += seconds
            return real[which](self, *values)

        return run

    for which, seconds in times:
        home, name = [(kind, "read_features"), (type(network.trunk), "forward")][which]
        monkeypatch.setattr(home, name, slowed(which, seconds))
    assert post_trunk_time(network) == pytest.approx(0.75)
