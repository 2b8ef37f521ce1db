"""What a network puts out for faces, before anything is read off it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from onedheat.data import FaceSet
from onedheat.data.images import RGB
from onedheat.geometry import Box, Crop, tight_box
from onedheat.heatmaps import Heatmaps
from onedheat.pipeline import Landmarker, cut_out
from onedheat.plots import FaceView
from onedheat.plots.maps import bin_centers
from onedheat.plots.reading import ReadVector


@dataclass(frozen=True)
class SeenFaces:
    """Faces whose landmarks are known, and the vectors that a network put out for them.

    Attributes:
        heatmaps: the vectors, each (B, N, L).
        truth: (B, N, 2) in pixels of the network's input.
        interocular: (B,), the normalising distance in the same pixels.
    """

    heatmaps: Heatmaps
    truth: Float[np.ndarray, "batch landmarks 2"]
    interocular: Float[np.ndarray, "batch"]


def vectors_in(
    landmarker: Landmarker, images: Sequence[RGB], boxes: Sequence[Box]
) -> tuple[Heatmaps, list[Crop]]:
    """The vectors of the face in each box, (B, N, L) each, and how the boxes were cut out."""
    pictures, crops = cut_out(images, np.stack(boxes), landmarker.detector.config.size)
    with torch.inference_mode():
        return landmarker.detector(pictures), crops


def see_faces(landmarker: Landmarker, faces: FaceSet) -> SeenFaces:
    """One look at each labelled face, in `tight_box(landmarks, 1.25)`."""
    boxes = [tight_box(sample.landmarks) for sample in faces.samples]
    heatmaps, crops = vectors_in(landmarker, [sample.image() for sample in faces.samples], boxes)
    truth = np.stack(
        [crop.to_crop(one.landmarks) for crop, one in zip(crops, faces.samples, strict=True)]
    )
    return SeenFaces(heatmaps, truth, landmarker.scheme.normalising_distance(truth))


def face_to_read(
    landmarker: Landmarker,
    name: str,
    photo: RGB,
    landmarks: Float[np.ndarray, "landmarks 2"],
    *,
    known: bool = False,
) -> ReadVector:
    """A face's vectors as a picture that can be moved.

    Args:
        landmarker: whose network looks.
        name: whose face.
        photo: where it is.
        landmarks: (N, 2) in pixels of the photo; the face is cut out round them.
        known: whether they are the truth, to be shown beside what is read.
    """
    config = landmarker.detector.config
    heatmaps, (crop,) = vectors_in(landmarker, [photo], [tight_box(landmarks)])
    at = crop.to_crop(landmarks)
    view = FaceView.from_photo(name, photo, landmarks, config.size, scheme=landmarker.scheme)
    one = Heatmaps(heatmaps.x[0], heatmaps.y[0])
    return ReadVector(view, one, config, at if known else None)


def noise_correlation(
    seen: SeenFaces, size: int, apart: Sequence[int], beyond: float = 12.0
) -> list[float]:
    """How much alike the noise of x vectors is in bins that lie some bins apart.

    Far from the landmark a vector should hold nothing, so what it holds there is noise.

    Args:
        seen: faces and their vectors, of a network trained by L2: by cross-entropy nothing asks them to
            be empty far away.
        size: F, side of the network's input in pixels.
        apart: distances in bins.
        beyond: distance from the truth in pixels from which on a bin is far.

    Returns:
        The correlation at each distance, in [−1, 1].
    """
    vectors = seen.heatmaps.x
    bins = vectors.shape[-1]
    at = torch.from_numpy(bin_centers(size, bins))
    far = (at - torch.from_numpy(seen.truth[..., :1])).abs() > beyond
    found = []
    for step in apart:
        both = far[..., step:] & far[..., : bins - step]
        pair = torch.stack([vectors[..., step:][both], vectors[..., : bins - step][both]])
        found.append(torch.corrcoef(pair)[0, 1].item())
    return found
