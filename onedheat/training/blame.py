"""Which face a loss that is not finite comes from, if it is one face."""

from collections.abc import Iterable

import torch

from onedheat.data.augment import Augmentation
from onedheat.data.crops import FaceBatch
from onedheat.models import LandmarkNetwork


@torch.no_grad()
def faces_to_blame(
    network: LandmarkNetwork, parts: Iterable[tuple[int, FaceBatch]], augmentation: Augmentation
) -> list[int]:
    """The faces whose own loss is not finite, each looked at by itself.

    Args:
        network: sound, e.g. of the newest checkpoint; it is put into eval mode.
        parts: those of the batch, with what their pixels were varied by.
        augmentation: of the run.

    Returns:
        Their indices in the set.
    """
    network.eval()
    guilty = []
    for draw, part in parts:
        images = augmentation(part.images, draw)
        for number, index in enumerate(part.indices.tolist()):
            alone = slice(number, number + 1)
            try:
                loss = network.loss(network(images[alone]), part.landmarks[alone])
            except ValueError:  # the network refuses pictures that are not finite themselves
                loss = torch.tensor(torch.nan)
            if not torch.isfinite(loss):
                guilty.append(index)
    return guilty


def verdict(names: list[str], rate: float) -> str:
    """What to do about it, as a sentence, given the faces to blame."""
    if names:
        return f"By itself {', '.join(names)} has such a loss: look at this photo and its labels."
    return (
        "None of them has such a loss by itself, with the weights of the last checkpoint: rather than "
        f"a face, the learning rate of {rate:g} is at fault; begin anew with a lower one, or with clip=1."
    )
