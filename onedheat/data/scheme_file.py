"""The file `scheme.json` beside one's own faces; what stands in it: `onedheat.landmarks.written`."""

import json
from pathlib import Path

from onedheat.errors import DataError
from onedheat.files import write_atomically
from onedheat.landmarks import SCHEMES, Scheme, scheme_as_json, scheme_from_json

SCHEME = "scheme.json"


def demand_folder(root: Path) -> None:
    """Raises `DataError` if that is no folder."""
    if not root.is_dir():
        raise DataError(f"{root} is no folder; give the folder that holds your photos and labels")


def read_scheme(root: str | Path) -> Scheme:
    """The scheme that a folder's `scheme.json` describes.

    Raises:
        DataError: no such folder or file, or something wrong in it; the message names file and key.
    """
    path = Path(root) / SCHEME
    demand_folder(path.parent)
    try:
        return scheme_from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise DataError(
            f"{root} has no {SCHEME}, which says what its points are; `onedheat data scheme {root}` "
            "proposes one from the labels and draws it"
        ) from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: no JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{path}:{line}: a byte that is no UTF-8; save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def write_scheme(root: str | Path, scheme: Scheme) -> None:
    """Writes a folder's `scheme.json`: a published scheme by its name, any other in full.

    Raises:
        DataError: it cannot be written, and what was there before still is.
    """
    path = Path(root) / SCHEME
    published = SCHEMES.get(scheme.name) == scheme
    values = {"name": scheme.name} if published else scheme_as_json(scheme)
    # A key a line: indices under one another would fill pages.
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in values.items()]
    try:
        write_atomically(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror}; work on a copy of the folder that can be "
            "written to"
        ) from None
