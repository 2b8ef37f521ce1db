"""How long a face takes."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import torch

from onedheat.engines import Engine, OnnxEngine, TorchEngine
from onedheat.engines.export import as_onnx, sample_pictures
from onedheat.engines.packages import EXPORTER, missing
from onedheat.geometry import Box
from onedheat.models import Detector, LandmarkNetwork
from onedheat.models.folding import fold_batch_norms
from onedheat.pipeline import Landmarker

BATCHES = (1, 32)
LIMIT = 20.0
"""Seconds that one pass may take. What would take longer, by what is known of it, is left out and has no
figure; what did take longer was done once."""


def time_call(call: Callable[[], object], seconds: float = 2.0, least: int = 3) -> float:
    """Median seconds of a call, once it is warm.

    Args:
        call: what is timed; it must have finished when it returns.
        seconds: how long it is repeated, at least.
        least: how often at least; a call that takes `seconds` alone is made twice, one that takes
            `LIMIT` once.
    """
    first = _seconds(call)
    if first > seconds:
        return first if first > LIMIT else _seconds(call)
    taken, began = [], time.perf_counter()
    while len(taken) < least or time.perf_counter() - began < seconds:
        taken.append(_seconds(call))
    return median(taken)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def engines_of(network: LandmarkNetwork) -> Iterator[tuple[str, Engine]]:
    """Every engine that can be had on this machine, by name, made when it is asked for.

    On a GPU there are ``"cuda"`` and ``"cuda-bf16"``, beside those of the processor.
    """
    yield "torch", TorchEngine(network)
    if not missing(*EXPORTER):
        yield "onnx", OnnxEngine(as_onnx(network)[0])
    if torch.cuda.is_available():
        yield "cuda", TorchEngine(network, "cuda")
        yield "cuda-bf16", TorchEngine(network, "cuda", "bf16")


def forward_ms(engine: Engine, size: int, **how) -> dict[str, float | None]:
    """Milliseconds a face of the network alone, by batch size; None where it would take too long."""

    def run(batch: int) -> Callable[[], object]:
        pictures = sample_pictures(size).repeat(-(-batch // 3), 1, 1, 1)[:batch].to(engine.device)

        def forward() -> None:
            engine(pictures)
            if engine.device.type == "cuda":
                torch.cuda.synchronize(engine.device)

        return forward

    return _by_batch(run, **how)


def photo_ms(
    network: LandmarkNetwork, engine: Engine, *, at_least: float = 0.0, **how
) -> dict[str, float | None]:
    """Milliseconds a face of `landmarker(image, boxes=…)`: crop, network, decoding and all.

    Args:
        at_least: what the network alone takes.
    """
    from skimage.data import astronaut

    image, landmarker = astronaut(), Landmarker(network, engine=engine)

    def run(batch: int) -> Callable[[], object]:
        boxes = np.stack([_face_moved_by(step / batch) for step in range(batch)])
        return lambda: landmarker(image, boxes)

    return _by_batch(run, at_least / 1000, **how)


def _face_moved_by(share: float) -> Box:
    """A box around the astronaut's face, a little elsewhere each time."""
    return np.array([160.0, 50.0, 290.0, 180.0]) + 5 * share


def _by_batch(
    run: Callable[[int], Callable[[], object]], per_face: float = 0.0, **how
) -> dict[str, float | None]:
    """Milliseconds a face by batch size; `per_face` is how many seconds are known of beforehand."""
    found: dict[str, float | None] = {}
    for batch in BATCHES:
        if per_face * batch > LIMIT:
            found[str(batch)] = None
            continue
        per_face = time_call(run(batch), **how) / batch
        found[str(batch)] = round(1000 * per_face, 3)
    return found


@torch.inference_mode()
def post_trunk_time(detector: Detector, **how) -> float:
    """Share of a forward pass, on the processor, that everything after the trunk takes."""
    folded = fold_batch_norms(detector).to("cpu", memory_format=torch.channels_last)
    pictures = sample_pictures(detector.config.size)[:1]
    pictures = pictures.to(memory_format=torch.channels_last) - 0.5
    features = folded.trunk(pictures)
    trunk = time_call(lambda: folded.trunk(pictures), **how)
    after = time_call(lambda: folded.read_features(features), **how)
    return after / (trunk + after)
