"""Weights by name: those that are shipped, those in folders of one's own, those on the Hugging Face hub.

What such a folder holds is the business of `onedheat.models.folder`.
"""

from importlib import resources
from pathlib import Path

from onedheat.files import folder_to_read, folder_written_atomically
from onedheat.models import LandmarkNetwork
from onedheat.models.folder import (
    CALIBRATION,
    CARD,
    CONFIG,
    WEIGHTS,
    CheckpointError,
    fetch,
    read_folder,
    write_calibration,
    write_weights,
)

__all__ = [
    "CALIBRATION",
    "CONFIG",
    "WEIGHTS",
    "CheckpointError",
    "find",
    "load_detector",
    "save_detector",
    "shipped",
    "write_calibration",
    "write_weights",
]


def save_detector(
    detector: LandmarkNetwork, folder: str | Path, *, card: str = "", half: bool = False
) -> None:
    """Saves a detector as a folder that `load_detector` and `onedheat.load` read.

    A checkpoint that is there is replaced whole, its calibration and its card too, which were of other
    weights.

    Args:
        detector: what is saved.
        folder: a new or empty one, or a checkpoint's.
        card: text of its README.md; "" for none.
        half: write the weights as 16-bit floats, half the bytes.

    Raises:
        CheckpointError: the folder holds other files, which would be lost.
    """
    folder = Path(folder).resolve()
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if other := sorted(there - {CONFIG, WEIGHTS, CALIBRATION, CARD}):
        raise CheckpointError(
            f"{folder} holds other files ({other[0]}), and a checkpoint would take their place; save it "
            "into a folder of its own"
        )
    with folder_written_atomically(folder) as temporary:
        write_weights(detector, temporary, card=card, half=half)


def load_detector(name: str | Path) -> LandmarkNetwork:
    """The network of a shipped name, a local folder or a hub id, ready for use (eval mode).

    Args:
        name: a name from `shipped()`, a folder, or ``"user/repository"`` on the Hugging Face hub.

    Raises:
        CheckpointError: nothing there, a file missing or damaged, an unknown setting, or weights
            that do not fit the config; the message names the file.
    """
    return read_folder(find(name))


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
    folder = folder_to_read(Path(name))
    if folder.is_dir():
        return folder
    if Path(name).suffix == ".onnx":
        raise CheckpointError(
            f"{name} is an exported network: it can be used (onedheat.load), and not trained or exported "
            "again; give the folder with its weights"
        )
    parts = str(name).split("/")
    if len(parts) == 2 and all(parts) and not Path(name).suffix:
        return fetch(str(name))
    raise CheckpointError(
        f"no checkpoint {str(name)!r}: it is neither a shipped name ({', '.join(names) or 'none'}), "
        "nor a folder here, nor a hub id of the form user/repository"
    )
