"""Where the parts of a data set lie: archives unpack to more or fewer folder levels than expected."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from onedheat.errors import DataError

DEPTH = 4


def folders_below(root: str | Path, expected: str) -> list[Path]:
    """`root` and the folders up to `DEPTH` levels below it, those near the top first; hidden ones are
    left out.

    Args:
        root: where the data set is looked for.
        expected: what it should hold, for the error message.

    Raises:
        DataError: `root` is no folder, or one of them cannot be read.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the folder that holds {expected}")
    return sorted([root, *_below(root, DEPTH)], key=lambda path: (len(path.parts), path))


def _below(folder: Path, depth: int) -> Iterator[Path]:
    if not depth:
        return
    for entry in entries_in(folder):
        if _is_folder(entry):
            yield Path(entry)
            yield from _below(Path(entry), depth - 1)


def files_below(root: Path) -> list[Path]:
    """What lies in and below a folder, sorted; hidden files and folders are left out.

    Symbolic links to folders are followed, as photos often lie on another disk; one that leads back to
    a folder it lies in is not.

    Raises:
        DataError: a folder cannot be read.
    """
    return sorted(_entries(root, ()))


def _entries(folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    within = (*above, os.path.realpath(folder))
    if within[-1] in above:
        return
    for entry in entries_in(folder):
        yield Path(entry)
        if _is_folder(entry):
            yield from _entries(Path(entry), within)


def entries_in(folder: Path) -> list[os.DirEntry]:
    """What lies in a folder and is not hidden. Raises `DataError` if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read ({error.strerror}); give yourself permission to read it, or move "
            "it away"
        ) from None


def _is_folder(entry: os.DirEntry) -> bool:
    # Of a link that leads to itself `DirEntry.is_dir` fails, and os.path.isdir says no.
    return os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()


def find_file(folders: Iterable[Path], name: str) -> Path | None:
    """The file of that name in the first of the folders that has one."""
    # os.path.isfile says no, and Path.is_file fails, where a name is too long for the file system.
    return next((folder / name for folder in folders if os.path.isfile(folder / name)), None)


def photo_folders(folders: list[Path], name: str) -> list[Path]:
    """Where photos may lie: each of the folders that is called so; without one, the first."""
    return [folder for folder in folders if folder.name == name] or folders[:1]


def find_photo(folders: Iterable[Path], name: str) -> Path | None:
    """The photo that a list names by its path below one of several folders.

    Lists may be written with Windows' backslashes. A path that leads out of the folder is not
    followed.
    """
    parts = name.replace("\\", "/").split("/")
    if not all(parts) or ".." in parts or ":" in parts[0]:
        return None
    return find_file(folders, "/".join(parts))
