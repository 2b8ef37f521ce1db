"""Files and folders are whole or not there, whoever else writes and whenever a kill falls."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from onedheat import files
from onedheat.files import (
    ABANDONED,
    file_written_atomically,
    folder_to_read,
    folder_written_atomically,
    recover_folder,
    write_atomically,
)


def written(folder, text):
    with folder_written_atomically(folder) as temporary:
        (temporary / "weights").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Files --------------------------------------------------------------------------------------------


def test_many_threads_write_one_file_and_one_of_them_has_it(tmp_path):
    path, faults = tmp_path / "faces.json", []

    def write(number):
        try:
            for _ in range(50):
                write_atomically(path, bytes([number]) * 1000)
        except OSError as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert names(tmp_path) == ["faces.json"]
    content = path.read_bytes()
    assert len(content) == 1000 and len(set(content)) == 1


def test_a_file_is_for_whom_the_person_lets_read_it(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"a")
        (tmp_path / "ordinary").touch()
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_what_is_half_written_is_hidden_and_named_after_its_file(tmp_path):
    """`onedheat.data.clip_store` removes by that name what a kill has left."""
    with file_written_atomically(tmp_path / "clip.npy"):
        (half,) = tmp_path.glob(".*.npy.*.part")
        assert half.name.startswith(".clip.npy.")
    assert names(tmp_path) == ["clip.npy"]


def test_a_link_stays_and_the_file_that_it_leads_to_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "faces.json").write_bytes(b"old")
    (tmp_path / "faces.json").symlink_to("far/faces.json")
    (tmp_path / "new.json").symlink_to("far/new.json")  # leads to nothing yet
    for name in ("faces.json", "new.json"):
        write_atomically(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "far" / name).read_bytes() == b"new"
    assert names(tmp_path) == ["faces.json", "far", "new.json"]
    assert names(tmp_path / "far") == ["faces.json", "new.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_pipe_takes_the_content_and_stays_a_pipe(tmp_path, through_a_link):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    if through_a_link:
        (tmp_path / "link").symlink_to(pipe)
    # Open for both before anything is written: nobody has to wait for the other.
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        write_atomically(tmp_path / ("link" if through_a_link else "pipe"), b"faces")
        assert pipe.is_fifo() and os.read(reader, 100) == b"faces"
    finally:
        os.close(reader)
    assert names(tmp_path) == (["link", "pipe"] if through_a_link else ["pipe"])


@pytest.mark.parametrize("name", ["a" * 250 + ".json", "\u03c3" * 125 + ".json"])
def test_a_name_that_the_disk_takes_can_be_written(tmp_path, name):
    assert len(os.fsencode(name)) == 255
    write_atomically(tmp_path / name, b"faces")
    assert names(tmp_path) == [name]


# Folders ------------------------------------------------------------------------------------------

_KILLED = """
import os, signal, sys
from pathlib import Path
from onedheat.files import folder_written_atomically
steps, rename = int(sys.argv[2]), Path.rename
def counted(path, target):
    global steps
    if steps == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    steps -= 1
    return rename(path, target)
Path.rename = counted
with folder_written_atomically(Path(sys.argv[1])) as temporary:
    (temporary / "weights").write_text("new")
    (temporary / "config").write_text("new")
"""


@pytest.mark.parametrize("steps", [0, 1])
def test_after_a_kill_the_old_folder_is_there_or_comes_back(tmp_path, steps, root):
    folder = tmp_path / "net"
    written(folder, "old")
    run = subprocess.run([sys.executable, "-c", _KILLED, folder, str(steps)], cwd=root, timeout=60)
    assert run.returncode == -signal.SIGKILL
    assert folder.exists() == (steps == 0)
    recover_folder(folder)
    assert names(folder) == ["weights"] and (folder / "weights").read_text() == "old"


def test_a_folder_that_a_kill_has_put_aside_outlives_a_failing_save(tmp_path):
    folder = tmp_path / "net"
    written(folder, "old")
    folder.rename(tmp_path / ".net.abcd1234.old")
    with pytest.raises(RuntimeError), folder_written_atomically(folder):
        raise RuntimeError("the disk is full")
    assert names(tmp_path) == ["net"] and (folder / "weights").read_text() == "old"
    folder.rename(tmp_path / ".net.abcd1234.old")
    written(folder, "new")
    assert names(tmp_path) == ["net"] and (folder / "weights").read_text() == "new"


def test_a_reader_finds_what_a_kill_has_put_aside_and_leaves_it_there(tmp_path):
    folder = tmp_path / "net"
    assert folder_to_read(folder) == folder  # nothing is there at all
    written(folder, "old")
    assert folder_to_read(folder) == folder
    aside = tmp_path / ".net.abcd1234.old"
    folder.rename(aside)
    assert folder_to_read(folder) == aside
    assert names(tmp_path) == [aside.name]
    assert folder_to_read(tmp_path / "nowhere" / "net") == tmp_path / "nowhere" / "net"


def test_a_reader_between_a_writer_s_two_renames_waits_and_is_in_nobody_s_way(
    tmp_path, monkeypatch
):
    folder, found, rename = tmp_path / "net", [], files.Path.rename
    written(folder, "old")

    def read():
        found.append(folder_to_read(folder))

    def slow(path, target):
        if path.suffix == ".part":
            reader.start()
            time.sleep(0.2)
        return rename(path, target)

    reader = threading.Thread(target=read)
    monkeypatch.setattr(files.Path, "rename", slow)
    written(folder, "new")
    reader.join()
    assert found == [folder] and (folder / "weights").read_text() == "new"
    assert names(tmp_path) == ["net"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    folder, rename = tmp_path / "net", files.Path.rename
    written(folder, "old")

    def refused(path, target):
        if path.suffix == ".part":
            raise PermissionError(errno.EACCES, "another program has it open")
        return rename(path, target)

    monkeypatch.setattr(files.Path, "rename", refused)
    with pytest.raises(PermissionError):
        written(folder, "new")
    assert names(tmp_path) == ["net"] and (folder / "weights").read_text() == "old"


def test_leftovers_go_once_nobody_can_be_at_work_on_them_and_those_of_others_stay(tmp_path):
    left = {name: tmp_path / name for name in (".net.aaaa.part", ".net.bbbb.part", ".net.cccc.old")}
    others = {name: tmp_path / name for name in (".net.x.aaaa.part", ".net.x.aaaa.old", ".nets")}
    for path in [*left.values(), *others.values()]:
        path.mkdir()
    long_ago = time.time() - ABANDONED - 60
    for path in (left[".net.aaaa.part"], *others.values()):
        os.utime(path, (long_ago, long_ago))
    (tmp_path / "net").mkdir()
    written(tmp_path / "net", "new")
    assert names(tmp_path) == sorted([*others, ".net.bbbb.part", "net"])


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    written(tmp_path / "step-1", "old")
    (tmp_path / "last").symlink_to("step-1")
    written(tmp_path / "last", "new")
    assert names(tmp_path) == ["last", "step-1"] and not (tmp_path / "last").is_symlink()
    assert (tmp_path / "step-1" / "weights").read_text() == "old"


class Windows:
    """The module `os`, with what Windows refuses of what is used here."""

    name = "nt"

    def __getattr__(self, name):
        return getattr(os, name)

    def open(self, path, flags):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return os.open(path, flags)

    def fsync(self, handle):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        os.fsync(handle)


def test_files_and_folders_are_saved_where_the_system_is_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "os", Windows())
    for text in ("old", "new"):
        written(tmp_path / "net", text)
        write_atomically(tmp_path / "a.json", text.encode())
    assert names(tmp_path) == ["a.json", "net"]
    assert (tmp_path / "net" / "weights").read_text() == "new"
    assert (tmp_path / "a.json").read_bytes() == b"new"
