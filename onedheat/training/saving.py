"""Checkpoints of a run: whole, or refused.

    RUN/checkpoints/step-00000595/   the newest three, each with
        config.json, model.safetensors   the averaged weights, as `onedheat.load` reads them
        training.pt                      what else `--resume` needs
        manifest.json                    step, settings, and the SHA-256 of each file
    RUN/last                         the newest of them (a link; a copy of the weights where a file
                                     system has no links)

A checkpoint is written under a hidden name, forced to the disk and renamed to a name that nothing had
before: it is there as a whole, or not at all, and until it is, nothing older is touched. Before one
is used its files are compared with its manifest; where the newest is damaged the one before it takes
its place.
"""

import errno
import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from onedheat.checkpoints import CALIBRATION, CONFIG, WEIGHTS, CheckpointError
from onedheat.files import folder_written_atomically, write_atomically
from onedheat.training.settings import differences

STATE, MANIFEST = "training.pt", "manifest.json"
FORMAT = 1
KEPT = 3
DAMAGED = ".damaged"

_log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one run.

    Args:
        run: its folder.
        settings: what it was asked for; a checkpoint of another run is refused.
    """

    def __init__(self, run: Path, settings: dict[str, Any]):
        self.run, self.settings = run, settings
        self.home = run / "checkpoints"

    def folders(self) -> list[Path]:
        """All there are, the newest first."""
        found = self.home.glob("step-*")
        return sorted((path for path in found if path.suffix != DAMAGED), reverse=True)

    def write(self, step: int, fill: Callable[[Path], None]) -> None:
        """Writes a checkpoint; the oldest gives way when there are more than three.

        Args:
            step: of the run.
            fill: writes the files into a folder.
        """
        folder = self._folder_of(step)
        with folder_written_atomically(folder) as temporary:
            fill(temporary)
            _write_manifest(temporary, step, self.settings)
        self._point_last_at(folder)
        self._clear_away(folder)

    def newest(self) -> dict[str, Any] | None:
        """The state in the newest checkpoint that is whole; None if there is none at all.

        Damaged and foreign ones that are newer are set aside, with a warning.

        Raises:
            CheckpointError: there are checkpoints, but none can be used, or the folder cannot be
                written; the message says why.
        """
        faults: dict[Path, CheckpointError] = {}
        for folder in self.folders():
            try:
                state = self._read(folder)
            except CheckpointError as error:
                faults[folder] = error
                continue
            for damaged, fault in faults.items():
                aside = damaged.with_name(damaged.name + DAMAGED)
                shutil.rmtree(aside, ignore_errors=True)
                damaged.rename(aside)
                _log.warning("%s; going on from step %d instead", fault, state["step"])
            try:
                self._point_last_at(folder)
            except OSError as error:
                if error.errno != errno.ENOSPC:  # of a full disk the run speaks when it saves
                    raise CheckpointError(
                        f"{self.run} cannot be written ({error.strerror}), so nothing could be saved "
                        "there; copy it to where it can be, and resume it there"
                    ) from error
            return state
        if faults:
            raise CheckpointError(
                f"{self.run} cannot be resumed from: {'; '.join(map(str, faults.values()))}. Begin "
                "anew in another --out"
            )
        return None

    def _folder_of(self, step: int) -> Path:
        return self.home / f"step-{step:08d}"

    def _read(self, folder: Path) -> dict[str, Any]:
        """The state in a checkpoint, after everything about it was checked."""
        manifest = _read_manifest(folder)
        if wrong := differences(manifest["settings"], self.settings):
            raise CheckpointError(f"{folder} belongs to another run ({'; '.join(wrong)})")
        for name, digest in manifest["files"].items():
            if _digest_of(folder / name) != digest:
                raise CheckpointError(
                    f"{folder / name} is damaged: it is not what was written (SHA-256)"
                )
        state = _load(folder / STATE)
        if state["step"] != manifest["step"] or folder != self._folder_of(state["step"]):
            raise CheckpointError(f"{folder} holds step {state['step']}, not what its name says")
        return state

    def _point_last_at(self, folder: Path) -> None:
        """Makes `last` stand for a checkpoint. A link is replaced in one step, and is never missing."""
        last, link = self.run / "last", self.run / ".last.part"
        try:
            link.unlink(missing_ok=True)
            link.symlink_to(folder.relative_to(self.run), target_is_directory=True)
            link.replace(last)
        except OSError:  # no links here (exFAT, Drive, Windows without the right), or a copy before
            link.unlink(missing_ok=True)
            with folder_written_atomically(last) as temporary:
                for name in (CONFIG, WEIGHTS, CALIBRATION):
                    if (folder / name).exists():  # a calibration only after a run's end
                        shutil.copyfile(folder / name, temporary / name)

    def _clear_away(self, written: Path) -> None:
        """Removes what is older than the newest three, and what kills have left half written; never
        what was just written, whatever else lies there.
        """
        others = [folder for folder in self.folders() if folder != written]
        for folder in others[KEPT - 1 :]:
            # Renamed first, or a kill on the way would leave what looks like a checkpoint.
            folder.rename(folder.with_name(f".{folder.name}.old"))
        for left in [*self.home.glob(".step-*"), *self.run.glob(".last.*")]:
            shutil.rmtree(left, ignore_errors=True)


def _write_manifest(folder: Path, step: int, settings: dict[str, Any]) -> None:
    files = {
        path.name: _digest_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST
    }
    manifest = {"format": FORMAT, "step": step, "settings": settings, "files": files}
    write_atomically(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError(f"format {manifest['format']}, this onedheat reads {FORMAT}")
        if missing := {CONFIG, WEIGHTS, STATE} - set(manifest["files"]):
            raise ValueError(f"it does not list {', '.join(sorted(missing))}")
        return {key: manifest[key] for key in ("step", "settings", "files")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is missing, damaged or foreign ({error})") from error


def _digest_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})") from error


def _load(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise CheckpointError(f"{path} cannot be resumed from: {error}") from error
