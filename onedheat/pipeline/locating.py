"""One look at the face in each box: cut out, through the network, landmarks with their uncertainty."""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from onedheat.calibration import DecoderCalibration
from onedheat.engines import Engine, OnnxEngine
from onedheat.geometry import Box, Crop, tight_box, warp
from onedheat.landmarks import scheme
from onedheat.models import LandmarkNetwork, Reading
from onedheat.threads import one_thread

_FEW = 4
"""Faces whose vectors one thread reads as fast as two."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a photo, in pixels of the photo.

    Attributes:
        landmarks: (N, 2), x and y; pixel centres are integers and the first is 0.
        sigma: (N, 2), standard deviation of each coordinate: of calibrated weights the distance within
            which two thirds of its errors lie; of others what the width of its peaks leaves open.
        box: (4,) edges x0, y0, x1, y1 of `tight_box(landmarks, 1.25)`.
        confidence: (N,) in [0, 1]. Of calibrated weights the probability that a landmark is right,
            which means within 5 % of the inter-ocular distance (`Calibration.radius`) of where people
            put it; of others how high its peaks are.
        score: their mean.
    """

    landmarks: Float[np.ndarray, "landmarks 2"]
    sigma: Float[np.ndarray, "landmarks 2"]
    box: Box
    confidence: Float[np.ndarray, "landmarks"]

    @property
    def score(self) -> float:
        """Mean confidence, in [0, 1]: of calibrated weights the share of landmarks that are right."""
        return float(self.confidence.mean())


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
        peak: (B, N) in [0, 1], mean peak of the two vectors; of a face that a tracker network follows,
            those of its detector, which sees this frame alone.
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


def enough_threads(engine: Engine | None, faces: int) -> AbstractContextManager[None]:
    """One thread for the reading of a few faces, where PyTorch is left with no more than that to do."""
    small = isinstance(engine, OnnxEngine) and faces <= _FEW
    return one_thread() if small else nullcontext()


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
    correct = correction_of(detector, decoder)

    def read(pictures):
        with enough_threads(engine, len(pictures)):
            return read_pictures(detector, pictures, decoder, flip=flip, engine=engine)

    for start in range(0, len(boxes), batch_size):
        batch = slice(start, start + batch_size)
        faces = cut_out(images[batch], boxes[batch], config.size, device)
        found = locate_by(read, *faces, correct)
        landmarks[batch], sigma[batch] = found.landmarks, found.sigma
        confidence[batch], peak[batch] = found.confidence, found.peak
    return Located(landmarks, sigma, confidence, peak)


def locate_by(
    read: Callable[[Float[Tensor, "batch 3 size size"]], Located],
    pictures: Float[Tensor, "batch 3 size size"],
    crops: Sequence[Crop],
    correct: Callable[[Located], Located],
) -> Located:
    """Landmarks in photos, by whatever reads them off pictures of faces.

    Args:
        read: what it finds in the pictures, in pixels of these and not calibrated.
        pictures: and
        crops: how each was cut from its photo, as `cut_out` gives them; at least one.
        correct: corrects σ and confidence, see `correction_of`.
    """
    found = correct(read(pictures))  # in pixels of the crop: it holds for faces of any size
    landmarks = [crop.to_photo(points) for crop, points in zip(crops, found.landmarks, strict=True)]
    # The size of a picture's pixel, in the photo's.
    pixel = np.array([crop.inverse.diagonal()[:2] for crop in crops])
    return replace(found, landmarks=np.stack(landmarks), sigma=found.sigma * pixel[:, None])


def calibration_of(detector: LandmarkNetwork, decoder: str | None) -> DecoderCalibration | None:
    """What a network's weights know of a decoder's errors; None for weights that know nothing."""
    known = detector.calibration
    return known and known.decoders.get(detector.chosen(decoder))


def correction_of(detector: LandmarkNetwork, decoder: str | None) -> Callable[[Located], Located]:
    """What corrects σ and confidence of what was found in pictures that are the network's input.

    Of weights that are not calibrated only σ, which is 0 where a peak is no wider than those it was
    taught: one bin leaves open 1/√12 of its width, and so does the sharpest peak.
    """
    if calibration := calibration_of(detector, decoder):
        return partial(calibrated, calibration=calibration)
    bins = getattr(detector.config, "bins", None)
    least = detector.config.size / bins / math.sqrt(12) if bins else 0.0
    return lambda found: replace(found, sigma=np.maximum(found.sigma, least))


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
    landmarks, sigma, peak = (values.cpu().double().numpy() for values in reading)
    return Located(landmarks, sigma, confidence=peak, peak=peak)
