"""The lessons run where ipywidgets is of 2022: in an environment of Colab's versions, which is made anew."""

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

COLAB = {"ipywidgets": "7.7.1", "ipython": "7.34.0", "ipykernel": "6.17.1", "plotly": "5.24.1"}
# The beginnings of the names of what these bring, or need in versions of their own.
THEIRS = (
    *COLAB,
    "widgetsnbextension",
    "jupyter",
    "notebook",
    "traitlets",
    "comm",
    "pyzmq",
    "tornado",
)


@pytest.fixture(scope="module")
def colab(root, tmp_path_factory):
    """A Python with Colab's versions of what draws widgets, and ours of all else."""
    folder = tmp_path_factory.mktemp("colab")
    pins = (root / "constraints.txt").read_text().splitlines()
    ours = [line for line in pins if not line.lower().startswith(THEIRS)]
    theirs = [f"{name}=={version}" for name, version in COLAB.items()]
    (folder / "constraints.txt").write_text("\n".join([*ours, *theirs]))
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "-q",
            "-c",
            folder / "constraints.txt",
            "-e",
            f"{root}[all,dev]",
        ],
        check=True,
    )
    return python


def test_the_environment_has_colabs_versions(colab):
    code = "from importlib.metadata import version\nfor name in {!r}: print(name, version(name))"
    said = subprocess.run(
        [colab, "-c", code.format(list(COLAB))], capture_output=True, text=True, check=True
    )
    assert dict(line.split() for line in said.stdout.splitlines()) == COLAB


def test_every_lesson_runs(colab, root, tmp_path):
    said = subprocess.run(
        [colab, "-m", "onedheat.course.execute", "--out", tmp_path],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    lessons = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    assert {path.stem for path in tmp_path.glob("*.html")} == lessons


def test_widgets_and_exercises_do_what_they_should(colab, root):
    """Old traitlets and IPython warn of what later ones changed: warnings are none of ours here."""
    said = subprocess.run(
        [colab, "-m", "pytest", "-q", "-o", "filterwarnings=default", "tests/course"],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout[-3000:]
