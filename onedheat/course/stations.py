"""The way of one face through a detector: what every step makes of it, kept by forward hooks."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from onedheat.data.images import RGB
from onedheat.geometry import Crop, warp
from onedheat.heatmaps import heights
from onedheat.models import Detector
from onedheat.models.hourglass import Hourglass, Trunk
from onedheat.pipeline import Face, Landmarker, cut_out
from onedheat.plots import FaceView
from onedheat.plots.inside import WayThrough
from onedheat.plots.stations import Station

AXES = ("x", "y")


class Stop(NamedTuple):
    """A module whose output is shown.

    Attributes:
        name: of the step; ``{side}`` stands for the last length of its output's shape.
        does: what happens there, with the same gap.
        module: whose output is kept.
        parts: modules and parameters whose weights are counted here.
        takes: which of several outputs is meant.
    """

    name: str
    does: str
    module: nn.Module
    parts: Sequence[nn.Module | nn.Parameter]
    takes: int | None = None


def way_through(landmarker: Landmarker, name: str, photo: RGB, face: Face) -> WayThrough:
    """A face's way through the landmarker's network, as a picture that can be moved.

    Args:
        landmarker: with a `Detector`.
        name: whose face.
        photo: that it was found on.
        face: one of the photo's faces.
    """
    size = landmarker.detector.config.size
    device = next(landmarker.detector.parameters()).device
    seen, _ = cut_out([photo], face.box[None], size, device)
    ways = stations(landmarker.detector, seen, landmarker.decoder)
    found = ways["x"][-1].values
    finer = warp(photo, Crop.from_box(face.box, 512))
    return WayThrough(FaceView(name, finer, size, found, landmarker.scheme), ways)


@torch.inference_mode()
def stations(detector: Detector, picture: Tensor, decoder: str | None = None) -> dict[str, list]:
    """Every step from a picture (1, 3, F, F) to its landmarks, for ``"x"`` and for ``"y"``.

    The steps up to the trunk's features are the same `Station` objects in both.
    """
    shared = trunk_stops(detector.trunk)
    parted = {axis: axis_stops(detector, axis) for axis in AXES}
    with outputs_of([stop.module for stop in (*shared, *parted["x"], *parted["y"])]) as kept:
        heatmaps = detector(picture)
    landmarks = detector.read(heatmaps, decoder).landmarks
    begin = [
        Station(
            "picture", "The face, cut out and scaled to the network's size.", "picture",
            _plain(picture), 0,
        ),
        *(_station(stop, kept) for stop in shared),
    ]  # fmt: skip
    ways = {}
    for axis, vectors in zip(AXES, heatmaps, strict=True):
        bins = vectors.shape[-1]
        *compressing, last = parted[axis]
        ways[axis] = [
            *begin,
            *(_station(stop, kept, axis) for stop in compressing),
            Station(
                last.name, last.does.format(side=bins), "vectors",
                _plain(heights(vectors, **detector.config.meaning)), weights_of(last.parts), axis,
            ),
            Station(
                "landmarks", f"Each vector is read for its peak: one {axis} a landmark (Eq. 7).",
                "landmarks", _plain(landmarks), 0, axis,
            ),
        ]  # fmt: skip
    return ways


def trunk_stops(trunk: Trunk) -> list[Stop]:
    """The steps of the trunk, each weight of it in exactly one."""
    stem = list(trunk.stem)
    stops = [
        Stop(
            "first convolution",
            "The 7×7 convolution of the stem halves the picture.",
            stem[2],
            stem[:3],
        ),
        Stop(
            "first block", "Three convolutions in a row, their outputs joined.", stem[3], stem[3:4]
        ),
        Stop("end of the stem", "Halved once more; two blocks widen it.", stem[-1], stem[4:]),
    ]
    several = len(trunk.hourglasses) > 1
    for number, (hourglass, head) in enumerate(zip(trunk.hourglasses, trunk.heads, strict=True)):
        which = f"hourglass {number + 1}, " if several else "hourglass, "
        stops += hourglass_stops(hourglass, which)
        links = [trunk.links[number]] if number < len(trunk.links) else []
        stops.append(
            Stop(
                "features" if not links else f"features {number + 1}",
                "What the trunk hands on: a list of numbers for each position.",
                head,
                [head, *links],
            )
        )
    return stops


def hourglass_stops(hourglass: Hourglass, which: str) -> list[Stop]:
    """Down to the smallest features and back."""
    levels = [hourglass]
    while isinstance(levels[-1].inner, Hourglass):
        levels.append(levels[-1].inner)
    *above, deepest = levels
    down = [
        Stop(
            which + "down {side}",
            "Averaged over 2×2 positions: half the size, a wider view.",
            level.down,
            [level.down],
        )
        for level in above
    ]
    bottom = Stop(
        which + "bottom {side}",
        "{side} × {side} positions; each sees the whole face.",
        deepest.inner,
        [deepest.down, deepest.inner],
    )
    up = [
        Stop(
            which + "up {side}",
            "Doubled, and what was seen at this size before is added.",
            level,
            [level.skip, level.up],
        )
        for level in reversed(levels)
    ]
    return [*down, bottom, *up]


def axis_stops(detector: Detector, axis: str) -> list[Stop]:
    """From the features to the vectors of one axis."""
    other = "y" if axis == "x" else "x"
    first, second = getattr(detector, f"first_{axis}"), getattr(detector, f"second_{axis}")
    shares = detector.coattention.q if axis == "x" else detector.coattention.p
    return [
        *(
            Stop(
                f"CNN₁, {other} to {{side}}",
                f"A convolution strides along {other} alone: {{side}} positions are left of it.",
                module,
                [module],
            )
            for module in first
        ),
        Stop(
            "co-attention",
            f"Each {axis} position adds γ times what it gathered from those of {other} (Eq. 10).",
            detector.coattention,
            [shares],
            takes=0 if axis == "x" else 1,
        ),
        Stop(
            f"CNN₂, {other} to {{side}}",
            f"One more stride along {other}.",
            second.halve,
            [second.halve],
        ),
        Stop(
            f"CNN₂, {other} to {{side}}",
            f"The rest of {other} is folded away: a list of numbers for each {axis} position.",
            second.flatten,
            [second.flatten],
        ),
        Stop(
            "deconvolution",
            f"Each {axis} position becomes M bins of every landmark: {{side}} bins in all (Eq. 6).",
            second.deconvolution,
            [second.deconvolution],
        ),
    ]


@contextmanager
def outputs_of(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Any]]:
    """What each of some modules gives in the forward pass that is run within the block."""
    kept: dict[nn.Module, Any] = {}

    def keep(module: nn.Module, _inputs: Any, output: Any) -> None:
        # A ReLU that works in place may write over it later.
        several = isinstance(output, tuple)
        kept[module] = tuple(one.clone() for one in output) if several else output.clone()

    handles = [module.register_forward_hook(keep) for module in dict.fromkeys(modules)]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


def weights_of(parts: Sequence[nn.Module | nn.Parameter]) -> int:
    """How many numbers are trained in some modules and parameters."""
    return sum(
        part.numel()
        if isinstance(part, nn.Parameter)
        else sum(weight.numel() for weight in part.parameters())
        for part in parts
    )


def _station(stop: Stop, kept: Mapping[nn.Module, Any], axis: str = "") -> Station:
    output = kept[stop.module]
    values = _plain(output if stop.takes is None else output[stop.takes])
    side = values.shape[-1]
    name, does = stop.name.format(side=side), stop.does.format(side=side)
    return Station(name, does, "features", values, weights_of(stop.parts), axis)


def _plain(output: Tensor) -> np.ndarray:
    """The output for the first picture of a batch, as an array."""
    return output[0].detach().cpu().double().numpy()
