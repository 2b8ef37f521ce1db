"""What a run was asked for: kept in RUN/run.json and held against what it is resumed with."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onedheat.checkpoints import CheckpointError
from onedheat.data.clips import ClipSet
from onedheat.data.digest import labels_digest
from onedheat.data.samples import FaceSet
from onedheat.files import write_atomically
from onedheat.models import NetworkConfig
from onedheat.presets import TrainConfig

FREE = {f"train.{name}" for name in ("workers", "save_minutes", "accumulate", "cuda_graph")}
"""Settings that change nothing about the result; `accumulate` is part of `micro_batches`."""

NOT_SET = "not set"
"""What a setting is where it is not known: in another version of onedheat, say."""


def as_json(
    network: NetworkConfig,
    train: TrainConfig,
    faces: FaceSet | ClipSet,
    micro_batches: int,
    start: str | None = None,
) -> dict[str, Any]:
    """What is asked for, as plain values; `start` is the digest of the weights that it starts from."""
    asked = {
        "kind": network.kind,
        "detector": network.as_dict(),
        "train": asdict(train),
        "data": {
            "name": faces.name,
            "split": faces.split,
            "faces": len(faces),
            "labels": labels_digest(faces, read=False),
        },
        "micro_batches": micro_batches,
        "start": start,
    }
    return json.loads(json.dumps(asked))


def differences(there: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """What differs between the settings of a run, or a search, and those asked for, as phrases."""
    was, now = _by_name(there), _by_name(asked)
    # Networks of another kind have other settings: all of them would be named.
    names = now | was if was.get("kind") == now["kind"] else ["kind"]
    pairs = [(name, was.get(name, NOT_SET), now.get(name, NOT_SET)) for name in names]
    return [_in_words(*pair) for pair in pairs if pair[0] not in FREE and pair[1] != pair[2]]


def _by_name(settings: dict[str, Any], part: str = "") -> dict[str, Any]:
    """The same settings in one dict, as ``"train.augment.light"``."""
    found = {}
    for key, value in settings.items():
        inside = isinstance(value, dict)
        found |= _by_name(value, f"{part}{key}.") if inside else {part + key: value}
    return found


def _in_words(name: str, was: Any, now: Any) -> str:
    if name == "data.labels":
        return "data: other faces or labels there, those of today asked for"
    if name == "start":
        was, now = ((one and f"the weights {one}") or "random weights" for one in (was, now))
    return f"{name}: {was} there, {now} asked for"


def claim_folder(out: Path, asked: dict[str, Any], *, resume: bool) -> None:
    """Makes a run's folder, or makes sure that it is the same run's.

    Raises:
        CheckpointError: it holds a run and `resume` is not set, or one of other settings, or it cannot
            be made or written.
    """
    path = out / "run.json"
    if not path.exists() and not resume and any((out / "checkpoints").glob("step-*")):
        raise CheckpointError(
            f"{out} holds checkpoints of a run whose run.json is gone; --resume goes on from them, "
            "another --out starts anew"
        )
    if path.exists():
        if not resume:
            raise CheckpointError(
                f"{out} holds a run already; --resume continues it, another --out starts anew"
            )
        if differing := differences(_read(path), asked):
            others = any(name.startswith(("kind", "detector.", "start")) for name in differing)
            kept = (out / "last").exists() and not others  # of another network they would not fit
            keeping = f", where --start-from {out / 'last'} keeps its weights" if kept else ""
            raise CheckpointError(
                f"{out} was begun with other settings ({'; '.join(differing)}); resume with "
                f"those, or choose another --out{keeping}"
            )
    content = (json.dumps(asked, indent=2) + "\n").encode()
    if not path.exists() or path.read_bytes() != content:
        try:
            out.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            raise CheckpointError(
                f"{out} cannot hold a run ({error.strerror or error}); choose another --out"
            ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        parts = [there.get(part) for part in ("detector", "train", "data")]
        if not all(isinstance(part, dict) for part in parts):
            raise ValueError("it holds no settings")
        return there
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be used ({error}). Its checkpoints know what the run was asked for, too: "
            "remove the file, and --resume goes on"
        ) from error
