"""What the co-attention of a trained network does on faces: affinities, and γ changed afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.data.samples import FaceSet
from onedheat.geometry import Box, Crop, tight_box, warp
from onedheat.metrics import nrmse
from onedheat.models import Detector
from onedheat.pipeline import Landmarker, to_batch
from onedheat.plots import FaceView
from onedheat.plots.affinities import Affinities, AnswerAtGamma, GammaView

SIDE = 384  # pixels of the faces that are shown


@torch.inference_mode()
def affinities_of(
    detector: Detector, pictures: Float[Tensor, "batch 3 size size"]
) -> tuple[Float[np.ndarray, "batch channels a a"], Float[np.ndarray, "batch channels a a"]]:
    """W^{yx} and W^{xy} of pictures, as the detector computes them on its way (Eq. 9)."""
    seen = []
    module = detector.coattention
    handle = module.register_forward_hook(lambda _, features, output: seen.append(features))
    try:
        detector(pictures)
    finally:
        handle.remove()
    yx, xy = module.affinities(*seen[0])
    return yx.float().cpu().numpy(), xy.float().cpu().numpy()


def look_at_face(
    landmarker: Landmarker, name: str, photo: np.ndarray, box: Box
) -> tuple[FaceView, Affinities, Affinities]:
    """A face as the network sees it, with its landmarks, W^{yx} and W^{xy} of each channel."""
    size = landmarker.detector.config.size
    crop = Crop.from_box(box, size)
    device = next(landmarker.detector.parameters()).device
    yx, xy = affinities_of(landmarker.detector, to_batch([warp(photo, crop)], device))
    found = landmarker.locate([photo], box[None]).landmarks[0]
    how = {"scheme": landmarker.scheme, "side": SIDE, "box": box}
    return FaceView.from_photo(name, photo, found, size, **how), yx[0], xy[0]


@contextmanager
def gamma_set_to(detector: Detector, gamma: float) -> Iterator[None]:
    """The detector with another γ than it was trained with; its own comes back at the end."""
    own = detector.coattention.gamma
    detector.coattention.gamma = gamma
    try:
        yield
    finally:
        detector.coattention.gamma = own


def nrmse_with_gammas(
    detector: Detector, faces: FaceSet, gammas: Sequence[float]
) -> tuple[dict[float, float], dict[float, float]]:
    """One trained network on drawn faces, its γ changed afterwards.

    The network itself is run: an engine keeps a copy, in which γ stays what it was.

    Returns:
        γ → NRMSE in per cent, and γ → how far landmarks lie from where the network's own γ puts them,
        mean in per cent of the inter-ocular distance.
    """
    images = [sample.source.read() for sample in faces.samples]
    truth = np.stack([sample.landmarks for sample in faces.samples])
    boxes = np.stack([tight_box(points, 1.25) for points in truth])
    normaliser = faces.scheme.normalising_distance(truth)
    landmarker = Landmarker(detector)
    own = landmarker.locate(images, boxes).landmarks
    errors, moved = {}, {}
    for gamma in gammas:
        with gamma_set_to(detector, gamma):
            found = landmarker.locate(images, boxes).landmarks
        errors[gamma], moved[gamma] = (
            float(nrmse(found, other, normaliser).mean()) for other in (truth, own)
        )
    return errors, moved


def gamma_views(networks: Mapping[float, Detector], faces: FaceSet) -> dict[str, GammaView]:
    """What networks trained with different γ make of drawn faces.

    Args:
        networks: γ → the network trained with it.
        faces: drawn ones.

    Returns:
        Name of the face → its picture, to be moved.
    """
    landmarkers = {gamma: Landmarker(network) for gamma, network in networks.items()}
    return {
        f"drawn face {index}": _gamma_view(landmarkers, faces, index) for index in range(len(faces))
    }


def _gamma_view(landmarkers: Mapping[float, Landmarker], faces: FaceSet, index: int) -> GammaView:
    sample = faces.samples[index]
    image, box = sample.source.read(), tight_box(sample.landmarks, 1.25)
    answers = {}
    for gamma, landmarker in landmarkers.items():
        found, yx, _ = look_at_face(landmarker, str(sample.source), image, box)
        answers[gamma] = AnswerAtGamma(found.landmarks, yx.mean(axis=0) if gamma > 0 else None)
    truth = Crop.from_box(box, found.size).to_crop(sample.landmarks)
    return GammaView(replace(found, landmarks=truth), answers)
