"""What a run was asked for: kept in RUN/run.json and held against what it is resumed with."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from onedheat.checkpoints import CheckpointError
from onedheat.data.clips import ClipSet
from onedheat.data.digest import labels_digest
from onedheat.data.samples import FaceSet
from onedheat.files import write_atomically
from onedheat.models import KINDS, NetworkConfig
from onedheat.presets import TrainConfig

FREE = {"workers", "save_minutes", "accumulate", "cuda_graph"}
"""Settings that change nothing about the result; `accumulate` is part of `micro_batches`."""

BEFORE = {"ema_warmup": False}
"""What runs did that were begun before a setting existed, where it is not the default of today."""


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
    """What differs between the settings of a run and those asked for, as phrases."""
    since = {"kind": "detector", "micro_batches": 1, "start": None} | there
    recipe = asdict(TrainConfig()) | BEFORE
    since["train"] = recipe | since.get("train", {})
    since["train"]["augment"] = recipe["augment"] | since["train"]["augment"]
    if since["kind"] in KINDS:
        defaults = KINDS[since["kind"]].Config().as_dict()
        since["detector"] = defaults | since.get("detector", {})
    pairs = [
        (f"{part}.{key}", since.get(part, {}).get(key), value)
        for part in ("detector", "train", "data")
        for key, value in asked[part].items()
        if key not in FREE | {"labels"}
    ]
    was, now = since.get("data", {}).get("labels"), asked["data"]["labels"]
    if was not in (None, now):
        pairs.append(("data", "other faces or labels", "those of today"))
    pairs += [(key, since[key], asked[key]) for key in ("kind", "micro_batches")]
    pairs.append(("start", *(_start_in_words(one["start"]) for one in (since, asked))))
    return [f"{key}: {was} there, {value} asked for" for key, was, value in pairs if was != value]


def _start_in_words(digest: str | None) -> str:
    return "random weights" if digest is None else f"the weights {digest}"


def as_begun(train: TrainConfig, path: Path) -> TrainConfig:
    """A recipe as a run goes on with it: what the run did before a setting existed, it does on.

    Args:
        train: what is asked for; a setting that is its default is not taken for a wish.
        path: the run's run.json, if there is one.
    """
    if not path.exists():
        return train
    there = BEFORE | _read(path).get("train", {})
    return replace(
        train,
        **{
            entry.name: there[entry.name]
            for entry in fields(TrainConfig)
            if entry.name in BEFORE and getattr(train, entry.name) == entry.default
        },
    )


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
            raise CheckpointError(
                f"{out} was begun with other settings ({'; '.join(differing)}); resume with "
                "those, or choose another --out"
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
        parts = [there, *(there.get(part, {}) for part in ("detector", "train", "data"))]
        parts.append(parts[2].get("augment", {}) if isinstance(parts[2], dict) else None)
        if not all(isinstance(part, dict) for part in parts):
            raise ValueError("it holds no settings")
        if not isinstance(there.get("kind", ""), str):
            raise ValueError("it names no kind of network")
        return there
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path} cannot be used ({error}). Its checkpoints know what the run was asked for, too: "
            "remove the file, and --resume goes on"
        ) from error
