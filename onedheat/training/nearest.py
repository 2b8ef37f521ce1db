"""Starting with landmarks that a network has never been taught: each as the nearest one that it knows.

The last layers of a detector hold one set of weights for each landmark. For other landmarks they would
begin at random, and what the first steps learn is mostly where on a face each of them is. A few annotated
examples tell that at once: the network is shown them, and each new landmark takes over the weights of the
known one that it found nearest. What is left to learn is the way from there.
"""

import numpy as np
import torch
from jaxtyping import Int

from onedheat.data.samples import FaceSet
from onedheat.geometry import tight_box
from onedheat.models import Detector
from onedheat.pipeline import Landmarker
from onedheat.training.starting import take_over


def nearest_known(
    trained: Detector, faces: FaceSet, batch_size: int = 8
) -> Int[np.ndarray, "landmarks"]:
    """For each landmark of some faces, the one of a trained detector that lies nearest.

    Args:
        trained: it is shown each face in the `tight_box` of its own landmarks.
        faces: the examples; landmarks that are NaN do not count.
        batch_size: faces shown at once.

    Returns:
        (N,) numbers of landmarks of `trained`: those of the least mean distance, in sides of the box.

    Raises:
        ValueError: a landmark that no example has.
    """
    landmarker = Landmarker(trained)
    total = np.zeros((len(faces.scheme), trained.config.landmarks))
    count = np.zeros((len(faces.scheme), 1))
    for start in range(0, len(faces), batch_size):
        samples = faces.samples[start : start + batch_size]
        boxes = np.stack([tight_box(sample.landmarks) for sample in samples])
        found = landmarker.locate([sample.image() for sample in samples], boxes).landmarks
        wanted = np.stack([sample.landmarks for sample in samples])
        sides = (boxes[:, 2] - boxes[:, 0])[:, None, None]
        apart = np.linalg.norm(wanted[:, :, None] - found[:, None], axis=-1) / sides
        total += np.nansum(apart, axis=0)
        count += np.isfinite(wanted).all(axis=2).sum(axis=0)[:, None]
    if missing := np.flatnonzero(count[:, 0] == 0).tolist():
        names = ", ".join(faces.scheme.points[index] for index in missing)
        raise ValueError(f"no example has the landmarks {names}; annotate each in at least one")
    return (total / count).argmin(axis=1)


def adopt(trained: Detector, faces: FaceSet) -> Detector:
    """A detector for the landmarks of some faces that begins with all that another one has learned.

    Its config is that of `trained` but for the landmarks, its loss included: heatmaps of another kind
    would have to be unlearned first. Give it to `Run` as `start`, with a preset of that config.

    Args:
        trained: whatever its landmarks are.
        faces: a few annotated examples.

    Raises:
        ValueError: a landmark that no example has.
    """
    network = Detector(trained.config.for_scheme(faces.scheme))
    nearest = torch.from_numpy(nearest_known(trained, faces))
    own, given = network.state_dict(), trained.state_dict()
    with torch.no_grad():
        # What does not fit are deconvolutions to the landmarks: weights (in, N, kernel), biases (N,).
        for name in take_over(network, trained):
            own[name].copy_(given[name].index_select(1 if given[name].ndim == 3 else 0, nearest))
    return network.eval()
