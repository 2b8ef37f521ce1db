"""Several processes on one run, and runs that are killed. Each in processes of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from smallruns import run_of

from onedheat.training import read_metrics

ROOT = Path(__file__).resolve().parents[2]


def command(script: str, *arguments: object, seconds: int) -> subprocess.CompletedProcess:
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / script), *map(str, arguments)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
    )


@pytest.mark.timeout(600)
def test_two_processes_learn_as_one_that_accumulates_their_parts(tree, faces, tmp_path):
    """50 steps, the two stopped and resumed halfway; batch norm sees the same parts in either case."""
    steps = 50
    done = command("twoprocesses.py", tree, tmp_path / "two", steps, "debug", seconds=550)
    assert done.returncode == 0, done.stderr
    alone = run_of(faces, tmp_path / "one", passes=steps, batch_size=32, accumulate=2)
    alone.train()
    two, one = (read_metrics(tmp_path / name) for name in ("two", "one"))
    assert [row.step for row in two] == [row.step for row in one] == list(range(1, steps + 1))
    losses = [np.array([row.loss for row in rows]) for rows in (two, one)]
    assert np.abs(losses[0] - losses[1]).max() <= 1e-4
    assert losses[0][-1] < 0.9 * losses[0][0]
    # Running statistics take both parts at once there and one after another here: near, not equal.
    assert two[-1].validation_nrmse == pytest.approx(one[-1].validation_nrmse, rel=0.1)
    # One of the two shows a bar.
    assert done.stderr.count("| 1.60k/1.60k [") + done.stderr.count("  0%|") <= 2
    assert sorted(path.name for path in (tmp_path / "two").iterdir() if path.name[0] != ".") == [
        "checkpoints",
        "last",
        "metrics.csv",
        "run.json",
    ]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kills", [4, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_at_random_moments_ends_with_the_weights_of_the_unbroken(
    kills, tmp_path
):
    done = command("kills.py", tmp_path, kills, kills, seconds=2900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == kills and not found["failed"], done.stderr
    assert found["equal"]
    if kills >= 50:
        assert found["while_saving"] >= 1


def test_a_notebook_starts_two_processes_on_processors_alone(tree, tmp_path):
    done = command("twoprocesses.py", tree, tmp_path, 4, "notebook", seconds=280)
    assert done.returncode == 0, done.stderr
    assert "Launching training on 2" in done.stdout
    assert [row.step for row in read_metrics(tmp_path)] == [1, 2, 3, 4]


@pytest.mark.timeout(300)
def test_processes_do_not_wait_for_weights_that_have_no_gradient(tmp_path):
    """P and Q at γ = 0, and what reads a tracker's early stacks."""
    done = command("idleprocesses.py", tmp_path, seconds=280)
    assert done.returncode == 0, done.stderr
    assert "unused" not in done.stderr
