"""AFLW-19 (Köstinger et al. 2011; points and split of Zhu et al. 2016, "cascaded compositional
learning"): 19 points, those that are hidden included.

    ROOT/AFLWinfo_release.mat
    ROOT/flickr/{0,2,3}/image00002.jpg …       (or aflw/data/flickr/…, as AFLW's archives unpack)

The variables of `AFLWinfo_release.mat`, as the published readers take them (D-X-Y/landmark-detection,
SAN/cache_data/aflw_from_mat.py; FacePerceiver/FaRL, farl/datasets/aflw.py), for 24,386 faces:

- `nameList`: the photo's path below `flickr`;
- `data` (24386, 38): the 19 x coordinates, then the 19 y;
- `mask_new` (24386, 19): 1 where the point can be seen;
- `bbox` (24386, 4): x0, x1, y0, y1 of the face;
- `ra`: all faces' numbers, from 1, in an order whose first 20,000 are for training.

Those readers take coordinates as they are, the first pixel being 0, and so does this one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from onedheat.data.folders import find_file, find_photo, folders_below, photo_folders
from onedheat.data.mat import open_mat
from onedheat.data.samples import FaceSet, Photo, Sample
from onedheat.errors import DataError
from onedheat.landmarks import AFLW19

NAME = "aflw"
COUNTS = {"train": 20_000, "test": 4_386}  # faces as distributed
SPLITS = (*COUNTS, "frontal")
FACES = sum(COUNTS.values())
LIST = "AFLWinfo_release.mat"
IMAGES = "flickr"
LAYOUT = f"{LIST} and {IMAGES}"


@dataclass(frozen=True, eq=False)
class Annotations:
    """What the `.mat` file holds, one row a face.

    Attributes:
        path: of the file.
        photos: paths below the folder of photos.
        landmarks: (N, 19, 2) in pixels.
        visible: (N, 19).
        boxes: (N, 4) edges in pixels.
        order: (N,) rows in the order in which the split counts them.
    """

    path: Path
    photos: tuple[str, ...]
    landmarks: Float[np.ndarray, "faces 19 2"]
    visible: Bool[np.ndarray, "faces 19"]
    boxes: Float[np.ndarray, "faces 4"]
    order: Int[np.ndarray, " faces"]

    def rows(self, split: str) -> Int[np.ndarray, " rows"]:
        """The rows of a split, in its order."""
        if split == "train":
            return self.order[: COUNTS["train"]]
        tested = self.order[COUNTS["train"] :]
        return tested if split == "test" else tested[self.visible[tested].all(axis=1)]


def read_aflw(root: str | Path, split: str = "train") -> FaceSet:
    """The faces of a split of AFLW-19.

    Args:
        root: the folder that holds `AFLWinfo_release.mat` and `flickr`, or one above it.
        split: ``train``; ``test``, the literature's AFLW-Full; or ``frontal``, the test faces all of
            whose points can be seen (Zhu et al. 2016). For the last 1,165 and 1,314 faces were
            published; this is the definition, whatever it gives.

    Returns:
        Samples with visibility and the data set's box. Faces of one photo are one group.

    Raises:
        DataError: an unknown split, no list, one that is broken (with the variable and the face), or
            a photo that is not there.
    """
    if split not in SPLITS:
        raise DataError(f"aflw has no split {split!r}; there are: {', '.join(SPLITS)}")
    folders = folders_below(root, LAYOUT)
    listed = read_annotations(list_of(folders), FACES)
    photos = photo_folders(folders, IMAGES)  # each archive may have unpacked to one
    return FaceSet(
        NAME,
        split,
        AFLW19,
        tuple(_sample(listed, int(row), split, photos) for row in listed.rows(split)),
    )


def _sample(listed: Annotations, row: int, split: str, photos: list[Path]) -> Sample:
    photo = find_photo(photos, listed.photos[row])
    if photo is None:
        raise DataError(
            f"{listed.path}: variable 'nameList': there is no photo {listed.photos[row]} (face "
            f"{row + 1}) in {', '.join(map(str, photos))}; unpack AFLW's three archives of images "
            f"so that {IMAGES}/0, {IMAGES}/2 and {IMAGES}/3 hold them"
        )
    return Sample(
        Photo(photo),
        listed.landmarks[row],
        f"aflw:{listed.photos[row]}",
        split,
        visible=listed.visible[row],
        box=listed.boxes[row],
    )


def list_of(folders: list[Path]) -> Path:
    """The annotations' file. Raises `DataError` if none of the folders holds it."""
    path = find_file(folders, LIST)
    if path is None:
        raise DataError(
            f"there is no {LIST} in {folders[0]} or below it; it is linked from "
            "http://mmlab.ie.cuhk.edu.hk/projects/compositional.html"
        )
    return path


def read_annotations(path: Path, faces: int | None = None) -> Annotations:
    """What `AFLWinfo_release.mat` says.

    Args:
        path: the file.
        faces: how many there must be; None takes any number.

    Raises:
        DataError: the file is broken, a variable is missing or has another shape, a number is not
            finite, a mask is neither 0 nor 1, a box has no area, or `ra` is no order of the faces.
            The message names file and variable, and the face where there is one.
    """
    mat = open_mat(path)

    def fault(name: str, what: str) -> DataError:
        return DataError(f"{path}: variable {name!r}: {what}")

    photos = mat.texts("nameList")
    count = len(photos)
    if count == 0 or count != (faces or count):
        raise fault("nameList", f"{count} faces; expected {faces or 'some'}")

    def table(name: str, columns: int) -> Float[np.ndarray, "rows columns"]:
        values = mat.numbers(name)
        if values.shape != (count, columns):
            raise fault(name, f"a shape of {values.shape}, expected {(count, columns)}")
        if not np.isfinite(values).all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            raise fault(name, f"face {row + 1}: {values[row, column]} is no finite number")
        return values

    points = table("data", 2 * len(AFLW19))
    mask = table("mask_new", len(AFLW19))
    x0, x1, y0, y1 = table("bbox", 4).T
    for name, wrong, what in (
        ("mask_new", ~np.isin(mask, (0, 1)).all(axis=1), "a mask is neither 0 nor 1"),
        ("bbox", (x1 <= x0) | (y1 <= y0), "the box has no area; expected x0, x1, y0, y1"),
    ):
        if wrong.any():
            raise fault(name, f"face {wrong.argmax() + 1}: {what}")
    order = mat.numbers("ra").ravel()
    if not np.array_equal(np.sort(order), np.arange(1, count + 1)):
        raise fault("ra", f"{len(order)} numbers that are no order of the faces 1 to {count}")
    return Annotations(
        path=path,
        photos=tuple(photos),
        landmarks=points.reshape(count, 2, -1).transpose(0, 2, 1),
        visible=mask == 1,
        boxes=np.stack([x0, y0, x1, y1], axis=1),
        order=order.astype(int) - 1,
    )
