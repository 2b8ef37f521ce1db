"""What every data set is read into: annotated faces, each in a picture that is made when asked for."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data.images import RGB, read_image
from onedheat.errors import DataError
from onedheat.geometry import Box, Landmarks
from onedheat.landmarks import Scheme, scheme_as_json

Whole = TypeVar("Whole", bound="Divisible")


@runtime_checkable
class Source(Protocol):
    """Where a picture comes from. As text it says so to a person: a path, a frame of a video."""

    def read(self) -> RGB:
        """The picture, (H, W, 3) RGB. Raises `ImageError` if it cannot be had."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Photo:
    """A picture in a file."""

    path: Path

    def read(self) -> RGB:
        """The decoded file. Raises `ImageError` if it cannot be read."""
        return read_image(self.path)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, eq=False)
class Sample:
    """One annotated face.

    Attributes:
        source: its picture.
        landmarks: (N, 2) in pixels of the picture.
        group: faces of one group come from one photo, video or person and must never be split
            between training and validation.
        subset: the part of the data set it belongs to, e.g. ``"lfpw/testset"``.
        visible: (N,), whether each landmark can be seen, where the data set says so. Landmarks that
            cannot be seen are annotated all the same unless they are NaN.
        box: the data set's own face box, (4,) edges in pixels, where it has one.
        tags: what else the data set says about the face, e.g. ``{"occlusion", "blur"}``.
    """

    source: Source
    landmarks: Landmarks
    group: str
    subset: str
    visible: Bool[np.ndarray, "landmarks"] | None = None
    box: Box | None = None
    tags: frozenset[str] = frozenset()

    def image(self) -> RGB:
        """The picture, (H, W, 3) RGB. Raises `ImageError` if it cannot be had."""
        return self.source.read()


class Divisible:
    """What can be divided by the groups of what it holds, which it calls `things`."""

    things: ClassVar[str]

    def __repr__(self) -> str:
        what = f"{len(self):,} {self.things} of {len(self.scheme)} landmarks ({self.scheme.name})"
        return f"<{type(self).__name__} {self.name}, {self.split}: {what}>"

    def divided(self: Whole, share: float, seed: int = 0) -> tuple[Whole, Whole]:
        """A part to train on and one to validate on; all of one group land on the same side.

        Args:
            share: of the things for validation, in (0, 1).
            seed: another seed, another division.

        Raises:
            DataError: there are not enough groups to leave some on each side.
        """
        members = Counter(self.groups)
        left = sorted(members)
        random.Random(seed).shuffle(left)
        wanted, held_out = share * len(self), set()
        while left and sum(members[group] for group in held_out) < wanted:
            held_out.add(left.pop())
        if len(members) == 1:
            raise DataError(
                f"all {self.things} are of one photo, video or group ({next(iter(members))}), and cannot "
                "be divided into some to train on and some to validate on; add others, or groups where "
                "the labels say them"
            )
        if not held_out or not left:
            raise DataError(
                f"{len(self)} {self.things} in {len(members)} photos cannot be divided {1 - share:.0%} to "
                f"{share:.0%} without a photo on both sides; add photos or change the share"
            )
        return (
            self.where(lambda one: one.group not in held_out, f"{self.split}-train"),
            self.where(lambda one: one.group in held_out, f"{self.split}-validation"),
        )


@dataclass(frozen=True, repr=False)
class FaceSet(Divisible):
    """Annotated faces of one markup: `faces[0].image()`, `faces[0].landmarks`, `for face in faces`.

    Attributes:
        name: of the data set, as on the command line.
        split: which part of it this is.
        scheme: what its landmarks are.
        samples: the faces, in an order that does not change from machine to machine.
    """

    name: str
    split: str
    scheme: Scheme
    samples: tuple[Sample, ...]
    things: ClassVar[str] = "faces"

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    @property
    def groups(self) -> list[str]:
        """The group of each face."""
        return [sample.group for sample in self.samples]

    def landmarks(self) -> Float[np.ndarray, "faces landmarks 2"]:
        """All landmarks, (B, N, 2), in pixels of each photo. Raises `DataError` if there are none."""
        if not self.samples:
            raise DataError(
                f"{self.name} has no faces of a split {self.split!r}; give another split"
            )
        return np.stack([sample.landmarks for sample in self.samples])

    def name_of(self, index: int) -> str:
        """What is said of a face where something is wrong with it."""
        return str(self.samples[index].source)

    def where(self, keep: Callable[[Sample], bool], split: str) -> "FaceSet":
        """The faces that `keep` says yes to, under another split name."""
        return replace(self, split=split, samples=tuple(s for s in self.samples if keep(s)))

    def drawn(self, count: int, seed: int = 0) -> "FaceSet":
        """So many of the faces, or all where there are fewer, chosen at random.

        Raises:
            ValueError: `count` is less than 0.
        """
        if count < 0:
            raise ValueError(f"count must be 0 or more, got {count}")
        chosen = random.Random(seed).sample(self.samples, min(count, len(self)))
        return replace(self, samples=tuple(chosen))


def union(*parts: FaceSet) -> FaceSet:
    """Several sets as one, whose scheme is the first one's.

    Raises:
        DataError: there are none, or their landmark schemes differ in more than their names.
        TypeError: something that is no `FaceSet`.
    """
    if not parts:
        raise DataError("there are no sets to join; give at least one")
    for part in parts:
        if not isinstance(part, FaceSet):
            raise TypeError(f"expected sets of faces, union(a, b), got a {type(part).__name__}")
    first = parts[0]
    for other in parts[1:]:
        _demand_same_scheme(first, other)
    return FaceSet(
        name="+".join(dict.fromkeys(part.name for part in parts)),
        split="+".join(dict.fromkeys(part.split for part in parts)),
        scheme=first.scheme,
        samples=tuple(sample for part in parts for sample in part.samples),
    )


def _demand_same_scheme(first: FaceSet, other: FaceSet) -> None:
    """Raises `DataError` if two sets have different points; what their schemes are called is no matter."""
    ours, theirs = scheme_as_json(first.scheme), scheme_as_json(other.scheme)
    differing = [key for key in ours if key != "name" and ours[key] != theirs[key]]
    if not differing:
        return
    refused = "sets of different landmark schemes cannot be joined: "
    if len(first.scheme) != len(other.scheme):
        raise DataError(
            f"{refused}{first.name} has {len(first.scheme)} points, {other.name} {len(other.scheme)}; "
            "train on each alone"
        )
    raise DataError(
        f"{refused}{first.name} and {other.name} differ in {', '.join(map(repr, differing))}; give both "
        "the same scheme.json"
    )
