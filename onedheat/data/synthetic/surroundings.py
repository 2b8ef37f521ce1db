"""What is around a head: backgrounds, lamps, glasses, and what a camera does to a picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onedheat.data.synthetic.anatomy import EYES, direction
from onedheat.data.synthetic.camera import SUPERSAMPLE, Camera, Light
from onedheat.data.synthetic.masks import noise, sixteenths

# Backgrounds -------------------------------------------------------------------------------------


def draw_background(rng: np.random.Generator, size: int) -> Float[np.ndarray, "size size 3"]:
    """A room, a street, a hedge, seen out of focus: shapes on shapes, blurred, (size, size, 3) in [0, 1]."""
    import cv2

    side = 96
    base = rng.uniform(0.05, 0.9)
    colors = np.clip(base + rng.normal(0, 0.22, (5, 1)) + rng.normal(0, 0.09, (5, 3)), 0, 1)
    ramp = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    picture = (1 - ramp) * colors[0] + ramp * colors[1] + np.zeros((side, side, 3))
    canvas = np.ascontiguousarray(255 * np.clip(picture, 0, 1), dtype=np.uint8)
    kind = rng.choice(
        ["plain", "shapes", "stripes", "clouds", "lights"], p=[0.12, 0.44, 0.12, 0.2, 0.12]
    )
    if kind == "shapes":
        for _ in range(rng.integers(4, 22)):
            _draw_shape(canvas, rng, colors)
    elif kind == "stripes":
        _draw_stripes(canvas, rng, colors)
    elif kind == "lights":
        for _ in range(rng.integers(5, 30)):
            bright = tuple(float(255 * part) for part in rng.uniform(0.5, 1, 3))
            at = rng.integers(0, side, 2).tolist()
            cv2.circle(canvas, at, int(rng.integers(1, 9)), bright, -1, cv2.LINE_AA)
    blur = float(rng.choice([0.4, rng.uniform(0.5, 2), rng.uniform(2, 7)]))
    canvas = cv2.GaussianBlur(canvas, (0, 0), blur)
    full = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    if kind == "clouds" or rng.random() < 0.35:
        strength = rng.uniform(0.03, 0.2)
        full *= 1 + strength * noise(rng, size, size, float(rng.uniform(2, size / 4)))[..., None]
    return np.clip(full, 0, 1, out=full)


def _draw_shape(canvas, rng, colors) -> None:
    import cv2

    side = len(canvas)
    color = colors[rng.integers(5)] * rng.uniform(0.5, 1.5) + rng.normal(0, 0.05, 3)
    color = (255 * np.clip(color, 0, 1)).tolist()
    at, extent = rng.integers(-10, side, 2), rng.integers(4, side, 2)
    match rng.integers(4):
        case 0:
            cv2.rectangle(canvas, at.tolist(), (at + extent).tolist(), color, -1)
        case 1:
            half, turn = (extent // 2).tolist(), float(rng.uniform(0, 180))
            cv2.ellipse(canvas, at.tolist(), half, turn, 0, 360, color, -1, cv2.LINE_AA)
        case 2:
            corners = at + rng.uniform(-0.7, 0.7, (rng.integers(3, 7), 2)) * extent
            cv2.fillPoly(canvas, [corners.astype(np.int32)], color, cv2.LINE_AA)
        case 3:
            end, thick = at + rng.integers(-side, side, 2), int(rng.integers(1, 7))
            cv2.line(canvas, at.tolist(), end.tolist(), color, thick, cv2.LINE_AA)


def _draw_stripes(canvas, rng, colors) -> None:
    side = len(canvas)
    y, x = np.mgrid[:side, :side]
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 30)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + rng.uniform(0, 6))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    canvas[:] = np.clip(canvas + 255 * 0.25 * wave[..., None] * (colors[2] - colors[3]), 0, 255)


# Light -------------------------------------------------------------------------------------------


def draw_light(rng: np.random.Generator) -> Light:
    """A random lamp, and light from around it."""
    azimuth, height = rng.normal(0, 45), rng.uniform(-10, 65)
    key = direction(*np.radians([np.clip(azimuth, -110, 110), -height]))
    warm = rng.normal(0, 0.07)
    tint = np.array([1 + warm, 1, 1 - 1.3 * warm])
    other = np.array([1 - 0.6 * warm, 1, 1 + 0.6 * warm]) * (1 + rng.normal(0, 0.04, 3))
    share = rng.uniform(0.15, 0.85)  # of the light that comes from the lamp
    level = rng.uniform(0.75, 1.25)
    around = level * (1 - share) * 1.1
    return Light(
        key=tuple(key),
        key_color=tuple(level * share * 1.05 * tint),
        above=tuple(around * 1.05 * other),
        below=tuple(around * rng.uniform(0.45, 0.95) * other),
        side=rng.normal(0, 0.18),
        shine=rng.uniform(0, 0.22) * share,
        shadows=rng.uniform(0.35, 0.95),
    )


# Glasses -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses. Lengths in mm; `tint` is how much light the lenses take, in [0, 1]."""

    width: float
    height: float
    square: float
    rim: float
    color: tuple[float, float, float]
    tint: float
    lens: tuple[float, float, float]
    low: float


def draw_glasses(rng: np.random.Generator) -> Glasses | None:
    """Random glasses, or none for most people."""
    if rng.random() > 0.2:
        return None
    dark = rng.random() < 0.25
    shade = rng.uniform(0.02, 0.35)
    return Glasses(
        width=rng.uniform(22, 29),
        height=rng.uniform(13, 23),
        square=rng.uniform(2, 5),
        rim=rng.choice([rng.uniform(0.8, 1.6), rng.uniform(1.8, 4.2)]),
        color=tuple(np.clip(shade + rng.normal(0, 0.08, 3), 0, 1)),
        tint=rng.uniform(0.7, 0.97) if dark else rng.uniform(0, 0.1),
        lens=tuple(rng.uniform(0, 0.12, 3)),
        low=rng.uniform(0, 6),
    )


def draw_glasses_on(
    glasses: Glasses,
    eyes: Float[np.ndarray, "2 3"],
    nose: Float[np.ndarray, "3"],
    camera: Camera,
    light: Light,
    picture: Float[np.ndarray, "fine fine 3"],
    depth: Float[np.ndarray, "fine fine"],
) -> Float[np.ndarray, "fine fine"]:
    """Draws glasses over a head in place; gives how much of what is behind they hide, in [0, 1]."""
    import cv2

    fine = len(picture)
    turn = np.linspace(0, 2 * np.pi, 29)
    power = 2 / glasses.square
    ring = np.stack(
        [glasses.width * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
         glasses.height * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power], axis=1)  # fmt: skip
    plane = max(nose[2] + 1.5, eyes[:, 2].max() + 19)
    frame, lenses = np.zeros((fine, fine), np.uint8), np.zeros((fine, fine), np.uint8)
    thick = glasses.rim * camera.scale * SUPERSAMPLE

    def pixels(points):
        turned = camera.turned(points)
        return camera.project_fine(turned), turned[:, 2]

    def stroke(points, thickness):
        at, z = pixels(points)
        for p, q, near in zip(at, at[1:], 0.5 * (z[1:] + z[:-1]), strict=False):
            x, y = np.clip(np.round(0.5 * (p + q)).astype(int), 0, fine - 1)
            if depth[y, x] < near + 3:
                ends = np.round(np.stack([p, q]) * 16).astype(int).tolist()
                cv2.line(frame, *ends, 255, max(1, round(thickness)), cv2.LINE_AA, 4)

    inner = []
    for eye in eyes:
        sign = np.sign(eye[0])
        x = eye[0] + sign * 1.5 + ring[:, 0]
        z = plane - 0.006 * np.abs(x) ** 1.8  # frames bend round the face
        rim = np.stack([x, eye[1] + glasses.low + ring[:, 1], z], axis=1)
        at, _ = pixels(rim)
        cv2.fillPoly(lenses, [sixteenths(at)], 255, cv2.LINE_AA, shift=4)
        stroke(rim, thick)
        hinge = rim[np.argmax(rim[:, 0] * sign)] + (0, -0.4 * glasses.height, 0)
        ear = np.array([sign * (abs(EYES[0, 0]) + 44), eye[1] + 2, 2.0])
        stroke(np.linspace(hinge, ear, 9), 0.9 * thick)
        inner.append(rim[np.argmin(rim[:, 0] * sign)])
    middle = 0.5 * (inner[0] + inner[1]) + (0, -2, 2)
    stroke(np.stack([inner[0], middle, inner[1]]), thick)
    over_lens = (lenses / np.float32(255)) * glasses.tint
    over_rim = frame / np.float32(255)
    lamp = (0.6 * np.array(light.key_color) + np.array(light.above)).astype(np.float32)
    for over, color in ((over_lens, glasses.lens), (over_rim, glasses.color)):
        picture += over[..., None] * (np.array(color, np.float32) * lamp - picture)
    return np.maximum(over_lens, over_rim)


# Camera ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sensor:
    """What a camera adds: `blur` in pixels of a 128 px picture, `noise` in grey levels of 1, contrast
    and level of the tone curve, saturation."""

    blur: float
    noise: float
    gamma: float
    gain: float
    saturation: float


def draw_sensor(rng: np.random.Generator) -> Sensor:
    """A random camera."""
    return Sensor(
        blur=float(
            rng.choice([0, rng.uniform(0.2, 0.7), rng.uniform(0.5, 1.6)], p=[0.4, 0.4, 0.2])
        ),
        noise=float(rng.choice([rng.uniform(0, 0.012), rng.uniform(0.01, 0.05)], p=[0.75, 0.25])),
        gamma=float(np.exp(rng.normal(-0.08, 0.18))),
        gain=rng.uniform(0.85, 1.2),
        saturation=float(rng.choice([rng.uniform(0.6, 1.2), 0.0], p=[0.93, 0.07])),
    )


def expose(
    sensor: Sensor, picture: Float[np.ndarray, "fine fine 3"], size: int, rng: np.random.Generator
) -> np.ndarray:
    """The picture that the camera stores, (size, size, 3) uint8."""
    import cv2

    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    if sensor.blur:
        small = cv2.GaussianBlur(small, (0, 0), sensor.blur * size / 128)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    small = grey[..., None] + sensor.saturation * (small - grey[..., None])
    small = np.clip(sensor.gain * small, 0, 1) ** sensor.gamma
    if sensor.noise:
        small += np.float32(sensor.noise) * rng.standard_normal(small.shape, np.float32)
    return (255 * np.clip(small, 0, 1) + 0.5).astype(np.uint8)
