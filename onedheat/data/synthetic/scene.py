"""All that a picture shows of one person at one moment."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from onedheat.data.synthetic import head
from onedheat.data.synthetic.camera import Light, Vector
from onedheat.data.synthetic.hair import Hair
from onedheat.data.synthetic.skin import Look


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a picture shows of one person at one moment.

    Attributes:
        controls: (C, 3) of the head, with its expression.
        eyes: (2, 3) centres of the eyeballs.
        gaze: (azimuth, elevation) in degrees, in the head's axes.
        look, texture: colours of the skin.
        hair, hair_texture: None for a bald head.
        clothes: colour.
        neckline: where clothes begin, mm below the eyes.
        light: as above.
    """

    controls: head.Points
    eyes: head.Points
    gaze: tuple[float, float]
    look: Look
    texture: UInt8[np.ndarray, "height width 3"]
    hair: Hair | None
    hair_texture: UInt8[np.ndarray, "height width 4"] | None
    clothes: Vector
    neckline: float
    light: Light
