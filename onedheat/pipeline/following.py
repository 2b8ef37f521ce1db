"""How the faces of one frame are looked at: in one pass or in two, with what a network remembers.

Fast, in *one pass*: the network is shown the box where the last frame's landmarks say that the face
should be. As the paper has it (section 5.1), in *two*: landmarks are detected, the box is drawn anew
around them (`paper_box`), and what lies in that box is tracked; so the box depends on this frame alone.

A tracker network remembers: what the detector inside it finds is refined by what it found before.
Memory lies in the bins of the crop and moves with it. A detector remembers nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.data.images import RGB
from onedheat.engines import Engine, OnnxEngine, TorchEngine
from onedheat.engines.cache import cached_engine
from onedheat.geometry import paper_box
from onedheat.heatmaps import Heatmaps, confidence
from onedheat.landmarks import FACE_SIZE
from onedheat.models import ClipNetwork, LandmarkNetwork, Tracker
from onedheat.models.clips import join, parted
from onedheat.pipeline.landmarker import Landmarker
from onedheat.pipeline.locating import (
    Located,
    as_located,
    calibration_of,
    cut_out,
    enough_threads,
    landmarks_box,
    locate_by,
)

Boxes = Float[np.ndarray, "faces 4"]
Memory = tuple | None
"""What a network remembers of one face, a state of one face (see `onedheat.models.clips`); None of a
face that it has not seen yet, and of networks that remember nothing."""


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
            boxes = self._redrawn(detected, boxes)
        if self._memory:
            located, memories = self._memory.track(images, boxes, memories)
        else:
            located, memories = self.landmarker.locate(images, boxes), [None] * len(boxes)
        located.demand_finite()
        return located, memories

    def _redrawn(self, detected: Located, boxes: Boxes) -> Boxes:
        """The paper's boxes; one that was given where its landmarks lie on one spot."""
        apart = self.landmarker.scheme.normalising_distance(detected.landmarks)
        return np.stack([
            box if landmarks_box(points) is None else paper_box(points, float(distance))
            for points, distance, box in zip(detected.landmarks, apart, boxes, strict=True)
        ])  # fmt: skip


class _Recurrence:
    """A network with a memory, one frame at a time (Eq. 13 as a recurrence).

    The engine of a landmarker would run a tracker network on each frame as a clip of its own. Here it
    runs the detector inside, which is nearly all of the work, and PyTorch adds what is remembered.

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
        if isinstance(engine, OnnxEngine) and next(network.parameters()).is_meta:
            raise ValueError(
                f"an exported {network.config.kind} network sees each frame for the first time; to "
                "track give its weights"
            )
        self.landmarker, self.network = landmarker, network
        self._run = _without_memory(network, engine)

    def detect(self, images: Sequence[RGB], boxes: Boxes) -> Located:
        """What is found in each box without memory, as by the detector alone."""
        return self._locate(self._run, images, boxes)

    def track(
        self, images: Sequence[RGB], boxes: Boxes, memories: Sequence[Memory]
    ) -> tuple[Located, list[Memory]]:
        """What is found with the memory of each face, and its memory afterwards."""
        states = [self.network.start() if memory is None else memory for memory in memories]
        alone, after = [], []

        def step(pictures):
            if isinstance(self.network, Tracker):
                detected = Heatmaps(*self._run(pictures))
                alone.append(peaks_of(self.network, detected))
                output, state = self.network.refine(detected, join(states))
            else:
                output, state = self.network.step(pictures, join(states))
            after.append(state)
            return output

        located = self._locate(step, images, boxes)
        if alone:  # memory would go on seeing a face that has left
            located = replace(located, peak=alone[0].double().cpu().numpy())
        return located, parted(after[0])

    def _locate(self, run: Callable, images: Sequence[RGB], boxes: Boxes) -> Located:
        network, decoder = self.network, self.landmarker.decoder
        device = next(network.parameters()).device

        @torch.inference_mode()
        def read(pictures):
            return as_located(network.read(run(pictures), decoder))

        faces = cut_out(images, boxes, network.config.size, device)
        with enough_threads(self.landmarker.engine, len(boxes)):
            return locate_by(read, *faces, calibration_of(network, decoder))


def peaks_of(network: Tracker, detected: Heatmaps) -> Float[Tensor, "faces landmarks"]:
    """How high the detector inside a tracker peaks, mean of the two vectors, in [0, 1]."""
    both = torch.stack(list(detected)).float()
    return confidence(both, **network.config.meaning).mean(dim=0)


def without_memory(landmarker: Landmarker) -> Landmarker:
    """The detector inside a tracker, run as the tracker is run; one that remembers nothing as it is.

    Its σ is not calibrated: a tracker's calibration is of what it gives itself.

    Raises:
        ValueError: a tracker network that has no detector apart from itself.
    """
    network = landmarker.detector
    if not isinstance(network, ClipNetwork):
        return landmarker
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
