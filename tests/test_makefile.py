"""What a newcomer meets when something is missing: one sentence, and a next try that works.

Most of these run the real Makefile with a stand-in for Python that takes milliseconds.
"""

import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

TOOLS = (
    "sh",
    "make",
    "awk",
    "df",
    "mkdir",
    "rm",
    "grep",
    "cat",
    "touch",
    "sleep",
    "find",
    "cp",
    "chmod",
)

# Behaves as Python does towards the Makefile. FAKE_PIP says how pip ends; what was asked is in calls.txt.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >> calls.txt
case "$*" in
  "-c import sys"*) exit "${FAKE_OLD:-0}" ;;
  "-c import venv"*) exit "${FAKE_NO_VENV:-0}" ;;
  "--version") echo "Python 3.12.0" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip --version") ;;
  "-m pip install"*)
     case "$FAKE_PIP" in
       full) echo "OSError: [Errno 28] No space left on device" >> build/pip.log; exit 1 ;;
       offline) echo "WARNING: Retrying (Retry(total=4" >> build/pip.log; exit 1 ;;
       other) echo "ERROR: ResolutionImpossible" >> build/pip.log; exit 1 ;;
       killed) kill -9 $PPID; sleep 1 ;;
     esac ;;
esac
"""


@pytest.fixture
def project(root, tmp_path):
    """A folder (with a space in its name) as `git clone` leaves it, and tools without any Python."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, folder)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    return folder


def fake_python(project, name="python3"):
    path = project.parent / "bin" / name
    path.write_text(FAKE_PYTHON)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make(project, *arguments, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "PIP_", "PYTHON"))}
    environment = kept | {"PATH": str(project.parent / "bin"), "NEED_MB": "0"} | environment
    return subprocess.run(
        ["make", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def sentence(run):
    """The last thing said, apart from make's own closing line; a failure must have said exactly one."""
    assert run.returncode != 0
    said = [line for line in run.stderr.splitlines() if line and not line.startswith("make")]
    assert sum(line.startswith("onedheat: ") for line in said) == 1
    assert said[-1].startswith("onedheat: ")
    return said[-1]


def calls(project):
    return (project / "calls.txt").read_text().splitlines()


def test_make_alone_lists_every_target(project):
    run = make(project)
    targets = re.search(r"^\.PHONY: (.*)$", (project / "Makefile").read_text(), re.MULTILINE)[
        1
    ].split()
    assert run.returncode == 0 and run.stderr == ""
    assert re.findall(r"^  ([a-z-]+) +\w", run.stdout, re.MULTILINE) == targets
    wanted = "help env lab demo test test-all notebooks figures lint clean"
    assert targets == wanted.split()


def test_without_python_it_says_what_to_install(project):
    said = sentence(make(project, "lab"))
    assert "No Python 3.11 or newer was found" in said and "PYTHON=" in said
    assert not (project / ".venv").exists()


def test_too_old_a_python_is_the_same_as_none(project):
    fake_python(project)
    assert "No Python 3.11 or newer was found" in sentence(make(project, "env", FAKE_OLD="1"))


def test_a_newer_python_under_another_name_is_found(project):
    fake_python(project, "python3.12")
    assert make(project, "env").returncode == 0


def test_a_python_of_ones_own_must_run(project):
    fake_python(project)
    said = sentence(make(project, "test", "PYTHON=/no/such/python"))
    assert (
        "PYTHON=/no/such/python is not a Python 3.11 or newer" in said
        and "make test PYTHON=" in said
    )


def test_a_python_of_ones_own_is_taken(project):
    mine = fake_python(project, "my-python")
    assert make(project, "env", f"PYTHON={mine}").returncode == 0


def test_a_python_without_venv_is_named(project):
    fake_python(project)
    assert "python3-venv" in sentence(make(project, "env", FAKE_NO_VENV="1"))


def test_too_little_disk_is_said_before_anything_is_made(project):
    fake_python(project)
    said = sentence(make(project, "env", NEED_MB="999999999"))
    assert re.search(
        r"Only \d+ MB are free on the disk of .*a clone, and .* about 999999999 MB", said
    )
    assert not (project / ".venv").exists()


def test_a_disk_that_fills_up_on_the_way_is_said(project):
    fake_python(project)
    assert "The disk is full" in sentence(make(project, "env", FAKE_PIP="full"))


def test_without_network_it_says_so_and_names_the_log(project):
    fake_python(project)
    said = sentence(make(project, "env", FAKE_PIP="offline"))
    assert "could not be reached" in said and "build/pip.log" in said


def test_any_other_failure_names_the_log(project):
    fake_python(project)
    assert "build/pip.log says why" in sentence(make(project, "env", FAKE_PIP="other"))


@pytest.mark.parametrize("end", ["full", "offline", "other", "killed"])
def test_after_a_failure_the_next_try_works(project, end):
    fake_python(project)
    assert make(project, "env", FAKE_PIP=end).returncode != 0
    assert not (project / ".venv" / ".installed").exists()
    assert make(project, "env").returncode == 0
    assert (project / ".venv" / ".installed").exists()


def test_an_environment_that_was_killed_half_way_is_made_anew(project):
    fake_python(project)
    make(project, "env", FAKE_PIP="killed")
    (project / ".venv" / "half a package").touch()
    assert make(project, "env").returncode == 0
    assert not (project / ".venv" / "half a package").exists()


def test_a_second_start_installs_nothing_and_new_pins_do(project):
    fake_python(project)
    assert make(project, "env").returncode == 0
    installs = [call for call in calls(project) if "pip install" in call]
    assert len(installs) == 1
    make(project, "env")
    assert [call for call in calls(project) if "pip install" in call] == installs
    stamp = project / ".venv" / ".installed"
    os.utime(project / "constraints.txt", (stamp.stat().st_mtime + 5,) * 2)
    (project / ".venv" / "kept").touch()
    make(project, "env")
    assert sum("pip install" in call for call in calls(project)) == 2
    assert (project / ".venv" / "kept").exists()


def test_pip_gets_the_pins_and_what_the_user_adds(project):
    fake_python(project)
    make(project, "env", "PIP_ARGS=--no-cache-dir -v")
    (install,) = [call for call in calls(project) if "pip install" in call]
    assert "-c constraints.txt --no-cache-dir -v -e .[dev,all]" in install


def test_clean_keeps_environment_and_runs(project):
    for name in ("build/x", "runs/x", ".venv/__pycache__/x", "onedheat/__pycache__/x"):
        (project / name).parent.mkdir(parents=True)
        (project / name).touch()
    assert make(project, "clean").returncode == 0
    left = {path.parent.as_posix() for path in project.rglob("x")}
    assert left == {f"{project}/runs", f"{project}/.venv/__pycache__"}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_dead_index_ends_in_one_sentence_with_the_real_pip(project):
    run = make(
        project,
        "env",
        "PIP_ARGS=--no-cache-dir --retries 1 --timeout 2",
        f"PYTHON={sys.executable}",
        PIP_CONFIG_FILE=os.devnull,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
    )
    assert "could not be reached" in sentence(run)
