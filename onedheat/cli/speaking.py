"""How commands say what they found, and what is wrong."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from tqdm import tqdm
from typer.core import TyperGroup

from onedheat.scripts import OWN_ERRORS

OPTIONS = {"no_args_is_help": True, "pretty_exceptions_enable": False, "add_completion": False}
"""Of every group of commands."""


class Commands(TyperGroup):
    """Turns the package's own errors into one sentence instead of a traceback."""

    def main(self, *args, **kwargs):
        for stream in (sys.stdout, sys.stderr):
            # What a file's or a machine's encoding lacks is escaped: no result is lost by a letter.
            if hasattr(stream, "reconfigure"):  # notebooks' streams have none, and need none
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **kwargs)

    def invoke(self, ctx):
        try:
            with told(logging.getLogger("onedheat.engines")):
                return super().invoke(ctx)
        except OWN_ERRORS as error:
            typer.echo(f"onedheat: {error}", err=True)
            raise typer.Exit(1) from None


@contextmanager
def options_refused() -> Iterator[None]:
    """What the package does not do as it was asked to is a wrong option; its own errors stay errors.

    Raises:
        typer.BadParameter: with the sentence of a ValueError.
    """
    try:
        yield
    except OWN_ERRORS:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


class _Echo(logging.Handler):
    """Log messages as sentences on standard error, above a progress bar if there is one."""

    def emit(self, record):
        tqdm.write(f"onedheat: {record.getMessage()}", file=sys.stderr)


@contextmanager
def told(logger: logging.Logger) -> Iterator[None]:
    """What a logger says is told to the person who waits."""
    echo, level = _Echo(), logger.level
    logger.addHandler(echo)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(echo)
        logger.setLevel(level)


def write_picture(path: Path, png: bytes) -> None:
    """A picture in a file; a folder that is not there is a wrong option, any other fault is said."""
    from onedheat.files import write_atomically

    try:
        write_atomically(path, png)
    except OSError as error:
        said = f"{path} cannot be written: {error.strerror}"
        if not path.parent.is_dir():
            raise typer.BadParameter(said) from None
        typer.echo(f"onedheat: {said}; make room, or give another name", err=True)
        raise typer.Exit(1) from None


def write_result(path: Path, content: bytes, *, otherwise: str = "") -> None:
    """A result in a file. Where that cannot be written, what is lost otherwise goes to standard output,
    it is said, and the command fails.
    """
    from onedheat.files import write_atomically

    try:
        write_atomically(path, content)
    except OSError as error:
        sys.stdout.write(otherwise)
        typer.echo(f"onedheat: {path} cannot be written ({error.strerror})", err=True)
        raise typer.Exit(1) from None


def give(values: dict, text: str, json_to: str | None) -> None:
    """A result as text, or as JSON where it was asked for."""
    if json_to is None:
        typer.echo(text)
        return
    written = json.dumps(values, indent=2, allow_nan=False) + "\n"
    if json_to == "-":
        sys.stdout.write(written)
        return
    typer.echo(text)  # first: it took time to find out
    write_result(Path(json_to), written.encode())
