"""What was measured on real faces, kept where the faces themselves cannot be: errors, and no photo and
no label.

Every file of this folder holds one measurement of the 224 faces of 300W's ``lfpw/testset``: the error
of each landmark of each face, by some weights, decoder and box. All are of the same faces in the same
order, so they can be compared face by face. `FACTS` holds what the lessons say of the faces as a whole.
`python -m onedheat.kept --root DIR` makes them from the photos, see `onedheat.kept.make`.

    measured = kept.load("tiny68-dark-tight")
    measured.errors  # (224, 68) in per cent of the inter-ocular distance
    kept.everything()  # all of them by name
"""

from importlib import resources
from pathlib import Path

from onedheat.kept.files import (
    SUFFIX,
    FaceFacts,
    KeptError,
    Measurement,
    read_facts,
    read_measurement,
)

HOME = Path(str(resources.files("onedheat") / "kept"))
FACTS = f"faces{SUFFIX}"

__all__ = [
    "FACTS",
    "HOME",
    "FaceFacts",
    "KeptError",
    "Measurement",
    "everything",
    "facts",
    "load",
    "names",
]


def names(home: Path = HOME) -> list[str]:
    """Of the measurements that are kept."""
    return sorted(path.stem for path in home.glob(f"*{SUFFIX}") if path.name != FACTS)


def load(name: str, home: Path = HOME) -> Measurement:
    """One measurement.

    Raises:
        KeptError: none of that name is kept, or its file cannot be used.
    """
    if name not in names(home):
        known = ", ".join(names(home)) or "none"
        raise KeptError(f"no measurement {name!r} is kept in {home}; there are: {known}")
    return read_measurement(home / f"{name}{SUFFIX}")


def facts(home: Path = HOME) -> FaceFacts:
    """What is kept of the faces as a whole.

    Raises:
        KeptError: the file is missing or cannot be used.
    """
    return read_facts(home / FACTS)


def everything(home: Path = HOME) -> dict[str, Measurement]:
    """All measurements by name, of the same faces in the same order.

    Raises:
        KeptError: a file cannot be used, or is of other faces than `FACTS`.
    """
    about, found = facts(home), {name: load(name, home) for name in names(home)}
    for name, one in found.items():
        if one.faces_digest != about.faces_digest:
            raise KeptError(
                f"{name}{SUFFIX} and {FACTS} in {home} are of different faces, so they cannot be compared "
                "face by face; make both again from one folder: python -m onedheat.kept --root DIR --anew"
            )
    return found
