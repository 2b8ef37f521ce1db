"""How the faces of one frame are looked at: in one pass or in two, with what a network remembers.

Fast, in *one pass*: the network is shown the box where the last frame's landmarks say that the face
should be. As the paper has it (section 5.1), in *two*: landmarks are detected, the box is drawn anew
around them (`paper_box`), and what lies in that box is tracked. Where it lies depends on this frame alone.
How wide it is hangs on two corners of the eyes, which shake: a box that breathes with them would move all
landmarks to and fro, so its side follows that distance slowly.

A tracker network remembers: what the detector inside it finds is refined by what it found before.
Memory lies in the bins of the crop and moves with it. A detector remembers nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.data.images import RGB
from onedheat.engines import Engine, OnnxEngine, TorchEngine
from onedheat.engines.cache import cached_engine
from onedheat.geometry import Box, paper_box, square_box
from onedheat.heatmaps import Heatmaps
from onedheat.landmarks import FACE_SIZE
from onedheat.models import ClipNetwork, LandmarkNetwork, Tracker
from onedheat.models.clips import join, parted
from onedheat.pipeline.landmarker import Landmarker
from onedheat.pipeline.locating import (
    Located,
    as_located,
    correction_of,
    cut_out,
    enough_threads,
    landmarks_box,
    locate_by,
)

Boxes = Float[np.ndarray, "faces 4"]

NEW_SIDE = 0.25  # what a frame's own side counts in that of the box that is drawn anew
MAX_LEFT_BEHIND = 0.1  # that the side may be off by before it is this frame's own at once


@dataclass(frozen=True)
class Memory:
    """What is remembered of one face from the frames before.

    Attributes:
        state: what a network with a memory keeps of it, see `onedheat.models.clips`; None of others.
        side: of the box that was drawn anew for it, in pixels of the frame; None in one pass.
    """

    state: tuple | None = None
    side: float | None = None

    def scaled(self, factor: float) -> "Memory":
        """The same face in frames so many times as large."""
        return replace(self, side=None if self.side is None else self.side * factor)


NOTHING = Memory()
"""Of a face that has not been seen yet."""


class Follower:
    """Looks at faces where they should be.

    Args:
        landmarker: the network, and what reads and runs it.
        two_pass: draw the box anew in each frame, by the paper's protocol.

    Attributes:
        passes: how often the network runs a frame, 1 or 2.

    Raises:
        ValueError: a network that cannot say how sure it is, or a setting that it cannot follow.
    """

    def __init__(self, landmarker: Landmarker, *, two_pass: bool = False):
        network = landmarker.detector
        if not network.has_confidence:
            raise ValueError(
                f"a {network.config.kind} network does not say how sure it is, and so cannot tell when "
                "it has lost a face; track with a detector"
            )
        if two_pass and landmarker.scheme.normaliser == FACE_SIZE:
            raise ValueError(
                "two passes draw the paper's box, which is made from the distance of the eyes, and "
                f"{landmarker.scheme.name} is normalised by face size; track in one pass"
            )
        self.landmarker = landmarker
        self.passes = 2 if two_pass else 1
        self._memory = _Recurrence(landmarker) if isinstance(network, ClipNetwork) else None

    @property
    def remembers(self) -> bool:
        """Whether the network refines what it sees by what it saw."""
        return self._memory is not None

    def __call__(
        self, image: RGB, boxes: Boxes, memories: Sequence[Memory]
    ) -> tuple[Located, list[Memory]]:
        """Landmarks of the face in each box, and what is now remembered of it.

        Args:
            image: the frame.
            boxes: (K, 4) in pixels, close to `tight_box(landmarks, 1.25)`.
            memories: of each face, from its last frame.

        Raises:
            ValueError: the network gives values that are not finite.
        """
        return self.look([image] * len(boxes), boxes, memories)

    def look(
        self, images: Sequence[RGB], boxes: Boxes, memories: Sequence[Memory]
    ) -> tuple[Located, list[Memory]]:
        """The same for faces in frames of different videos, one for each box."""
        if not len(boxes):
            return self.landmarker.locate([], boxes), []
        if self.passes == 2:
            alone = self._memory.detect if self._memory else self.landmarker.locate
            detected = alone(images, boxes)
            detected.demand_finite()
            boxes = self._redrawn(detected, boxes, memories)
        states = [memory.state for memory in memories]
        if self._memory:
            located, states = self._memory.track(images, boxes, states)
        else:
            located = self.landmarker.locate(images, boxes)
        located.demand_finite()
        sides = (boxes[:, 2] - boxes[:, 0]).tolist() if self.passes == 2 else [None] * len(boxes)
        return located, [Memory(*pair) for pair in zip(states, sides, strict=True)]

    def _redrawn(self, detected: Located, boxes: Boxes, memories: Sequence[Memory]) -> Boxes:
        """The paper's boxes, steadied; one that was given where its landmarks lie on one spot."""
        apart = self.landmarker.scheme.normalising_distance(detected.landmarks)
        return np.stack([
            box
            if landmarks_box(points) is None
            else steadied(paper_box(points, float(distance)), memory.side)
            for points, distance, box, memory in zip(
                detected.landmarks, apart, boxes, memories, strict=True
            )
        ])  # fmt: skip


def steadied(box: Box, before: float | None) -> Box:
    """A box about the same centre, whose side follows slowly from what it was before.

    Args:
        box: (4,) of this frame, in pixels.
        before: the last frame's side; None of a face that is new.
    """
    now = float(box[2] - box[0])
    if before is None or abs(now / before - 1) > MAX_LEFT_BEHIND:
        return box
    return square_box((box[:2] + box[2:]) / 2, before + NEW_SIDE * (now - before))


class _Recurrence:
    """A network with a memory, one frame at a time (Eq. 13 as a recurrence).

    The engine of a landmarker runs a tracker network on each frame as a clip of its own. An exported one
    takes its memory and gives it back; otherwise the engine runs the detector inside, which is nearly all
    of the work, and PyTorch adds what is remembered.

    Raises:
        ValueError: mirrored faces are asked for, which would need a memory of their own, or the
            network was exported and its memory left behind.
    """

    def __init__(self, landmarker: Landmarker):
        network, engine = landmarker.detector, landmarker.engine
        if landmarker.flip:
            raise ValueError(
                f"a {network.config.kind} network remembers the face as it is; track without flip"
            )
        self.landmarker, self.network = landmarker, network
        self._exported = engine if isinstance(engine, OnnxEngine) and engine.remembers else None
        if next(network.parameters()).is_meta and self._exported is None:
            raise ValueError(
                f"this exported {network.config.kind} network keeps nothing from one frame to the next; "
                "to track give its weights, or export a tracker with this onedheat"
            )
        if self._exported:
            self._run, self._start = self._exported.detect, self._exported.start
        else:
            self._run, self._start = _without_memory(network, engine), network.start

    def detect(self, images: Sequence[RGB], boxes: Boxes) -> Located:
        """What is found in each box without memory, as by the detector alone."""
        return self._locate(self._run, images, boxes)

    def track(
        self, images: Sequence[RGB], boxes: Boxes, states: Sequence[tuple | None]
    ) -> tuple[Located, list[tuple]]:
        """What is found with the state of each face, None of a new one, and its state afterwards."""
        known = join([self._start() if state is None else state for state in states])
        peaks, after = None, None

        def step(pictures):
            nonlocal peaks, after
            output, peaks, after = self._step(pictures, known)
            return output

        located = self._locate(step, images, boxes)
        if peaks is not None:  # memory would go on seeing a face that has left
            located = replace(located, peak=peaks.cpu().double().numpy())
        return located, parted(after)

    def _step(self, pictures: Tensor, state: tuple) -> tuple[Any, Tensor | None, tuple]:
        """The output, how high the detector inside peaks where there is one, and the state afterwards."""
        if self._exported:
            return self._exported.step(pictures, state)
        if not isinstance(self.network, Tracker):
            output, after = self.network.step(pictures, state)
            return output, None, after
        detected = Heatmaps(*self._run(pictures))
        refined, after = self.network.refine(detected, state)
        return refined, self.network.peaks(detected), after

    def _locate(self, run: Callable, images: Sequence[RGB], boxes: Boxes) -> Located:
        network, landmarker = self.network, self.landmarker
        device = (self._exported or next(network.parameters())).device

        @torch.inference_mode()
        def read(pictures):
            return as_located(network.read(run(pictures), landmarker.decoder))

        faces = cut_out(images, boxes, network.config.size, device)
        with enough_threads(landmarker.engine, len(boxes)):
            return locate_by(read, *faces, correction_of(network, landmarker.decoder))


def without_memory(landmarker: Landmarker) -> Landmarker:
    """The detector inside a tracker, run as the tracker is run; one that remembers nothing as it is.

    Its σ is not calibrated: a tracker's calibration is of what it gives itself.

    Raises:
        ValueError: a tracker network that has no detector apart from itself, or was exported as a whole.
    """
    network = landmarker.detector
    if not isinstance(network, ClipNetwork):
        return landmarker
    if next(network.parameters()).is_meta:
        raise ValueError(
            f"an exported {network.config.kind} network has no detector apart; give its weights"
        )
    if not isinstance(network, Tracker):
        raise ValueError(
            f"a {network.config.kind} network has no detector apart from itself; give a tracker"
        )
    runs = landmarker.engine and _without_memory(network, landmarker.engine)
    return Landmarker(network.detector, decoder=landmarker.decoder, engine=runs)


def _without_memory(network: LandmarkNetwork, engine: Engine | None) -> Callable:
    """What finds heatmaps in pictures of faces: of a tracker the detector inside, run as it is run."""
    if not isinstance(network, Tracker):
        return network
    if isinstance(engine, OnnxEngine):
        return cached_engine(network.detector)
    if isinstance(engine, TorchEngine):
        return TorchEngine(network.detector, engine.device, engine.precision)
    return network.detect
