"""Export to ONNX, checked against PyTorch before anything is kept."""

import hashlib
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

import onedheat
from onedheat.engines.onnx_engine import (
    DETECTED,
    FORMAT,
    MEMORY,
    METADATA,
    NEXT,
    PEAK,
    REFINED,
    OnnxEngine,
)
from onedheat.engines.packages import EXPORTER, demand
from onedheat.engines.torch_engine import Engine, tensors_of
from onedheat.errors import EngineError
from onedheat.files import write_atomically
from onedheat.geometry import Crop, warp
from onedheat.landmarks import scheme, scheme_as_json
from onedheat.models import DetectorConfig, LandmarkNetwork, Tracker
from onedheat.models.folding import fold_batch_norms
from onedheat.models.tracker import TrackerState

TOLERANCE = 1e-4
"""How far an exported network's output may lie from PyTorch's, as a share of its highest value (at
least of 1). Float32 sums in another order differ by 1e-6; 1e-4 moves a coordinate by less than 0.01
pixels of the face."""

ASTRONAUT = np.array([160.0, 50.0, 290.0, 180.0])  # the face in `skimage.data.astronaut()`


def export(network: LandmarkNetwork, path: str | Path) -> float:
    """Writes a network as an ONNX file that can be used alone; a file that is wrong is never left.

    The file takes `images`, float32 (batch, 3, F, F) RGB in [0, 1], for any batch; that of a detector
    gives `x` and `y`, (batch, N, L). That of a tracker takes `memory_x` and `memory_y` too, (batch, C, P),
    zeros for a face that is new, and gives `next_x` and `next_y` to be handed in with its next frame;
    `detected_x` and `detected_y` are what the detector inside finds in this frame by itself, and `peak`,
    (batch, N), is how high that peaks. The metadata holds, as JSON under the key ``onedheat``, the
    network's config, landmark scheme, calibration and place; `onedheat.load` and `OnnxEngine` read it.
    What a program without onedheat has to know of a detector or tracker stands in the `doc_string` of
    the model, its inputs and outputs, as sentences.

    Args:
        network: a copy of it is exported, in eval mode and with its batch norms folded.
        path: of the file, in a folder that exists.

    Returns:
        The largest difference from PyTorch's output, see `TOLERANCE`.

    Raises:
        EngineError: a package is missing, the folder is, or what came out differs from PyTorch.
    """
    content, found = as_onnx(network)
    try:
        write_atomically(Path(path), content)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror}") from error
    return found


def as_onnx(network: LandmarkNetwork) -> tuple[bytes, float]:
    """What stands in a network's ONNX file, and the largest difference from PyTorch's output.

    Raises:
        EngineError: a package is missing, or the difference is above `TOLERANCE`.
    """
    config = network.config
    metadata = {
        "format": FORMAT,
        "onedheat": onedheat.__version__,
        "weights": weights_digest(network),
        "kind": config.kind,
        "config": config.as_dict(),
        "scheme": scheme_as_json(scheme(config.scheme)),
        "calibration": network.calibration and network.calibration.as_json(),
        "place": network.place and network.place._asdict(),
    }
    folded = fold_batch_norms(network).cpu()
    pictures = torch.zeros(2, 3, config.size, config.size)  # one would be taken for a constant
    with torch.inference_mode():
        output = folded(pictures)
    inputs, names = {"images": pictures}, getattr(output, "_fields", ("output",))
    if isinstance(folded, Tracker):
        inputs |= dict(zip(MEMORY, folded.start(len(pictures)), strict=True))
        folded, names = _OneFrame(folded), (*REFINED, *DETECTED, PEAK, *NEXT)
    content = exported(folded, inputs, names, {METADATA: json.dumps(metadata)}, in_words(network))
    found = difference(OnnxEngine(content), network)
    if not found <= TOLERANCE:  # nan is not
        raise EngineError(
            f"the exported network differs from PyTorch's by {found:.2g} (at most {TOLERANCE:g} is "
            "allowed), so it was not kept; are the weights finite? Engine 'torch' runs them as they are"
        )
    return content, found


class _OneFrame(nn.Module):
    """A tracker with the memory of its faces among what it takes and gives."""

    def __init__(self, tracker: Tracker):
        super().__init__()
        self.tracker = tracker

    def forward(self, images: Tensor, memory_x: Tensor, memory_y: Tensor) -> tuple[Tensor, ...]:
        detected = self.tracker.detect(images)
        refined, after = self.tracker.refine(detected, TrackerState(memory_x, memory_y))
        return *refined, *detected, self.tracker.peaks(detected), *after


def exported(
    network: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    metadata: dict[str, str],
    words: Mapping[str, str] | None = None,
) -> bytes:
    """Any network as what stands in an ONNX file, unchecked.

    Args:
        network: in eval mode, on the processor.
        inputs: what it takes, by name, of two pictures; the file will take any number of them.
        outputs: names for the tensors that it gives.
        metadata: kept in the file.
        words: what each input and output is, by name, and under ``""`` what the model is.

    Raises:
        EngineError: a package is missing.
    """
    demand(*EXPORTER, purpose="exporting to ONNX")
    import onnx

    batch = torch.export.Dim("batch")
    with _quiet_exporter():
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            dynamo=True,
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            input_names=list(inputs),
            output_names=list(outputs),
            verbose=False,
        )
    model = program.model_proto
    _forget_sources(model.graph)
    onnx.helper.set_model_props(model, metadata)
    words = words or {}
    model.doc_string = words.get("", "")
    for entry in (*model.graph.input, *model.graph.output):
        entry.doc_string = words.get(entry.name, "")
    return model.SerializeToString()


def in_words(network: LandmarkNetwork) -> dict[str, str]:
    """What a network's ONNX file takes and gives, for who reads it without onedheat; see `exported`."""
    config, size = network.config, network.config.size
    words = {
        "": f"onedheat {onedheat.__version__}, {config.kind}: {config.landmarks} facial landmarks, whose "
        f"names are in the metadata {METADATA!r}.",
        "images": f"RGB / 255, {size} × {size} pixels, of a square box: the smallest around the face's "
        "landmarks, 1.25 times as large.",
    }
    if not isinstance(config, DetectorConfig):
        return words
    holds = "logits" if config.loss == "cross_entropy" else "heights, about 1 where it is sure"
    middle = f"j * {size}/{config.bins}"
    if config.frame == "centre":
        middle = f"(j + 0.5) * {size}/{config.bins} - 0.5"
    for axis in "xy":
        words |= {
            axis: f"Of each landmark {config.bins} bins along {axis}, {holds}; the highest is its place. Bin "
            f"j is at {middle} in pixels of images, of which the first one's centre is 0.",
            f"detected_{axis}": f"As {axis}, without memory: from this frame alone.",
            f"memory_{axis}": f"Zeros for a new face, else next_{axis} of its last frame.",
            f"next_{axis}": f"memory_{axis} of its next frame.",
        }
    words[PEAK] = "How high detected_x and detected_y peak, of each landmark, 1 being best."
    return words


def weights_digest(network: LandmarkNetwork) -> str:
    """What tells one network from another: sha256 of its config and weights, in hexadecimal."""
    config = {"kind": network.config.kind, **network.config.as_dict()}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, values in sorted(network.state_dict().items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


@torch.inference_mode()
def difference(engine: Engine, network: LandmarkNetwork) -> float:
    """The largest difference of outputs for a face, its mirror image and noise, alone and together; of a
    tracker that remembers in two frames, of all that it gives.

    It is a share of the highest value (at least of 1), and NaN where either output is not finite.
    """
    reference = network if not network.training else fold_batch_norms(network)
    device = next(network.parameters()).device
    pictures = sample_pictures(network.config.size)
    apart = []

    def compare(given: Any, wanted: Any) -> None:
        for a, b in zip(tensors_of(given), tensors_of(wanted), strict=True):
            scale = b.abs().max().clamp(min=1)
            apart.append(((a.to(device) - b).abs().max() / scale).item())

    for batch in (pictures[:1], pictures):
        compare(engine(batch.to(engine.device)), reference(batch.to(device)))
    if isinstance(engine, OnnxEngine) and engine.remembers:
        here, there = engine.start(len(pictures)), reference.start(len(pictures))
        for batch in (pictures, pictures.flip(0)):  # what was seen matters from the second frame on
            (*given, here), detected = engine.step(batch, here), reference.detect(batch.to(device))
            wanted, there = reference.refine(detected, there)
            compare(given[0], wanted)
            compare(given[1], reference.peaks(detected))
            compare(here, there)
            compare(engine.detect(batch), detected)
    return float(np.max(apart))  # np.max keeps a nan, max may not


def sample_pictures(size: int) -> Float[Tensor, "3 3 size size"]:
    """A real face, the same in the mirror, and noise, with values in [0, 1]."""
    from skimage.data import astronaut

    face = torch.from_numpy(warp(astronaut(), Crop.from_box(ASTRONAUT, size)))
    face = face.permute(2, 0, 1).float().div(255)
    noise = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    return torch.stack([face, face.flip(-1), noise])


def _forget_sources(graph) -> None:
    """Removes what the exporter notes of each node: lines of source code and paths of this machine."""
    del graph.metadata_props[:]
    for part in (graph.node, graph.input, graph.output, graph.value_info, graph.initializer):
        for entry in part:
            del entry.metadata_props[:]
            entry.doc_string = ""


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter tells its own developers which of its parts are old, and what it does."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir", "onnxscript")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
