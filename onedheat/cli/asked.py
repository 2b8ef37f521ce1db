"""What options stand for: presets, data sets, what is trained on. What does not fit is a wrong option."""

import os
from pathlib import Path

import typer


def preset_named(name: str, settings: list[str] | None):
    """A preset with its settings changed; what it does not know is a wrong option."""
    from onedheat.presets import PRESETS, with_settings

    if name not in PRESETS:
        names = "; ".join(f"{known}: {preset.about}" for known, preset in PRESETS.items())
        raise typer.BadParameter(f"there is no preset {name!r}. There are: {names}")
    try:
        return with_settings(PRESETS[name], settings or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def looks_at_clips(preset) -> bool:
    """Whether a preset's network is trained on clips."""
    from onedheat.models import KINDS, ClipNetwork

    return issubclass(KINDS[preset.detector.kind], ClipNetwork)


def training_set(
    preset,
    datasets: list[str],
    roots: list[Path] | None,
    splits: list[str] | None,
    store: Path | None,
):
    """What a preset is trained on: faces, or clips, whose frames are kept in a store where one is given."""
    if not looks_at_clips(preset):
        if store is not None:
            raise typer.BadParameter(
                f"--store {store} is for the frames of clips, and a {preset.detector.kind} is trained on "
                "single faces; leave it out"
            )
        return _training_faces(datasets, roots, splits)
    clips = _training_clips(datasets, roots, splits, preset.train.frames)
    if store is None:
        return clips
    from onedheat.data.clip_store import stored

    return stored(clips, store, workers=os.cpu_count() or 1, progress=True)


def _training_faces(datasets: list[str], roots: list[Path] | None, splits: list[str] | None):
    """The faces of all data sets together."""
    from onedheat.data.samples import union

    asked = _parts_asked_for(datasets, roots, splits)
    return union(*(one.read(path, split) for one, path, split in asked))


def _training_clips(
    datasets: list[str], roots: list[Path] | None, splits: list[str] | None, frames: int
):
    """The clips of all data sets together; photos move for twice as long as a training clip lasts."""
    from onedheat.data.clips import joined

    asked = _parts_asked_for(datasets, roots, splits)
    return joined(*(one.moving(path, split, 2 * frames) for one, path, split in asked))


def _parts_asked_for(datasets: list[str], roots: list[Path] | None, splits: list[str] | None):
    """Each data set with its folder and split."""
    pairs = paired_with_folders(datasets, roots or [])
    splits = splits or [one.splits[0] for one, _ in pairs]
    if len(splits) not in (1, len(pairs)):
        raise typer.BadParameter(
            f"{len(splits)} --split for {len(pairs)} --dataset; give one for all, or one for each"
        )
    if len(splits) == 1:
        splits = splits * len(pairs)
    return [(one, path, part) for (one, path), part in zip(pairs, splits, strict=True)]


def paired_with_folders(names: list[str], roots: list[Path]) -> list:
    """Data sets with their folders; what does not fit is a wrong option."""
    from onedheat.data.datasets import paired
    from onedheat.errors import DataError

    try:
        return paired(names, roots)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None
