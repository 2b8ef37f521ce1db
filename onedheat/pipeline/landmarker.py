"""From a photo to faces: boxes, crops, network, landmarks with their uncertainty."""

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from onedheat.calibration import DecoderCalibration
from onedheat.data.images import as_rgb, read_image
from onedheat.engines import Engine, OnnxEngine, make_engine
from onedheat.faces import FINDERS, Boxes, Scores, centered_in, make_finder, unsuppressed
from onedheat.geometry import Box, Crop, box_overlap, box_overlaps, square_box, tight_box, warp
from onedheat.landmarks import Scheme, scheme
from onedheat.models import LandmarkNetwork, Reading
from onedheat.threads import one_thread

if TYPE_CHECKING:
    from onedheat.pipeline.tracking import FaceTracker

Image = UInt8[np.ndarray, "height width 3"]

MIN_PEAK = 0.5
"""A box whose landmarks have a lower mean peak than that holds no face, unless its finder names another
`min_peak`: what YuNet is sure of is a face even where the landmarks are hard to see, while half of
what the cascade finds is none and has landmarks with peaks up to 0.5. It is the peak as the network
gives it, whatever calibration makes of it, so that no calibration changes what is found."""

MIN_AGREEMENT = 0.6
"""Least overlap (IoU) of the boxes that the first and the second look ask for; faces have 0.85."""

FEW = 4
"""Faces whose vectors one thread reads as fast as two."""

SAME_FACE = 0.4
"""Boxes that overlap by more (IoU) after the second look are one face; so are a box and one around
its nose or mouth."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a photo, in pixels of the photo.

    Attributes:
        landmarks: (N, 2), x and y; pixel centres are integers and the first is 0.
        sigma: (N, 2), standard deviation of each coordinate: of calibrated weights the distance within
            which two thirds of its errors lie.
        box: (4,) edges x0, y0, x1, y1 of `tight_box(landmarks, 1.25)`.
        confidence: (N,) in [0, 1]. Of calibrated weights the probability that a landmark is right,
            which means within 5 % of the inter-ocular distance (`Calibration.radius`) of where people
            put it; of others how high its peaks are.
    """

    landmarks: Float[np.ndarray, "landmarks 2"]
    sigma: Float[np.ndarray, "landmarks 2"]
    box: Box
    confidence: Float[np.ndarray, "landmarks"]

    @property
    def score(self) -> float:
        """Mean confidence, in [0, 1]: of calibrated weights the share of landmarks that are right."""
        return float(self.confidence.mean())


class Landmarker:
    """Faces of ordinary images, as ordinary arrays.

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
            default the finder's own `min_peak`, or `MIN_PEAK`.

    Raises:
        ValueError: no such decoder or finder.
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
        self.detector = detector.to(memory_format=torch.channels_last).eval()
        self.engine = engine
        self.decoder = decoder
        self.flip = flip
        self.min_peak = min_peak
        self._finder = finder

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
        """The mean peak that landmarks must reach to be a face's: `min_peak`, or what the finder asks."""
        if self.min_peak is not None:
            return self.min_peak
        return getattr(self.finder, "min_peak", MIN_PEAK)

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
        box that its own landmarks ask for. What it is not sure of, or does not confirm on the second
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
            ValueError: boxes that are none; the message names the first.
        """
        is_path = isinstance(image, str | os.PathLike)
        image = read_image(image) if is_path else as_rgb(image)
        if boxes is not None:
            return self._in_boxes(image, _squared(boxes, image))
        if not self.detector.has_confidence:
            raise ValueError(
                f"a {self.detector.config.kind} network does not say how sure it is, and so cannot tell "
                "faces from what a finder takes for one; give boxes=…"
            )
        proposed, _ = self.finder(image)
        return self._confirmed(image, proposed)

    def _locate(self, image: Image, boxes: Boxes) -> "Located":
        located = self.locate([image] * len(boxes), boxes)
        located.demand_finite(confidence=self.detector.has_confidence)
        return located

    def locate(
        self, images: Sequence[UInt8[np.ndarray, "_ _ 3"]], boxes: Float[np.ndarray, "batch 4"]
    ) -> "Located":
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

    def _confirmed(self, image: Image, proposed: Boxes) -> list[Face]:
        first = self._locate(image, proposed)
        redrawn = [box for points in first.landmarks if (box := landmarks_box(points)) is not None]
        second = self._locate(image, np.array(redrawn).reshape(-1, 4))
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
        return sorted(kept, key=lambda face: -face.score)


def load(
    name: str | Path,
    *,
    decoder: str | None = None,
    flip: bool = False,
    finder: str | Callable[[Image], tuple[Boxes, Scores]] = "auto",
    engine: str = "auto",
    device: str | torch.device = "cpu",
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

    Raises:
        CheckpointError: no such weights, or damaged ones.
        EngineError: an engine that cannot be had here.
        ValueError: no such decoder, finder or engine.
    """
    detector, runs = make_engine(name, engine, device)
    return Landmarker(detector, decoder=decoder, flip=flip, engine=runs, finder=finder)


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
        if fault:
            raise ValueError(f"box {index} {fault}: got {boxes[index].tolist()}")
    low, high = boxes[:, :2], boxes[:, 2:]
    centers, sides = (low + high) / 2, (high - low).max(axis=1)
    return np.array(
        [square_box(center, side) for center, side in zip(centers, sides.tolist(), strict=True)]
    )


def landmarks_box(landmarks: Float[np.ndarray, "landmarks 2"]) -> Box | None:
    """`tight_box(landmarks, 1.25)`, or None where the landmarks lie on one spot."""
    if math.isclose(np.ptp(landmarks, axis=0).max(), 0, abs_tol=1e-6):
        return None
    return tight_box(landmarks)


@dataclass(frozen=True, eq=False)
class Located:
    """Landmarks found in a batch of boxes, in pixels of the photos.

    Attributes:
        landmarks: (B, N, 2).
        sigma: (B, N, 2), standard deviation of each coordinate along the axes of the box.
        confidence: (B, N) in [0, 1]; see `Face`.
        peak: (B, N) in [0, 1], mean peak of the two vectors.
    """

    landmarks: Float[np.ndarray, "batch landmarks 2"]
    sigma: Float[np.ndarray, "batch landmarks 2"]
    confidence: Float[np.ndarray, "batch landmarks"]
    peak: Float[np.ndarray, "batch landmarks"]

    def demand_finite(self, *, confidence: bool = True) -> None:
        """Refuses what a broken network gives; `confidence` says whether it should have any.

        Raises:
            ValueError: values that are not finite.
        """
        sure = np.isfinite(self.confidence).all() or not confidence
        if not (np.isfinite(self.landmarks).all() and sure):
            raise ValueError(
                "the network gave values that are not finite: its weights are damaged or its training "
                "diverged; load another checkpoint"
            )

    def face(self, index: int, box: Box) -> Face:
        """One of them as a `Face`, with that box."""
        return Face(self.landmarks[index], self.sigma[index], box, self.confidence[index])


def to_batch(pictures: Sequence[UInt8[np.ndarray, "size size 3"]], device=None) -> Tensor:
    """Pictures (H, W, 3) uint8 as a float batch (B, 3, H, W) in [0, 1], channels last in memory."""
    stacked = torch.from_numpy(np.stack(pictures)).to(device)
    return stacked.permute(0, 3, 1, 2).float().div(255)


def cut_out(
    images: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    boxes: Float[np.ndarray, "batch 4"],
    size: int,
    device=None,
) -> tuple[Float[Tensor, "batch 3 size size"], list[Crop]]:
    """What is in the boxes as a network's input, and how each was cut from its photo."""
    crops = [Crop.from_box(box, size) for box in boxes]
    pictures = [warp(image, crop) for image, crop in zip(images, crops, strict=True)]
    return to_batch(pictures, device), crops


def locate(
    detector: LandmarkNetwork,
    images: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    boxes: Float[np.ndarray, "batch 4"],
    *,
    decoder: str | None = None,
    flip: bool = False,
    engine: Engine | None = None,
    batch_size: int = 32,
) -> Located:
    """Landmarks of the face in each box, one network pass each; σ and confidence calibrated.

    Args:
        detector: in eval mode.
        images: one photo per box, RGB.
        boxes: (B, 4) edges in pixels, close to `tight_box(landmarks, 1.25)`.
        decoder: how a coordinate is read off the network's output; its own default for None.
        flip: also look at the mirrored face, and average.
        engine: what runs the network; by default it is run as it is, where its weights are.
        batch_size: faces per forward pass.
    """
    config = detector.config
    device = engine.device if engine else next(detector.parameters()).device
    landmarks = np.zeros((len(boxes), config.landmarks, 2))
    sigma, confidence, peak = landmarks.copy(), landmarks[..., 0].copy(), landmarks[..., 0].copy()
    calibration = calibration_of(detector, decoder)

    def read(pictures):
        # Where PyTorch does not run the network, what is left to it for a few faces is small.
        small = isinstance(engine, OnnxEngine) and len(pictures) <= FEW
        with one_thread() if small else nullcontext():
            return read_pictures(detector, pictures, decoder, flip=flip, engine=engine)

    for start in range(0, len(boxes), batch_size):
        batch = slice(start, start + batch_size)
        faces = cut_out(images[batch], boxes[batch], config.size, device)
        found = locate_by(read, *faces, calibration)
        landmarks[batch], sigma[batch] = found.landmarks, found.sigma
        confidence[batch], peak[batch] = found.confidence, found.peak
    return Located(landmarks, sigma, confidence, peak)


def locate_by(
    read: Callable[[Float[Tensor, "batch 3 size size"]], Located],
    pictures: Float[Tensor, "batch 3 size size"],
    crops: Sequence[Crop],
    calibration: DecoderCalibration | None,
) -> Located:
    """Landmarks in photos, by whatever reads them off pictures of faces.

    Args:
        read: what it finds in the pictures, in pixels of these and not calibrated.
        pictures: and
        crops: how each was cut from its photo, as `cut_out` gives them; at least one.
        calibration: what σ and confidence are corrected by.
    """
    found = read(pictures)
    if calibration:  # in pixels of the crop: it holds for faces of any size
        found = calibrated(found, calibration)
    landmarks = [crop.to_photo(points) for crop, points in zip(crops, found.landmarks, strict=True)]
    # The size of a picture's pixel, in the photo's.
    pixel = np.array([crop.inverse.diagonal()[:2] for crop in crops])
    return replace(found, landmarks=np.stack(landmarks), sigma=found.sigma * pixel[:, None])


def calibration_of(detector: LandmarkNetwork, decoder: str | None) -> DecoderCalibration | None:
    """What a network's weights know of a decoder's errors; None for weights that know nothing."""
    known = detector.calibration
    return known and known.decoders.get(detector.chosen(decoder))


def calibrated(found: Located, calibration: DecoderCalibration) -> Located:
    """What was found in pictures that are the network's input, with σ and confidence corrected."""
    return replace(
        found, sigma=calibration.correct(found.sigma), confidence=calibration.confidence(found.peak)
    )


@torch.inference_mode()
def read_pictures(
    detector: LandmarkNetwork,
    pictures: Float[Tensor, "batch 3 size size"],
    decoder: str | None = None,
    *,
    flip: bool = False,
    engine: Engine | None = None,
) -> Located:
    """Landmarks of pictures that are the network's input already, in pixels of these pictures.

    σ and confidence are as the network gives them, not calibrated. With `flip` each picture is also
    looked at in the mirror, and the two answers are averaged.
    """
    run = engine or detector
    located = as_located(detector.read(run(pictures), decoder))
    if not flip:
        return located
    mirrored = as_located(detector.read(run(pictures.flip(-1)), decoder))
    order = list(scheme(detector.config.scheme).mirror)
    back = mirrored.landmarks[:, order]
    back[..., 0] = detector.config.size - 1 - back[..., 0]
    sigma = (located.sigma + mirrored.sigma[:, order]) / 2
    peak = (located.peak + mirrored.peak[:, order]) / 2
    return Located((located.landmarks + back) / 2, sigma, confidence=peak, peak=peak)


def as_located(reading: Reading) -> Located:
    landmarks, sigma, peak = (values.double().cpu().numpy() for values in reading)
    return Located(landmarks, sigma, confidence=peak, peak=peak)
