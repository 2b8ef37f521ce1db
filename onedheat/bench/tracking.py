"""What following a face costs beyond finding it: the time of a step, and what is kept of a face."""

import time
from collections.abc import Callable

import numpy as np

from onedheat.bench.speed import engines_of
from onedheat.models import Tracker, TrackerConfig
from onedheat.models.clips import state_bytes
from onedheat.pipeline import Landmarker
from onedheat.pipeline.following import NOTHING, Follower

FACE = np.array([[160.0, 50.0, 290.0, 180.0]])  # of the astronaut


def tracking_cost(config: TrackerConfig, *, seconds: float = 2.0) -> dict:
    """What a tracker adds to its detector, one pass a frame and one face.

    Returns:
        `state_bytes` of a face, and by engine the milliseconds of a frame without the tracker (crop,
        network, reading the vectors; no search for faces), those that the tracker adds to it, its step,
        and the step's share of both together.
    """
    network = Tracker(config).eval()
    engines = zip(engines_of(network.detector), engines_of(network), strict=True)
    by_engine = {
        name: _shares(
            following(Landmarker(network.detector, engine=alone)),
            following(Landmarker(network, engine=together)),
            seconds,
        )
        for (name, alone), (_, together) in engines
    }
    return {"state_bytes": state_bytes(network.start()), **by_engine}


def _shares(
    without: Callable[[], None], within: Callable[[], None], seconds: float
) -> dict[str, float]:
    """Frames without the tracker and with it in turns: what else a machine does slows two neighbours alike,
    so the step is the median of what lies between them.
    """
    alone, followed = alternately(without, within, seconds=seconds)
    frame = float(np.median(alone))
    step = float(np.median(np.subtract(followed, alone)))
    return {
        "frame_ms": round(1000 * frame, 3),
        "step_ms": round(1000 * step, 3),
        "share": round(step / (frame + step), 4),
    }


def following(landmarker: Landmarker) -> Callable[[], None]:
    """A call that follows a face through one more frame, in one pass, as `FaceTracker` does."""
    from skimage.data import astronaut

    landmarker.detector.to(landmarker.engine.device)
    image, follower, memories = astronaut(), Follower(landmarker), [NOTHING]

    def follow() -> None:
        nonlocal memories
        _, memories = follower(image, FACE, memories)

    return follow


def alternately(*calls: Callable[[], object], seconds: float, least: int = 5) -> list[list[float]]:
    """What each of some calls took each time, in seconds; they are made in turns once they are warm.

    Args:
        calls: what is timed.
        seconds: how long they are repeated, at least.
        least: how often at least.
    """
    for call in calls:
        call()
    taken: list[list[float]] = [[] for _ in calls]
    began = time.perf_counter()
    while len(taken[0]) < least or time.perf_counter() - began < seconds:
        for call, times in zip(calls, taken, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return taken
