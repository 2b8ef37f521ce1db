"""Synthetic video: a head that moves, talks, blinks and looks around, with exact landmarks in every frame."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool

from onedheat.data.clips import Clip, ClipSet
from onedheat.data.images import RGB
from onedheat.data.motion import (
    Path,
    hand_shake,
    pulses,
    rest_and_move,
    saccades,
    smooth_path,
    soft_limit,
)
from onedheat.data.occluders.passing import Passing, PassingConfig
from onedheat.data.occluders.shapes import Family
from onedheat.data.synthetic import head
from onedheat.data.synthetic.camera import Camera, Light, fine_size
from onedheat.data.synthetic.faces import (
    MARKUPS,
    Posed,
    check_markup,
    draw_model,
    landmarks_3d,
    take_picture,
    visible_landmarks,
)
from onedheat.data.synthetic.surroundings import draw_background, draw_light, draw_sensor, expose
from onedheat.errors import DataError
from onedheat.geometry import Crop, Landmarks, warp
from onedheat.landmarks import IBUG68, scheme

NAME = "synthetic"
POSE_LIMITS = np.array([55.0, 28.0, 40.0])  # yaw, pitch, roll in degrees
_MOODS = ("smile", "brows up", "frown", "press", "stretch", "lip up", "sad")
_TO_SEE = 64  # side in pixels of the pictures that say what is hidden


@dataclass(frozen=True)
class Motion:
    """How one clip moves: a path for everything that does."""

    pose: Path
    sway: Path
    place: Path
    nearness: Path
    shake: Path
    mood: Path
    talking: Path
    syllables: Path
    gaze: Path
    blink: Path
    lamp: Path
    amounts: tuple[float, ...]


def draw_motion(rng: np.random.Generator) -> Motion:
    """Random paths; how lively the person is differs from clip to clip."""
    return Motion(
        pose=rest_and_move(rng, 3, every=rng.uniform(0.9, 2.2), lasting=(0.4, 0.9)),
        sway=smooth_path(rng, 3, timescale=1.2),
        place=smooth_path(rng, 2, timescale=2.0),
        nearness=smooth_path(rng, 1, timescale=3.0),
        shake=hand_shake(rng, 2),
        mood=rest_and_move(rng, len(_MOODS), every=1.6, lasting=(0.2, 0.6)),
        talking=rest_and_move(rng, 1, every=1.8, lasting=(0.2, 0.5)),
        syllables=smooth_path(rng, 2, timescale=0.22),
        gaze=saccades(rng, 2),
        blink=pulses(rng, every=3.0, rising=0.08, falling=0.16),
        lamp=smooth_path(rng, 4, timescale=2.5),
        amounts=tuple(rng.uniform((6, 4, 3, 0.01, 0.02, 0.0), (21, 10, 11, 0.06, 0.09, 0.004))),
    )


@dataclass(frozen=True)
class SyntheticFrames:
    """The pictures of a synthetic clip, each drawn when it is asked for.

    Frame t is the same whatever was asked for before it, and in a longer clip.

    Attributes:
        seed, index: which clip.
        count: number of frames.
        size: side of the pictures in pixels.
        fps: frames a second.
        occluders: family of what passes in front of the face, or None.
        passing: how often and how large; as `PassingConfig` has it when it is not given.
    """

    seed: int
    index: int
    count: int
    size: int
    fps: float
    occluders: Family | None
    passing: PassingConfig | None = None

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[RGB]:
        return (self[frame] for frame in range(self.count))

    def __getitem__(self, frame: int) -> RGB:
        if not 0 <= frame < self.count:
            raise IndexError(f"{self} has the frames 0 to {self.count - 1}, not {frame}")
        posed, light = self.posed(frame), self._light(frame)
        picture = self._background(posed.camera)
        take_picture(
            self._model, posed.controls, posed.expression.gaze, posed.camera, light, picture
        )
        noise = np.random.default_rng([self.seed, self.index, 9, frame])
        image = expose(self._sensor, picture, self.size, noise)
        return image if self._passing is None else self._passing.cover(image, frame / self.fps)

    def __str__(self) -> str:
        return f"synthetic clip {self.index} of seed {self.seed}"

    def posed(self, frame: int) -> Posed:
        """The geometry of a frame."""
        motion, person, seconds = self._motion, self._model.person, frame / self.fps
        yaw, pitch, roll, drift, zoom, shake = motion.amounts
        pose = np.array([yaw, pitch, roll]) * (
            motion.pose.at(seconds) + 0.3 * motion.sway.at(seconds)
        )
        expression = _expression(motion, seconds)
        controls = head.express(person, expression)
        at_rest = self._at_rest
        place = drift * motion.place.at(seconds) + shake * motion.shake.at(seconds)
        scale = at_rest.scale * float(np.exp(zoom * motion.nearness.at(seconds)[0]))
        center = np.array(at_rest.center) + soft_limit(place, 0.12) * self.size
        camera = Camera(
            *soft_limit(pose, POSE_LIMITS), at_rest.distance, scale, tuple(center), self.size
        )
        return Posed(person, expression, controls, camera)

    def annotated(self, frame: int, markup: str) -> tuple[Landmarks, Bool[np.ndarray, "landmarks"]]:
        """The landmarks of a frame, (N, 2) in pixels, and which of them can be seen, (N,).

        A small picture of the frame says what is hidden.
        """
        posed = self.posed(frame)
        camera, share = posed.camera, _TO_SEE / self.size
        center = tuple((np.array(camera.center) + 0.5) * share - 0.5)
        small = replace(camera, scale=camera.scale * share, center=center, size=_TO_SEE)
        picture = np.zeros((fine_size(_TO_SEE), fine_size(_TO_SEE), 3), np.float32)
        depth, hidden = take_picture(
            self._model, posed.controls, posed.expression.gaze, small, self._light(frame), picture
        )
        points = MARKUPS[markup](landmarks_3d(posed.controls, camera))
        landmarks = camera.project(camera.turned(points))
        seen = visible_landmarks(points, small, depth, hidden)
        return landmarks, seen & self.uncovered(frame, landmarks)

    def uncovered(self, frame: int, landmarks: Landmarks) -> Bool[np.ndarray, "landmarks"]:
        """Which points of a frame, (N, 2) in pixels, nothing passes in front of, (N,)."""
        if self._passing is None:
            return np.ones(len(landmarks), dtype=bool)
        return ~self._passing.covers(frame / self.fps, landmarks)

    # What stays the same from frame to frame

    @cached_property
    def _model(self):
        return draw_model(self.seed, self.index)

    @cached_property
    def _motion(self) -> Motion:
        return draw_motion(self._rng(4))

    @cached_property
    def _at_rest(self) -> Camera:
        """A camera that sees the face at rest from the front, with room to move."""
        rng = self._rng(5)
        controls = self._model.person.controls
        distance = float(np.exp(rng.uniform(np.log(450), np.log(2500))))
        unit = Camera(0, 0, 0, distance, 1.0, (0.0, 0.0), self.size)
        seen = unit.project(unit.turned(controls[:68]))
        low, high = seen.min(axis=0), seen.max(axis=0)
        scale = rng.uniform(0.44, 0.58) * self.size / (high - low).max()
        center = (self.size - 1) / 2 - scale * (low + high) / 2 + rng.normal(0, 0.03, 2) * self.size
        return Camera(0, 0, 0, distance, scale, tuple(center), self.size)

    @cached_property
    def _lamp(self) -> Light:
        return draw_light(self._rng(6))

    @cached_property
    def _sensor(self):
        return draw_sensor(self._rng(7))

    @cached_property
    def _wall(self) -> RGB:
        wide = draw_background(self._rng(8), int(1.5 * fine_size(self.size)))
        return (255 * wide + 0.5).astype(np.uint8)

    @cached_property
    def _passing(self) -> Passing | None:
        if self.occluders is None:
            return None
        words, size = (self.seed, self.index, 10), self.size
        return Passing(words, self.occluders, size, size, self.passing)

    def _rng(self, use: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.index, use])

    def _background(self, camera: Camera):
        """The wall behind, which moves less than the face when the camera moves."""
        away = 0.5 * (np.array(camera.center) - self._at_rest.center) * fine_size(1000) / 1000
        zoom = (camera.scale / self._at_rest.scale) ** 0.3
        half = 0.5 * fine_size(self.size) / zoom
        middle = np.array(self._wall.shape[:2]) / 2 - 0.5 - away / zoom
        crop = Crop.from_box(np.concatenate([middle - half, middle + half]), fine_size(self.size))
        return warp(self._wall, crop).astype(np.float32) / 255

    def _light(self, frame: int) -> Light:
        at, lamp = self._motion.lamp.at(frame / self.fps), self._lamp
        key = np.array(lamp.key) + 0.18 * np.array([at[0], at[1], 0])
        bright = float(np.exp(0.12 * at[2]))
        return Light(
            key=tuple(key / np.linalg.norm(key)),
            key_color=tuple(bright * float(np.exp(0.15 * at[3])) * np.array(lamp.key_color)),
            above=tuple(bright * np.array(lamp.above)),
            below=tuple(bright * np.array(lamp.below)),
            side=lamp.side,
            shine=lamp.shine,
            shadows=lamp.shadows,
        )


def _expression(motion: Motion, seconds: float) -> head.Expression:
    moods = np.clip(0.8 * motion.mood.at(seconds) - 0.35, 0, 1)
    talking = np.clip(0.5 + motion.talking.at(seconds)[0], 0, 1)
    opening, pursing = motion.syllables.at(seconds)
    amounts = dict(zip(_MOODS, moods.tolist(), strict=True))
    amounts["pucker"] = 0.35 * float(talking * soft_limit(pursing, 1.5))
    jaw = -0.8 + float(talking) * 3.2 * float(np.log1p(np.exp(1.5 * opening)))
    closed = float(motion.blink.at(seconds)[0])
    gaze = np.clip(motion.gaze.at(seconds) * (10, 5), -25, 25)
    return head.Expression(amounts, min(jaw, 14.0), (closed, closed), tuple(gaze.tolist()))


def synthetic_clips(
    count: int,
    frames: int = 90,
    *,
    seed: int = 0,
    start: int = 0,
    size: int = 192,
    fps: float = 30.0,
    markup: str = IBUG68.name,
    occluders: Family | None = "train",
    split: str = "train",
) -> ClipSet:
    """Synthetic clips as a data set; each frame is drawn when it is asked for.

    Args:
        count: how many clips, each of another person.
        frames: in each.
        seed: another seed, other clips.
        start: number of the first clip in that endless set.
        size: side of the pictures in pixels.
        fps: frames a second.
        markup: ``"ibug68"`` or ``"aflw19"``.
        occluders: family of what passes in front of faces: ``"train"``, ``"test"``, or None for
            nothing.
        split: what the set calls itself.

    Raises:
        DataError: nothing asked for, or a markup that the head does not have.
    """
    if min(count, frames) < 1 or size < 16 or not fps > 0:
        raise DataError(
            f"asked for {count} clips of {frames} frames of {size} px at {fps:g} frames a second; at "
            "least 1 clip of 1 frame of 16 px can be drawn"
        )
    check_markup(markup)
    return ClipSet(NAME, split, scheme(markup), tuple(
        _clip(SyntheticFrames(seed, index, frames, size, fps, occluders), markup, split)
        for index in range(start, start + count)
    ))  # fmt: skip


def _clip(frames: SyntheticFrames, markup: str, split: str) -> Clip:
    landmarks, visible = zip(
        *(frames.annotated(t, markup) for t in range(len(frames))), strict=True
    )
    group = f"synthetic clip {frames.seed}/{frames.index}"
    return Clip(frames, np.stack(landmarks), group, split, np.stack(visible))
