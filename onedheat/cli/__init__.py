"""The command line: `onedheat …`. Each command reads its options, calls the package, shows the result.

Results go to standard output, progress and errors to standard error. An error that a person can mend
ends in one sentence and exit code 1, a wrong option in exit code 2.

finding    detect, track, export
training   train, crossval
measuring  evaluate, bench
datasets   data check, show, scheme, get
options    those that several commands have
asked      what options stand for
speaking   how results and errors are said
"""

from typing import Annotated

import typer

import onedheat
from onedheat.cli.datasets import data
from onedheat.cli.finding import detect, export, track
from onedheat.cli.measuring import bench, evaluate
from onedheat.cli.speaking import OPTIONS, Commands
from onedheat.cli.training import crossval, train

app = typer.Typer(cls=Commands, help="Facial landmarks by one-dimensional heatmaps.", **OPTIONS)


def _say_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"onedheat {onedheat.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _every_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
):
    """Options that stand before a command."""


for command in (detect, track, train, crossval, evaluate, export, bench):
    app.command()(command)
app.add_typer(data, name="data")
