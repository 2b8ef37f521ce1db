"""Weights on disk: a folder with `config.json`, `model.safetensors` and a model card `README.md`.

Where σ and confidence were calibrated, `calibration.json` says how; without it they are as the network
gives them.

Nothing in such a folder is executed when it is read, and it appears under its name only when it is
complete. The config says what kind of network it is (where it does not: the detector), and names a
published landmark scheme or holds the whole of one's own, so that weights for one's own points need
nothing beside them.
"""

import json
from importlib import resources
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from onedheat.calibration import Calibration
from onedheat.files import folder_written_atomically, write_atomically
from onedheat.models import KINDS, LandmarkNetwork, NetworkConfig, build

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
CALIBRATION = "calibration.json"
FORMAT = 1


class CheckpointError(Exception):
    """A checkpoint that is missing, incomplete, foreign or damaged."""


def write_weights(
    detector: LandmarkNetwork, folder: Path, *, card: str = "", half: bool = False
) -> None:
    """Writes a network's config and weights (and a model card) into an existing folder.

    Args:
        half: write the weights as 16-bit floats, half the bytes. They are read as 32-bit ones again.
    """
    settings = detector.config
    config = {"format": FORMAT, "kind": settings.kind, "detector": settings.as_dict()}
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n")
    state = {name: value.contiguous() for name, value in detector.state_dict().items()}
    if half:
        state = {
            name: value.half() if value.is_floating_point() else value
            for name, value in state.items()
        }
    save_file(state, folder / WEIGHTS)
    if detector.calibration:
        write_calibration(detector.calibration, folder)
    if card:
        (folder / CARD).write_text(card)


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """Puts a calibration beside the weights that it was fitted on, whole or not at all."""
    text = json.dumps(calibration.as_json(), indent=2) + "\n"
    write_atomically(folder / CALIBRATION, text.encode())


def save_detector(detector: LandmarkNetwork, folder: str | Path, *, card: str = "") -> None:
    """Saves a detector as a folder that `load_detector` and `onedheat.load` read."""
    with folder_written_atomically(Path(folder)) as temporary:
        write_weights(detector, temporary, card=card)


def load_detector(name: str | Path) -> LandmarkNetwork:
    """The network of a shipped name, a local folder or a hub id, ready for use (eval mode).

    Args:
        name: a name from `shipped()`, a folder, or ``"user/repository"`` on the Hugging Face hub.

    Raises:
        CheckpointError: nothing there, a file missing or damaged, an unknown setting, or weights
            that do not fit the config; the message names the file.
    """
    folder = find(name)
    for needed in (CONFIG, WEIGHTS):
        if not (folder / needed).is_file():
            raise CheckpointError(
                f"{folder} is no checkpoint: it has no {needed}. A checkpoint is a folder with "
                f"{CONFIG} and {WEIGHTS}."
            )
    config = _read_config(folder / CONFIG)
    try:
        state = load_file(folder / WEIGHTS)
    except SafetensorError as error:
        raise CheckpointError(
            f"{folder / WEIGHTS} is damaged or no safetensors file ({error}); fetch or train it again"
        ) from error
    detector = build(config)
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
    if (folder / CALIBRATION).is_file():
        detector.calibration = _read_calibration(folder / CALIBRATION, detector)
    return detector.eval()


def _read_calibration(path: Path, detector: LandmarkNetwork) -> Calibration:
    try:
        calibration = Calibration.from_json(json.loads(path.read_text()))
        calibration.demand_decoders(detector.decoders)
    except (ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} cannot be used: {error}. Fit it again, or remove it to use the weights uncalibrated"
        ) from error
    return calibration


def _read_config(path: Path) -> NetworkConfig:
    try:
        content = json.loads(path.read_text())
        if content.get("format") != FORMAT:
            raise ValueError(
                f"its format is {content.get('format')!r}, this onedheat reads format {FORMAT}"
            )
        kind = content.get("kind", "detector")
        if kind not in KINDS:
            raise ValueError(
                f"its kind of network is {kind!r}, this onedheat knows: {', '.join(KINDS)}"
            )
        return KINDS[kind].Config.from_dict(content["detector"])
    except (ValueError, TypeError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error


def shipped() -> dict[str, Path]:
    """Names and folders of the checkpoints that come with the package."""
    home = Path(str(resources.files("onedheat") / "weights"))
    return {folder.name: folder for folder in sorted(home.iterdir()) if (folder / CONFIG).is_file()}


def find(name: str | Path) -> Path:
    """The folder of a shipped name, a local path or a hub id (downloaded once into its cache).

    Raises:
        CheckpointError: none of the three.
    """
    names = shipped()
    if str(name) in names:
        return names[str(name)]
    if Path(name).is_dir():
        return Path(name)
    parts = str(name).split("/")
    if len(parts) == 2 and all(parts) and not Path(name).suffix:
        return _download(str(name))
    raise CheckpointError(
        f"no checkpoint {str(name)!r}: it is neither a shipped name ({', '.join(names) or 'none'}), "
        "nor a folder here, nor a hub id of the form user/repository"
    )


def _download(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(repository, allow_patterns=[CONFIG, WEIGHTS, CALIBRATION, CARD])
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"no folder {repository!r} here, and it could not be fetched from the hub "
            f"({type(error).__name__}); check the spelling and the network"
        ) from error
