"""Photos that break or vanish while a run is under way."""

import multiprocessing
import os
import shutil
import signal

import pytest
import torch
from faces300w import make_300w
from smallruns import run_of, stop_after

from onedheat.data.w300 import read_300w
from onedheat.errors import DataError
from onedheat.training import read_metrics


@pytest.fixture
def own(tmp_path):
    """Faces in a folder that this test may break."""
    return read_300w(make_300w(tmp_path / "300w", faces=40))


def forget_photos(run) -> None:
    """Has a run read each photo anew, as one does whose photos do not fit into memory."""
    pictures = run._pictures(0)
    pictures.pictures.photos.room = 0
    run._pictures = lambda step: pictures


def assert_goes_on_as_if_unbroken(own, place) -> None:
    """The run in `place`, resumed, ends with the weights of one that nothing befell."""
    resumed = run_of(own, place / "run", resume=True)
    resumed.train()
    unbroken = run_of(own, place / "unbroken")
    unbroken.train()
    for name, value in unbroken.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def break_photo(sample) -> None:
    path = sample.source.path
    path.write_bytes(path.read_bytes()[:200])


def test_a_photo_that_breaks_is_replaced_by_the_same_face_in_a_resumed_run(own, tmp_path, caplog):
    weights = []
    for name, stops in (("unbroken", False), ("broken", True)):
        run = run_of(own, tmp_path / name)
        break_photo(run.training.samples[3])
        if stops:
            stop_after(run, 5, lambda run=run: run.save())
            run.train()
            shutil.rmtree(run.checkpoints.home / "step-00000012")
            run = run_of(own, tmp_path / name, resume=True)
            assert run.step == 5
        run.train()
        weights.append(run.average.module.state_dict())
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    broken = str(run.training.samples[3].source)
    assert f"{broken} is no image that can be read" in caplog.text
    assert len(read_metrics(tmp_path / "broken")) == 3


def test_a_validation_photo_that_breaks_is_left_out(own, tmp_path, caplog):
    run = run_of(own, tmp_path / "run", passes=2)
    count = len(run.validation)
    stop_after(run, 5, lambda: break_photo(run.validation.samples[2]))
    report = run.train()
    assert report.faces == count - 1 and caplog.text.count("validation goes on without it") == 1


def test_a_folder_that_vanishes_ends_the_run_with_its_newest_state_saved(own, tmp_path):
    run = run_of(own, tmp_path / "run")
    forget_photos(run)
    stop_after(run, 6, lambda: (tmp_path / "300w").rename(tmp_path / "away"))
    with pytest.raises(DataError) as raised:
        run.train()
    said = str(raised.value)
    assert "faces in a row cannot be read" in said and "Are the data still where they were?" in said
    assert "Training stopped at step 6. The checkpoint of step 6 is whole; --resume" in said
    (tmp_path / "away").rename(tmp_path / "300w")
    assert run_of(own, tmp_path / "run", resume=True).step == 6
    assert_goes_on_as_if_unbroken(own, tmp_path)


def test_a_worker_that_is_killed_ends_the_run_with_its_state_saved(own, tmp_path):
    run = run_of(own, tmp_path / "run", workers=1)
    stop_after(run, 2, kill_workers)
    with pytest.raises(DataError) as raised:
        run.train()
    said = str(raised.value)
    assert "a process that prepares pictures has ended" in said and "--set workers=" in said
    assert f"The checkpoint of step {run.step} is whole" in said and run.step >= 2
    assert_goes_on_as_if_unbroken(own, tmp_path)


def test_a_group_that_is_asked_to_stop_saves(own, tmp_path):
    """As a service manager asks it: each process of the group, workers too."""
    run = run_of(own, tmp_path / "run", workers=1)

    def ask_all() -> None:
        for worker in multiprocessing.active_children():
            os.kill(worker.pid, signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

    stop_after(run, 2, ask_all)
    assert run.train() is None and run.step == 2
    assert run_of(own, tmp_path / "run", resume=True).step == 2


def kill_workers() -> None:
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGKILL)


def test_a_folder_that_is_gone_at_validation_ends_the_run_too(own, tmp_path):
    run = run_of(own, tmp_path / "run", passes=2)
    stop_after(run, 8, lambda: shutil.rmtree(tmp_path / "300w"))
    with pytest.raises(DataError, match="validation faces cannot be read.* stopped at step 8"):
        run.train()
    assert run.checkpoints.newest()["step"] == 8
