"""What light, lens, sensor and compression do to the pictures of a clip, changing smoothly with time.

    footage = Footage([seed, index], FootageConfig(), width=256, height=256)
    picture = footage.develop(picture, seconds=12 / 30)

Nothing here moves a point: each step treats left and right, above and below alike. The steps are
NumPy's and OpenCV's and not kornia's: every frame has settings of its own and is asked for alone, and
on single small pictures kornia's checks of its arguments would cost more than the work.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onedheat.data.images import RGB
from onedheat.data.motion import smooth_path, soft_limit

_LIGHT_CELLS = 16  # light and shadow are computed on a grid this fine and interpolated
_DISPLAY = 2.2  # pixels hold about the 2.2th root of light


@dataclass(frozen=True)
class FootageConfig:
    """How much light and camera change in a clip, and from clip to clip.

    Attributes:
        brightness: standard deviation of the light's strength, in stops (one is twice the light).
        unevenness: the same of the difference between one side of the picture and the other.
        temperature: standard deviation of red against blue, in stops.
        contrast: standard deviation of the logarithm of the contrast.
        gamma: standard deviation of the logarithm of the tone curve's exponent.
        shadow_share: of the clips in which a shadow moves.
        shadow_depth: largest share of the light that it takes.
        flicker_share: of the clips under flickering lamps.
        flicker: largest share of the light that the lamps lose.
        defocus: standard deviation in pixels of the lens's blur where it is worst, in a picture whose
            shorter side is 128 pixels; in proportion in others.
        noise: largest standard deviation of a mid-grey pixel, of pictures in [0, 1].
        quality: lowest and highest JPEG quality; None leaves pictures uncompressed.
    """

    brightness: float = 0.45
    unevenness: float = 0.4
    temperature: float = 0.15
    contrast: float = 0.15
    gamma: float = 0.12
    shadow_share: float = 0.5
    shadow_depth: float = 0.7
    flicker_share: float = 0.2
    flicker: float = 0.08
    defocus: float = 1.2
    noise: float = 0.04
    quality: tuple[int, int] | None = (40, 95)


class Footage:
    """Light and camera of one clip.

    Args:
        seed: words that tell this clip from others.
        config: how much changes.
        width: of the pictures.
        height: of the pictures.
    """

    def __init__(self, seed: Sequence[int], config: FootageConfig, width: int, height: int):
        rng = np.random.default_rng([*seed, 0])
        self.seed, self.config = tuple(seed), config
        self.width, self.height = width, height
        # Half of the spread lies between clips, half within one.
        self._usual = rng.standard_normal(6)
        self._drift = smooth_path(rng, 6, timescale=2.5)
        self._shadow = smooth_path(rng, 3, timescale=1.5)
        self._shadow_angle = rng.uniform(0, 2 * math.pi)
        self._focus = smooth_path(rng, 1, timescale=1.0)
        self._shadow_depth = config.shadow_depth * self._at_times(rng, config.shadow_share)
        self._flicker = config.flicker * self._at_times(rng, config.flicker_share)
        self._flicker_hertz, self._flicker_bands = rng.uniform(0.5, 7), rng.uniform(0, 2)
        self._blur = config.defocus * min(width, height) / 128 * rng.random()
        self._noise = config.noise * rng.random()
        self._quality = (
            None if config.quality is None else int(rng.integers(*config.quality, endpoint=True))
        )
        line = np.linspace(-1, 1, _LIGHT_CELLS)
        self._x, self._y = np.meshgrid(line, line)

    @staticmethod
    def _at_times(rng: np.random.Generator, share: float) -> float:
        """0 in most clips, else anything up to 1."""
        chance, strength = rng.random(2)
        return float(strength) if chance < share else 0.0

    def develop(self, picture: RGB, seconds: float) -> RGB:
        """A picture (H, W, 3) as this clip's camera would give it at a moment."""
        import cv2

        setting = 0.7 * (self._usual + self._drift.at(seconds))
        light = cv2.resize(self._light(setting, seconds), (self.width, self.height))
        seen = picture * light
        if (sigma := self._defocus(seconds)) > 0.05:
            seen = cv2.GaussianBlur(seen, (0, 0), sigma)
        seen = self._with_noise(seen, seconds)
        seen = cv2.LUT(np.clip(seen + 0.5, 0, 255).astype(np.uint8), self._tones(setting))
        return seen if self._quality is None else _compress(seen, self._quality)

    def _light(self, setting: Float[np.ndarray, "6"], seconds: float):
        """What pixels are multiplied by, (cells, cells, 3)."""
        config = self.config
        brightness, across, down, warmth = soft_limit(setting[:4], 2.0)
        stops = config.brightness * brightness
        stops = stops + config.unevenness / 2 * (across * self._x + down * self._y)
        taken = self._shadow_depth * self._shade(seconds) + self._lamps(seconds)
        colour = config.temperature * warmth * np.array([0.5, 0.0, -0.5])
        light = (1 - taken)[..., None] * 2.0 ** (stops[..., None] + colour)
        return (light ** (1 / _DISPLAY)).astype(np.float32)

    def _shade(self, seconds: float) -> Float[np.ndarray, "cells cells"]:
        """0 in the light and 1 in the shadow, whose soft edge turns and moves across the picture."""
        turn, away, soft = self._shadow.at(seconds)
        angle = self._shadow_angle + 0.7 * turn
        distance = self._x * math.cos(angle) + self._y * math.sin(angle) - 0.9 * away
        width = 0.35 * 2.0 ** soft_limit(float(soft), 1.0)
        return 1 / (1 + np.exp(-4 * distance / width))

    def _lamps(self, seconds: float) -> Float[np.ndarray, "cells cells"]:
        """What is missing under mains lamps: dark bands that roll, as rows are exposed in turn."""
        turns = self._flicker_hertz * seconds + self._flicker_bands * self._y / 2
        return self._flicker * (0.5 + 0.5 * np.sin(2 * math.pi * turns))

    def _defocus(self, seconds: float) -> float:
        """Standard deviation of the lens's blur in pixels: sharp for most of the time."""
        focus = float(self._focus.at(seconds)[0])
        return self._blur * (0.5 + 0.5 * soft_limit(1.5 * (focus - 0.7), 1.0))

    def _with_noise(self, seen, seconds: float):
        """Sensor noise, stronger where there is more light, as counted photons make it."""
        if not self._noise:
            return seen
        # A moment's noise is its own, whatever was asked for before it.
        rng = np.random.default_rng([*self.seed, 1, round(abs(seconds) * 1e6), int(seconds < 0)])
        grain = rng.standard_normal(seen.shape, dtype=np.float32)
        return seen + self._noise * 255 * (0.5 + seen / 255) * grain

    def _tones(self, setting: Float[np.ndarray, "6"]):
        """The tone curve as a table of 256 values."""
        contrast = math.exp(self.config.contrast * float(soft_limit(float(setting[4]), 2.0)))
        gamma = math.exp(self.config.gamma * float(soft_limit(float(setting[5]), 2.0)))
        value = (np.arange(256) / 255) ** gamma
        return np.clip(255 * (0.5 + contrast * (value - 0.5)) + 0.5, 0, 255).astype(np.uint8)


def _compress(picture: RGB, quality: int) -> RGB:
    """A picture as it comes back from a JPEG file."""
    import cv2

    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, file = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.cvtColor(cv2.imdecode(file, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
