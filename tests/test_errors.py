"""Errors that a person can mend have one base, and importing the package has its modules by name."""

import inspect
import subprocess
import sys

import pytest

import onedheat
from onedheat import errors


def test_all_errors_of_the_package_are_caught_by_one():
    own = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert len(own) == 10 and all(issubclass(kind, onedheat.OnedheatError) for kind in own)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: onedheat.load("tiny69"),
        lambda: onedheat.read_image("nowhere.jpg"),
        lambda: next(onedheat.read_video("nowhere.mp4")),
        lambda: onedheat.data.read("coco"),
    ],
)
def test_what_is_not_there_is_one_of_them(wrong):
    with pytest.raises(onedheat.OnedheatError):
        wrong()


def test_errors_and_data_are_there_without_another_import():
    code = (
        "import onedheat; print(onedheat.errors.VideoError.__name__, onedheat.data.read.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout == "VideoError read\n", run.stderr


def test_public_names_can_be_completed_and_no_others():
    shown = [name for name in dir(onedheat) if not name.startswith("_")]
    assert set(onedheat.__all__) <= set(shown)
    assert "TYPE_CHECKING" not in shown and "importlib" not in shown
