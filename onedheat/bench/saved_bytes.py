"""How many bytes autograd keeps of a picture for the backward pass: exact, and free of charge.

They are counted on the ``meta`` device, where tensors have a shape and no values, so that a network
of any size is counted within a second on any machine. What a GPU holds at the peak of a step is more:
gradients, optimizer, workspaces and what its allocator rounds up (`onedheat.bench.device_memory`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from onedheat.models import (
    DetectorConfig,
    LandmarkNetwork,
    NetworkConfig,
    Tracker,
    TrackerConfig,
    build,
)
from onedheat.models.compared import Heatmaps2dConfig, Recurrent2dConfig, recurrent2d

RATIOS = (0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)  # L/F, the columns of Table 1
TRUNK_RATIOS = RATIOS[:3]  # no trunk makes features larger than the face

FRAMES = 16  # of a clip that is counted
PICTURES = 2  # that are counted together: in training no batch norm takes a single value


def saved_bytes(config: NetworkConfig) -> int:
    """Bytes that autograd keeps of one picture in training: of the network and of its loss.

    Every storage counts once, however many operations saved it. The network's parameters and buffers,
    the picture and its labels are left out: they are there anyway.

    Args:
        config: of any kind of network.
    """
    network, images = _on_meta(config)
    labels = torch.empty(PICTURES, config.landmarks, 2, device="meta")
    with saved_by_autograd(network, images, labels) as count:
        network.loss(network(images), labels)
    return count() // PICTURES


def trunk_saved_bytes(config: NetworkConfig) -> int:
    """The part of `saved_bytes` that the trunk keeps."""
    network, images = _on_meta(config)
    with saved_by_autograd(network, images) as count:
        network.trunk.stages(images - 0.5)
    return count() // PICTURES


def clip_saved_bytes(
    config: TrackerConfig | Recurrent2dConfig, frames: int = FRAMES, *, frozen: bool = False
) -> int:
    """Bytes that autograd keeps of one clip in training: of a tracker and of its loss (Eq. 14).

    Args:
        config: of a tracker.
        frames: T of the clip.
        frozen: leave the detector inside as it is: what is left is the tracker's own part.

    Raises:
        ValueError: `frozen` of a tracker that has no detector apart from itself.
    """
    with torch.device("meta"):
        network = build(config).train()
        clips = torch.empty(PICTURES, frames, 3, config.size, config.size)
        labels = torch.empty(PICTURES, frames, config.landmarks, 2)
    if frozen:
        if not isinstance(network, Tracker):
            raise ValueError(f"a {config.kind} network has no detector apart that could be frozen")
        network.freeze_detector()
    with saved_by_autograd(network, clips, labels) as count:
        network.loss(network(clips), labels)
    return count() // PICTURES


def output_numbers(config: DetectorConfig | Heatmaps2dConfig) -> int:
    """How many numbers describe a face: 2NL, or NL²."""
    powers = 2 * config.bins if isinstance(config, DetectorConfig) else config.bins**2
    return config.landmarks * powers


# The columns of Table 1 ---------------------------------------------------------------------------


def columns(detector: DetectorConfig) -> dict[str, dict[int, NetworkConfig]]:
    """The detector, and 2D detectors on its trunk, at each resolution L that can be had.

    Returns:
        ``"1d"``, ``"2d_trunk"`` (the trunk run at that size) and ``"2d_upsampled"`` (maps of F/4
        upsampled after it) → L → config.
    """
    shared = ("scheme", "landmarks", "size", "width", "stacks", "depth", "widen")
    same = {name: getattr(detector, name) for name in (*shared, "target_sigma", "supervise_all")}

    def heatmaps2d(ratio: float, way: str) -> Heatmaps2dConfig:
        return Heatmaps2dConfig(bins=round(ratio * detector.size), way=way, **same)

    made = {
        "1d": [detector.with_bins(round(ratio * detector.size)) for ratio in RATIOS],
        "2d_trunk": [heatmaps2d(ratio, "trunk") for ratio in TRUNK_RATIOS],
        "2d_upsampled": [heatmaps2d(ratio, "upsampled") for ratio in RATIOS],
    }
    return {way: {config.bins: config for config in configs} for way, configs in made.items()}


def tracker_columns(detector: DetectorConfig) -> dict[str, dict[int, NetworkConfig]]:
    """The lower half of Table 1: the tracker around a detector, and the recurrent 2D tracker on its
    trunk, at each resolution L that can be had.

    Returns:
        ``"1d"`` and ``"2d"`` → L → config.
    """
    tracker = TrackerConfig(**detector.as_dict() | {"scheme": detector.scheme})
    made = {
        "1d": [tracker.with_bins(round(ratio * detector.size)) for ratio in RATIOS],
        "2d": [recurrent2d(detector, ratio) for ratio in TRUNK_RATIOS],
    }
    return {way: {config.bins: config for config in configs} for way, configs in made.items()}


# Counting -----------------------------------------------------------------------------------------


def _on_meta(config: NetworkConfig) -> tuple[LandmarkNetwork, Tensor]:
    with torch.device("meta"):
        return build(config).train(), torch.empty(PICTURES, 3, config.size, config.size)


@contextmanager
def saved_by_autograd(network: LandmarkNetwork, *there: Tensor) -> Iterator[Callable[[], int]]:
    """What operations within the block save, in bytes, but for the network and what is `there`."""
    storages = {}

    def note(tensor: Tensor) -> Tensor:
        # A meta tensor has no address; its storage has. Held, so that no other is given its place.
        storage = tensor.untyped_storage()
        storages[storage._cdata] = storage
        return tensor

    def count() -> int:
        left_out = {
            tensor.untyped_storage()._cdata
            for tensor in (*network.parameters(), *network.buffers(), *there)
        }
        return sum(s.nbytes() for key, s in storages.items() if key not in left_out)

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        yield count
