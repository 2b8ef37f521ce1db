"""Where the faces of a photo are: two finders that answer alike.

`YuNet` is a small network run by OpenCV; its model is fetched once. `Cascade` comes with scikit-image
and needs nothing, finds fewer faces and more that are none. Both give boxes placed where
`tight_box(landmarks, 1.25)` of the face would probably be, so that what follows need not know which
of the two looked.
"""

import hashlib
import logging
import os
import threading
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from onedheat.data.images import RGB, as_rgb
from onedheat.errors import FinderError
from onedheat.geometry import box_overlaps
from onedheat.place import Boxes, Place, centers_and_sides
from onedheat.video import quiet_opencv

Scores = Float[np.ndarray, "faces"]
Kept = tuple[Float[np.ndarray, "kept 4"], Float[np.ndarray, "kept"]]

YUNET_VARIABLE = "ONEDHEAT_YUNET"
YUNET_FILE = "face_detection_yunet_2023mar.onnx"
YUNET_URL = (
    "https://github.com/opencv/opencv_zoo/raw/82b38c8f98e7b52aa171400f3e4c722352d0669f"
    f"/models/face_detection_yunet/{YUNET_FILE}"
)
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

FINDERS = ("auto", "yunet", "cascade")

_log = logging.getLogger(__name__)


# From a finder's box to the landmarks' box --------------------------------------------------------


# `fit_place` on every tenth training crop of 300W (afw, helen and lfpw trainset): 202 faces, of
# which the cascade found 180. tests/test_faces.py fits them again where the data is. Afterwards the
# boxes overlap those of the labels by 0.90 and 0.83 (median IoU). Left and right are alike: shift_x
# was fitted as ±0.004 and is 0.
YUNET_PLACE = Place(0.0, 0.147, 1.139)
CASCADE_PLACE = Place(0.0, 0.149, 1.096)


# The finders --------------------------------------------------------------------------------------


class YuNet:
    """OpenCV's YuNet (Wu et al. 2023), on several sizes of the photo.

    It finds faces whose landmarks span 32 to 400 of its pixels (91 and 99 of 100), so a photo is
    looked at small for close-ups and larger for people farther away.

    Args:
        model: path of its ONNX file; by default see `yunet_model`.
        threshold: least score of a box, in [0, 1]. At 0.8 hardly a box is left that holds no face.

    Raises:
        FinderError: no model, or another file than the one expected.
    """

    SIZES = (400, 1000, 2500)  # √(width · height) in pixels
    min_peak = 0.4  # what the landmarks' mean peak must reach, see MIN_PEAK of the pipeline

    def __init__(self, model: str | os.PathLike | None = None, *, threshold: float = 0.8):
        import cv2

        content = np.frombuffer(_checked(yunet_model(model)), np.uint8)
        with quiet_opencv():  # OpenCV 5 says of every model that it ignores the choice of a device
            # From memory: on Windows OpenCV cannot open a path with letters outside ASCII.
            self._network = cv2.FaceDetectorYN.create(
                "onnx", content, np.zeros(0, np.uint8), (320, 320), threshold, 0.4
            )
        self._one_at_a_time = threading.Lock()  # the network holds the size of its input

    def __call__(self, image: np.ndarray) -> tuple[Boxes, Scores]:
        """Boxes (K, 4) of the faces of an image and their scores (K,) in [0, 1], best first.

        Args:
            image: (H, W, 3) uint8 RGB; grey and RGBA too.

        Raises:
            ImageError: an array that is no image.
        """
        windows, scores = self.windows(image)
        return YUNET_PLACE(windows), scores

    def windows(self, image: np.ndarray) -> tuple[Boxes, Scores]:
        """The boxes as YuNet draws them: hairline to chin, ear to ear."""
        image = as_rgb(image)
        found = [self._look(image, scale) for scale in _scales(image, self.SIZES)]
        boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        return suppress(boxes, scores)

    def _look(self, image: RGB, scale: float) -> tuple[Boxes, Scores]:
        picture, (scale_x, scale_y) = _resized(image, scale)
        with self._one_at_a_time:
            self._network.setInputSize((picture.shape[1], picture.shape[0]))
            _, rows = self._network.detect(np.ascontiguousarray(picture[..., ::-1]))
        rows = np.zeros((0, 15)) if rows is None else rows.astype(np.float64)
        boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        boxes = boxes / (scale_x, scale_y, scale_x, scale_y) - 0.5
        return boxes, rows[:, -1]


class Cascade:
    """scikit-image's cascade of local binary patterns, with the frontal-face file of its wheel.

    Its windows are grouped here rather than there, so that a face has a score: the n windows that
    agree on it make n / (n + 4).

    Args:
        agreeing: least number of windows that agree on a face. At 2 the cascade finds most faces and
            as many things that are none; the landmark network tells them apart.
    """

    SIZE = 400  # √(width · height) of the picture it searches, in pixels
    WINDOW = 24  # the smallest face that it knows, in pixels of that picture
    min_peak = 0.55  # what the landmarks' mean peak must reach, see MIN_PEAK of the pipeline

    def __init__(self, *, agreeing: int = 2):
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade as Classifier

        self._classifier = Classifier(lbp_frontal_face_cascade_filename())
        self._agreeing = agreeing

    def __call__(self, image: np.ndarray) -> tuple[Boxes, Scores]:
        """Boxes (K, 4) of the faces of an image and their scores (K,) in [0, 1], best first.

        Args:
            image: (H, W, 3) uint8 RGB; grey and RGBA too.

        Raises:
            ImageError: an array that is no image.
        """
        windows, scores = self.windows(image)
        return CASCADE_PLACE(windows), scores

    def windows(self, image: np.ndarray) -> tuple[Boxes, Scores]:
        """The boxes as the cascade draws them: brows to mouth, square."""
        import cv2

        image = as_rgb(image)
        (scale,) = _scales(image, (self.SIZE,))
        picture, scales = _resized(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), scale)
        found = self._classifier.detect_multi_scale(
            picture,
            scale_factor=1.1,
            step_ratio=1,
            min_size=(self.WINDOW, self.WINDOW),
            max_size=picture.shape,
            min_neighbor_number=0,
            intersection_score_threshold=2.0,  # above 1: every window by itself
        )
        corners = [(w["c"], w["r"], w["c"] + w["width"], w["r"] + w["height"]) for w in found]
        boxes = np.array(corners, dtype=np.float64).reshape(-1, 4) / (*scales, *scales) - 0.5
        groups = [group for group in group_boxes(boxes) if len(group) >= self._agreeing]
        counts = np.array([len(group) for group in groups], dtype=np.float64)
        means = np.array([boxes[group].mean(axis=0) for group in groups]).reshape(-1, 4)
        return means, counts / (counts + 4)


Finder = YuNet | Cascade


def make_finder(name: str = "auto", *, model: str | os.PathLike | None = None) -> Finder:
    """The face finder of that name.

    Args:
        name: ``"yunet"``, ``"cascade"``, or ``"auto"``: YuNet where its model is here or can be
            fetched, the cascade where there is no network.
        model: path of YuNet's ONNX file, see `yunet_model`.

    Raises:
        ValueError: no such finder.
        FinderError: YuNet was asked for, or a model was named, and it cannot be used.
    """
    if name not in FINDERS:
        raise ValueError(f"no face finder {name!r}; there are: {', '.join(FINDERS)}")
    if name == "cascade":
        return Cascade()
    try:
        return YuNet(model)
    except ModelOutOfReach as error:
        if name == "yunet":
            raise
        _log.info("faces are looked for by the cascade: %s", error)
        return Cascade()


def find_faces(image: np.ndarray, finder: str = "auto") -> tuple[Boxes, Scores]:
    """Boxes of the faces of an image, each about where `tight_box(landmarks, 1.25)` would be.

    For many images make a finder once, by `make_finder`, and call it.

    Args:
        image: (H, W, 3) uint8 RGB; grey and RGBA too.
        finder: ``"auto"``, ``"yunet"`` or ``"cascade"``.

    Returns:
        Boxes (K, 4), edges in pixels, which may reach beyond the image, and scores (K,) in [0, 1],
        best first. Scores of the two finders cannot be compared.
    """
    return make_finder(finder)(image)


# Boxes that mean the same face --------------------------------------------------------------------


def centered_in(boxes: Boxes) -> Bool[np.ndarray, "faces faces"]:
    """Whether the centre of box i lies in the middle of box j, as [i, j].

    The middle reaches 0.3 sides from the centre: a nose or a mouth lies there, another person's face
    does not.
    """
    centers, sides = centers_and_sides(boxes)
    apart = np.abs(centers[:, None] - centers[None]).max(axis=2)
    return apart < 0.3 * sides[None]


def suppress(boxes: Boxes, scores: Scores, overlap: float = 0.4) -> Kept:
    """The boxes that overlap no better one by more than `overlap` (IoU), best first."""
    kept = unsuppressed(box_overlaps(boxes) > overlap, scores)
    return boxes[kept], scores[kept]


def unsuppressed(same: Bool[np.ndarray, "faces faces"], scores: Scores) -> list[int]:
    """Indices of what is left when the best suppress the others, best first.

    Args:
        same: (K, K), [i, j] says that i shows nothing but what j shows.
        scores: (K,)
    """
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable"):
        if not same[index, kept].any():
            kept.append(int(index))
    return kept


def group_boxes(boxes: Boxes, overlap: float = 0.4) -> list[Int[np.ndarray, "members"]]:
    """Indices of boxes that mean the same thing, the largest group first.

    A group is a box and all those not yet taken that overlap it by more than `overlap` (IoU).
    """
    same = box_overlaps(boxes) > overlap
    free = np.ones(len(boxes), dtype=bool)
    groups = []
    while free.any():
        supporters = (same & free).sum(axis=1) * free
        members = same[supporters.argmax()] & free
        groups.append(np.flatnonzero(members))
        free &= ~members
    return groups


# Pictures for the finders -------------------------------------------------------------------------


def _scales(image: RGB, sizes: tuple[int, ...]) -> list[float]:
    """Factors that bring √(width · height) to `sizes`.

    Photos are enlarged (3 × at most, and to no more than 1000) because a face of 16 pixels is found
    by YuNet in 53 of 100 cases as it is and in 97 at three times the size; never beyond that.
    """
    own = float(np.sqrt(image.shape[0] * image.shape[1]))
    largest = max(own, min(3 * own, 1000))
    reached = sorted({min(size, largest) for size in sizes})
    # Two sizes that are nearly the same show nothing new.
    return [
        size / own
        for i, size in enumerate(reached)
        if i == len(reached) - 1 or reached[i + 1] > 1.25 * size
    ]


def _resized(picture: np.ndarray, scale: float) -> tuple[np.ndarray, tuple[float, float]]:
    """A picture resized, on black of at least 64 × 64 pixels, and the two factors it was resized by."""
    import cv2

    height, width = picture.shape[:2]
    to = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.resize(picture, to, interpolation=method)
    below, right = max(0, 64 - to[1]), max(0, 64 - to[0])
    if below or right:
        picture = cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_CONSTANT)
    return picture, (to[0] / width, to[1] / height)


# YuNet's model ------------------------------------------------------------------------------------


class ModelOutOfReach(FinderError):
    """YuNet's model is not on this machine and could not be fetched."""


def yunet_model(path: str | os.PathLike | None = None) -> Path:
    """Where YuNet's model lies: `path`, else $ONEDHEAT_YUNET, else the user's cache.

    If it is nowhere, it is fetched once from the OpenCV zoo (232,589 bytes, MIT licence) into the
    cache.

    Raises:
        FinderError: the file that was named is not there.
        ModelOutOfReach: nothing named, nothing in the cache, and no way to fetch it.
    """
    named = path or os.environ.get(YUNET_VARIABLE)
    if named:
        if not Path(named).is_file():
            by = "the path given" if path else f"the environment variable {YUNET_VARIABLE}"
            raise FinderError(
                f"no face finder model at {named}, which {by} names; correct it, or leave it out to "
                "have the model fetched"
            )
        return Path(named)
    return _fetched()


def _fetched() -> Path:
    import pooch
    import requests

    cache = pooch.os_cache("onedheat")
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        return Path(
            pooch.retrieve(
                YUNET_URL,
                known_hash=f"sha256:{YUNET_SHA256}",
                fname=YUNET_FILE,
                path=cache,
                downloader=pooch.HTTPDownloader(timeout=10),
            )
        )
    except (requests.RequestException, OSError, ValueError) as error:  # ValueError: another sha256
        raise ModelOutOfReach(
            f"the model of the face finder YuNet could not be fetched from {YUNET_URL} "
            f"({type(error).__name__}); fetch it by hand and let {YUNET_VARIABLE} name it, or use the "
            "finder 'cascade'"
        ) from error
    finally:
        logger.setLevel(level)


def _checked(path: Path) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != YUNET_SHA256:
        raise FinderError(
            f"{path} is not the model expected, {YUNET_FILE} of the OpenCV zoo (232589 bytes, sha256 "
            f"{YUNET_SHA256}): it has {len(content)} bytes. Fetch it again from {YUNET_URL}"
        )
    return content
