"""What notebook 06 measures by itself: drawn faces, whose landmarks are known, in any box."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from onedheat.data.samples import FaceSet
from onedheat.geometry import Crop, tight_box
from onedheat.metrics import nrmse
from onedheat.pipeline import Landmarker
from onedheat.plots import FaceView
from onedheat.plots.areas import FoundFace
from onedheat.plots.boxes import BoxLooks, moved_box

SIDE = 300  # pixels of the faces that are shown


def found_faces(landmarker: Landmarker, faces: FaceSet) -> list[FoundFace]:
    """What a landmarker finds in the tight boxes of drawn faces."""
    images = [sample.image() for sample in faces.samples]
    boxes = np.stack([tight_box(sample.landmarks, 1.25) for sample in faces.samples])
    located = landmarker.locate(images, boxes).landmarks
    shown = []
    for sample, image, box, found in zip(faces.samples, images, boxes, located, strict=True):
        known, how = (image, sample.landmarks), {"scheme": faces.scheme, "side": SIDE}
        name = f"face {str(sample.source).split()[2]}"
        view = FaceView.from_photo(name, *known, SIDE, **how)
        shown.append(FoundFace(view, Crop.from_box(box, SIDE).to_crop(found)))
    return shown


def look_in_boxes(
    landmarker: Landmarker, faces: FaceSet, scales: Sequence[float], shifts: Sequence[float]
) -> list[BoxLooks]:
    """What a landmarker finds in each face, in boxes of every scale and shift."""
    looks = []
    for sample in faces.samples:
        image = sample.image()
        boxes = [moved_box(sample.landmarks, scale, shift) for scale in scales for shift in shifts]
        found = landmarker.locate([image] * len(boxes), np.stack(boxes)).landmarks
        looks.append(
            BoxLooks(
                f"drawn face {str(sample.source).split()[2]}",
                image,
                sample.landmarks,
                tuple(scales),
                tuple(shifts),
                found.reshape(len(scales), len(shifts), *sample.landmarks.shape),
                faces.scheme,
            )
        )
    return looks


def nrmse_in_boxes(
    landmarker: Landmarker, faces: FaceSet, scales: Sequence[float], shift: float = 0.0
) -> dict[float, Float[np.ndarray, "faces"]]:
    """Scale of the box → NRMSE of each face in per cent, all boxes shifted by one share of their side."""
    images = [sample.image() for sample in faces.samples]
    truth = faces.landmarks()
    distance = faces.scheme.normalising_distance(truth)
    errors = {}
    for scale in scales:
        boxes = np.stack([moved_box(points, scale, shift) for points in truth])
        errors[scale] = nrmse(landmarker.locate(images, boxes).landmarks, truth, distance)
    return errors


def same_mean_with_a_tail(
    errors: Float[np.ndarray, "faces"], share: float = 0.06, size: float = 5.0
) -> Float[np.ndarray, "faces"]:
    """Made-up errors of the same mean: a share of the faces, drawn at random, is lost with an error
    `size` times the mean, and all others are better by one factor.

    Raises:
        ValueError: the lost faces alone would have more than the whole error.
    """
    if not 0 <= share * size < 1:
        raise ValueError(
            f"{share:g} of the faces with {size:g} times the mean leave nothing for the others; their "
            "product must be below 1"
        )
    lost = np.random.default_rng(0).permutation(len(errors))[: round(share * len(errors))]
    kept = np.delete(np.arange(len(errors)), lost)
    made = np.array(errors, dtype=float)
    made[lost] = size * errors.mean()
    made[kept] *= (errors.sum() - made[lost].sum()) / errors[kept].sum()
    return made
