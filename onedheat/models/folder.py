"""Weights on disk: a folder with `config.json`, `model.safetensors` and a model card `README.md`.

The config of weights for points of one's own says where in a face they lie, see `Place`, where that is
known. Where σ and confidence were calibrated, `calibration.json` says how; without it they are as the network
gives them.

Nothing in such a folder is executed when it is read, and it appears under its name only when it is
complete. The config says what kind of network it is (where it does not: the detector), and names a
published landmark scheme or holds the whole of one's own, so that weights for one's own points need
nothing beside them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from onedheat.calibration import Calibration
from onedheat.errors import CheckpointError
from onedheat.files import write_atomically
from onedheat.landmarks import scheme
from onedheat.models.kinds import KINDS, build
from onedheat.models.network import LandmarkNetwork, NetworkConfig
from onedheat.place import Place

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
CALIBRATION = "calibration.json"
FORMAT = 1


def write_weights(
    detector: LandmarkNetwork,
    folder: Path,
    *,
    card: str = "",
    half: bool = False,
    without: str | None = None,
) -> None:
    """Writes a network's config and weights (and a model card) into an existing folder.

    Args:
        half: write the weights as 16-bit floats, half the bytes. They are read as 32-bit ones again.
        without: a part of the network whose weights lie elsewhere, e.g. ``"detector"`` inside a tracker;
            `read_folder` wants them back.
    """
    settings = detector.config
    config = {"format": FORMAT, "kind": settings.kind, "detector": settings.as_dict()}
    if detector.place:
        config["place"] = detector.place._asdict()
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    state = {
        name: value.contiguous()
        for name, value in detector.state_dict().items()
        if without is None or not name.startswith(f"{without}.")
    }
    if half:
        state = {
            name: value.half() if value.is_floating_point() else value
            for name, value in state.items()
        }
    save_file(state, folder / WEIGHTS)
    if detector.calibration:
        write_calibration(detector.calibration, folder)
    if card:
        (folder / CARD).write_text(card, encoding="utf-8")


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """Puts a calibration beside the weights that it was fitted on, whole or not at all."""
    text = json.dumps(calibration.as_json(), indent=2) + "\n"
    write_atomically(folder / CALIBRATION, text.encode())


def card_of(network: LandmarkNetwork) -> str:
    """A model card that says what can be read off the network itself. The rest is its trainer's to add:
    data, terms, recipe, errors, limits.
    """
    config, points = network.config, scheme(network.config.scheme)
    weights = sum(value.numel() for value in network.parameters())
    measured = network.calibration
    sure = (
        f"σ and confidence are calibrated on {measured.faces} faces."
        if measured
        else "σ and confidence are not calibrated."
    )
    return f"""---
library_name: onedheat
tags: [facial-landmark-detection, {config.kind}]
---
# A {config.kind} of onedheat

Finds the {len(points)} {points.name} landmarks in a face of {config.size} pixels; {weights:,} weights. {sure}

```python
import onedheat

faces = onedheat.load("user/repository")("photo.jpg")  # this folder, or its id on the hub
```

To be said by who trained it: which faces and under what terms, by what recipe, its NRMSE and in which
box, where it fails.
"""


def read_folder(
    folder: Path,
    kind: type[LandmarkNetwork] = LandmarkNetwork,
    *,
    parts: Mapping[str, nn.Module] | None = None,
) -> LandmarkNetwork:
    """The network in a folder, ready for use (eval mode).

    Args:
        kind: what it must be.
        parts: of the network whose weights lie elsewhere, by name: those that were written `without`.

    Raises:
        CheckpointError: a file missing or damaged, an unknown setting, weights that do not fit the
            config, or a network of another kind; the message names the file.
    """
    for needed in (CONFIG, WEIGHTS):
        if not (folder / needed).is_file():
            run = (folder / "last" / needed).is_file()
            raise CheckpointError(
                f"{folder} is no checkpoint: it has no {needed}. "
                + (
                    f"It is a run; its weights are {folder / 'last'}"
                    if run
                    else f"A checkpoint is a folder with {CONFIG} and {WEIGHTS}."
                )
            )
    config, place = _read_config(folder / CONFIG)
    try:
        state = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise CheckpointError(
            f"{folder / WEIGHTS} is damaged or no safetensors file ({error}); fetch or train it again"
        ) from error
    for part, network in (parts or {}).items():
        state |= {f"{part}.{name}": value for name, value in network.state_dict().items()}
    detector = build(config)
    if not isinstance(detector, kind):
        raise CheckpointError(
            f"{folder} holds a {config.kind} network, no {kind.__name__}; "
            f"{type(detector).__name__}.from_pretrained or onedheat.load reads it"
        )
    expected = {name: tuple(value.shape) for name, value in detector.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if expected != found:
        differing = sorted(k for k in expected | found if expected.get(k) != found.get(k))
        raise CheckpointError(
            f"{folder / WEIGHTS} does not fit its {CONFIG}: {len(differing)} tensors differ, the "
            f"first is {differing[0]!r} (config asks for {expected.get(differing[0])}, the file has "
            f"{found.get(differing[0])}). Were the two files mixed up?"
        )
    detector.load_state_dict(state)
    detector.place = place
    if (folder / CALIBRATION).is_file():
        detector.calibration = _read_calibration(folder / CALIBRATION, detector)
    return detector.eval()


def _read_calibration(path: Path, detector: LandmarkNetwork) -> Calibration:
    try:
        calibration = Calibration.from_json(json.loads(path.read_text(encoding="utf-8")))
        calibration.demand_decoders(detector.decoders)
    except (ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} cannot be used: {error}. Fit it again, or remove it to use the weights uncalibrated"
        ) from error
    return calibration


def _read_config(path: Path) -> tuple[NetworkConfig, Place | None]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise ValueError(
                f"its format is {content.get('format')!r}, this onedheat reads format {FORMAT}"
            )
        kind = content.get("kind", "detector")
        if kind not in KINDS:
            raise ValueError(
                f"its kind of network is {kind!r}, this onedheat knows: {', '.join(KINDS)}"
            )
        place = Place.from_json(content["place"]) if "place" in content else None
        return KINDS[kind].Config.from_dict(content["detector"]), place
    except (ValueError, TypeError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error


def fetch(repository: str, **how) -> Path:
    """The folder of a repository on the hub, downloaded once into its cache.

    Args:
        repository: ``"user/repository"``.
        how: what `huggingface_hub.snapshot_download` takes: revision, token, cache_dir …

    Raises:
        CheckpointError: it cannot be fetched.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                repository, allow_patterns=[CONFIG, WEIGHTS, CALIBRATION, CARD], **how
            )
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"no folder {repository!r} here, and it could not be fetched from the hub "
            f"({type(error).__name__}); check the spelling and the network"
        ) from error
