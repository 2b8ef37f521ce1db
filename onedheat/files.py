"""Files and folders that are either whole or not there, whatever happens while they are written."""

import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

ABANDONED = 24 * 3600
"""Seconds after which nobody is still at work on a folder that is half written."""

BETWEEN_RENAMES = 0.5
"""Seconds that a reader gives a writer for the two renames by which it replaces a folder."""

LONGEST_NAME = 255
"""Bytes of a file's name, for most file systems."""


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file that is either whole or not there; what was there before stays until then."""
    with file_written_atomically(path) as stream:
        stream.write(content)


@contextmanager
def file_written_atomically(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content becomes the file `path` when the block ends well, whole or not at all.

    Where several threads or processes write the same file, the last one to end has it. A symbolic link
    stays one, and the file that it leads to is written. What is no regular file, as a named pipe or a
    device, must not be replaced: it is opened and takes the content as it comes.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    path = Path(os.path.realpath(path))
    # Not by tempfile, whose files are for the owner alone.
    ending = f".{secrets.token_hex(8)}.part"
    temporary = path.with_name(_shortened(f".{path.name}", LONGEST_NAME - len(ending)) + ending)
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_written_atomically(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its place when the block ends well.

    An error or a full disk leaves the old folder, a crash or a kill the old or the new one, never half
    of one. Python cannot replace a folder in one step: the old one is put aside before the new one takes
    its name. Where a kill falls between the two, neither has the name, until the folder is written next
    or `recover_folder` is called: then it is the old one's again. Until then `folder_to_read` finds it.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(folder)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        for path in temporary.iterdir():
            path.chmod(0o644)  # safetensors writes files for the owner alone
            _sync(path)
        _sync(temporary)
        temporary.chmod(0o755)
        if os.path.lexists(folder):
            folder.rename(old)
        temporary.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        recover_folder(folder)


def recover_folder(folder: Path) -> None:
    """Undoes what a kill has left of `folder_written_atomically`.

    A folder that was put aside and not replaced has its name back. What is left of others that were
    replaced is removed, and so is what was being written a day ago.
    """
    old = _beside(folder, "old")
    if old and not os.path.lexists(folder):
        old.pop().rename(folder)
    abandoned = time.time() - ABANDONED
    for left in old + [path for path in _beside(folder, "part") if _changed(path) < abandoned]:
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def folder_to_read(folder: Path) -> Path:
    """Where what `folder_written_atomically` has made of a folder lies: under its name, or, where a kill has
    fallen between two renames, put aside.

    There it is left: who reads cannot tell a writer that was killed from one that is slow, and whose second
    rename would fail if the name were taken again.
    """
    until = time.monotonic() + BETWEEN_RENAMES
    while not os.path.lexists(folder) and (old := _beside(folder, "old")):
        if time.monotonic() > until:
            return old[-1]
        time.sleep(0.02)
    return folder


def _shortened(name: str, most: int) -> str:
    """The beginning of a name that has at most that many bytes."""
    while len(os.fsencode(name)) > most:
        name = name[:-1]
    return name


def _beside(folder: Path, ending: str) -> list[Path]:
    """What `folder_written_atomically` has made beside a folder, the newest last."""
    name = re.compile(rf"\.{re.escape(folder.name)}\.[^.]+\.{ending}")
    found = [path for path in folder.parent.glob(f".*.{ending}") if name.fullmatch(path.name)]
    return sorted(found, key=_changed)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:  # another process has removed it
        return time.time()


def _sync(path: Path) -> None:
    """Has a file or a folder be on the disk; Windows has no way to ask that of a folder."""
    if os.name == "nt" and path.is_dir():
        return
    # Windows only forces to the disk what may be written.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
