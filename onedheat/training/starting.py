"""Starting from weights that were trained before, for other faces or other landmarks."""

import hashlib
from pathlib import Path

import torch

from onedheat.checkpoints import load_detector
from onedheat.models import KINDS, LandmarkNetwork, Tracker, build
from onedheat.models.compared import Recurrent2d
from onedheat.presets import Preset


def network_of(start: object) -> LandmarkNetwork | None:
    """The weights to start from; None where there are none.

    Args:
        start: those, or their shipped name or folder, or None.

    Raises:
        CheckpointError: there is no such folder, or no weights in it.
        TypeError: anything else.
    """
    if start is None or isinstance(start, LandmarkNetwork):
        return start
    if isinstance(start, str | Path):
        return load_detector(start)
    raise TypeError(
        f"start must be a network, or its name or folder, got a {type(start).__name__}; "
        "onedheat.load(…).detector is one"
    )


def check_start(preset: Preset, start: LandmarkNetwork | None) -> str:
    """Makes sure that a preset can be trained from there.

    Args:
        preset: what is trained and how.
        start: weights to start from; None for random ones.

    Returns:
        What begins anew all the same, in words; "" where nothing does, and without a start.

    Raises:
        ValueError: they do not fit, see `take_over`; or a detector is to be left as it is that has never
            been trained, or only in part, or that is not inside a tracker.
    """
    kind, frozen = KINDS[preset.detector.kind], preset.train.freeze_detector
    if frozen and not hasattr(kind, "freeze_detector"):
        raise ValueError(
            f"freeze_detector leaves the detector inside a tracker as it is; a {preset.detector.kind} has "
            "none: set freeze_detector=false"
        )
    if frozen and start is None:
        raise ValueError(
            "freeze_detector leaves the detector as it begins, and without weights to start from that is "
            "random: start from a trained detector, or set freeze_detector=false"
        )
    if start is None:
        return ""
    left = take_over(build(preset.detector), start)
    own, given = preset.detector.landmarks, start.config.landmarks
    if frozen and (random := [name for name in left if name.startswith("detector.")]):
        fault = f"your {own} points, they are for {given}," if own != given else "yours"
        raise ValueError(
            f"freeze_detector leaves the detector as it begins, and its last layers ({_layers(random)}) do "
            f"not fit {fault} and would stay random; first train a detector for your faces (train --preset "
            "tiny --start-from the same weights), and start from that, or set freeze_detector=false"
        )
    return _in_words(left, own, given)


def _in_words(left: list[str], own: int, given: int) -> str:
    if not left:
        return ""
    if own != given:
        return f"the last layers begin anew ({_layers(left)}): {own} points instead of {given}"
    return f"what the weights to start from do not have begins anew: {_layers(left)}"


def _layers(tensors: list[str]) -> str:
    """The layers that tensors belong to, as the network calls them."""
    return ", ".join(sorted({name.rpartition(".")[0] or name for name in tensors}))


def take_over(network: LandmarkNetwork, trained: LandmarkNetwork) -> list[str]:
    """Copies what fits, by name and shape; the last layers do not where the landmarks are others.
    A tracker takes a detector over for the one inside; a recurrent 2D tracker's first layer, which sees
    maps beside the picture, begins by making nothing of them.

    Args:
        network: what is to start.
        trained: what it starts from.

    Returns:
        Names of the network's tensors that stay as they were.

    Raises:
        ValueError: the trunks differ, or what the outputs mean; nothing is copied.
    """
    own_loss, given_loss = (getattr(one.config, "loss", None) for one in (network, trained))
    if own_loss != given_loss:
        raise ValueError(
            f"what the network gives is to be taught by loss={own_loss}, the weights to start from were by "
            f"{given_loss}: its heatmaps would have to be unlearned first; set loss={given_loss}"
        )
    if isinstance(network, Tracker) and not isinstance(trained, Tracker):
        return _take_over_detector(network, trained)
    own, given = network.state_dict(), trained.state_dict()
    if isinstance(network, Recurrent2d) and not isinstance(trained, Recurrent2d):
        given = network.blind_to_its_maps(given)
    fitting = {
        name: value
        for name, value in given.items()
        if name in own and own[name].shape == value.shape
    }
    for name, value in own.items():
        if "trunk." in name and name not in fitting:
            raise ValueError(
                f"the trunk is another one than that of the weights to start from: {name} has the shape "
                f"{tuple(value.shape)} here, {tuple(given[name].shape) if name in given else 'nothing'} "
                "there; train the preset, width, widen, stacks and depth that they have"
            )
    with torch.no_grad():
        for name, value in fitting.items():
            own[name].copy_(value)
    return sorted(set(own) - set(fitting))


def _take_over_detector(tracker: Tracker, trained: LandmarkNetwork) -> list[str]:
    for name in ("kind", "target_sigma", "frame", "gamma"):
        own, given = (getattr(one.config, name, None) for one in (tracker.detector, trained))
        if own != given:
            raise ValueError(
                f"a tracker refines the heatmaps of its detector: that has {name}={own}, the weights to "
                f"start from have {given}; set {name}={given}"
            )
    before = set(tracker.state_dict())
    left = take_over(tracker.detector, trained)
    inside = {name for name in before if name.startswith("detector.")}
    return sorted((before - inside) | {f"detector.{name}" for name in left})


def digest(network: LandmarkNetwork) -> str:
    """A name for its weights: the beginning of a SHA-256 of them all."""
    found = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode())
        found.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]
