"""Clips made of photos: one annotated photo each, seen by a camera that moves, in light that changes.

For training trackers where labelled video is scarce. A frame is the photo through one homography
(resampled in OpenCV, with as many samples as the footprint and the exposure ask for), then whatever
passes in front, then light, lens, sensor and compression. Landmarks go through the same homography and
are exact; in a frame blurred by motion they are those of the middle of the exposure. So that they also
move against each other, the photo may be bent before (`onedheat.data.bending`). What it cannot give is a
face that opens its mouth, blinks or turns so that another side is seen.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data.bending import Bending
from onedheat.data.clips import Clip, ClipSet
from onedheat.data.footage import Footage, FootageConfig
from onedheat.data.images import RGB
from onedheat.data.occluders.passing import Passing, PassingConfig
from onedheat.data.occluders.shapes import Family
from onedheat.data.samples import FaceSet, Sample, Source
from onedheat.data.still_photo import Surroundings, surround
from onedheat.data.virtual_camera import MotionConfig, VirtualCamera, project
from onedheat.errors import DataError
from onedheat.geometry import Landmarks

_MOTION, _PASSING, _FOOTAGE, _START, _BENDING = range(5)  # uses of a clip's random numbers
_MAX_EXPOSURES = 12
_MIN_RADIUS = 8.0  # of a face, in pixels of its photo
_SCENES_KEPT = 8


@dataclass(frozen=True)
class StillMotionConfig:
    """What clips made of photos look like.

    Attributes:
        width: of the frames, in pixels.
        height: of the frames, in pixels; 256 by 256 leaves a face of about 128.
        fps: frames a second.
        motion: how faces and camera move.
        bend: by how much places on a face move of their own, see `onedheat.data.bending.Bending`; 0 for a
            face that is stiff.
        occluders: family of what passes in front; None for nothing.
        passing: how it does.
        footage: what light and camera do; None leaves the colours of the photo.
        latest_start: seconds after which a clip begins at the latest; each begins at a random moment
            until then. Nothing is in front of a face at moment 0: short clips that all begin there are
            over before anything has come.
    """

    width: int = 256
    height: int = 256
    fps: float = 30.0
    motion: MotionConfig = field(default_factory=MotionConfig)
    bend: float = 0.0
    occluders: Family | None = "train"
    passing: PassingConfig = field(default_factory=PassingConfig)
    footage: FootageConfig | None = field(default_factory=FootageConfig)
    latest_start: float = 0.0

    def __post_init__(self):
        if not self.latest_start >= 0:
            raise ValueError(f"latest_start must not be below 0 s; got {self.latest_start:g}")
        if not self.bend >= 0:
            raise ValueError(f"bend must not be below 0 radii; got {self.bend:g}")
        if min(self.width, self.height) < 16 or not self.fps > 0:
            raise ValueError(
                "frames are at least 16 pixels wide and high and come at more than 0 a second; got "
                f"{self.width} × {self.height} at {self.fps:g} a second"
            )


def clips_from_stills(
    faces: FaceSet, frames: int = 90, *, seed: int = 0, config: StillMotionConfig | None = None
) -> ClipSet:
    """One clip of each annotated photo.

    The same seed, place in the set and frame give the same picture and landmarks, whatever the number
    of frames. Another seed gives other clips of the same photos. Photos are read when frames are
    asked for; landmarks and visibility of all frames are computed here, 17 bytes a landmark and frame.

    Args:
        faces: the photos; NaN landmarks stay NaN.
        frames: T of every clip.
        seed: of the motion and everything else that is random.
        config: what the clips look like.

    Returns:
        Clips with the groups and subsets of their photos. Landmarks are visible where neither an
        occluder covers them nor the data set says otherwise.

    Raises:
        DataError: no frames, or a face without two known landmarks apart from each other.
    """
    config = config or StillMotionConfig()
    if frames < 1:
        raise DataError(f"a clip has at least 1 frame; got frames={frames}")
    shelf = _Shelf()
    clips = tuple(
        _make_clip(sample, frames, (seed, index), config, shelf)
        for index, sample in enumerate(faces.samples)
    )
    return ClipSet(faces.name, f"{faces.split}-moving", faces.scheme, clips)


def _make_clip(
    sample: Sample, frames: int, seed: tuple[int, int], config: StillMotionConfig, shelf: "_Shelf"
) -> Clip:
    moving = StillFrames(sample.source, sample.landmarks, frames, seed, config, shelf)
    landmarks = moving.landmarks()
    visible = moving.uncovered(landmarks)
    visible &= np.isfinite(landmarks).all(axis=2)
    if sample.visible is not None:
        visible &= sample.visible
    return Clip(moving, landmarks, sample.group, sample.subset, visible)


@dataclass(frozen=True, eq=False)
class _Scene:
    """What it takes to make a clip's frames.

    Attributes:
        photo: with its surroundings.
        samples: k, a frame's pixel is the mean of k × k.
        passing: what gets in front, if anything does.
        footage: light and camera, if they do anything.
    """

    photo: Surroundings
    samples: int
    passing: Passing | None
    footage: Footage | None


class _Shelf:
    """Keeps the scenes used last, so that the clips of a large set do not fill the memory."""

    def __init__(self):
        self.scenes: dict[tuple[int, ...], _Scene] = {}

    def fetch(self, frames: "StillFrames") -> _Scene:
        scene = self.scenes.pop(frames.seed, None) or frames.set_scene()
        self.scenes[frames.seed] = scene  # dictionaries keep their order: this is now the latest
        while len(self.scenes) > _SCENES_KEPT:
            self.scenes.pop(next(iter(self.scenes)), None)
        return scene

    def __getstate__(self):
        return {"scenes": {}}  # whoever loads another process's clips reads the photos anew


class StillFrames:
    """The frames of a clip made of one photo.

    Args:
        source: the photo.
        landmarks: (N, 2) in its pixels.
        frames: how many.
        seed: words that tell this clip from others.
        config: what it looks like.
        shelf: shared by the clips of a set.

    Raises:
        DataError: the face is too small, or there are no two known landmarks to tell its size.
    """

    def __init__(
        self,
        source: Source,
        landmarks: Landmarks,
        frames: int,
        seed: tuple[int, ...],
        config: StillMotionConfig,
        shelf: _Shelf | None = None,
    ):
        self.source, self.seed, self.config = source, seed, config
        self._still, self._count, self._shelf = landmarks, frames, shelf or _Shelf()
        self._begins = config.latest_start * np.random.default_rng([*seed, _START]).random()
        try:
            self.camera = VirtualCamera(
                (*seed, _MOTION), landmarks, config.motion, config.width, config.height
            )
        except ValueError as error:
            raise DataError(f"{source} makes no clip: {error}") from None
        if self.camera.radius < _MIN_RADIUS:
            raise DataError(
                f"{source} makes no clip: its landmarks lie within {self.camera.radius:.1f} px of their "
                f"middle, {_MIN_RADIUS:g} are needed. Leave such faces out (`FaceSet.where`)."
            )
        words, camera = (*seed, _BENDING), self.camera
        bends = config.bend > 0
        self._bending = Bending(words, camera.middle, camera.radius, config.bend) if bends else None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RGB]:
        return (self[frame] for frame in range(len(self)))

    def __str__(self) -> str:
        return f"{self.source}, moving"

    def __getitem__(self, frame: int) -> RGB:
        """Frame number `frame`, (H, W, 3).

        Raises:
            IndexError: there is no such frame.
            ImageError: the photo cannot be read.
        """
        if not 0 <= frame < len(self):
            raise IndexError(f"{self} has the frames 0 to {len(self) - 1}; got {frame}")
        scene, seconds = self._shelf.fetch(self), self._begins + frame / self.config.fps
        if self._bending:  # held for an exposure
            photo = scene.photo
            bent = self._bending.bend(photo.pixels, photo.matrix, seconds)
            scene = replace(scene, photo=replace(photo, pixels=bent))
        picture = self._expose(scene, seconds)
        return picture if scene.footage is None else scene.footage.develop(picture, seconds)

    def landmarks(self) -> Float[np.ndarray, "frames landmarks 2"]:
        """The landmarks of every frame, (T, N, 2) in its pixels, in the middle of its exposure."""
        times = self._times()
        still = self._bending.bent(self._still, times) if self._bending else self._still
        return project(self.camera.matrix(times), still)

    def uncovered(
        self, landmarks: Float[np.ndarray, "frames landmarks 2"]
    ) -> Bool[np.ndarray, "frames landmarks"]:
        """Which of its landmarks nothing covers in the middle of each frame's exposure, (T, N)."""
        passing = self._passing()
        if passing is None:
            return np.ones(landmarks.shape[:2], dtype=bool)
        covered = map(passing.covers, self._times(), landmarks)
        return ~np.stack(list(covered))

    def set_scene(self) -> _Scene:
        """Reads the photo and makes ready what all frames need. Raises `ImageError`."""
        config, camera = self.config, self.camera
        photo = surround(self.source.read(), camera.middle, camera.radius, camera.farthest)
        shrink = photo.scale * camera.radius / camera.farthest
        footage = config.footage and Footage(
            (*self.seed, _FOOTAGE), config.footage, config.width, config.height
        )
        return _Scene(photo, max(1, math.ceil(shrink - 1e-6)), self._passing(), footage)

    def _times(self) -> Float[np.ndarray, "frames"]:
        return self._begins + np.arange(len(self)) / self.config.fps

    def _passing(self) -> Passing | None:
        config = self.config
        if config.occluders is None:
            return None
        words = (*self.seed, _PASSING)
        return Passing(words, config.occluders, config.width, config.height, config.passing)

    def _expose(self, scene: _Scene, seconds: float) -> RGB:
        """What the sensor gathers: the mean of moments evenly spread over the exposure.

        Their middle is the frame's own moment, so motion at an even speed moves no mean.
        """
        taken = self.camera.exposure / self.config.fps
        count = self._moments_needed(scene, seconds, taken)
        moments = seconds + taken * ((np.arange(count) + 0.5) / count - 0.5)
        gathered = np.zeros((self.config.height, self.config.width, 3), np.float32)
        for moment, matrix in zip(moments, self.camera.matrix(moments), strict=True):
            picture = self._look(scene, matrix)
            if scene.passing is not None:
                picture = scene.passing.cover(picture, float(moment), scene.photo.pixels)
            gathered += picture
        return np.round(gathered / count).astype(np.uint8)

    def _moments_needed(self, scene: _Scene, seconds: float, taken: float) -> int:
        """As many as pixels are crossed in an exposure, so that fast things smear and do not double."""
        ends = seconds + taken * np.array([-0.5, 0.5])
        camera = self.camera
        around = camera.middle + camera.radius * np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])
        crossed = np.linalg.norm(
            np.diff(project(camera.matrix(ends), around), axis=0), axis=-1
        ).max()
        if scene.passing is not None and (passage := scene.passing.at(seconds)):
            first, last = (passage.pose(float(end))[:2, 2] for end in ends)
            crossed = max(crossed, np.linalg.norm(last - first))
        return int(np.clip(math.ceil(crossed), 1, _MAX_EXPOSURES))

    def _look(self, scene: _Scene, matrix: Float[np.ndarray, "3 3"]) -> RGB:
        """The photo at one moment, prefiltered as `onedheat.geometry.warp` does it."""
        import cv2

        width, height, k = self.config.width, self.config.height, scene.samples
        # Pixel p of the picture holds the pixels k·p … k·p + k − 1 of a finer one.
        to_fine = np.array([[k, 0, (k - 1) / 2], [0, k, (k - 1) / 2], [0, 0, 1]])
        fine = cv2.warpPerspective(
            scene.photo.pixels,
            to_fine @ matrix @ np.linalg.inv(scene.photo.matrix),
            (width * k, height * k),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return fine if k == 1 else cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
