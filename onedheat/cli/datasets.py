"""`onedheat data …`: commands that look after data sets."""

from pathlib import Path
from typing import Annotated

import typer

from onedheat.cli.asked import paired_with_folders
from onedheat.cli.options import Json, png_to_be_written
from onedheat.cli.speaking import OPTIONS, give, write_picture

data = typer.Typer(help="Look after data sets.", **OPTIONS)


Named = Annotated[
    str, typer.Argument(metavar="DATASET", help="A data set's name, or your own folder.")
]
Folder = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="Where a named data set lies.")
]


def chosen_in(name: str, folder: Path | None):
    """A data set and the folder it lies in.

    Raises:
        typer.BadParameter: no such data set, a folder too few or one too many.
    """
    from onedheat.data.datasets import DATASETS

    if folder is None and name in DATASETS and DATASETS[name].needs_root:
        raise typer.BadParameter(
            f"{name} lies in a folder, which is not given; write it behind the name: {name} FOLDER"
        )
    return paired_with_folders([name], [folder] if folder else [])[0]


@data.command("check")
def data_check(dataset: Named, folder: Folder = None, json_to: Json = None):
    """Say everything that is wrong with a data set's folder; exit 1 if it cannot be used."""
    chosen, root = chosen_in(dataset, folder)
    report = chosen.check(root, progress=True)
    give(report.as_json(), report.as_text(), json_to)
    raise typer.Exit(0 if report.usable else 1)


@data.command("show")
def data_show(
    dataset: Named,
    folder: Folder = None,
    split: Annotated[str | None, typer.Option(help="By default the training split.")] = None,
    count: Annotated[int, typer.Option(min=1, max=200, help="How many faces.")] = 24,
    seed: Annotated[int, typer.Option(help="Another seed, other faces.")] = 0,
    out: Annotated[
        Path, typer.Option(metavar="FILE.png", help="The picture.", callback=png_to_be_written)
    ] = Path("sheet.png"),
):
    """Draw a sheet of annotated faces, chosen at random, to be looked at."""
    from onedheat.plots.sheets import Cutout, face_sheet

    chosen, root = chosen_in(dataset, folder)
    faces = chosen.drawn(root, split, count, seed)
    cutouts = [Cutout.of(sample) for sample in faces.samples]
    sheet = face_sheet(cutouts, faces.scheme, f"{faces.name}, {faces.split}")
    write_picture(out, sheet.png())
    typer.echo(f"{out}: {len(cutouts)} faces of {faces.name}, {faces.split}")


@data.command("scheme")
def data_scheme(
    folder: Annotated[Path, typer.Argument(help="Your own photos and labels.")],
    like: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The points are those of a published scheme: ibug68, …"),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Write over a scheme.json that is there.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="The drawing; FOLDER/scheme.png.", callback=png_to_be_written
        ),
    ] = None,
):
    """Propose what your own points are (scheme.json) and draw it; a scheme that is there is drawn."""
    from onedheat.data.images import read_image
    from onedheat.data.own_scheme import own_scheme
    from onedheat.data.scheme_file import SCHEME
    from onedheat.landmarks import SCHEMES
    from onedheat.plots import FaceView
    from onedheat.plots.sheets import scheme_sheet

    if like is not None and like not in SCHEMES:
        raise typer.BadParameter(f"--like {like}: there are {', '.join(SCHEMES)}")
    found = own_scheme(folder, like=SCHEMES[like] if like else None, anew=anew)
    face, out = found.typical, out or (folder / SCHEME).with_suffix(".png")
    view = FaceView.from_photo(
        face.photo.name, read_image(face.photo), face.landmarks, 256, scheme=found.scheme
    )
    write_picture(out, scheme_sheet(found.scheme, found.shape, view).png())
    for fault in found.faults:
        typer.echo(f"left out: {fault}", err=True)
    for fault in found.strange:
        typer.echo(f"doubtful: {fault}", err=True)
    if found.written:
        typer.echo(f"{folder / SCHEME}: proposed from {found.faces} faces" if like is None
                   else f"{folder / SCHEME}: the points of {like}")  # fmt: skip
        typer.echo(f"{out}: look whether pairs and numbers are right, and correct {SCHEME}; the same "
                   "command draws it again")  # fmt: skip
    else:
        typer.echo(f"{out}: {folder / SCHEME} as it is; --anew proposes another")
    if found.doubtful:
        points = ", ".join(found.scheme.points[i] for i in found.doubtful)
        typer.echo(f"no clear place in the mirror, taken to lie on the middle line: {points}")


@data.command("get")
def data_get(
    dataset: Annotated[str, typer.Argument(metavar="DATASET")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Where downloads go.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree to the terms without being asked.")
    ] = False,
):
    """Download what its owners let anyone download; for the rest, say where to ask for it."""
    from onedheat.data import dataset as named
    from onedheat.data.download import fetch

    chosen = named(dataset)
    if not chosen.needs_root:
        typer.echo(f"{chosen.name} is here already: {chosen.title}")
        return
    typer.echo(f"{chosen.title}\nterms: {chosen.terms}\npage: {chosen.page}")
    if not chosen.downloads:
        typer.echo(
            "There is no public address with a published checksum, so nothing is fetched. Get it from "
            f"the page above and unpack it to a folder such as:\n\n{chosen.layout}\n\nThen: "
            f"onedheat data check {chosen.name} FOLDER"
        )
        return
    if folder is None:
        raise typer.BadParameter("say into which FOLDER")
    if not yes and not typer.confirm("Do you agree to these terms?"):
        raise typer.Exit(1)
    for download in chosen.downloads:
        typer.echo(f"{fetch(download, folder, progress=True)}: whole, checksum as published")
    typer.echo(f"Unpack it so that the folder looks like:\n\n{chosen.layout}")
