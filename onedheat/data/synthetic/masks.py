"""The parts of a face as soft masks in texture coordinates of the average head, made once."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CONTROLS

WIDTH, HEIGHT = 320, 264
"""Of every texture, in pixels."""


def texels_of(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 2"]:
    return head.uv_of(points) * (WIDTH, HEIGHT) - 0.5


def curve(
    points: Float[np.ndarray, "points axes"], steps: int = 8
) -> Float[np.ndarray, "dense axes"]:
    """A smooth open curve through points (Catmull–Rom)."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        q + 0.5 * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)))
        for p, q, r, s in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.concatenate([*parts, points[-1:]])


def outline(*runs: tuple[int, ...]) -> Float[np.ndarray, "dense 2"]:
    """A closed line in texture pixels through runs of landmarks, each run smooth in itself."""
    at = texels_of(CONTROLS[:68])
    return np.concatenate([curve(at[list(run)]) for run in runs])


EYE_RUNS = {
    "right": ((36, 37, 38, 39), (39, 40, 41, 36)),
    "left": ((42, 43, 44, 45), (45, 46, 47, 42)),
}
OUTER_LIP = ((48, 49, 50, 51, 52, 53, 54), (54, 55, 56, 57, 58, 59, 48))
INNER_LIP = ((60, 61, 62, 63, 64), (64, 65, 66, 67, 60))


def _grown(line: Float[np.ndarray, "dense 2"], by: float) -> Float[np.ndarray, "dense 2"]:
    """A closed line moved outward, most where it is pointed."""
    away = line - line.mean(axis=0)
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    return line + away / distance * by * (0.5 + 1.2 * distance / distance.max())


def sixteenths(line: Float[np.ndarray, "dense 2"]) -> Int[np.ndarray, "dense 2"]:
    """A line as OpenCV draws it with `shift=4`."""
    return np.round(line * 16).astype(np.int32)


def _filled(*outlines: np.ndarray, blur: float = 0.7) -> Float[np.ndarray, "height width"]:
    import cv2

    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for line in outlines:
        cv2.fillPoly(mask, [sixteenths(line)], 255, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255


def _stroke(
    lines: list[np.ndarray], thickness: int, blur: float
) -> Float[np.ndarray, "height width"]:
    import cv2

    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for line in lines:
        cv2.polylines(mask, [sixteenths(line)], False, 255, thickness, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), blur).astype(np.float32) / 255


def _blob(*centers: tuple[float, float, float], radius: float) -> Float[np.ndarray, "height width"]:
    """Soft spots on both sides; the radius in texture pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    points = np.array(centers, float)
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    for u, v in np.concatenate([texels_of(points), texels_of(points * (-1, 1, 1))]):
        mask = np.maximum(mask, np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * radius**2)))
    return mask.astype(np.float32)


def noise(
    rng: np.random.Generator, height: int, width: int, scale: float
) -> Float[np.ndarray, "h w"]:
    """Smooth noise of mean 0 and standard deviation 1; features are about `scale` pixels wide."""
    import cv2

    rows, columns = int(height / scale) + 4, int(width / scale) + 4
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    full = cv2.resize(coarse, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    part = full[:height, :width]
    return (part - part.mean()) / part.std()


@dataclass(frozen=True)
class Masks:
    """The parts of a face as soft masks, each (HEIGHT, WIDTH) in [0, 1]."""

    parts: dict[str, Float[np.ndarray, "height width"]]
    stack: Float[np.ndarray, "height width parts"]
    eyes: Float[np.ndarray, "height width"]
    mouth: Float[np.ndarray, "height width"]
    lips: Float[np.ndarray, "height width"]
    beard: Float[np.ndarray, "height width"]
    azimuth: Float[np.ndarray, "1 width"]
    elevation: Float[np.ndarray, "height 1"]
    grain: Float[np.ndarray, "kinds height twice_width"]


@lru_cache(maxsize=1)
def masks() -> Masks:
    """All masks, made once; the noise in them is the same for everybody and is shifted per person."""
    # Soft edges make a filled shape look smaller than its outline: grow it by as much.
    eyes = [_grown(outline(*runs), 0.7) for runs in EYE_RUNS.values()]
    lips, inner = _grown(outline(*OUTER_LIP), 0.7), outline(*INNER_LIP)
    contour = texels_of(CONTROLS[:17])
    above = [(45, 60, 66), (30, 56, 80), (9, 56, 95), (-9, 56, 95), (-30, 56, 80), (-45, 60, 66)]
    chin = np.concatenate([contour[2:15], texels_of(np.array(above, float))])
    below = contour[3:14] + (0, 16)
    beard = np.clip(
        _filled(chin, blur=5) + _filled(np.concatenate([contour[3:14], below[::-1]]), blur=5), 0, 1
    )
    lids = [np.array([(14, -4, 72), (22, -11, 76), (32, -13, 76), (43, -10.5, 68), (49, -3, 60.0)])]
    mirror = np.array((-1, 1, 1))
    upper = [outline(runs[0]) for runs in EYE_RUNS.values()]
    folds = [np.array([(18, 42, 86), (26, 54, 81), (33, 68, 76), (34, 77, 73.0)]),
             np.array([(14, 9, 73), (22, 14, 74), (32, 15.5, 74.5), (41, 12, 68.0)])]  # fmt: skip
    mouth = (48, *INNER_LIP[0], 54), (54, *INNER_LIP[1], 48)
    parts = {
        "cheeks": _blob((44, 32, 73), radius=17),
        "nose": _blob((0, 34, 110), (12, 36, 92), radius=9),
        "under eyes": _blob((26, 12, 74), (36, 12, 72), radius=6),
        "lids": _filled(*[curve(texels_of(p * s)) for p in lids for s in (1, mirror)], blur=2.5),
        "lashes": _stroke(upper, 2, 0.8),
        "folds": _stroke([curve(texels_of(p * s)) for p in folds for s in (1, mirror)], 1, 1.8) * 2,
        "nostrils": np.clip(_blob((6.5, 44.5, 96), radius=2.9) * 1.2, 0, 1),
        "lip line": _stroke([outline(line) for line in mouth], 1, 0.8) * 1.5,
    }
    soft_lips = np.clip(1.35 * _filled(lips, blur=1.0), 0, 1)
    rng = np.random.default_rng(20)
    large, small, pores, spots = (noise(rng, HEIGHT, 2 * WIDTH, scale) for scale in (40, 9, 2, 2))
    grain = np.stack([large, small, pores, np.clip(spots - 1.5, 0, 1)])
    u = (np.arange(WIDTH) + 0.5) / WIDTH
    v = (np.arange(HEIGHT) + 0.5) / HEIGHT
    pad = np.zeros(WIDTH), np.zeros(HEIGHT)
    return Masks(
        parts=parts,
        stack=np.stack([*parts.values(), soft_lips, np.ones_like(soft_lips)], axis=2),
        eyes=np.clip(1.5 * _filled(*eyes, blur=0.9), 0, 1),
        mouth=_filled(inner),
        lips=soft_lips,
        beard=beard,
        azimuth=head.angles_of(np.stack([u, pad[0]], axis=1))[None, :, 0],
        elevation=head.angles_of(np.stack([pad[1], v], axis=1))[:, 1, None],
        grain=grain,
    )
