"""Occluders that come into a picture, pass in front of the face and leave again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from onedheat.data.images import RGB
from onedheat.data.occluders.layers import Layer, overlay, paint, place
from onedheat.data.occluders.shapes import SHAPES, Family, Matrix, Shape, draw_shape, of_family
from onedheat.data.occluders.textures import Photo


@dataclass(frozen=True)
class PassingConfig:
    """How things pass in front of a face.

    Lengths are shares of the picture's shorter side.

    Attributes:
        every: seconds in which one thing at most passes.
        share: of those stretches of time in which one does.
        lasting: shortest and longest time from entering the picture to leaving it, in seconds; at
            most `every`.
        radius: smallest and largest half side of the square around the thing.
        aside: standard deviation of how far from the picture's middle it passes, along each axis.
        dwelling: largest part of its speed that it loses in the middle of its way, below 1.
        spin: standard deviation of its turn while it passes, in degrees.
    """

    every: float = 2.4
    share: float = 0.6
    lasting: tuple[float, float] = (0.6, 2.4)
    radius: tuple[float, float] = (0.15, 0.45)
    aside: float = 0.12
    dwelling: float = 0.9
    spin: float = 60.0

    def __post_init__(self):
        shortest, longest = self.lasting
        if not 0 < shortest <= longest <= self.every:
            raise ValueError(
                f"things must pass in more than 0 s and no more than the {self.every:g} s between "
                f"them; got lasting={self.lasting}"
            )


@dataclass(frozen=True, eq=False)
class Passage:
    """One thing on its way through a picture.

    Attributes:
        shape: of the thing.
        begins: when it starts to enter, in seconds.
        lasting: how long until it has left, in seconds.
        middle: where it is halfway, (x, y) in pixels.
        way: from there to where it leaves, (x, y) in pixels.
        radius: half the side of the shape's square, in pixels.
        angle: of the shape halfway, in radians.
        spin: how far it turns on its way, in radians.
        dwelling: part of its mean speed that it loses halfway.
    """

    shape: Shape
    begins: float
    lasting: float
    middle: Float[np.ndarray, "2"]
    way: Float[np.ndarray, "2"]
    radius: float
    angle: float
    spin: float
    dwelling: float

    def pose(self, seconds: float) -> Matrix:
        """The (3, 3) map from the shape's own coordinates to pixels."""
        progress = 2 * (seconds - self.begins) / self.lasting - 1
        gone = progress * (1 - self.dwelling) + self.dwelling * progress**3
        center = self.middle + gone * self.way
        return place(center, self.radius, self.angle + self.spin * gone / 2)


class Passing:
    """What passes through the pictures of one clip.

    Time is divided into stretches, in each of which one thing or none passes; every stretch has random
    numbers of its own, so that a moment is the same whatever was asked for before it.

    Args:
        seed: words that tell this clip from others.
        family: of shapes and textures.
        width: of the pictures.
        height: of the pictures.
        config: how things pass.
    """

    def __init__(
        self,
        seed: Sequence[int],
        family: Family,
        width: int,
        height: int,
        config: PassingConfig | None = None,
    ):
        self.seed, self.family = tuple(seed), family
        self.size = np.array([width, height], dtype=float)
        self.config = config or PassingConfig()
        of_family(family, SHAPES)  # refuses an unknown one now and not in some later frame
        self._drawn: dict[int, Passage | None] = {}
        self._painted: tuple[int, Layer] | None = None

    def at(self, seconds: float) -> Passage | None:
        """What is on its way through the picture at a moment, if anything."""
        passage = self._passage(self._stretch(seconds))
        if passage and 0 < seconds - passage.begins < passage.lasting:
            return passage
        return None

    def covers(
        self, seconds: float, points: Float[np.ndarray, "*points 2"]
    ) -> Bool[np.ndarray, "*points"]:
        """Which points of the picture, in pixels, are covered at a moment."""
        passage = self.at(seconds)
        if passage is None:
            return np.zeros(points.shape[:-1], dtype=bool)
        return passage.shape.covers(passage.pose(seconds), points)

    def cover(self, picture: RGB, seconds: float, photo: Photo | None = None) -> RGB:
        """A picture as it is seen at a moment, with what is in front of it.

        Args:
            picture: (H, W, 3) of the clip's size; not changed.
            seconds: the moment.
            photo: what textures may be cut from; must be the same for the whole clip.
        """
        passage = self.at(seconds)
        if passage is None:
            return picture
        return overlay(
            picture, self._layer(passage, self._stretch(seconds), photo), passage.pose(seconds)
        )

    def _stretch(self, seconds: float) -> int:
        return math.floor(seconds / self.config.every)

    def _passage(self, stretch: int) -> Passage | None:
        if stretch not in self._drawn:
            self._drawn[stretch] = self._draw(self._rng(stretch, 0), stretch)
        return self._drawn[stretch]

    def _layer(self, passage: Passage, stretch: int, photo: Photo | None) -> Layer:
        # Only the last one is kept: things pass one after the other.
        if self._painted is None or self._painted[0] != stretch:
            side = int(np.clip(2 * passage.radius, 32, 384))
            layer = paint(passage.shape, self._rng(stretch, 1), self.family, side=side, photo=photo)
            self._painted = (stretch, layer)
        return self._painted[1]

    def _rng(self, stretch: int, use: int) -> np.random.Generator:
        # Before time 0 there are stretches too; a seed's words are not negative.
        return np.random.default_rng([*self.seed, abs(stretch), int(stretch < 0), use])

    def _draw(self, rng: np.random.Generator, stretch: int) -> Passage | None:
        config, short = self.config, self.size.min()
        if rng.random() >= config.share:
            return None
        lasting = rng.uniform(*config.lasting)
        begins = (stretch + rng.uniform(0, 1 - lasting / config.every)) * config.every
        radius = short * rng.uniform(*config.radius)
        aside = short * np.clip(config.aside * rng.standard_normal(2), -0.4, 0.4)
        # The square around the thing reaches √2 radii; where it enters and leaves it is not seen.
        travel = np.linalg.norm(self.size) / 2 + math.sqrt(2) * radius + np.linalg.norm(aside)
        direction = rng.uniform(0, 2 * math.pi)
        return Passage(
            shape=draw_shape(rng, self.family),
            begins=begins,
            lasting=lasting,
            middle=(self.size - 1) / 2 + aside,
            way=travel * np.array([math.cos(direction), math.sin(direction)]),
            radius=radius,
            angle=rng.uniform(0, 2 * math.pi),
            spin=math.radians(config.spin) * rng.standard_normal(),
            dwelling=rng.uniform(0, config.dwelling),
        )
