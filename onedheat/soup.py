"""One network whose weights are the mean of several runs': `python -m onedheat.soup W1 W2 … --root 300W
--out FOLDER`.

Runs that began at the same weights and went different ways, by seed or by recipe, end in one valley of
the loss; the middle between them is often better than any of them, at no cost in use (Wortsman et al.
2022, *Model soups*). Runs that began apart have no such middle: look at what the command prints, NRMSE of
each and of the mean on the validation faces, before you keep it.
"""

import argparse
import copy
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import typer

from onedheat.calibration import ENOUGH
from onedheat.checkpoints import (
    CheckpointError,
    load_detector,
    save_detector,
    write_calibration,
)
from onedheat.data import FaceSet, read
from onedheat.evaluation import evaluate
from onedheat.models import LandmarkNetwork
from onedheat.pipeline import Landmarker
from onedheat.reliability import annotated_landmarks, calibrate
from onedheat.scripts import in_one_sentence, share

_log = logging.getLogger(__name__)


def mean_weights(networks: Sequence[LandmarkNetwork]) -> LandmarkNetwork:
    """The network whose weights, and statistics of batch norms, are the mean of theirs; uncalibrated.

    Raises:
        ValueError: there are none, or they are not built alike.
    """
    if not networks:
        raise ValueError("there are no networks to take the mean of")
    first = networks[0]
    if any(network.config != first.config for network in networks):
        raise ValueError(
            "only networks of one config have a mean; these differ in what `config.json` says of them"
        )
    mean, states = copy.deepcopy(first), [network.state_dict() for network in networks]
    with torch.no_grad():
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.stack([state[name].double() for state in states]).mean(dim=0))
    mean.calibration = None
    return mean.eval()


def cook(weights: Sequence[str], faces: FaceSet, out: Path) -> dict[str, float]:
    """Writes the mean of weights, as 16-bit floats, calibrated; a warning says where it cannot be.

    Args:
        weights: shipped names or folders; one that is named twice counts twice.
        faces: held out when they were trained, and measured on here.
        out: the folder that is written, see `save_detector`: before the looking, which takes minutes, so
            that none is in vain.

    Returns:
        NRMSE in per cent of each on these faces, by its name, and of the mean as ``"mean"``.

    Raises:
        CheckpointError: weights that cannot be read, or that have no mean; or a folder that cannot be
            written.
        DataError: faces that the networks cannot be measured on.
    """
    networks = [load_detector(name) for name in weights]
    try:
        mean = mean_weights(networks)
    except ValueError as error:
        raise CheckpointError(str(error)) from None
    try:
        save_detector(mean, out, half=True)
    except OSError as error:
        raise CheckpointError(
            f"{out} cannot be written: {error.strerror}; give another folder"
        ) from None
    each = dict(zip(weights, networks, strict=True))
    found = {
        name: evaluate(Landmarker(network), faces).nrmse
        for name, network in {**each, "mean": mean}.items()
    }
    mean.calibration = calibrate(Landmarker(mean), faces)
    if mean.calibration:
        write_calibration(mean.calibration, out)
    elif mean.has_confidence:
        _log.warning(
            "σ and confidence of the mean are not calibrated: %d landmarks held out, %d are needed; hold out "
            "more of the photos (--validation), or add photos",
            annotated_landmarks(faces),
            ENOUGH,
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m onedheat.soup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", nargs="+", help="shipped names or folders, as RUN/last")
    parser.add_argument("--dataset", default="300w", help="what they were trained on (300w)")
    parser.add_argument("--root", type=Path, help="its folder")
    parser.add_argument(
        "--split", help="which part of it they were trained on (its training split)"
    )
    parser.add_argument("--validation", type=share, default=0.05, help="share held out (0.05)")
    parser.add_argument("--seed", type=int, default=0, help="of the division (0)")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the mean")
    given = parser.parse_args(arguments)
    with in_one_sentence(parser):
        faces = read(given.dataset, given.root, given.split)
        _, held_out = faces.divided(given.validation, given.seed)
        for name, nrmse in cook(given.weights, held_out, given.out).items():
            typer.echo(f"{name}: NRMSE {nrmse:.3f} % on {len(held_out)} faces held out")


if __name__ == "__main__":
    main()
