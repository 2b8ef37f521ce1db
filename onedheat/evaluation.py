"""Protocols: a landmarker, a set of faces, a box → one report.

The literature's figures differ as much by the crop as by the network, so a report names its box. A
network of another markup is measured on the landmarks that both have.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from onedheat.data import DataError, FaceSet, Sample
from onedheat.data.clips import ClipSet
from onedheat.geometry import Box, box_overlap, paper_box, tight_box
from onedheat.landmarks import FACE_SIZE, scheme
from onedheat.pipeline import Landmarker, landmarks_box
from onedheat.reports import Report, summarize
from onedheat.watching import Watcher, common_points, moments

MIN_OVERLAP = 0.4  # of a found face with the labelled one, to be the same face
JITTER = (
    0.15  # of a box's side: how far it is shifted at most along each axis, and by how much resized
)

Points = Float[np.ndarray, "landmarks 2"]
Seen = tuple[Points, Points]  # landmarks of a face and their σ


def _tight(sample: Sample, faces: FaceSet) -> Box:
    try:
        return tight_box(sample.landmarks, 1.25)
    except ValueError as error:
        raise DataError(f"{sample.source}: {error}") from error


def _paper(sample: Sample, faces: FaceSet) -> Box:
    if faces.scheme.normaliser == FACE_SIZE:
        raise DataError(
            f"the paper's box is made from the distance of the eyes, and {faces.name} is normalised by "
            "face size; use the box tight, annotation or detector"
        )
    distance = float(faces.scheme.normalising_distance(sample.landmarks))
    try:
        return paper_box(sample.landmarks, distance)
    except ValueError as error:
        raise DataError(f"{sample.source}: {error}") from error


def _annotation(sample: Sample, faces: FaceSet) -> Box:
    if sample.box is None:
        raise DataError(
            f"{faces.name} has no face boxes of its own ({sample.source}); use the box tight, paper or "
            "detector"
        )
    return sample.box


def _jittered(sample: Sample, faces: FaceSet) -> Box:
    """The tight box as a careless finder gives it; the same of a face each time."""
    box = _tight(sample, faces)
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(sample.landmarks).tobytes()))
    side = box[2:] - box[:2]
    middle = (box[:2] + box[2:]) / 2 + side * rng.uniform(-JITTER, JITTER, 2)
    half = side / 2 * (1 + rng.uniform(-JITTER, JITTER))
    return np.concatenate([middle - half, middle + half])


BOX_RULES: dict[str, Callable[[Sample, FaceSet], Box]] = {
    "tight": _tight,
    "paper": _paper,
    "annotation": _annotation,
    "jittered": _jittered,
}
DETECTOR = "detector"


def evaluate(
    landmarker: Landmarker,
    faces: FaceSet,
    *,
    box: str = "tight",
    redrawn: bool = False,
    weights: str = "",
    progress: bool = False,
) -> Report:
    """Measures a landmarker on annotated faces.

    Args:
        landmarker: the network with its decoder, mirrored or not.
        faces: what it is measured on.
        box: ``"tight"`` (`tight_box` 1.25, the default protocol), ``"paper"``, ``"annotation"``: one
            look at the box made from the labels; ``"jittered"``: the tight one, shifted and resized by
            up to 15 % of its side; ``"detector"``: the landmarker finds the face by itself, and one
            that overlaps the label's box by less than 0.4 is a miss.
        redrawn: look a second time, at the tight box of the landmarks that the first look found.
        weights: what the report calls the landmarker.
        progress: show a bar on standard error.

    Raises:
        DataError: an unknown box, no box in the data, a network whose landmarks are not known to be
            any of the data set's, or a face that lacks the landmarks its errors are divided by; or the
            detector's box is to be redrawn, which it is anyway.
        ValueError: the network gives values that are not finite.
    """
    labelled, found = common_points(faces, scheme(landmarker.detector.config.scheme))
    predicted, sigma = find_landmarks(
        landmarker, faces, box=box, redrawn=redrawn, progress=progress
    )
    return summarize(
        predicted[:, found],
        faces,
        sigma=sigma[:, found],
        points=labelled,
        box=f"{box}, redrawn" if redrawn else box,
        decoder=landmarker.decoder,
        flip=landmarker.flip,
        weights=weights,
    )


def find_landmarks(
    landmarker: Landmarker,
    faces: FaceSet,
    *,
    box: str = "tight",
    redrawn: bool = False,
    progress: bool = False,
) -> tuple[Float[np.ndarray, "faces landmarks 2"], Float[np.ndarray, "faces landmarks 2"]]:
    """What a landmarker finds in annotated faces: all landmarks of its own markup, and their σ.

    Args:
        landmarker: and
        faces: and
        box: and
        redrawn: see `evaluate`.
        progress: show a bar on standard error.

    Returns:
        Both in pixels of each photo; NaN for a face that was not found.

    Raises:
        DataError: no faces, an unknown box, no box in the data, a face that no box can be made of; or the
            detector's box is to be redrawn, which it is anyway.
        ValueError: the network gives values that are not finite.
    """
    if box not in {*BOX_RULES, DETECTOR}:
        raise DataError(f"no box {box!r}; there are: {', '.join([*BOX_RULES, DETECTOR])}")
    if not len(faces):
        raise DataError(
            f"{faces.name} has no faces in {faces.split} to look at; give another split"
        )
    if redrawn and box == DETECTOR:
        raise DataError("a face that the landmarker finds by itself is looked at twice already")
    predicted, sigma = [], []
    with tqdm(total=len(faces), unit="face", disable=not progress) as bar:
        for start in range(0, len(faces), 32):
            samples = faces.samples[start : start + 32]
            if box == DETECTOR:
                seen = [_find(landmarker, sample) for sample in samples]
            else:
                boxes = [BOX_RULES[box](sample, faces) for sample in samples]
                seen = _look(landmarker, samples, boxes)
                if redrawn:
                    boxes = [_redrawn(*pair) for pair in zip(seen, boxes, strict=True)]
                    seen = _look(landmarker, samples, boxes)
            for landmarks, spread in seen:
                predicted.append(landmarks)
                sigma.append(spread)
            bar.update(len(samples))
    return np.stack(predicted), np.stack(sigma)


def evaluate_clips(
    landmarker: Landmarker,
    clips: ClipSet,
    *,
    follow: bool = False,
    two_pass: bool = False,
    weights: str = "",
    progress: bool = False,
) -> Report:
    """Measures a landmarker, one that remembers as well, on every frame of annotated clips.

    A clip's first frame is seen in the tight box of its labels. Clips go side by side, so that their
    frames are batches.

    Args:
        landmarker: a tracker network, or a detector, which sees each frame for the first time.
        clips: what it is measured on.
        follow: look where the landmarks found in the last frame say, as `FaceTracker` does, which
            however would notice a face that is lost. By default each frame is seen in the tight box of
            the last frame's labels: then the network and its memory are measured, and nothing else.
        two_pass: detect, draw the paper's box anew, and look again, as the paper does.
        weights: what the report calls the landmarker.
        progress: show a bar on standard error.

    Raises:
        DataError: as `evaluate`.
        ValueError: likewise; or a landmarker that cannot follow faces, see `Follower`.
    """
    watcher = Watcher(landmarker, clips, follow=follow, two_pass=two_pass)
    for moment in moments(clips, progress=progress):
        watcher.look(moment)
    return watcher.report(weights=weights)


def _look(landmarker: Landmarker, samples: Sequence[Sample], boxes: Sequence[Box]) -> list[Seen]:
    """One look at each box, all in one batch."""
    located = landmarker.locate([sample.image() for sample in samples], np.stack(boxes))
    located.demand_finite(confidence=landmarker.detector.has_confidence)
    return list(zip(located.landmarks, located.sigma, strict=True))


def _redrawn(seen: Seen, box: Box) -> Box:
    """The box around what was found in `box`; the same where that is no face's."""
    landmarks, _ = seen
    found = landmarks_box(landmarks)
    return box if found is None else found


def _find(landmarker: Landmarker, sample: Sample) -> Seen:
    """The found face that overlaps the labelled one most; NaN if none does enough."""
    labelled = tight_box(sample.landmarks, 1.25)
    found = landmarker(sample.image())
    best = max(found, key=lambda face: box_overlap(face.box, labelled), default=None)
    if best is None or box_overlap(best.box, labelled) < MIN_OVERLAP:
        nothing = np.full((len(landmarker.scheme), 2), np.nan)
        return nothing, nothing
    return best.landmarks, best.sigma
