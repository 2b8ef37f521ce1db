"""Which face, or clip, a loss that is not finite comes from, if it is one."""

from collections.abc import Callable, Iterable

import torch

from onedheat.data.crops import FaceBatch
from onedheat.models import LandmarkNetwork
from onedheat.models.clips import Pictures


@torch.no_grad()
def faces_to_blame(
    network: LandmarkNetwork,
    parts: Iterable[tuple[int, FaceBatch]],
    varied: Callable[[Pictures, int], Pictures],
) -> list[int]:
    """The faces, or clips, whose own loss is not finite, each looked at by itself.

    Args:
        network: sound, e.g. of the newest checkpoint; it is put into eval mode.
        parts: those of the batch, with what their pixels were varied by.
        varied: makes of a part's pictures what its step saw, see `Learner.varied`.

    Returns:
        Their indices in the set.
    """
    network.eval()
    guilty = []
    for draw, part in parts:
        images = varied(part.images, draw)
        for number, index in enumerate(part.indices.tolist()):
            alone = slice(number, number + 1)
            try:
                loss = network.loss(network(images[alone]), part.landmarks[alone])
            except ValueError:  # the network refuses pictures that are not finite themselves
                loss = torch.tensor(torch.nan)
            if not torch.isfinite(loss):
                guilty.append(index)
    return guilty


def verdict(names: list[str], rate: float, what: str = "face") -> str:
    """What to do about it, as a sentence, given those to blame; `what` says what they are."""
    if names:
        shown = "photo" if what == "face" else what
        return f"By itself {', '.join(names)} has such a loss: look at this {shown} and its labels."
    return (
        "None of them has such a loss by itself, with the weights of the last checkpoint: rather than "
        f"a {what}, the learning rate of {rate:g} is at fault; begin anew with a lower one, or with clip=1."
    )
