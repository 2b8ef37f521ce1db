"""The command line: `onedheat …`. Each command reads its options, calls the package, shows the result.

Results go to standard output, progress and errors to standard error. An error that a person can mend
ends in one sentence and exit code 1, a wrong option in exit code 2.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm import tqdm
from typer.core import TyperGroup


class _Commands(TyperGroup):
    """Turns the package's own errors into one sentence instead of a traceback."""

    def invoke(self, ctx):
        from onedheat.checkpoints import CheckpointError
        from onedheat.data.errors import DataError
        from onedheat.data.images import ImageError
        from onedheat.data.pts import PtsError
        from onedheat.faces import FinderError

        try:
            return super().invoke(ctx)
        except (
            CheckpointError,
            DataError,
            FinderError,
            ImageError,
            PtsError,
            FloatingPointError,
        ) as error:
            typer.echo(f"onedheat: {error}", err=True)
            raise typer.Exit(1) from None


_OPTIONS = {"no_args_is_help": True, "pretty_exceptions_enable": False, "add_completion": False}
app = typer.Typer(cls=_Commands, help="Facial landmarks by one-dimensional heatmaps.", **_OPTIONS)
data = typer.Typer(help="Look after data sets.", **_OPTIONS)
app.add_typer(data, name="data")

Dataset = Literal["300w"]
Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output."),
]
Weights = Annotated[
    str, typer.Option(help="A shipped name, a checkpoint's folder, or a hub id user/repository.")
]
Decoder = Annotated[
    Literal["dark", "centroid", "argmax"],
    typer.Option(help="How a coordinate is read off a vector."),
]
Flip = Annotated[bool, typer.Option("--flip", help="Average with the mirrored face.")]
FaceDetector = Annotated[
    Literal["auto", "yunet", "cascade"],
    typer.Option(help="What looks for faces; auto is yunet where its model can be had."),
]


@app.command()
def detect(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO…", help="Image files, or folders.")
    ],
    weights: Weights = "tiny68",
    face_detector: FaceDetector = "auto",
    decoder: Decoder = "dark",
    flip: Flip = False,
    json_to: Json = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for annotated pictures.")
    ] = None,
):
    """Find the landmarks of every face. Exit 1 if a file failed; the others are done all the same."""
    from onedheat.detection import as_json, detect_files, photos_in
    from onedheat.faces import Cascade
    from onedheat.files import write_atomically
    from onedheat.pipeline import load

    if json_to not in (None, "-") and (Path(json_to).is_dir() or not Path(json_to).parent.is_dir()):
        raise typer.BadParameter(f"--json {json_to}: give a file in a folder that exists")
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"--out {out} cannot be a folder: {error.strerror}") from None
    landmarker = load(weights, decoder=decoder, flip=flip, finder=face_detector)
    if isinstance(landmarker.finder, Cascade) and face_detector == "auto":
        typer.echo(
            "YuNet could not be fetched; the cascade looks for faces and finds fewer", err=True
        )
    files = photos_in(photos, leave_out=out)
    results, quiet = [], json_to is not None or out is not None
    progress = tqdm(files, unit="photo", disable=None if quiet and len(files) > 1 else True)
    try:
        for result in detect_files(landmarker, files, out=out):
            results.append(result)
            progress.update()
            if result.error or not quiet:
                progress.write(result.as_text(), file=sys.stderr if result.error else sys.stdout)
    except KeyboardInterrupt:
        typer.echo(f"stopped after {len(results)} of {len(files)} files; these are kept", err=True)
    progress.close()
    if json_to == "-":
        sys.stdout.write(as_json(results))
    elif json_to:
        write_atomically(Path(json_to), as_json(results).encode())
    if len(results) < len(files):
        raise typer.Exit(130)
    raise typer.Exit(1 if any(result.error for result in results) else 0)


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="Which network and recipe.")],
    dataset: Annotated[list[str], typer.Option(help="Repeat it with --root for a union.")],
    root: Annotated[list[Path], typer.Option(help="Folder of the data set.")],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    split: Annotated[str, typer.Option(help="Part of the data set to train on.")] = "train",
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
    ] = None,
):
    """Train a detector. Ctrl-C saves first; --resume goes on from there."""
    from onedheat.data import read
    from onedheat.data.samples import union
    from onedheat.presets import PRESETS, with_settings

    if preset not in PRESETS:
        names = "; ".join(f"{name}: {known.about}" for name, known in PRESETS.items())
        raise typer.BadParameter(f"there is no preset {preset!r}. There are: {names}")
    if len(dataset) != len(root):
        raise typer.BadParameter(
            f"{len(dataset)} --dataset and {len(root)} --root; give them in pairs"
        )
    try:
        chosen = with_settings(PRESETS[preset], settings or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    faces = union(*(read(name, path, split) for name, path in zip(dataset, root, strict=True)))
    from onedheat.training import Run  # takes seconds to import: not before the options are right

    run = Run(chosen, faces, out, resume=resume)
    typer.echo(
        f"{len(run.training)} faces to train on, {len(run.validation)} of other photos to validate; "
        f"{run.accelerator.device.type}, {run.accelerator.mixed_precision} precision",
        err=True,
    )
    report = run.train()
    if report is None:
        typer.echo(f"stopped at step {run.step}; --resume goes on from there", err=True)
        raise typer.Exit(130)
    typer.echo(
        f"validation NRMSE {report.nrmse:.2f} % on {report.faces} faces; weights: {out / 'last'}"
    )


@app.command()
def evaluate(
    dataset: Annotated[Dataset, typer.Option()],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    split: Annotated[str, typer.Option(help="Which part, e.g. common or lfpw/testset.")] = "common",
    weights: Weights = "tiny68",
    decoder: Decoder = "dark",
    flip: Flip = False,
    box: Annotated[
        Literal["tight", "paper", "annotation", "detector"],
        typer.Option(help="Which box the network sees; tight is the protocol."),
    ] = "tight",
    face_detector: FaceDetector = "auto",
    json_to: Json = None,
):
    """Measure a detector: NRMSE, AUC, failure rate, and NRMSE by facial area."""
    from onedheat.data import read
    from onedheat.evaluation import evaluate as measure
    from onedheat.pipeline import load
    from onedheat.reports import as_table

    landmarker = load(weights, decoder=decoder, flip=flip, finder=face_detector)
    faces = read(dataset, root, split)
    report = measure(landmarker, faces, box=box, weights=weights, progress=True)
    _give(report.as_json(), as_table([report]), json_to)


@data.command("check")
def data_check(
    dataset: Annotated[Dataset, typer.Argument(metavar="DATASET")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")],
    json_to: Json = None,
):
    """Say everything that is wrong with a data set's folder; exit 1 if it cannot be used."""
    from onedheat.data import dataset as named

    report = named(dataset).check(folder, progress=True)
    _give(report.as_json(), report.as_text(), json_to)
    raise typer.Exit(0 if report.usable else 1)


def _give(values: dict, text: str, json_to: str | None) -> None:
    """A result as text, or as JSON where it was asked for."""
    from onedheat.files import write_atomically

    if json_to is None:
        typer.echo(text)
        return
    written = json.dumps(values, indent=2, allow_nan=False) + "\n"
    if json_to == "-":
        sys.stdout.write(written)
    else:
        write_atomically(Path(json_to), written.encode())
        typer.echo(text)


if __name__ == "__main__":
    app()
