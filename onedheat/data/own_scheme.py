"""A scheme for a folder of one's own faces: the one it has, a published one, or a proposal."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onedheat.data.own import LabelledFace, read_labels
from onedheat.data.propose import mean_shape, propose_scheme, strangers
from onedheat.data.scheme_file import SCHEME, read_scheme, write_scheme
from onedheat.errors import DataError
from onedheat.geometry import Landmarks
from onedheat.landmarks import Scheme


@dataclass(frozen=True, eq=False)
class OwnScheme:
    """A folder's scheme and what a person needs to judge it.

    Attributes:
        scheme: the points, their names and mirror pairs.
        written: whether `scheme.json` was written now; else it was there.
        doubtful: points for which no place in the mirror was found.
        shape: (N, 2), the mean of all faces.
        typical: the labelled face that is most like the mean.
        faces: how many labelled faces there are.
        faults: what is wrong with other labels.
        strange: labelled faces that differ from all others (see `propose.strangers`); each begins with
            its file and line.
    """

    scheme: Scheme
    written: bool
    doubtful: tuple[int, ...]
    shape: Landmarks
    typical: LabelledFace
    faces: int
    faults: tuple[str, ...]
    strange: tuple[str, ...]


def own_scheme(root: str | Path, *, like: Scheme | None = None, anew: bool = False) -> OwnScheme:
    """The scheme of a folder. If it has none, one is proposed from its labels and written.

    Args:
        root: the folder, see `onedheat.data.own`.
        like: a published scheme whose points these are; it is written instead of a proposal.
        anew: write over a `scheme.json` that is there.

    Raises:
        DataError: no labels, a `scheme.json` at fault, one that the labels do not fit, one that is
            there and not the scheme `like`, or one that cannot be written.
    """
    root = Path(root)
    there = (root / SCHEME).exists() and not anew
    known = like or (read_scheme(root) if there else None)
    labels = read_labels(root, known, called=f"the scheme {like.name}" if like else None)
    if not labels.faces:
        raise DataError(labels.faults[0])
    if there and like and read_scheme(root) != like:
        raise DataError(
            f"{root / SCHEME} is there and is not {like.name}; move it away, or write over it with --anew"
        )
    landmarks = np.stack([face.landmarks for face in labels.faces])
    scheme, doubtful = known, ()
    if scheme is None:
        scheme, doubtful = propose_scheme(landmarks, root.resolve().name, labels.points)
    if written := not there:
        write_scheme(root, scheme)
    shape = mean_shape(landmarks)
    unlike = [float(((mean_shape(one[None]) - shape) ** 2).sum()) for one in landmarks[:100]]
    return OwnScheme(
        scheme,
        written,
        doubtful,
        shape,
        labels.faces[int(np.argmin(unlike))],
        len(labels.faces),
        labels.faults,
        tuple(f"{labels.faces[i].where}: {what}" for i, what in strangers(landmarks).items()),
    )
