"""Many jobs in processes of their own: all done, one at fault told, one folder for one process."""

from functools import partial
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


def test_a_folder_is_one_process_s(tmp_path):
    with alone(tmp_path / "new"), pytest.raises(RuntimeError, match="another process works in"):
        with alone(tmp_path / "new"):
            pass
