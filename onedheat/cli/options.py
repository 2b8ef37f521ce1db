"""Options that several commands have."""

import os
import stat
from pathlib import Path
from typing import Annotated, Literal

import typer


def to_be_written(file: str | Path | None) -> str | Path | None:
    """A file that can be written later, as far as can be told before the work begins.

    Raises:
        typer.BadParameter: it cannot.
    """
    if file is None or str(file) == "-":
        return file
    try:
        mode = os.stat(file).st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = 0
    except OSError as error:  # a name too long
        raise typer.BadParameter(f"{file}: {error.strerror}; give another name") from None
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return file  # a pipe or a device is opened, nothing takes its place
    folder = Path(file).parent
    if Path(file).is_dir() or not folder.is_dir():
        raise typer.BadParameter(f"{file}: give a file in a folder that exists")
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"{file}: {folder} cannot be written; give another folder")
    return file


def png_to_be_written(file: Path | None) -> Path | None:
    """A picture that can be written later, as `to_be_written`, and as PNG.

    Raises:
        typer.BadParameter: it cannot, or is named otherwise.
    """
    if file is not None and file.suffix.lower() != ".png":
        raise typer.BadParameter(f"{file}: give a name that ends in .png, which the picture is")
    return to_be_written(file)


def are_one_file(first: str | Path, second: str | Path) -> bool:
    """Whether what is written to one path is written to the other too."""
    if os.path.exists(first) and os.path.exists(second):
        return os.path.samefile(first, second)
    return os.path.realpath(first) == os.path.realpath(second)


Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON; - is standard output.",
        callback=to_be_written,
    ),
]
Weights = Annotated[
    str, typer.Option(help="A shipped name, a checkpoint's folder, or a hub id user/repository.")
]
Decoder = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="How a coordinate is read off the network's output: of 1D heatmaps dark, centroid or argmax. "
        "By default the network's own, which for these is dark.",
    ),
]
Flip = Annotated[bool, typer.Option("--flip", help="Average with the mirrored face.")]
EngineName = Annotated[
    Literal["auto", "torch", "onnx"],
    typer.Option(help="What runs the network; auto is the fastest that can be had."),
]
FaceDetector = Annotated[
    Literal["auto", "yunet", "cascade"],
    typer.Option(help="What looks for faces; auto is yunet where its model can be had."),
]

MinPeak = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="How high the landmarks' peaks must be on average to be a face's; by default 0.4 with yunet, "
        "0.55 with the cascade, and 0.4 with either for points of your own. Weights of a short training may "
        "need less.",
    ),
]


Datasets = Annotated[
    list[str],
    typer.Option(help="A data set's name, or your own folder. Several are trained on together."),
]
Roots = Annotated[
    list[Path] | None,
    typer.Option(
        help="The folder of a named data set; one for each of these, in their order. Your own "
        "folders and synthetic take none."
    ),
]
Splits = Annotated[
    list[str] | None,
    typer.Option(help="Part to train on: one for all data sets, or one for each, in order."),
]
StartFrom = Annotated[
    str | None,
    typer.Option(
        metavar="WEIGHTS",
        help="Start from these weights: a shipped name, a folder, or a hub id with the same trunk.",
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Trackers: keep the frames of moving photos here, made once."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
]
