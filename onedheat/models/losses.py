"""The loss of one-dimensional heatmaps (Eq. 11), its cross-entropy twin, and how far they point off."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from onedheat.heatmaps import (
    Coordinates,
    Frame,
    Heatmaps,
    Loss,
    Vectors,
    bin_to_coordinate,
    distribution,
    render,
)
from onedheat.models.network import Landmarks, mean_over_annotated


def heatmap_loss(
    heatmaps: Heatmaps,
    landmarks: Landmarks,
    size: int,
    target_sigma: float,
    *,
    loss: Loss = "l2",
    frame: Frame = "centre",
) -> Float[Tensor, ""]:
    """Eq. 11, or the cross-entropy to the same Gaussians: summed over bins and both axes, averaged
    over the landmarks of all faces that are annotated; the others are NaN.

    Args:
        heatmaps: vectors (B, N, L) of both axes, as the network gives them.
        landmarks: (B, N, 2) in pixels of the face.
        size: F in pixels.
        target_sigma: width of the target Gaussians in face pixels.
        loss: ``"l2"`` or ``"cross_entropy"``.
        frame: where the bins lie.
    """

    def cost(vectors: Vectors, at: Coordinates) -> Coordinates:
        target = render(at, size, vectors.shape[-1], target_sigma, loss=loss, frame=frame)
        if loss == "l2":
            return ((vectors - target) ** 2).sum(dim=-1)
        return -(target * vectors.log_softmax(dim=-1)).sum(dim=-1)

    return _summed_over_axes(cost, heatmaps, landmarks)


def distance_loss(
    heatmaps: Heatmaps,
    landmarks: Landmarks,
    size: int,
    *,
    loss: Loss = "l2",
    frame: Frame = "centre",
) -> Float[Tensor, ""]:
    """How far heatmaps place landmarks from where they are: L1 distance in pixels, summed over both axes,
    averaged over the landmarks of all faces that are annotated; the others are NaN.

    A place is the mean over the bins, each weighted by the square of its probability: unlike the best bin
    it can be learned through, and unlike the mean by probability it is not drawn to what is faint.

    Args:
        heatmaps: vectors (B, N, L) of both axes, as the network gives them.
        landmarks: (B, N, 2) in pixels of the face.
        size: F in pixels.
        loss: that the network was taught by: what its vectors hold.
        frame: where the bins lie.
    """

    def cost(vectors: Vectors, at: Coordinates) -> Coordinates:
        weights = distribution(vectors.float(), loss) ** 2
        bins = vectors.shape[-1]
        index = torch.arange(bins, device=weights.device, dtype=weights.dtype)
        places = bin_to_coordinate(index, size, bins, frame)
        return ((weights * places).sum(dim=-1) / weights.sum(dim=-1) - at).abs()

    return _summed_over_axes(cost, heatmaps, landmarks)


def _summed_over_axes(
    cost: Callable[[Vectors, Coordinates], Coordinates], heatmaps: Heatmaps, landmarks: Landmarks
) -> Float[Tensor, ""]:
    """What the vectors of both axes cost, given the coordinates (B, N) that they stand for; of the
    landmarks that are annotated the mean.
    """
    of_axes = (
        cost(vectors, landmarks[..., axis].nan_to_num()) for axis, vectors in enumerate(heatmaps)
    )
    return mean_over_annotated(sum(of_axes), landmarks)
