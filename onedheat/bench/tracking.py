"""What following a face costs beyond finding it: the time of a step, and what is kept of a face."""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from onedheat.bench.speed import engines_of
from onedheat.engines import Engine
from onedheat.heatmaps import Heatmaps
from onedheat.models import Tracker, TrackerConfig
from onedheat.models.clips import join, parted, state_bytes
from onedheat.pipeline import Landmarker, enough_threads
from onedheat.pipeline.following import peaks_of

FACE = np.array([[160.0, 50.0, 290.0, 180.0]])  # of the astronaut


def tracking_cost(config: TrackerConfig, *, seconds: float = 2.0) -> dict:
    """What a tracker adds to its detector, one pass a frame and one face.

    Returns:
        `state_bytes` of a face, and by engine the milliseconds of a frame without the tracker (crop,
        network, reading the vectors; no search for faces), those of the tracker's step, and the step's
        share of both together.
    """
    network = Tracker(config).eval()
    by_engine = {
        name: _shares(network, engine, seconds) for name, engine in engines_of(network.detector)
    }
    return {"state_bytes": state_bytes(network.start()), **by_engine}


def _shares(network: Tracker, engine: Engine, seconds: float) -> dict[str, float]:
    """Frame and step in turns, so that whatever else a machine does slows both."""
    from skimage.data import astronaut

    image, landmarker = astronaut(), Landmarker(network.detector, engine=engine)
    network.to(engine.device)
    frame, step = alternately(
        lambda: landmarker.locate([image], FACE), step_of(network, engine), seconds=seconds
    )
    return {
        "frame_ms": round(1000 * frame, 3),
        "step_ms": round(1000 * step, 3),
        "share": round(step / (frame + step), 4),
    }


def step_of(network: Tracker, engine: Engine) -> Callable[[], None]:
    """All that a tracker does for one face beyond its detector, as a call; see `Follower`."""
    size = 1, network.config.landmarks, network.config.bins
    found = Heatmaps(*(torch.rand(size, device=engine.device) for _ in "xy"))
    state = [network.start()]

    @torch.inference_mode()
    def step() -> None:
        with enough_threads(engine, faces=1):
            peaks_of(network, found)
            _, after = network.refine(found, join(state))
            state[0] = parted(after)[0]
        if engine.device.type == "cuda":
            torch.cuda.synchronize(engine.device)

    return step


def alternately(*calls: Callable[[], object], seconds: float, least: int = 5) -> list[float]:
    """Median seconds of each of some calls, made in turns once they are warm.

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
    return [median(times) for times in taken]
