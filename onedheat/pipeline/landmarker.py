"""From a photo to faces: boxes found or given, each looked at, and what is no face left out."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import ArrayLike

from onedheat.calibration import DecoderCalibration
from onedheat.data.images import as_rgb, read_image
from onedheat.engines import Engine, make_engine
from onedheat.faces import (
    FINDERS,
    Boxes,
    Scores,
    centered_in,
    make_finder,
    unsuppressed,
)
from onedheat.geometry import box_overlap, box_overlaps, square_box
from onedheat.landmarks import Scheme, scheme
from onedheat.models import LandmarkNetwork
from onedheat.pipeline.locating import Face, Located, calibration_of, landmarks_box, locate

if TYPE_CHECKING:
    from onedheat.pipeline.tracking import FaceTracker

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Found:
    """What a search for faces came to.

    Attributes:
        faces: surest first.
        proposed: boxes that the finder took for faces.
        asked: the mean peak that landmarks had to reach, see `Landmarker.least_peak`.
        highest: the highest mean peak of any box that was looked at; None where there was none.
    """

    faces: list[Face]
    proposed: int
    asked: float
    highest: float | None

    def why_none(self) -> str:
        """Why there are no faces, in words; "" where there are some."""
        if self.faces:
            return ""
        if not self.proposed:
            return "the face finder sees none"
        boxes = "a box" if self.proposed == 1 else f"{self.proposed} boxes"
        said = f"the face finder proposes {boxes}, and"
        if self.highest is None or self.highest >= self.asked:
            return f"{said} a second look finds the landmarks elsewhere"
        reached = math.floor(100 * self.highest) / 100  # not rounded up to what is asked for
        return f"{said} the landmarks there peak at {reached:.2f}, below min_peak {self.asked:.2f}"


MIN_PEAK = 0.5
"""A box whose landmarks have a lower mean peak than that holds no face, unless its finder names another
`min_peak`: what YuNet is sure of is a face even where the landmarks are hard to see, while half of
what the cascade finds is none and has landmarks with peaks up to 0.52. It is the peak as the network
gives it, whatever calibration makes of it, so that no calibration changes what is found."""

MIN_PLACED_PEAK = 0.4
"""What is asked at most of weights that know their `place`: those are of one's own, often few, faces, and
their peaks are lower. With 6 points of an eye from 40 faces the cascade lost 39 of them at its own 0.55,
and 12 at 0.4."""

WIDER = 1.2
"""The box at a place is wider by so much, as a small part of a face is not always just there; still within
what training shows."""

MIN_AGREEMENT = 0.6
"""Least overlap (IoU) of the boxes that the first and the second look ask for; faces have 0.85."""

SAME_FACE = 0.4
"""Boxes that overlap by more (IoU) after the second look are one face; so are a box and one around
its nose or mouth."""


MOST_PHOTOS = 4.0
"""A box may be so many times as wide as the longer side of the photo; around a face it is seldom as wide
as that, and what is wider costs memory by its square."""

if hasattr(os, "register_at_fork"):  # Windows has no forks
    # PyTorch's threads are not forked, and a child that counts on them would wait for ever.
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class Landmarker:
    """Faces of ordinary images, as ordinary arrays.

    It can be copied, and sent to other processes if its `finder` is named or can be sent. Processes that
    `multiprocessing` forks may use it too, each on one thread.

    Args:
        detector: the network; it is put into eval mode.
        decoder: how a coordinate is read off the network's output, one of its `decoders`; for the
            detector ``"dark"`` (the default), ``"centroid"`` or ``"argmax"``.
        flip: also look at each face in the mirror and average; twice the time, a little more exact.
        engine: what runs the network, see `onedheat.engines`; by default the network as it is.
        finder: ``"auto"``, ``"yunet"`` or ``"cascade"`` (see `onedheat.faces`), or a function that
            takes an image (H, W, 3) and gives boxes (K, 4) and scores (K,). A named one is made when
            it is first needed.
        min_peak: a box whose landmarks have a lower mean peak than that holds no face, in [0, 1]; by
            default what `least_peak` says. Weights of a short training may need less.

    Raises:
        ValueError: no such decoder or finder, or a `min_peak` outside [0, 1].
    """

    def __init__(
        self,
        detector: LandmarkNetwork,
        *,
        decoder: str | None = None,
        flip: bool = False,
        engine: Engine | None = None,
        finder: str | Callable[[Image], tuple[Boxes, Scores]] = "auto",
        min_peak: float | None = None,
    ):
        decoder = detector.chosen(decoder)
        if isinstance(finder, str) and finder not in FINDERS:
            raise ValueError(f"no face finder {finder!r}; there are: {', '.join(FINDERS)}")
        if min_peak is not None and not 0 <= min_peak <= 1:
            raise ValueError(f"min_peak must be from 0 to 1, got {min_peak}")
        self.detector = detector.to(memory_format=torch.channels_last).eval()
        self.engine = engine
        self.decoder = decoder
        self.flip = flip
        self.min_peak = min_peak
        self._finder = finder

    def __getstate__(self) -> dict:
        """All but a finder that can be made anew from its name: OpenCV's cannot be pickled."""
        state = dict(vars(self))
        if isinstance(self._finder, str):
            state.pop("finder", None)
        return state

    @property
    def scheme(self) -> Scheme:
        """What its landmarks are: names, mirror pairs, areas, lines."""
        return scheme(self.detector.config.scheme)

    @property
    def calibration(self) -> DecoderCalibration | None:
        """What σ and confidence are corrected by: what these weights know of this decoder, if anything."""
        return calibration_of(self.detector, self.decoder)

    @cached_property
    def finder(self) -> Callable[[Image], tuple[Boxes, Scores]]:
        """What looks for faces where no boxes are given.

        Raises:
            FinderError: YuNet was asked for by name and cannot be used.
        """
        return make_finder(self._finder) if isinstance(self._finder, str) else self._finder

    @property
    def least_peak(self) -> float:
        """The mean peak that landmarks must reach to be a face's: `min_peak`, or what the finder asks, and
        of weights that know their place `MIN_PLACED_PEAK` at most."""
        if self.min_peak is not None:
            return self.min_peak
        asked = getattr(self.finder, "min_peak", MIN_PEAK)
        return asked if self.detector.place is None else min(asked, MIN_PLACED_PEAK)

    def tracker(self, **settings) -> "FaceTracker":
        """What follows faces through a video, frame by frame; see `FaceTracker` for the settings."""
        from onedheat.pipeline.tracking import FaceTracker

        return FaceTracker(self, **settings)

    def __call__(
        self,
        image: str | os.PathLike | np.ndarray,
        boxes: ArrayLike | None = None,
    ) -> list[Face]:
        """The faces of an image.

        Without boxes the finder proposes some, the network looks at each, and then once more at the
        box that its own landmarks ask for. Weights for points of one's own know where in a face these
        lie: such a network looks there first. What it is not sure of, or does not confirm on the last
        look, is no face; boxes that arrive at the same face count once.

        Args:
            image: path of an image file, or (H, W, 3) uint8 RGB; grey and RGBA too.
            boxes: (K, 4) edges x0, y0, x1, y1 in pixels, each around one face, close to
                `tight_box(landmarks, 1.25)`. Then there is one look at exactly these boxes (one that
                is not square is widened to be) and one face for each, in their order.

        Returns:
            Faces; those the finder found, surest first.

        Raises:
            ImageError: an image that cannot be used.
            ValueError: boxes that are none; the message names the first. Without boxes see `find`.
        """
        if boxes is None:
            return self.find(image).faces
        image = _as_image(image)
        return self._in_boxes(image, _squared(boxes, image))

    def find(self, image: str | os.PathLike | np.ndarray) -> Found:
        """The faces that the finder sees and the network confirms, and why there are no others.

        Args:
            image: path of an image file, or (H, W, 3) uint8 RGB; grey and RGBA too.

        Raises:
            FinderError: YuNet was asked for by name and cannot be used.
            ImageError: an image that cannot be used.
            ValueError: a network that does not say how sure it is, or gives values that are not finite.
        """
        image = _as_image(image)
        if not self.detector.has_confidence:
            raise ValueError(
                f"a {self.detector.config.kind} network does not say how sure it is, and so cannot tell "
                "faces from what a finder takes for one; give boxes=…"
            )
        proposed, _ = self.finder(image)
        return self._confirmed(image, proposed)

    def _locate(self, image: Image, boxes: Boxes) -> Located:
        located = self.locate([image] * len(boxes), boxes)
        located.demand_finite(confidence=self.detector.has_confidence)
        return located

    def locate(
        self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], boxes: Float[np.ndarray, "batch 4"]
    ) -> Located:
        """Landmarks in boxes of many images, one look at each; see `locate`."""
        how = {"decoder": self.decoder, "flip": self.flip, "engine": self.engine}
        return locate(self.detector, images, boxes, **how)

    def _in_boxes(self, image: Image, boxes: Boxes) -> list[Face]:
        located = self._locate(image, boxes)
        around = [
            box if (found := landmarks_box(points)) is None else found
            for points, box in zip(located.landmarks, boxes, strict=True)
        ]
        return [located.face(index, box) for index, box in enumerate(around)]

    def _redrawn(self, image: Image, boxes: Boxes) -> Float[np.ndarray, "redrawn 4"]:
        """The boxes that the landmarks found in these ask for; none for landmarks on one spot."""
        first = self._locate(image, boxes)
        redrawn = [box for points in first.landmarks if (box := landmarks_box(points)) is not None]
        return np.array(redrawn).reshape(-1, 4)

    def _confirmed(self, image: Image, proposed: Boxes) -> Found:
        boxes = proposed
        if (place := self.detector.place) is not None:
            around = place._replace(scale=WIDER * place.scale)
            boxes = self._redrawn(image, around(boxes))
        redrawn = self._redrawn(image, boxes)
        second = self._locate(image, redrawn)
        least = self.least_peak
        peaks = second.peak.mean(axis=1)
        confirmed = {
            index: after
            for index, before in enumerate(redrawn)
            if (after := landmarks_box(second.landmarks[index])) is not None
            and box_overlap(before, after) >= MIN_AGREEMENT
            and peaks[index] >= least
        }
        faces = [second.face(index, box) for index, box in confirmed.items()]
        boxes = np.array([face.box for face in faces]).reshape(-1, 4)
        same = (box_overlaps(boxes) > SAME_FACE) | centered_in(boxes)
        kept = [faces[index] for index in unsuppressed(same, peaks[list(confirmed)])]
        highest = float(peaks.max()) if len(peaks) else None
        faces = sorted(kept, key=lambda face: -face.score)
        return Found(faces, len(proposed), least, highest)


def _as_image(image: str | os.PathLike | np.ndarray) -> Image:
    return read_image(image) if isinstance(image, str | os.PathLike) else as_rgb(image)


def load(
    name: str | Path,
    *,
    decoder: str | None = None,
    flip: bool = False,
    finder: str | Callable[[Image], tuple[Boxes, Scores]] = "auto",
    engine: str = "auto",
    device: str | torch.device = "cpu",
    min_peak: float | None = None,
) -> Landmarker:
    """A landmarker with the weights of that name.

    Args:
        name: a shipped name (``"tiny68"``), a folder, a hub id ``"user/repository"``, or a file
            ``….onnx`` made by `onedheat export`.
        decoder: see `Landmarker`.
        flip: see `Landmarker`.
        finder: see `Landmarker`.
        engine: ``"torch"``, ``"onnx"`` or ``"auto"``, the fastest of them that can be had; see
            `onedheat.engines.make_engine`. All give the same landmarks.
        device: where the network runs.
        min_peak: see `Landmarker`.

    Raises:
        CheckpointError: no such weights, or damaged ones; like all errors of `onedheat.errors` an
            `onedheat.OnedheatError`.
        EngineError: an engine that cannot be had here.
        TypeError: a name that is no text and no path.
        ValueError: no such decoder, finder or engine, or a device that cannot be had here.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(
            f"weights are named by text or a path, not by {name!r}; give 'tiny68', a folder or a hub id"
        )
    _demand_device(device)
    detector, runs = make_engine(name, engine, device)
    return Landmarker(
        detector, decoder=decoder, flip=flip, engine=runs, finder=finder, min_peak=min_peak
    )


def _demand_device(device: str | torch.device) -> None:
    try:
        torch.empty(0, device=torch.device(device))
    except (AssertionError, RuntimeError, TypeError) as error:  # torch's, each for another device
        raise ValueError(
            f"device {str(device)!r} cannot be had here; give device='cpu', or one that this machine and "
            "its PyTorch have"
        ) from error


def _squared(boxes: object, image: Image) -> Boxes:
    """A caller's boxes, checked against the image, each as the smallest square that holds it."""
    try:
        boxes = np.asarray(boxes, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"boxes must be numbers of shape (faces, 4); got {boxes!r}") from error
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        hint = "; for one box give [box]" if boxes.shape == (4,) else ""
        raise ValueError(f"boxes must have the shape (faces, 4), got {boxes.shape}{hint}")
    height, width = image.shape[:2]
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        fault = None
        if not np.isfinite(boxes[index]).all():
            fault = "has edges that are not finite"
        elif not (x1 > x0 and y1 > y0):
            fault = "has no area; expected x0 < x1 and y0 < y1 (edges, not a width and a height)"
        elif x1 <= -0.5 or y1 <= -0.5 or x0 >= width - 0.5 or y0 >= height - 0.5:
            fault = f"lies outside the image, which is {width} × {height} pixels"
        elif max(x1 - x0, y1 - y0) > MOST_PHOTOS * max(width, height):
            fault = (
                f"is more than {MOST_PHOTOS:g} times as wide as the image, which is {width} × {height} "
                "pixels; give one close around a face"
            )
        if fault:
            raise ValueError(f"box {index} {fault}: got {boxes[index].tolist()}")
    low, high = boxes[:, :2], boxes[:, 2:]
    centers, sides = (low + high) / 2, (high - low).max(axis=1)
    return np.array(
        [square_box(center, side) for center, side in zip(centers, sides.tolist(), strict=True)]
    )
