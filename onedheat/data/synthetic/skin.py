"""What a face's surface looks like: one texture a person, mixed from masks and drawn hair by hair."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8

from onedheat.data.synthetic.anatomy import CONTROLS
from onedheat.data.synthetic.masks import HEIGHT, WIDTH, curve, masks, sixteenths, texels_of

Color = tuple[float, float, float]

# Skin from very light to very dark, red green blue in [0, 1].
_TONES = np.array([
    (0.93, 0.78, 0.70), (0.88, 0.70, 0.59), (0.80, 0.60, 0.47), (0.68, 0.48, 0.35),
    (0.50, 0.33, 0.23), (0.33, 0.21, 0.15),
])  # fmt: skip
_HAIR = np.array([
    (0.08, 0.07, 0.06), (0.18, 0.12, 0.08), (0.32, 0.21, 0.13), (0.50, 0.36, 0.22),
    (0.72, 0.58, 0.38), (0.45, 0.20, 0.10), (0.60, 0.59, 0.57), (0.88, 0.87, 0.85),
])  # fmt: skip
_IRIS = np.array([(0.22, 0.13, 0.08), (0.35, 0.22, 0.12), (0.40, 0.38, 0.22), (0.33, 0.42, 0.48),
                  (0.25, 0.38, 0.58)])  # fmt: skip


@dataclass(frozen=True)
class Look:
    """The colours of one person; every number is drawn by `draw_look`."""

    tone: Color
    hair: Color
    brows: Color
    iris: Color
    lips: Color
    amounts: dict[str, float] = field(default_factory=dict)
    brow_thickness: float = 1.0
    beard: float = 0.0
    seed: int = 0


def draw_look(rng: np.random.Generator) -> Look:
    """Random colours that go together."""
    where = rng.uniform(0, len(_TONES) - 1)
    tone = _between(_TONES, where) * rng.uniform(0.92, 1.06, 3)
    hair = _HAIR[rng.choice(len(_HAIR), p=_hair_odds(where))] * rng.uniform(0.75, 1.3)
    made_up = rng.random() < 0.25
    lips = tone * (0.92, 0.68, 0.68) + rng.normal(0, 0.02, 3)
    if made_up:
        lips = 0.35 * lips + 0.65 * np.array(
            [rng.uniform(0.5, 0.85), 0.12, rng.uniform(0.15, 0.35)]
        )
    amounts = {
        "cheeks": rng.uniform(0, 0.9),
        "nose": rng.uniform(0, 0.7),
        "under eyes": rng.uniform(0, 1.0),
        "lids": rng.uniform(-0.2, 0.7) + (rng.uniform(0.3, 1.3) if made_up else 0),
        "lashes": rng.uniform(0.35, 0.8) + (0.5 if made_up else 0),
        "folds": rng.uniform(0, 1.2) ** 2,
        "nostrils": rng.uniform(0.7, 1.0),
        "lip line": rng.uniform(0.3, 0.9),
        "large spots": rng.uniform(0, 1.0),
        "small spots": rng.uniform(0.2, 1.3),
        "freckles": rng.uniform(0, 1.2) if rng.random() < 0.2 else 0.0,
    }
    beard = 0.0 if made_up or rng.random() < 0.55 else rng.uniform(0.15, 1.0)
    return Look(
        tone=tuple(np.clip(tone, 0.03, 1)),
        hair=tuple(np.clip(hair, 0, 1)),
        brows=tuple(np.clip(hair * rng.uniform(0.45, 0.9), 0, 1)),
        iris=tuple(_IRIS[rng.choice(5, p=_iris_odds(where))] * rng.uniform(0.8, 1.2)),
        lips=tuple(np.clip(lips, 0, 1)),
        amounts=amounts,
        brow_thickness=rng.uniform(0.35, 1.25),
        beard=beard,
        seed=int(rng.integers(2**31)),
    )


def _hair_odds(tone: float) -> np.ndarray:
    light = np.array([0.12, 0.2, 0.2, 0.16, 0.12, 0.06, 0.08, 0.06])
    dark = np.array([0.72, 0.14, 0.02, 0.01, 0.01, 0, 0.06, 0.04])
    share = np.clip(tone / 3, 0, 1)
    odds = (1 - share) * light + share * dark
    return odds / odds.sum()


def _iris_odds(tone: float) -> np.ndarray:
    light, dark = np.array([0.25, 0.2, 0.2, 0.15, 0.2]), np.array([0.75, 0.25, 0, 0, 0])
    share = np.clip(tone / 2.5, 0, 1)
    return (1 - share) * light + share * dark


def _between(steps: np.ndarray, where: float) -> np.ndarray:
    low = int(min(where, len(steps) - 2))
    return steps[low] + (where - low) * (steps[low + 1] - steps[low])


# How each part changes the skin's colour at strength 1: factors of red, green, blue.
_TINTS = {
    "cheeks": (1.03, 0.82, 0.82), "nose": (1.03, 0.84, 0.84), "under eyes": (0.80, 0.76, 0.80),
    "lids": (0.72, 0.62, 0.66), "lashes": (0.12, 0.10, 0.10), "folds": (0.72, 0.64, 0.62),
    "nostrils": (0.25, 0.15, 0.13), "lip line": (0.45, 0.32, 0.32),
    "spots": (0.982, 0.972, 0.968),
    "freckles": (0.70, 0.55, 0.48),
}  # fmt: skip


def paint(look: Look) -> UInt8[np.ndarray, "height width 3"]:
    """The texture of a person's head, without light."""
    import cv2

    rng = np.random.default_rng(look.seed)
    known = masks()
    shift = int(rng.integers(WIDTH))
    large, small, pores, freckles = known.grain[:, :, shift : shift + WIDTH]
    # Factors multiply, so their logarithms add: one weighted sum of all masks, the tone included.
    tints = [look.amounts[name] * np.log(_TINTS[name]) for name in known.parts]
    tints += [np.log(np.maximum(look.lips, 0.01) / look.tone), np.log(look.tone)]
    skin = cv2.transform(known.stack, np.array(tints, np.float32).T)
    spots = look.amounts["large spots"] * large + look.amounts["small spots"] * small + 0.8 * pores
    skin += spots[..., None] * np.log(_TINTS["spots"]).astype(np.float32)
    if amount := look.amounts["freckles"]:
        skin += freckles[..., None] * (amount * np.log(_TINTS["freckles"])).astype(np.float32)
    np.exp(skin, out=skin)
    if look.beard:
        rough = np.clip(0.75 + 0.16 * pores + 0.08 * small, 0, 1)
        cover = (min(1.0, 1.2 * look.beard) * known.beard * (1 - known.lips) * rough)[..., None]
        skin += cover * (np.array(look.brows, np.float32) - skin)
    skin *= 255
    texture = np.clip(skin, 0, 255, out=skin).astype(np.uint8)
    _draw_brows(texture, look, rng)
    _draw_marks(texture, look, rng)
    return texture


_BROWS = ((17, 18, 19, 20, 21), (26, 25, 24, 23, 22))  # from the temple inward


def _draw_brows(texture: np.ndarray, look: Look, rng: np.random.Generator) -> None:
    import cv2

    color = tuple(int(255 * part) for part in look.brows)
    soft = texture.copy()
    at = texels_of(CONTROLS[:68])
    for run in _BROWS:
        line = curve(at[list(run)], steps=12)
        toward = 1 if line[-1, 0] > line[0, 0] else -1
        taper = np.interp(np.linspace(0, 1, len(line)), (0, 0.5, 1), (0.25, 1, 1.1))
        width = 5.5 * look.brow_thickness * taper
        half = np.outer(width / 2, (0, 1))
        body = np.concatenate([line - half, (line + half)[::-1]])
        cv2.fillPoly(soft, [sixteenths(body)], color, cv2.LINE_AA, shift=4)
        count = 70
        where = rng.integers(0, len(line), count)
        across, along = rng.normal(0, 1, count), rng.uniform(-0.4, 0.45, count) * width[where]
        start = line[where] + np.stack([across, along], 1)
        length = rng.uniform(3, 6, count) * look.brow_thickness**0.5
        lean = np.stack([-toward * length, rng.uniform(-0.35, 0.12, count) * length], axis=1)
        shade = rng.uniform(0.7, 1.3, count)
        hairs = np.round(np.stack([start, start + lean], 1) * 16).astype(int).tolist()
        for ends, bright in zip(hairs, shade, strict=True):
            shaded = tuple(min(255, part * bright) for part in color)
            cv2.line(texture, *ends, shaded, 1, cv2.LINE_AA, 4)
    top, bottom = int(at[17:27, 1].min()) - 12, int(at[17:27, 1].max()) + 12
    blurred = cv2.GaussianBlur(soft[top:bottom], (0, 0), 1.2)
    share = float(np.clip(0.45 * look.brow_thickness, 0.2, 0.75))
    texture[top:bottom] = cv2.addWeighted(texture[top:bottom], 1 - share, blurred, share, 0)


def _draw_marks(texture: np.ndarray, look: Look, rng: np.random.Generator) -> None:
    """Moles, and lines on the forehead."""
    import cv2

    dark = tuple(int(120 * part) for part in look.tone)
    for _ in range(rng.poisson(1.2)):
        u, v = rng.uniform(0.2, 0.8) * WIDTH, rng.uniform(0.3, 0.85) * HEIGHT
        at, radius = (int(u * 16), int(v * 16)), int(rng.uniform(9, 20))
        cv2.circle(texture, at, radius, dark, -1, cv2.LINE_AA, 4)
    if rng.random() < 0.25:
        line = [(-38, -42, 76), (-20, -46, 86), (0, -44, 90), (20, -46, 86), (38, -42, 76.0)]
        line = texels_of(np.array(line))
        soft = tuple(int(205 * part) for part in look.tone)
        for row in range(rng.integers(1, 4)):
            wave = curve(line + (0, -9 * row) + rng.normal(0, 0.8, line.shape))
            cv2.polylines(texture, [sixteenths(wave)], False, soft, 1, cv2.LINE_AA, 4)
