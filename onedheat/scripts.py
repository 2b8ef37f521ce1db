"""How `python -m onedheat.…` says what is wrong: a sentence instead of a traceback, as the command line."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from onedheat.errors import OnedheatError

OWN_ERRORS = (OnedheatError, FloatingPointError)
"""What a person can mend, a diverged training with the rest."""


@contextmanager
def in_one_sentence(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Ends a program at an error that a person can mend: one of the package's own with exit code 1, what
    cannot be done as it was asked with exit code 2, as a wrong option.

    Raises:
        SystemExit: with that code, after it was said on standard error.
    """
    try:
        yield
    except OWN_ERRORS as error:
        typer.echo(f"{parser.prog}: {error}", err=True)
        raise SystemExit(1) from None
    except ValueError as error:
        parser.error(str(error))


def share(text: str) -> float:
    """A share as one types it, for an argument's `type`.

    Raises:
        argparse.ArgumentTypeError: it is not between 0 and 1.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and below 1, got {text}")
    return value
