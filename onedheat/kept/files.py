"""The files of kept results: a NumPy archive of one header in JSON and a few arrays, format 2.

Nothing in it is executed when it is read (no pickle). Errors are rounded to hundredths of a per cent
and stored as 16-bit floats: 224 faces of 68 landmarks take some 45 kB, and their mean is off by less
than 0.001.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from onedheat.errors import KeptError
from onedheat.files import write_atomically

SUFFIX = ".npz"
FORMAT = 2
ARRAYS = ("errors", "along")  # of a measurement
DIGITS = 2  # of an error in per cent; labels of one person differ by far more
MAKE = "make it again: python -m onedheat.kept --root DIR --anew"


@dataclass(frozen=True, eq=False)
class Measurement:
    """Errors of every landmark of every face, and how they came about.

    Attributes:
        dataset: and
        split: what was measured on.
        faces_digest: says whether two measurements are of the same faces and labels in one order.
        scheme: name of the markup.
        normaliser: what errors are divided by, e.g. ``"interocular"``.
        weights: name of the weights.
        weights_digest: of their files, so that one can tell whether they are still the same.
        decoder: how coordinates were read off.
        flip: whether each face was also looked at in the mirror.
        box: what the network was shown, see `onedheat.kept.make.BOXES`.
        errors: (B, N) in per cent of the normaliser; infinite in faces that were missed.
        along: (B, N), how much of that lies along the line that a landmark is drawn on, see
            `onedheat.metrics.errors_along`; infinite likewise, NaN for landmarks on no line.
    """

    dataset: str
    split: str
    faces_digest: str
    scheme: str
    normaliser: str
    weights: str
    weights_digest: str
    decoder: str
    flip: bool
    box: str
    errors: Float[np.ndarray, "faces landmarks"]
    along: Float[np.ndarray, "faces landmarks"]

    @property
    def across(self) -> Float[np.ndarray, "faces landmarks"]:
        """How much of each error lies across its line, in per cent; infinite and NaN likewise."""
        found = np.isfinite(self.errors)
        squared = np.square(self.errors, where=found, out=np.zeros_like(self.errors))
        squared -= np.square(self.along, where=found, out=np.zeros_like(self.along))
        return np.where(found, np.sqrt(squared.clip(min=0)), np.inf)

    @property
    def name(self) -> str:
        """Of its file, e.g. ``"tiny68-dark-flip-tight"``."""
        return name_of(self.weights, self.decoder, self.flip, self.box)

    @property
    def of_faces(self) -> Float[np.ndarray, "faces"]:
        """Mean error of each face in per cent; infinite where it was missed."""
        return self.errors.mean(axis=1)

    @property
    def missed(self) -> int:
        """How many faces were not found."""
        return int(np.isinf(self.of_faces).sum())

    @property
    def nrmse(self) -> float:
        """Mean over the faces that were found, in per cent, as a `Report` has it."""
        return float(self.of_faces[np.isfinite(self.of_faces)].mean())


@dataclass(frozen=True, eq=False)
class FaceFacts:
    """What is kept of the labels, none of which can be had back from it.

    Attributes:
        dataset: and
        split: and
        faces_digest: and
        scheme: see `Measurement`.
        factors: another normaliser → (B,) what errors in per cent of the inter-ocular distance are
            multiplied by to be in per cent of it.
        variance: frame → (N, 2) variance of each coordinate over the faces: ``"box"`` in (per cent of
            the side)² of `tight_box` 1.25, ``"eyes"`` in (per cent of the inter-ocular distance)² from
            the middle between the outer eye corners.
    """

    dataset: str
    split: str
    faces_digest: str
    scheme: str
    factors: dict[str, Float[np.ndarray, "faces"]]
    variance: dict[str, Float[np.ndarray, "landmarks 2"]]


def name_of(weights: str, decoder: str, flip: bool, box: str) -> str:
    """The name of a measurement."""
    return "-".join([weights, decoder, *(["flip"] if flip else []), box])


def write_measurement(measured: Measurement, path: Path) -> None:
    """Writes a measurement, whole or not at all."""
    header = {key: value for key, value in vars(measured).items() if key not in ARRAYS}
    arrays = {name: getattr(measured, name).round(DIGITS).astype(np.float16) for name in ARRAYS}
    _write(path, "measurement", header, arrays)


def read_measurement(path: Path) -> Measurement:
    """Reads what `write_measurement` wrote.

    Raises:
        KeptError: there is no such file, or it cannot be used; the message says why and what to do.
    """
    header, arrays = _read(path, "measurement", _HEADER, ARRAYS)
    errors, along = (arrays[name] for name in ARRAYS)
    _demand(path, "errors", errors, (None, None))
    _demand(path, "along", along, errors.shape)
    missed = np.isinf(errors)
    if (missed.any(axis=1) != missed.all(axis=1)).any() or np.isnan(errors).any():
        raise KeptError(
            f"{path}: a face has landmarks with an error and landmarks without one; {MAKE}"
        )
    if errors.min(initial=0) < 0:
        raise KeptError(f"{path}: the smallest error is {errors.min():g} %, below 0; {MAKE}")
    return Measurement(**header, errors=errors, along=along)


def write_facts(facts: FaceFacts, path: Path) -> None:
    """Writes what is said of the faces, whole or not at all."""
    groups = ("factors", "variance")
    header = {key: value for key, value in vars(facts).items() if key not in groups}
    arrays = {
        f"{group}.{key}": values.astype(np.float32)
        for group in groups
        for key, values in getattr(facts, group).items()
    }
    _write(path, "faces", header, arrays)


def read_facts(path: Path) -> FaceFacts:
    """Reads what `write_facts` wrote.

    Raises:
        KeptError: there is no such file, or it cannot be used.
    """
    header, arrays = _read(path, "faces", _COMMON, [])
    groups: dict[str, dict[str, np.ndarray]] = {"factors": {}, "variance": {}}
    for name, values in arrays.items():
        group, _, key = name.partition(".")
        if group not in groups:
            raise KeptError(f"{path} holds {name!r}, which is unknown here; {MAKE}")
        _demand(path, name, values, (None,) if group == "factors" else (None, 2))
        groups[group][key] = values
    return FaceFacts(**header, **groups)


_COMMON = {"dataset": str, "split": str, "faces_digest": str, "scheme": str}
_HEADER = {
    **_COMMON,
    "normaliser": str,
    "weights": str,
    "weights_digest": str,
    "decoder": str,
    "flip": bool,
    "box": str,
}


def _write(path: Path, kind: str, header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    shapes = {name: list(values.shape) for name, values in arrays.items()}
    text = json.dumps({"format": FORMAT, "kind": kind, "shapes": shapes, **header})
    held = io.BytesIO()
    np.savez_compressed(held, header=np.array(text), **arrays)
    write_atomically(path, held.getvalue())


def _read(
    path: Path, kind: str, wanted: Mapping[str, type], needed: Sequence[str]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays (as float64) of a file, checked against what the header says of them."""
    if not path.is_file():
        raise KeptError(f"{path} is not there; {MAKE}")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = json.loads(str(arrays.pop("header")))
        version, found = header.pop("format"), header.pop("kind")
    except (zipfile.BadZipFile, ValueError, KeyError, OSError, EOFError, AttributeError) as error:
        raise KeptError(f"{path} is damaged or holds no kept results ({error}); {MAKE}") from error
    if version != FORMAT:
        raise KeptError(f"{path} has format {version!r}, this onedheat reads {FORMAT}; {MAKE}")
    if found != kind:
        raise KeptError(f"{path} holds {found!r}, expected {kind!r}; {MAKE}")
    shapes = header.pop("shapes", {})
    if wrong := {k for k in wanted | header if not isinstance(header.get(k), wanted.get(k, ()))}:
        raise KeptError(
            f"{path}: its header is wrong at {', '.join(sorted(wrong))}; expected "
            f"{', '.join(wanted)}; {MAKE}"
        )
    for name in {*shapes, *arrays, *needed}:
        told = tuple(shapes.get(name, ()))
        got = arrays[name].shape if name in arrays else "missing"
        if got != told:
            raise KeptError(f"{path}: {name} is {got}, its header says {told}; {MAKE}")
    return header, {name: values.astype(np.float64) for name, values in arrays.items()}


def _demand(path: Path, name: str, values: np.ndarray, shape: tuple[int | None, ...]) -> None:
    """Refuses an array of another shape; None stands for any length above 0."""
    fits = values.ndim == len(shape) and all(
        got > 0 if want is None else got == want
        for got, want in zip(values.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if one is None else str(one) for one in shape)
        raise KeptError(f"{path}: {name} has the shape {values.shape}, expected ({wanted}); {MAKE}")
