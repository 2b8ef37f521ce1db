"""Whether two sets hold the same faces: a digest of their labels, which says nothing of what they are."""

import hashlib

import numpy as np

from onedheat.data.clips import Annotation, Clip, ClipSet
from onedheat.data.samples import FaceSet


def labels_digest(faces: FaceSet | ClipSet, *, read: bool = True) -> str:
    """Of whose faces these are and of every landmark, as hexadecimal SHA-256. Pictures are not looked
    at, and where they lie makes no difference.

    Args:
        faces: the set.
        read: read the annotation of long videos too, which may be hundreds of thousands of files; of
            those only the number counts otherwise.
    """
    found = hashlib.sha256()
    for one in faces.clips if isinstance(faces, ClipSet) else faces.samples:
        found.update(one.group.encode())
        if not read and isinstance(one, Clip) and isinstance(one.annotation, Annotation):
            found.update(str(len(one.annotation)).encode())
            continue
        found.update(np.ascontiguousarray(one.landmarks, "<f8").tobytes())
        if isinstance(one, Clip) and one.visible is not None:  # what hidden landmarks are told by
            found.update(np.ascontiguousarray(one.visible).tobytes())
    return found.hexdigest()
