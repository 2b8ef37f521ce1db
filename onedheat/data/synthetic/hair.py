"""Hair: a second surface over the skull, cut along a hairline and streaked."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CENTER
from onedheat.data.synthetic.masks import HEIGHT, WIDTH, masks, noise

# Each cut and where it ends above the forehead, as `Hair.line` has it.
_FRONTS = {"short": -46, "fringe": -31, "long": -44, "receding": -72, "tied": -45, "hat": -36}
_AROUND = np.array([0.0, 25, 45, 62, 78, 95, 180])  # degrees from the middle of the face


@dataclass(frozen=True)
class Hair:
    """One hair cut.

    Attributes:
        line: elevation (degrees, downward) where hair ends, at each of seven azimuths from the middle
            of the face to the back of the head.
        parting: how much lower it hangs on one side of the forehead, degrees.
        top, side: thickness in mm above and beside the skull.
        hang: radius in mm at which long hair hangs down.
        rough: waviness of the surface in mm.
        soft: width of the hairline in degrees.
        color: red, green, blue.
        streaks: contrast between strands.
        seed: of the strands.
    """

    line: tuple[float, ...]
    parting: float
    top: float
    side: float
    hang: float
    rough: float
    soft: float
    color: tuple[float, float, float]
    streaks: float
    seed: int

    @property
    def hangs(self) -> bool:
        """Whether it falls below the jaw."""
        return self.line[-1] > 40


def draw_hair(rng: np.random.Generator, color: tuple[float, float, float]) -> Hair | None:
    """A random cut; None for a bald head."""
    kind = rng.choice(["bald", *_FRONTS], p=[0.06, 0.30, 0.15, 0.23, 0.08, 0.11, 0.07])
    if kind == "bald":
        return None
    front = _FRONTS[kind] + rng.normal(0, 3.5)
    temple = min(front + rng.uniform(2, 12), -26)
    burn = rng.uniform(-12, 14)
    ends = {"long": rng.uniform(45, 72), "fringe": rng.uniform(15, 66)}
    end = ends.get(kind, rng.uniform(22, 34))
    open_face, hang = rng.uniform(0, 30), rng.uniform(78, 105)
    line = np.array([front, front + rng.uniform(-4, 3), temple, temple + 14, burn, end, end])
    if end > 40:  # it falls beside the face, or behind the ears
        if rng.random() < 0.75:
            line[4] = end * rng.uniform(0.85, 1)
            line[3] = rng.uniform(temple + 14, 0.9 * end - open_face)
        else:
            line[4], line[5] = burn, 0.9 * end
            hang = rng.uniform(56, 70)
    if kind == "hat":
        line = np.array([front, front, front + 2, front + 5, front + 9, -14, -5]) + rng.normal(0, 2)
        color = tuple(rng.uniform(0.05, 0.85, 3))
    big = kind == "long" or rng.random() < 0.2
    return Hair(
        line=tuple(line.tolist()),
        parting=0.0 if kind == "hat" else rng.normal(0, 2 if kind in ("receding", "tied") else 7),
        top=rng.uniform(5, 30 if big else 18) if kind != "receding" else rng.uniform(2, 6),
        side=rng.uniform(2, 18 if big else 8),
        hang=hang,
        rough=0.5 if kind == "hat" else rng.uniform(0.5, 5),
        soft=0.8 if kind == "hat" else rng.uniform(2, 9),
        color=color,
        streaks=0.06 if kind == "hat" else rng.uniform(0.15, 0.5),
        seed=int(rng.integers(2**31)),
    )


def _hairline(hair: Hair, azimuth: np.ndarray) -> np.ndarray:
    side = np.clip(azimuth / 30, -1, 1) * np.exp(-((azimuth / 60) ** 2))
    return np.interp(np.abs(azimuth), _AROUND, hair.line) + hair.parting * side


def paint_hair(hair: Hair) -> UInt8[np.ndarray, "height width 4"]:
    """Colour and coverage over texture coordinates, without light."""
    known, rng = masks(), np.random.default_rng(hair.seed)
    fine = noise(rng, 16, WIDTH, 1.7)
    coarse = noise(rng, 16, WIDTH, 7)
    rows = np.linspace(0, 15, HEIGHT).astype(int)
    strands = (0.6 * fine + 0.6 * coarse)[rows]
    depth = _hairline(hair, known.azimuth) + hair.soft * 0.45 * strands - known.elevation
    cover = np.clip(depth / hair.soft + 0.5, 0, 1)
    bright = np.clip(1 + hair.streaks * strands, 0.25, 2.2)[..., None]
    color = np.clip(255 * bright * np.array(hair.color, np.float32), 0, 255)
    return np.concatenate([color, 255 * cover[..., None]], axis=2).astype(np.uint8)


def hair_surface(hair: Hair, vertices: head.Points) -> head.Points:
    """The vertices of the hair over a head's, (V, 3) mm."""
    grid = head.template()
    away = vertices - CENTER
    radius = np.linalg.norm(away, axis=1)
    way = away / radius[:, None]
    azimuth, elevation = grid.angles.T
    up = np.clip(-elevation / 70, 0, 1)
    rng = np.random.default_rng(hair.seed)
    waves = noise(rng, grid.rows, grid.columns, 5).ravel()
    thick = hair.side + (hair.top - hair.side) * up**1.3 + hair.rough * waves
    # Hair is thin where it begins.
    depth = _hairline(hair, azimuth) - elevation
    thick = np.maximum(thick, 1.2) * np.clip(0.25 + depth / 16, 0.25, 1)
    hanging = hair.hang + 0.6 * hair.rough * waves
    level = np.cos(np.radians(np.clip(elevation, 0, 74)))
    fall = np.clip((elevation - 4) / 22, 0, 1) * np.clip((np.abs(azimuth) - 40) / 22, 0, 1)
    fall *= np.clip((hair.line[-1] - 34) / 12, 0, 1)  # short hair does not hang
    falling = np.maximum(radius + thick, hanging / level)
    total = (1 - fall) * (radius + thick) + fall * falling
    return CENTER + total[:, None] * way
