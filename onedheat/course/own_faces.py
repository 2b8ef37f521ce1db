"""What notebook 09 works on where a learner brings nothing: a moving photograph as a video file, and a
folder of drawn faces with seven points of one's own."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from onedheat.course.followed import most_seen
from onedheat.course.photos import photographed_faces
from onedheat.data.clips import Clip
from onedheat.data.images import RGB
from onedheat.data.samples import FaceSet, Sample
from onedheat.data.stills import StillMotionConfig, clips_from_stills
from onedheat.data.synthetic import render_face
from onedheat.data.synthetic.faces import FACES_EACH
from onedheat.geometry import Crop, Landmarks, tight_box, warp
from onedheat.metrics import nrmse
from onedheat.models import Detector
from onedheat.pipeline import Landmarker
from onedheat.plots.own import OwnFace
from onedheat.tracks.table import Tracks
from onedheat.video_writing import open_video

POINTS = ("right_temple", "left_temple", "right_eye", "left_eye", "nose_tip", "mouth", "chin")
SIDE = 160  # pixels of a drawn example
FACES_SEED = 123  # of the people, whom `synthetic68` has not seen
CLIP_SIZE = 320, 240
KEPT_BYTES = 100_000_000  # for pictures of a video
AT_ONCE = 8  # faces that are looked at together; few, where memory is short


def seven_points(landmarks: Landmarks) -> Float[np.ndarray, "7 2"]:
    """`POINTS` of a face whose 68 landmarks are known.

    Temples, tip of the nose and chin are among the 68; the middles of the eyes and of the mouth are not.
    """
    middles = [landmarks[36:42].mean(0), landmarks[42:48].mean(0)]
    mouth = landmarks[[62, 66]].mean(0)
    return np.stack([*landmarks[[0, 16]], *middles, landmarks[30], mouth, landmarks[8]])


def write_examples(folder: Path, train: int, test: int) -> Path:
    """Draws faces into a folder, with a CSV of their seven points as `onedheat.data.own` reads it.

    Args:
        folder: made where it is missing.
        train: how many faces go to ``train/``, each of another person.
        test: how many others go to ``test/``.
    """
    rows = []
    for number in range(train + test):
        face = render_face(FACES_SEED, number * FACES_EACH, SIDE)
        name = f"{'train' if number < train else 'test'}/{number:02d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face.image).save(folder / name)
        rows.append([name, *seven_points(face.landmarks).round(1).ravel().tolist()])
    with (folder / "landmarks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *(f"{point}_{axis}" for point in POINTS for axis in "xy")])
        writer.writerows(rows)
    return folder


def moving_photograph(
    name: str, photo: RGB, landmarks: Landmarks, frames: int, seed: int = 28
) -> Clip:
    """A clip of a photograph that moves as a face before a hand-held camera does.

    Args:
        name: of the person.
        photo: (H, W, 3).
        landmarks: (68, 2) of its face.
        frames: T, 25 a second.
        seed: another seed, another motion.
    """
    width, height = CLIP_SIZE
    config = StillMotionConfig(width, height, fps=25, occluders=None)
    faces = photographed_faces({name: (photo, landmarks)})
    return clips_from_stills(faces, frames, seed=seed, config=config).clips[0]


def write_clip(path: Path, frames: Iterable[RGB], fps: float) -> Path:
    """Writes frames as a video, H.264 where it can be had; the path that it has then."""
    with open_video(path, fps) as video:
        for number, frame in enumerate(frames):
            video.write(frame, number / fps)
    return video.path


def pick_frames(
    frames: Iterable[tuple[float, RGB]], tracks: Tracks, most: int = 40
) -> tuple[dict[int, RGB], Float[np.ndarray, "frames landmarks 2"], Float[np.ndarray, "frames"]]:
    """Frames of a video to look at, and the track of the face that is in most of them.

    Args:
        frames: seconds and pictures, all of the video.
        tracks: what was found in it.
        most: pictures to keep, fewer where they are large (`KEPT_BYTES`); those of a long video are
            taken evenly from those with the face in them.

    Returns:
        Number of a frame → its picture; (T, N, 2), the track, NaN where the face was not seen; (T,)
        seconds. T ends with the last frame in which there was a face.

    Raises:
        ValueError: no face was found.
    """
    longest = most_seen(tracks.identity)
    mine = tracks.frame[tracks.identity == longest]
    count = int(mine.max()) + 1
    kept, seconds, wanted = {}, [], set()
    for number, (second, picture) in zip(range(count), frames, strict=False):
        if number == 0:
            room = max(1, min(most, len(mine), KEPT_BYTES // picture.nbytes))
            wanted = set(mine[np.linspace(0, len(mine) - 1, room).round().astype(int)].tolist())
        seconds.append(second)
        if number in wanted:
            kept[number] = picture
    return kept, tracks.of(longest, count), np.array(seconds)


# Landmarks of one's own ---------------------------------------------------------------------------


def mean_in_box(train: FaceSet) -> Float[np.ndarray, "landmarks 2"]:
    """The mean of all faces, each laid in the unit square by the `tight_box` of its landmarks."""
    return np.mean([_to_unit(sample).to_crop(sample.landmarks) for sample in train.samples], axis=0)


def lay_mean(train: FaceSet, test: FaceSet) -> Float[np.ndarray, "faces landmarks 2"]:
    """Landmarks found without looking: the mean of the training faces, laid into each test face's box."""
    mean = mean_in_box(train)
    return np.stack([_to_unit(sample).to_photo(mean) for sample in test.samples])


def _to_unit(sample: Sample) -> Crop:
    return Crop.from_box(tight_box(sample.landmarks), 1)


def find_in_boxes(detector: Detector, test: FaceSet) -> Float[np.ndarray, "faces landmarks 2"]:
    """What a detector finds in the `tight_box` of each face's own landmarks, in one look."""
    landmarker, found = Landmarker(detector), []
    for first in range(0, len(test), AT_ONCE):
        samples = test.samples[first : first + AT_ONCE]
        boxes = np.stack([tight_box(sample.landmarks) for sample in samples])
        found.append(landmarker.locate([sample.image() for sample in samples], boxes).landmarks)
    return np.concatenate(found)


def errors_by_face(
    found: Float[np.ndarray, "faces landmarks 2"], test: FaceSet
) -> Float[np.ndarray, "faces"]:
    """NRMSE of each face in per cent of the scheme's normaliser."""
    truth = test.landmarks()
    return nrmse(found, truth, test.scheme.normalising_distance(truth))


def own_faces(
    found: Mapping[str, Float[np.ndarray, "faces landmarks 2"]], test: FaceSet, side: int = 270
) -> list[OwnFace]:
    """Test faces cut out, with what each detector found on them.

    Args:
        found: name of a detector → what it found.
        test: the faces.
        side: pixels of a picture.
    """
    errors = {name: errors_by_face(landmarks, test) for name, landmarks in found.items()}
    faces = []
    for index, sample in enumerate(test.samples):
        crop = Crop.from_box(tight_box(sample.landmarks), side)
        faces.append(
            OwnFace(
                warp(sample.image(), crop),
                crop.to_crop(sample.landmarks),
                {name: crop.to_crop(landmarks[index]) for name, landmarks in found.items()},
                {name: float(values[index]) for name, values in errors.items()},
            )
        )
    return faces
