"""ONNX Runtime as an engine: a file that says itself what it finds, run on the processor."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.calibration import Calibration
from onedheat.engines.packages import RUNTIME, demand
from onedheat.errors import EngineError
from onedheat.heatmaps import Heatmaps
from onedheat.models import KINDS, LandmarkNetwork, build
from onedheat.models.tracker import TrackerState
from onedheat.place import Place

FORMAT = 1
METADATA = "onedheat"  # the key in the file's metadata whose value is the JSON below

# A tracker's inputs beside its pictures, and its outputs.
MEMORY = "memory_x", "memory_y"
REFINED, DETECTED = ("x", "y"), ("detected_x", "detected_y")
PEAK, NEXT = "peak", ("next_x", "next_y")


class OnnxEngine:
    """An exported network.

    It can be copied, pickled, and used in a process that `multiprocessing` forks: the model is then opened
    anew.

    Args:
        model: a file, or what stands in one.
        threads: for the work within one layer; by default as many as PyTorch uses.

    Attributes:
        network: the network that was exported, without its weights: it reads landmarks off the output.
        metadata: what the file says of itself.
        remembers: whether it is a tracker that takes its memory and gives it back; those that an older
            onedheat exported see each frame as the first.

    Raises:
        EngineError: no onnxruntime, no ONNX file, or one that onedheat did not export.
    """

    def __init__(self, model: str | Path | bytes, *, threads: int | None = None):
        demand(*RUNTIME, purpose="engine 'onnx'")
        content, name = (model, "the model") if isinstance(model, bytes) else _read(Path(model))
        self._content, self._threads, self._name = content, threads, name
        self._open()
        self.remembers = MEMORY[0] in {entry.name for entry in self._session.get_inputs()}
        written = self._session.get_modelmeta().custom_metadata_map.get(METADATA)
        if written is None:
            raise EngineError(
                f"{name} does not say what it finds: it was not written by `onedheat export`, which "
                "makes such a file from weights"
            )
        try:
            self.metadata: dict = json.loads(written)
            self.network = described(self.metadata)
        except (ValueError, TypeError, KeyError) as error:
            raise EngineError(f"{name} cannot be used: {error}; export it again") from error

    def _open(self) -> None:
        self._session = open_session(self._content, self._threads, self._name)
        self._process = os.getpid()

    def __getstate__(self) -> dict:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._open()

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def __call__(self, pictures: Float[Tensor, "batch 3 size size"]) -> Any:
        """The network's output for pictures with values in [0, 1], (B, 3, F, F).

        Raises:
            ValueError: pictures of another shape, dtype or range.
        """
        if self.remembers:
            return Heatmaps(*self._run(pictures, REFINED, self.start(len(pictures))))
        tensors = self._run(pictures)
        return Heatmaps(*tensors) if len(tensors) == 2 else tensors[0]

    # A tracker, one frame at a time

    def start(self, faces: int = 1) -> TrackerState:
        """The memory of so many faces of which no frame has been seen."""
        return TrackerState(*(torch.zeros(part.shape) for part in self.network.start(faces)))

    def detect(self, pictures: Float[Tensor, "batch 3 size size"]) -> Heatmaps:
        """What the detector inside a tracker finds in each picture by itself, (B, N, L)."""
        return Heatmaps(*self._run(pictures, DETECTED, self.start(len(pictures))))

    def step(
        self, pictures: Float[Tensor, "batch 3 size size"], state: TrackerState
    ) -> tuple[Heatmaps, Float[Tensor, "batch landmarks"], TrackerState]:
        """The next frame of each face: heatmaps (B, N, L), how high the detector's peak, see
        `Tracker.peaks`, and the memory afterwards.
        """
        x, y, peaks, *after = self._run(pictures, (*REFINED, PEAK, *NEXT), state)
        return Heatmaps(x, y), peaks, TrackerState(*after)

    def _run(
        self,
        pictures: Float[Tensor, "batch 3 size size"],
        outputs: Sequence[str] | None = None,
        memory: TrackerState | None = None,
    ) -> list[Tensor]:
        self.network.check(pictures)
        if self._process != os.getpid():
            _of_parents.append(self._session)
            self._open()
        more = dict(zip(MEMORY, memory, strict=True)) if memory else {}
        return run_session(self._session, pictures, more, outputs)


# A session waits for its threads when it is dropped, and those of a parent are not in the forked child.
_of_parents: list = []


def described(metadata: dict) -> LandmarkNetwork:
    """The network that a file's metadata describes, without weights.

    Raises:
        ValueError: another format, kind or setting.
    """
    if metadata["format"] != FORMAT:
        raise ValueError(f"its format is {metadata['format']!r}, this onedheat reads {FORMAT}")
    kind = metadata["kind"]
    if kind not in KINDS:
        raise ValueError(f"its kind of network is {kind!r}, known are {', '.join(KINDS)}")
    with torch.device("meta"):
        network = build(KINDS[kind].Config.from_dict(metadata["config"])).eval()
    if metadata.get("calibration"):
        network.calibration = Calibration.from_json(metadata["calibration"])
        network.calibration.demand_decoders(network.decoders)
    if metadata.get("place"):
        network.place = Place.from_json(metadata["place"])
    return network


def open_session(content: bytes, threads: int | None = None, name: str = "the model"):
    """A session of ONNX Runtime for a model.

    Args:
        content: the model.
        threads: for the work within one layer; by default as many as PyTorch uses.
        name: of the model, for errors.

    Raises:
        EngineError: it is none.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.inter_op_num_threads = 1
    # Between two layers threads wait awake, which saves a quarter of the time, but not for long, nor after
    # the call: they would take the cores from others.
    options.add_session_config_entry("session.intra_op.spin_duration_us", "50")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 4  # what is worse than an error; errors are raised
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each way to fail
        reason = str(error).splitlines()[0]
        raise EngineError(f"{name} is no ONNX model that can be run ({reason})") from error


def run_session(
    session,
    pictures: Tensor,
    more: Mapping[str, Tensor] | None = None,
    outputs: Sequence[str] | None = None,
) -> list[Tensor]:
    """What a session puts out for a batch of pictures.

    Args:
        session: its first input, of any name, takes the pictures.
        pictures: of any type.
        more: what its other inputs take, by name.
        outputs: names of those that are wanted; by default all.

    Raises:
        EngineError: it cannot take them.
    """
    given = {session.get_inputs()[0].name: pictures} | dict(more or {})
    feed = {name: _as_numpy(tensor) for name, tensor in given.items()}
    try:
        return [torch.from_numpy(values) for values in session.run(outputs, feed)]
    except Exception as error:  # onnxruntime has a class of its own for each way to fail
        raise EngineError(
            f"ONNX Runtime cannot run pictures of shape {tuple(pictures.shape)}: {error}"
        ) from error


def _as_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().contiguous().numpy()


def _read(path: Path) -> tuple[bytes, str]:
    try:
        return path.read_bytes(), str(path)
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}") from None
