"""Many jobs in processes of their own: all done, one at fault told, one folder for one process."""

import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest

from onedheat.training.many import alone, do_all


def note(path: Path) -> bool:
    path.write_text("done")
    return True


def fail(path: Path) -> bool:
    raise ValueError(f"{path.name} is at fault")


def test_every_job_is_done(tmp_path):
    do_all({name: partial(note, tmp_path / name) for name in "abc"}, workers=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_fault_is_raised_here(tmp_path):
    with pytest.raises(ValueError, match="b is at fault"):
        do_all({"a": partial(note, tmp_path / "a"), "b": partial(fail, tmp_path / "b")}, workers=1)
    assert (tmp_path / "a").read_text() == "done"


def work_on(path: Path) -> bool:
    note(path)
    time.sleep(60)
    return True


def fail_beside(path: Path) -> bool:
    while not path.exists():
        time.sleep(0.05)
    return fail(path)


def test_a_fault_ends_what_is_at_work_beside_it(tmp_path):
    jobs = {"long": partial(work_on, tmp_path / "a"), "bad": partial(fail_beside, tmp_path / "a")}
    with pytest.raises(ValueError, match="a is at fault"):
        do_all(jobs, workers=2)
    until = time.monotonic() + 20
    while active_children() and time.monotonic() < until:
        time.sleep(0.05)
    assert not active_children()


def test_a_folder_is_one_process_s(tmp_path):
    with alone(tmp_path / "new"), pytest.raises(RuntimeError, match="another process works in"):
        with alone(tmp_path / "new"):
            pass
