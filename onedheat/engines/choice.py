"""Which engine runs which weights."""

import logging
from pathlib import Path

import torch

from onedheat.checkpoints import find, load_detector
from onedheat.engines.cache import cached_engine
from onedheat.engines.export import weights_digest
from onedheat.engines.onnx_engine import OnnxEngine
from onedheat.engines.packages import EXPORTER, missing
from onedheat.engines.torch_engine import Engine, TorchEngine
from onedheat.errors import EngineError
from onedheat.models import LandmarkNetwork

ENGINES = ("auto", "torch", "onnx")
SUFFIX = ".onnx"
BESIDE = f"model{SUFFIX}"  # in the folder of the weights that it was exported from

_log = logging.getLogger(__name__)


def make_engine(
    weights: str | Path, engine: str = "auto", device: str | torch.device = "cpu"
) -> tuple[LandmarkNetwork, Engine]:
    """The network of that name, and what runs it.

    Args:
        weights: a shipped name, a checkpoint's folder, a hub id, or a file ``….onnx`` made by
            `onedheat export`.
        engine: ``"torch"``; ``"onnx"``, on the processor, several times faster there: from the file
            `model.onnx` beside the weights if it was exported from them, else from the user's cache,
            into which the network is exported when it is first needed; or ``"auto"``, the fastest
            that can be had. All give the same landmarks.
        device: where it runs.

    Returns:
        The network, which reads landmarks off what the engine gives; that of a file ``….onnx`` has
        no weights.

    Raises:
        CheckpointError: no such weights, or damaged ones.
        EngineError: an engine that cannot be had here, or not for these weights or this device; an
            ONNX file that cannot be used.
        ValueError: no such engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"no engine {engine!r}; there are: {', '.join(ENGINES)}")
    device = torch.device(device)
    is_exported = Path(weights).suffix == SUFFIX
    if device.type != "cpu" and (engine == "onnx" or is_exported):
        raise EngineError(
            f"ONNX Runtime runs on the processor here, not on {device}; for that device give weights "
            "and engine 'torch'"
        )
    if is_exported:
        if engine == "torch":
            raise EngineError(
                f"engine 'torch' runs weights, and {weights} is an exported network; leave engine out"
            )
        exported = OnnxEngine(weights)
        return exported.network, exported
    network = load_detector(weights).to(device)
    if engine == "onnx":
        return network, _onnx_engine(weights, network)
    if engine == "auto" and device.type == "cpu" and not missing(*EXPORTER):
        try:
            return network, _onnx_engine(weights, network)
        except EngineError as error:
            _log.warning("PyTorch runs the network: %s", error)
    return network, TorchEngine(network, device)


def _onnx_engine(weights: str | Path, network: LandmarkNetwork) -> OnnxEngine:
    beside = find(weights) / BESIDE
    if beside.is_file():
        try:
            engine = OnnxEngine(beside)
            if engine.metadata["weights"] == weights_digest(network):
                return engine
            _log.warning("%s was exported from other weights and is not used", beside)
        except EngineError as error:
            _log.warning("%s", error)
    return cached_engine(network)
