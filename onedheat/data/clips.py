"""Annotated video: clips whose frames are made or decoded one after the other, when asked for."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data.images import RGB, read_image
from onedheat.data.samples import Divisible, FaceSet, Sample, union
from onedheat.geometry import Landmarks
from onedheat.landmarks import Scheme


@runtime_checkable
class Frames(Protocol):
    """The pictures of a clip. As text it says to a person where they come from.

    Going through them in order holds one picture at a time in memory, however long the clip.
    """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[RGB]: ...

    def __getitem__(self, frame: int) -> RGB:
        """Frame number `frame`, the first being 0.

        Raises:
            IndexError: there is no such frame.
            ImageError: a picture file cannot be read.
            VideoError: a video cannot be read so far.
        """

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class PhotoFrames:
    """The frames of a clip that lie in files of their own."""

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[RGB]:
        return map(read_image, self.paths)

    def __getitem__(self, frame: int) -> RGB:
        if not 0 <= frame < len(self):
            raise IndexError(f"{self} has the frames 0 to {len(self) - 1}, not {frame}")
        return read_image(self.paths[frame])

    def __str__(self) -> str:
        return f"{self.paths[0]} and the {len(self) - 1} after it"


@dataclass(frozen=True)
class Frame:
    """One picture of a clip."""

    frames: Frames
    number: int

    def read(self) -> RGB:
        """The picture, (H, W, 3) RGB. Raises `ImageError` or `VideoError` if it cannot be had."""
        return self.frames[self.number]

    def __str__(self) -> str:
        return f"{self.frames}, frame {self.number}"


@runtime_checkable
class Annotation(Protocol):
    """The landmarks of a clip in files, of which a data set has hundreds of thousands: they are read
    when they are first needed.
    """

    def __len__(self) -> int: ...

    def read(self) -> Float[np.ndarray, "frames landmarks 2"]:
        """(T, N, 2) in pixels of each frame."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One face annotated in every frame of a video.

    Attributes:
        frames: the pictures.
        annotation: (T, N, 2) in pixels of each frame, or the files that `landmarks` are read from.
        group: clips of one group show one person or one photo and must never be split between
            training and validation.
        subset: the part of the data set it belongs to, e.g. ``"scenario1"``.
        visible: (T, N), whether each landmark can be seen, where the data set says so.

    Raises:
        ValueError: there are not as many frames as annotations.
    """

    frames: Frames
    annotation: Float[np.ndarray, "frames landmarks 2"] | Annotation
    group: str
    subset: str
    visible: Bool[np.ndarray, "frames landmarks"] | None = None

    def __post_init__(self):
        if len(self.frames) != len(self.annotation):
            raise ValueError(
                f"{self.frames} has {len(self.frames)} frames and {len(self.annotation)} annotations"
            )

    @cached_property
    def landmarks(self) -> Float[np.ndarray, "frames landmarks 2"]:
        """(T, N, 2) in pixels of each frame. Raises what the reader of its files raises."""
        return (
            self.annotation if isinstance(self.annotation, np.ndarray) else self.annotation.read()
        )

    def __len__(self) -> int:
        return len(self.annotation)

    def __iter__(self) -> Iterator[tuple[RGB, Landmarks]]:
        """Each frame with its landmarks, in order, one at a time."""
        return zip(self.frames, self.landmarks, strict=True)

    def sample(self, frame: int) -> Sample:
        """One frame as an annotated face."""
        return Sample(
            Frame(self.frames, frame),
            self.landmarks[frame],
            self.group,
            self.subset,
            None if self.visible is None else self.visible[frame],
        )


@dataclass(frozen=True, repr=False)
class ClipSet(Divisible):
    """Annotated clips of one markup; attributes as those of `FaceSet`."""

    name: str
    split: str
    scheme: Scheme
    clips: tuple[Clip, ...]
    things: ClassVar[str] = "clips"

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return self.clips[index]

    @property
    def groups(self) -> list[str]:
        """The group of each clip."""
        return [clip.group for clip in self.clips]

    def where(self, keep: Callable[[Clip], bool], split: str) -> "ClipSet":
        """The clips that `keep` says yes to, under another split name."""
        return replace(self, split=split, clips=tuple(c for c in self.clips if keep(c)))

    def name_of(self, index: int) -> str:
        """What is said of a clip where something is wrong with it."""
        return str(self.clips[index].frames)

    def faces(self, every: int = 1) -> FaceSet:
        """Every `every`-th frame of each clip as an annotated face, to train or test a detector on."""
        return FaceSet(
            self.name,
            self.split,
            self.scheme,
            tuple(clip.sample(t) for clip in self.clips for t in range(0, len(clip), every)),
        )


def joined(*parts: ClipSet) -> ClipSet:
    """Several sets of clips as one.

    Raises:
        DataError: their landmark schemes differ.
    """
    faces = union(*(FaceSet(part.name, part.split, part.scheme, ()) for part in parts))
    clips = tuple(clip for part in parts for clip in part.clips)
    return ClipSet(faces.name, faces.split, faces.scheme, clips)


def drawn_frames(clips: ClipSet, count: int, seed: int = 0) -> FaceSet:
    """So many frames, or all where there are fewer, chosen at random, as annotated faces.

    Only the annotation of clips that a frame was chosen from is read.
    """
    places = [(clip, t) for clip in clips.clips for t in range(len(clip))]
    chosen = random.Random(seed).sample(places, min(count, len(places)))
    samples = tuple(clip.sample(t) for clip, t in chosen)
    return FaceSet(clips.name, clips.split, clips.scheme, samples)


def count_clips(faces: FaceSet) -> int:
    """How many clips the faces of a set come from; 0 for photos."""
    sources = (sample.source for sample in faces.samples)
    return len({id(source.frames) for source in sources if isinstance(source, Frame)})
