"""The two public-domain photographs that lessons look at without a network, and a look inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from onedheat.data.images import RGB, as_rgb
from onedheat.data.samples import FaceSet, Sample
from onedheat.geometry import Crop, Landmarks, warp
from onedheat.heatmaps import Heatmaps, decode, heights, spread
from onedheat.landmarks import IBUG68
from onedheat.pipeline import Face, Landmarker, to_batch
from onedheat.plots import FaceView
from onedheat.plots.faces import TwoVectors


def photographs() -> dict[str, RGB]:
    """Name of the person → photo, (H, W, 3) uint8 RGB.

    Eileen Collins (NASA) comes inside scikit-image, Grace Hopper (United States Navy) inside
    matplotlib; both are in the public domain.
    """
    from matplotlib import cbook
    from PIL import Image
    from skimage import data

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        hopper = np.asarray(Image.open(file).convert("RGB"))
    return {"Eileen Collins": as_rgb(data.astronaut()), "Grace Hopper": as_rgb(hopper)}


@dataclass(frozen=True, eq=False)
class InMemory:
    """A photo in memory, as the source of a sample."""

    name: str
    photo: RGB

    def read(self) -> RGB:
        """The photo, (H, W, 3) RGB."""
        return self.photo

    def __str__(self) -> str:
        return self.name


def photographed_faces(photos: Mapping[str, tuple[RGB, Landmarks]]) -> FaceSet:
    """Photographs in memory as a set of faces.

    Args:
        photos: name → photo and the landmarks of its face, in pixels of the photo.
    """
    samples = (
        Sample(InMemory(name, photo), landmarks, name, "")
        for name, (photo, landmarks) in photos.items()
    )
    return FaceSet("photographs", "all", IBUG68, tuple(samples))


def look_inside(
    landmarker: Landmarker, photos: Mapping[str, RGB], found: Mapping[str, Sequence[Face]]
) -> dict[str, TwoVectors]:
    """What the network puts out for each face of some photos, as pictures that can be moved.

    Args:
        landmarker: whose network looks.
        photos: name → photo.
        found: name → the faces of that photo.

    Returns:
        Name of the face → its picture. Coordinates and σ, calibrated, are those of the vectors shown.
    """
    return {
        name if len(faces) == 1 else f"{name}, face {number}": _two_vectors(
            landmarker, photos[name], face, name
        )
        for name, faces in found.items()
        for number, face in enumerate(faces, start=1)
    }


def _two_vectors(landmarker: Landmarker, photo: RGB, face: Face, name: str) -> TwoVectors:
    config = landmarker.detector.config
    seen = warp(photo, Crop.from_box(face.box, config.size))
    with torch.inference_mode():
        heatmaps = Heatmaps(*(vectors[0] for vectors in landmarker.detector(to_batch([seen]))))
    landmarks = [
        decode(v, **config.meaning, decoder=landmarker.decoder, frame=config.frame)
        for v in heatmaps
    ]
    sigma = torch.stack([spread(vectors, **config.meaning) for vectors in heatmaps], dim=-1)
    sigma = sigma.double().numpy()
    if landmarker.calibration:
        sigma = landmarker.calibration.correct(sigma)
    finer = warp(photo, Crop.from_box(face.box, 512))
    found = torch.stack(landmarks, dim=-1).double().numpy()
    view = FaceView(name, finer, config.size, found, landmarker.scheme)
    shown = Heatmaps(*(heights(vectors, **config.meaning) for vectors in heatmaps))
    return TwoVectors(view, shown, sigma, config.frame)
