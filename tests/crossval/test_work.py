"""Workers, really at work: together, killed, stopped, and when nothing is left to do."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from ownfaces import FIVE, make_csv_folder
from smallruns import QUICK, SMALL
from smallsearches import search_of

from onedheat.checkpoints import CheckpointError
from onedheat.crossval import work
from onedheat.crossval.search import Search
from onedheat.crossval.states import BESIDE
from onedheat.crossval.study import Study
from onedheat.data.images import ImageError
from onedheat.data.own import read_own
from onedheat.errors import DataError, SearchError
from onedheat.plots.search import search_curve
from onedheat.presets import Preset
from onedheat.video import VideoError

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    more = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "OMP_NUM_THREADS": "1"}
    return os.environ | more


def worker(tree: Path, out: Path, given: dict, go: Path, hang: int = 0) -> subprocess.Popen:
    """A process that works, see crossworkers.py."""
    script = str(ROOT / "tests/crossworkers.py")
    arguments = [str(tree), str(out), json.dumps(given), str(go), str(hang)]
    return subprocess.Popen(
        [sys.executable, script, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(group: int, within: float) -> bool:
    """Whether all processes of a group end in so many seconds; Python's own helper ends last."""
    until = time.monotonic() + within
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.1)


@pytest.fixture
def runs(monkeypatch) -> list:
    """Every run that this process begins or goes on with: value, fold, and the step it is at."""
    noted = []

    class Noted(work.Run):
        def train(self):
            noted.append((self.out.parent.name, self.out.name, self.step))
            return super().train()

    monkeypatch.setattr(work, "Run", Noted)
    return noted


def test_every_fold_is_trained_once_on_the_others_and_measured_on_itself(faces, tmp_path, runs):
    search = search_of(faces)
    assert work.work(search, tmp_path)
    assert runs == [
        ("gamma=0.0", "fold-01", 0), ("gamma=0.4", "fold-01", 0),
        ("gamma=0.0", "fold-02", 0), ("gamma=0.4", "fold-02", 0),
    ]  # fmt: skip
    for state in Study(tmp_path, search).states():
        assert state.state == "complete" and 0 < state.nrmse < 1000
        assert state.faces == len(search.divided[state.fold - 1].held_out)
        folder = search.folder(tmp_path, state.value, state.fold)
        asked = json.loads((folder / "run.json").read_text())
        assert asked["detector"]["gamma"] == state.value
        assert asked["data"]["faces"] == len(faces) - state.faces
        # Figures are kept, weights are not.
        assert {path.name for path in folder.iterdir() if path.name[0] != "."} == {
            "metrics.csv",
            "run.json",
        }
    rows = list(csv.DictReader((tmp_path / "folds.csv").read_text().splitlines()))
    assert [list(row)[:4] for row in rows] == [["gamma", "fold", "state", "nrmse"]] * 4
    assert {row[name] for row in rows for name in BESIDE} == {""}


def test_no_fold_looks_for_the_place_of_own_points_which_its_error_does_not_depend_on(
    tmp_path, monkeypatch, runs
):
    monkeypatch.setattr("onedheat.training.run.learn_place", lambda *_: pytest.fail("it looked"))
    own = read_own(make_csv_folder(tmp_path / "five", 12), "train")
    preset = Preset(SMALL, replace(QUICK, batch_size=4, passes=1), "").for_scheme(FIVE)
    assert work.work(Search.of(preset, own, "gamma", ["0.4"], 2), tmp_path / "out")
    assert len(runs) == 2


def test_what_is_done_is_never_done_again(faces, tmp_path, monkeypatch, runs):
    search = search_of(faces)
    work.work(search, tmp_path)
    runs.clear()
    monkeypatch.setattr(work.Worker, "start", None)  # no process is started either
    assert work.work(search, tmp_path)
    results = work.run(search, tmp_path, workers=2, progress=False)
    assert runs == [] and results.complete and results.done == 4
    assert results.data == "300w, train, 24 faces"


@pytest.mark.timeout(300)
def test_two_processes_at_once_never_train_a_fold_twice(tree, faces, tmp_path):
    given = {"values": ["0", "0.4", "0.8"], "folds": 2}
    go, out = tmp_path / "go", tmp_path / "out"
    both = [worker(tree, out, given, go) for _ in range(2)]
    for one in both:
        assert one.stdout.readline() == "ready\n"
    go.touch()
    said = [one.communicate(timeout=250) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    trained = [[tuple(json.loads(line)[:2]) for line in out.splitlines()] for out, _ in said]
    assert all(trained), "one of the two had nothing to do"
    search = search_of(faces, **given)
    names = [(f"gamma={value}", f"fold-{fold:02d}") for value, fold in search.places]
    assert Counter(trained[0] + trained[1]) == Counter(names)
    assert [state.state for state in Study(out, search).states()] == ["complete"] * 6


@pytest.mark.timeout(300)
def test_the_fold_of_a_killed_worker_goes_on_from_its_checkpoint(tree, faces, tmp_path, runs):
    given = {"passes": 2, "batch_size": 4, "save_minutes": 1e-9}  # three steps a pass
    search, out = search_of(faces, **given), tmp_path / "out"
    go = tmp_path / "go"
    go.touch()
    killed = worker(tree, out, given, go, hang=4)
    assert killed.stdout.readline() == "ready\n"
    assert json.loads(killed.stdout.readline()) == ["gamma=0.0", "fold-01", 0]
    assert killed.stdout.readline() == "hangs\n"
    # While it lives, however still it is, no other takes its fold.
    with Study(out, search).claim() as other:
        assert (other.value, other.fold) == (0.4, 1)
    killed.kill()
    killed.communicate()
    assert work.work(search, out)
    assert runs[0] == ("gamma=0.0", "fold-01", 3)  # the fourth step was not saved any more
    assert [step for *_, step in runs] == [3, 0, 0, 0] and len(set(runs)) == 4
    unbroken = tmp_path / "unbroken"
    work.work(search, unbroken)
    errors = [[one.nrmse for one in Study(where, search).states()] for where in (out, unbroken)]
    assert errors[0] == errors[1]


@pytest.fixture
def endless(tree, tmp_path):
    """The command with two workers on runs that would take hours, both at work on a run by now."""
    out = tmp_path / "out"
    asked = ["passes=5000", "batch_size=4", "validate_every=1"]
    asked += ["width=16", "channels=8", "depth=1", "compressed=4", "size=32", "upsample=4"]
    command = [sys.executable, "-m", "onedheat", "crossval", "--preset=tiny", "--dataset=300w"]
    command += [f"--root={tree}", f"--out={out}", "--values=0,0.4", "--folds=2", "--workers=2"]
    command += [part for setting in asked for part in ("--set", setting)]
    started = subprocess.Popen(
        command,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 200
    while len(list(out.glob("gamma=*/fold-01/metrics.csv"))) < 2:
        assert started.poll() is None and time.monotonic() < until, started.communicate()
        time.sleep(0.1)
    yield started
    if not ended(started.pid, within=0):
        os.killpg(started.pid, signal.SIGKILL)
    started.communicate()


def checkpoints(out: Path) -> list[int]:
    """Steps of the newest checkpoint of each run."""
    runs = sorted(out.glob("gamma=*/fold-01"))
    return [max(int(path.name[5:]) for path in run.glob("checkpoints/step-*")) for run in runs]


@pytest.mark.timeout(400)
def test_ctrl_c_has_all_workers_save_and_leaves_no_process(endless, tmp_path):
    os.killpg(endless.pid, signal.SIGINT)  # as a terminal does: to all of them
    said, warned = endless.communicate(timeout=100)
    assert endless.returncode == 130, warned
    assert "stopped after 0 of 4 folds; the same command goes on" in warned
    assert "Nothing has been measured yet" in said and "Traceback" not in warned
    assert [step > 0 for step in checkpoints(tmp_path / "out")] == [True, True]
    assert ended(endless.pid, within=20)


@pytest.mark.timeout(400)
def test_workers_save_and_end_when_the_command_is_killed(endless, tmp_path):
    os.kill(endless.pid, signal.SIGKILL)
    endless.communicate(timeout=100)
    assert ended(endless.pid, within=60)
    assert [step > 0 for step in checkpoints(tmp_path / "out")] == [True, True]


# What goes wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FloatingPointError("the loss is nan at step 3"), "the loss is nan at step 3"),
        (
            ValueError("the network gave values that are not finite"),
            "the network gave values that are",
        ),
        (torch.OutOfMemoryError("CUDA out of memory."), "OutOfMemoryError: CUDA out of memory."),
        (RuntimeError("shapes differ\nException raised from c10"), "RuntimeError: shapes differ"),
        (IndexError(), "IndexError"),
        (RuntimeError("Caught X in worker 0.\nTraceback:\nX: no room"), "RuntimeError: X: no room"),
    ],
)
def test_a_value_that_cannot_be_trained_is_noted_and_the_others_are_trained(
    faces, tmp_path, monkeypatch, error, words
):
    class Failing(work.Run):
        def train(self):
            if self.bare.config.gamma == 0.4:
                raise error
            return super().train()

    monkeypatch.setattr(work, "Run", Failing)
    assert work.work(search_of(faces), tmp_path)
    results = work.run(search_of(faces), tmp_path, progress=False)
    assert results.best == 0.0 and results.complete
    assert [state.value for state in results.failed] == [0.4, 0.4]
    for state in results.failed:
        assert state.fault.startswith(words) and "\n" not in state.fault
    table = results.as_text().splitlines()
    assert table[2].split() == ["0.4", "0/2"]
    assert f"gamma=0.4 failed on fold 2: {words}" in table[-1]
    assert len(search_curve(results).axes[0].lines[0].get_xdata()) == 1  # of γ = 0 alone
    rows = list(csv.DictReader((tmp_path / "folds.csv").read_text().splitlines()))
    assert [(row["state"], row["nrmse"]) for row in rows][2:] == [("fail", "")] * 2


def test_a_search_of_which_all_values_fail_ends_and_says_so(faces, tmp_path, monkeypatch):
    def fails(self):
        raise RuntimeError("too large")

    monkeypatch.setattr(work.Run, "train", fails)
    assert work.work(search_of(faces), tmp_path)
    results = work.run(search_of(faces), tmp_path, progress=False)
    assert results.complete and results.best is None
    assert "Nothing has been measured. gamma=0.0 failed on fold 1: " in results.as_text()
    assert "nothing has been measured" in search_curve(results).alt
    assert results.as_json()["failed"][3] == {
        "value": 0.4, "fold": 2, "fault": "RuntimeError: too large"
    }  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        DataError("the photos are gone"),
        ImageError("the photos are gone"),
        VideoError("the photos are gone"),
        CheckpointError("the photos are gone"),
        OSError("the photos are gone"),
    ],
)
def test_what_any_value_would_meet_ends_the_worker_and_its_fold_is_not_lost(
    faces, tmp_path, monkeypatch, error
):
    def gone(self):
        raise error

    with monkeypatch.context() as change:
        change.setattr(work.Run, "train", gone)
        with pytest.raises(type(error), match="the photos are gone"):
            work.work(search_of(faces), tmp_path)
    assert [one.state for one in Study(tmp_path, search_of(faces)).states()][0] == "running"
    assert work.work(search_of(faces), tmp_path)


def test_fp16_without_a_gpu_is_refused_before_anything_is_written_unless_all_is_done(
    faces, tmp_path, monkeypatch
):
    search, out = search_of(faces, precision="fp16"), tmp_path / "out"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(work.Worker, "start", None)  # none is started
    with pytest.raises(SearchError, match="^precision=fp16 needs a GPU, .*; set precision=bf16"):
        work.run(search, out, progress=False)
    assert not out.exists()
    begun = Study(out, search)  # as it is on a machine that has a GPU
    for number in range(4):
        with pytest.raises(SearchError, match="^precision=fp16 needs a GPU"):
            work.run(search, out, progress=False)
        with begun.claim() as claim:
            begun.record(claim, 3.0 + number, faces=12, seconds=1.0)
    assert work.run(search, out, progress=False).complete


def test_fp16_without_a_gpu_is_no_fault_of_a_value(faces, tmp_path, monkeypatch):
    search = search_of(faces, precision="fp16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SearchError, match="^precision=fp16 needs a GPU"):
        work.work(search, tmp_path)
    assert {state.state for state in Study(tmp_path, search).states()} == {"waiting"}


def test_a_gpu_that_an_error_has_spoilt_fails_no_other_fold(faces, tmp_path, monkeypatch):
    def fails(self):
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        monkeypatch.setattr(torch, "rand", broken)
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def broken(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    search = search_of(faces)
    monkeypatch.setattr(work.Run, "train", fails)
    with pytest.raises(
        SearchError, match="^the GPU does nothing more for a worker .*illegal memory"
    ):
        work.work(search, tmp_path)
    states = [state.state for state in Study(tmp_path, search).states()]
    assert states == ["fail", "running", "waiting", "waiting"]


def test_asked_to_stop_it_takes_no_other_fold(faces, tmp_path, runs):
    assert not work.work(search_of(faces), tmp_path, lambda: bool(runs))
    assert len(runs) == 1


@pytest.mark.timeout(300)
def test_workers_that_all_end_early_are_an_error_that_says_why(faces, tmp_path, monkeypatch):
    search = search_of(faces)
    start = work.Worker.start

    def killed(*arguments):
        one = start(*arguments)
        one.process.kill()
        return one

    monkeypatch.setattr(work.Worker, "start", killed)
    with pytest.raises(SearchError, match=r"0 of 4 folds are done.*killed \(signal 9\)"):
        work.run(search, tmp_path, progress=False)
