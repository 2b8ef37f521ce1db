"""MATLAB's `.mat` files of any version since 5."""

from pathlib import Path

from onedheat.data.mat5 import Mat5
from onedheat.data.mat73 import Mat73
from onedheat.errors import DataError

_HDF5 = b"\x89HDF\r\n\x1a\n"


def open_mat(path: Path) -> Mat5 | Mat73:
    """The variables of a `.mat` file, by `numbers(name)` and `texts(name)`.

    Raises:
        DataError: it is none, or one whose structure is broken.
        ImportError: it is of version 7.3, and h5py is not installed.
        OSError: it cannot be opened.
    """
    raw = path.read_bytes()
    # MATLAB puts 512 bytes of its own before the HDF5 file.
    if raw.startswith(_HDF5) or raw[512:].startswith(_HDF5):
        return Mat73(path)
    # A zero among the first four bytes is version 4's.
    if raw[124:128] in (b"\0\1IM", b"\1\0MI") and 0 not in raw[:4]:
        return Mat5(path, raw)
    if not raw:
        raise DataError(f"{path} is empty (0 bytes); fetch it again")
    raise DataError(
        f"{path} is no .mat file of MATLAB 5 to 7.3 (it begins with {raw[:16]!r}); fetch it again"
    )
