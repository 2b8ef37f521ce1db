"""Starting from weights that were trained before, for other faces or other landmarks."""

import hashlib

import torch

from onedheat.models import LandmarkNetwork


def take_over(network: LandmarkNetwork, trained: LandmarkNetwork) -> list[str]:
    """Copies what fits, by name and shape; the last layers do not where the landmarks are others.

    Args:
        network: what is to start.
        trained: what it starts from.

    Returns:
        Names of the network's tensors that stay as they were.

    Raises:
        ValueError: the trunks differ; nothing is copied.
    """
    own, given = network.state_dict(), trained.state_dict()
    fitting = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    for name, value in own.items():
        if name.startswith("trunk.") and name not in fitting:
            raise ValueError(
                f"the trunk is another one than that of the weights to start from: {name} has the shape "
                f"{tuple(value.shape)} here, {tuple(given[name].shape) if name in given else 'nothing'} "
                "there; train the preset, width, widen, stacks and depth that they have"
            )
    with torch.no_grad():
        for name, value in fitting.items():
            own[name].copy_(value)
    return sorted(set(own) - set(fitting))


def digest(network: LandmarkNetwork) -> str:
    """A name for its weights: the beginning of a SHA-256 of them all."""
    found = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]
