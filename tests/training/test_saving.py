"""Checkpoints: whole or refused, whatever happens while they are written."""

import errno
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from smallruns import QUICK, SMALL, run_of

from onedheat.checkpoints import CheckpointError, load_detector, write_weights
from onedheat.models import Detector
from onedheat.training import keeping
from onedheat.training.keeping import Keeper
from onedheat.training.saving import MANIFEST, STATE, Checkpoints
from onedheat.training.settings import as_json


@pytest.fixture
def checkpoints(faces, tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "run", settings(faces))


def settings(faces, **changes) -> dict:
    return as_json(SMALL, replace(QUICK, **changes), faces, 1)


def fill(step: int):
    """What a run writes, for a network whose weights tell the step."""

    def write(folder: Path) -> None:
        detector = Detector(SMALL)
        with torch.no_grad():
            next(detector.parameters()).fill_(step)
        write_weights(detector, folder)
        torch.save({"step": step}, folder / STATE)

    return write


def saved(checkpoints: Checkpoints, *steps: int) -> list[Path]:
    for step in steps:
        checkpoints.write(step, fill(step))
    return checkpoints.folders()


def step_of(weights: Path) -> int:
    return int(next(load_detector(weights).parameters()).flatten()[0])


def test_the_newest_three_are_kept_and_the_last_is_loaded(checkpoints):
    folders = saved(checkpoints, 4, 20, 100, 1000)
    assert [folder.name for folder in folders] == [
        "step-00001000",
        "step-00000100",
        "step-00000020",
    ]
    assert checkpoints.newest()["step"] == 1000
    assert step_of(checkpoints.run / "last") == 1000
    assert sorted(path.name for path in checkpoints.run.iterdir()) == ["checkpoints", "last"]


def test_what_was_just_written_is_kept_whatever_else_lies_there(checkpoints):
    saved(checkpoints, 100, 101, 102)
    folders = saved(checkpoints, 4)
    assert folders[-1].name == "step-00000004" and len(folders) == 3
    assert step_of(checkpoints.run / "last") == 4


def test_a_folder_that_cannot_be_written_is_said_before_training(checkpoints, monkeypatch):
    saved(checkpoints, 4)

    def refuse(folder: Path):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(checkpoints, "_point_last_at", refuse)
    with pytest.raises(
        CheckpointError, match="cannot be written .Read-only file system., so nothing"
    ):
        checkpoints.newest()


def test_a_run_can_be_moved_and_copied(checkpoints, tmp_path):
    saved(checkpoints, 4)
    shutil.copytree(checkpoints.run, tmp_path / "copy", symlinks=True)
    shutil.rmtree(checkpoints.run)
    assert step_of(tmp_path / "copy/last") == 4
    assert Checkpoints(tmp_path / "copy", checkpoints.settings).newest()["step"] == 4


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "a flipped bit of the state": lambda folder: flip(folder / STATE, 300),
    "a flipped bit of the weights": lambda folder: flip(folder / "model.safetensors", -5),
    "a state cut short": lambda folder: os.truncate(folder / STATE, 1000),
    "an empty state": lambda folder: os.truncate(folder / STATE, 0),
    "no state": lambda folder: (folder / STATE).unlink(),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "another config": lambda folder: (folder / "config.json").write_text("{}"),
    "no manifest": lambda folder: (folder / MANIFEST).unlink(),
    "a manifest that is none": lambda folder: (folder / MANIFEST).write_text("[]"),
    "a manifest that lists nothing": lambda folder: (folder / MANIFEST).write_text(
        json.dumps({"format": 1, "step": 8, "settings": {}, "files": {}})
    ),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_where_the_newest_is_damaged_the_one_before_takes_its_place(checkpoints, how, caplog):
    newest, before = saved(checkpoints, 4, 8)
    DAMAGE[how](newest)
    assert checkpoints.newest()["step"] == 4
    assert step_of(checkpoints.run / "last") == 4
    assert "going on from step 4 instead" in caplog.text and newest.name in caplog.text
    # It is out of the way, for who wants to look at it, and its step can be saved again.
    assert checkpoints.folders() == [before]
    assert newest.with_name(newest.name + ".damaged").is_dir()
    assert saved(checkpoints, 8)[0] == newest


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_checkpoint_alone_is_refused_and_left_as_it_is(checkpoints, how):
    (only,) = saved(checkpoints, 4)
    DAMAGE[how](only)
    for _ in range(2):
        with pytest.raises(CheckpointError, match="cannot be resumed from: .*step-00000004"):
            checkpoints.newest()
    assert checkpoints.folders() == [only]


def test_a_checkpoint_of_another_run_is_refused(faces, tmp_path, checkpoints):
    other = Checkpoints(tmp_path / "other", settings(faces, learning_rate=0.5))
    saved(checkpoints, 4)
    (foreign,) = saved(other, 8)
    shutil.copytree(foreign, checkpoints.home / foreign.name)
    assert checkpoints.newest()["step"] == 4
    shutil.rmtree(checkpoints.home / "step-00000004")
    shutil.copytree(foreign, checkpoints.home / foreign.name)
    with pytest.raises(
        CheckpointError, match=r"another run \(train.learning_rate: 0.5 there, 0.001 asked for\)"
    ):
        checkpoints.newest()


def test_a_checkpoint_under_another_step_s_name_is_refused(checkpoints):
    newest, _ = saved(checkpoints, 4, 8)
    newest.rename(newest.with_name("step-00000900"))
    assert checkpoints.newest()["step"] == 4


def test_where_there_are_no_links_last_is_a_copy(checkpoints, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    saved(checkpoints, 4, 8)
    last = checkpoints.run / "last"
    assert not last.is_symlink() and step_of(last) == 8
    assert checkpoints.newest()["step"] == 8
    (checkpoints.folders()[0] / "calibration.json").write_text("{}", encoding="utf-8")
    assert checkpoints.newest()["step"] == 8
    assert (last / "calibration.json").is_file()
    monkeypatch.undo()
    saved(checkpoints, 12)  # the same folder on a file system that has links
    assert step_of(last) == 12


def killed_at(number: int, work) -> bool:
    """Whether `work`, in a process of its own, was killed at its n-th call that changes files."""
    child = os.fork()
    if child:
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert ended in (0, -signal.SIGKILL)
        return ended != 0
    try:
        calls = iter(range(number))

        def counted(call):
            def wrapper(*args, **kwargs):
                if next(calls, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **kwargs)

            return wrapper

        for name in ("fsync", "rename", "replace", "mkdir", "rmdir", "unlink", "symlink", "chmod"):
            setattr(os, name, counted(getattr(os, name)))
        work()
        os._exit(0)
    finally:
        os._exit(1)


def test_a_kill_at_any_moment_of_saving_leaves_whole_checkpoints(checkpoints):
    saved(checkpoints, 1, 2, 3)
    survived, newest = 0, set()
    for number in range(200):
        was_killed = killed_at(number, lambda: checkpoints.write(4, fill(4)))
        assert step_of(checkpoints.run / "last") in (3, 4)
        state = checkpoints.newest()["step"]
        assert state in (3, 4) and step_of(checkpoints.run / "last") == state
        assert len(checkpoints.folders()) >= 3 and not list(checkpoints.home.glob("*.damaged"))
        newest.add(state)
        survived += 1
        if not was_killed:
            break
        shutil.rmtree(checkpoints.home)
        (checkpoints.run / "last").unlink()
        saved(checkpoints, 1, 2, 3)
    assert not was_killed and survived > 15 and newest == {3, 4}
    # What was left half written is gone with the next one that is whole.
    checkpoints.write(5, fill(5))
    assert sorted(path.name for path in checkpoints.home.iterdir()) == [
        f"step-{step:08d}" for step in (3, 4, 5)
    ]


# A disk that is full ------------------------------------------------------------------------------


@pytest.fixture
def full_disk(monkeypatch):
    """A disk on which nothing can be saved while the list that is given back says so."""
    full, write = [True], Checkpoints.write

    def refuse(self, step, fill):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, step, fill)

    monkeypatch.setattr(Checkpoints, "write", refuse)
    return full


def test_a_full_disk_does_not_end_a_run(faces, tmp_path, full_disk, caplog):
    run = run_of(faces, tmp_path / "run", save_minutes=1e-9)
    run.learner.learn, learn = lambda parts: make_room(run, learn(parts)), run.learner.learn

    def make_room(run, losses):
        full_disk[0] = run.step < 10
        return losses

    report = run.train()
    assert report is not None and run.step == 12
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    said = warning.getMessage()
    assert "step 1 cannot be saved" in said and "No space left" in said
    assert "training goes on" in said
    assert [folder.name[-2:] for folder in run.checkpoints.folders()] == ["12", "11", "10"]


def test_a_finished_run_waits_for_room(checkpoints, full_disk, monkeypatch, caplog):
    naps = []

    def nap(seconds):
        naps.append(seconds)
        full_disk[0] = len(naps) < 3

    monkeypatch.setattr(keeping.time, "sleep", nap)
    keeper = Keeper(checkpoints, minutes=1.0)
    keeper.write_or_wait(7, fill(7), give_up=lambda: False)
    assert len(naps) == 3 and keeper.step == 7
    assert checkpoints.newest()["step"] == 7
    assert caplog.text.count("waiting for room") == 1


def test_who_waits_no_longer_is_told_what_there_is(checkpoints, full_disk):
    keeper = Keeper(checkpoints, minutes=1.0)
    with pytest.raises(CheckpointError, match="step 7 cannot be saved .* No checkpoint has been"):
        keeper.write_or_wait(7, fill(7), give_up=lambda: True)
    full_disk[0] = False
    keeper.write(7, fill(7))
    full_disk[0] = True
    with pytest.raises(CheckpointError, match="The checkpoint of step 7 is whole. Make room"):
        keeper.write_or_wait(8, fill(8), give_up=lambda: True)


def test_files_that_cannot_grow_leave_the_checkpoint_before(faces, tmp_path):
    """The real thing: writes fail in the middle of a file, as on a full disk."""
    import resource

    run = run_of(faces, tmp_path / "run")
    run.save()
    before = {path.name: path.read_bytes() for path in run.checkpoints.folders()[0].iterdir()}
    run.learner.step = 1
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(keeping.UNWRITABLE):
            run.save()
        with pytest.raises(CheckpointError, match="The checkpoint of step 0 is whole"):
            run._save(last=True, give_up=lambda: True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heard)
    assert {path.name for path in run.checkpoints.home.iterdir()} == {"step-00000000"}
    (folder,) = run.checkpoints.folders()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    run.save()
    assert run.checkpoints.newest()["step"] == 1
