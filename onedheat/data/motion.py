"""Seeded random motion: paths through time that can be asked for any moment, in any order.

    rng = np.random.default_rng([seed, index])
    head = rest_and_move(rng, channels=3, every=1.5, lasting=(0.3, 1.2))  # poses, held between moves
    drift = smooth_path(rng, channels=3, timescale=2.0)  # never quite still
    shake = hand_shake(rng, channels=2)  # a camera held in hands
    gaze = saccades(rng, channels=2)  # eyes
    blink = pulses(rng, every=3.5, rising=0.1, falling=0.2)  # 0, now and then 1

    seconds = np.arange(frames) / 30
    yaw_pitch_roll = 8.0 * head.at(seconds) + 2.0 * drift.at(seconds)  # (T, 3), degrees

A path is drawn once and then a plain function of time in seconds: no frame rate and no length stands
in it, so a moment between two frames (an exposure has many) can be asked for, frame t is the same in
a short clip and in a long one, and costs the same at the start and at the end. All paths are twice
differentiable. Channels of `smooth_path`, `hand_shake`, `rest_and_move` and `saccades` have mean 0 and
variance about 1 over a long time; multiply by the amplitude that is wanted.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Seconds = float | Float[np.ndarray, "*times"]
Values = float | Float[np.ndarray, "*shape"]

_WAVES = 12  # a channel's sum of this many is already close to normally distributed
_OCTAVES = 3.0  # between a smooth path's slowest and fastest wave
_EVENTS = 256  # moves or pulses of a path, after which it repeats: minutes


@dataclass(frozen=True, eq=False)
class Waves:
    """A sum of sinusoids per channel.

    Attributes:
        frequency: in hertz, (C, K).
        phase: in radians, (C, K).
        amplitude: (C, K).
    """

    frequency: Float[np.ndarray, "channels waves"]
    phase: Float[np.ndarray, "channels waves"]
    amplitude: Float[np.ndarray, "channels waves"]

    def at(self, seconds: Seconds) -> Float[np.ndarray, "*times channels"]:
        """The channels at one moment, (C,), or at many, (…, C)."""
        turns = np.asarray(seconds, dtype=float)[..., None, None] * self.frequency
        return (self.amplitude * np.sin(2 * math.pi * turns + self.phase)).sum(axis=-1)


@dataclass(frozen=True, eq=False)
class Rests:
    """Places that are rested at, and moves from each to the next.

    Time is divided into beats of equal length, with one move somewhere in each; all channels move
    together. A move follows the polynomial of least jerk, as limbs, heads and eyes do (Flash and
    Hogan 1985).

    Attributes:
        beat: in seconds.
        offset: where in its beat time 0 lies, in seconds.
        start: when in its beat each move begins, in seconds, (E,).
        lasting: how long each move takes, in seconds, (E,).
        place: where each move begins, (E, C); it ends where the next begins.
    """

    beat: float
    offset: float
    start: Float[np.ndarray, "events"]
    lasting: Float[np.ndarray, "events"]
    place: Float[np.ndarray, "events channels"]

    def at(self, seconds: Seconds) -> Float[np.ndarray, "*times channels"]:
        """The channels at one moment, (C,), or at many, (…, C)."""
        event, since = _beat_of(seconds, self.beat, self.offset)
        share = least_jerk((since - self.start[event]) / self.lasting[event])[..., None]
        return self.place[event] * (1 - share) + self.place[(event + 1) % _EVENTS] * share


@dataclass(frozen=True, eq=False)
class Pulses:
    """A single value that is 0, and at times rises to a peak and falls back.

    Attributes:
        beat: in seconds, with one pulse somewhere in each.
        offset: where in its beat time 0 lies, in seconds.
        start: when in its beat each pulse begins, in seconds, (E,).
        rising: how long a pulse rises, in seconds.
        falling: how long it falls, in seconds.
        peak: of each pulse, (E,).
    """

    beat: float
    offset: float
    start: Float[np.ndarray, "events"]
    rising: float
    falling: float
    peak: Float[np.ndarray, "events"]

    def at(self, seconds: Seconds) -> Float[np.ndarray, "*times 1"]:
        """The value at one moment, (1,), or at many, (…, 1)."""
        event, since = _beat_of(seconds, self.beat, self.offset)
        since = since - self.start[event]
        up = least_jerk(since / self.rising)
        down = least_jerk((since - self.rising) / self.falling)
        return (self.peak[event] * (up - down))[..., None]


Path = Waves | Rests | Pulses


def smooth_path(rng: np.random.Generator, channels: int, timescale: float) -> Waves:
    """Drifting without rest, as of a body that sits or of daylight.

    Amplitudes fall as 1/frequency, so that every octave moves at the same speed.

    Args:
        rng: where the path is drawn from.
        channels: C, independent of one another.
        timescale: period of the fastest waves in seconds; the slowest take eight times as long.
    """
    return _waves(rng, channels, slowest=2**-_OCTAVES / timescale, fastest=1 / timescale)


def hand_shake(rng: np.random.Generator, channels: int) -> Waves:
    """Quick small motion of a camera held in hands, 1 to 9 Hz, the faster the weaker.

    Tremor of a held-out hand lies at 8 to 12 Hz, what a body's sway and breath pass on below it.
    """
    return _waves(rng, channels, slowest=1.0, fastest=9.0)


def rest_and_move(
    rng: np.random.Generator, channels: int, every: float, lasting: tuple[float, float]
) -> Rests:
    """Holding still, then moving elsewhere, as heads do.

    Places are normally distributed, at most 2.5 standard deviations away.

    Args:
        rng: where the path is drawn from.
        channels: C, moving together.
        every: seconds between moves on average; the time between two lies anywhere from 0 to twice
            that.
        lasting: shortest and longest time that a move takes, in seconds.

    Raises:
        ValueError: moves would take longer than there is between them.
    """
    shortest, longest = lasting
    if not 0 < shortest <= longest <= every:
        raise ValueError(
            f"moves must last longer than 0 and no longer than the {every:g} s between them; got "
            f"{shortest:g} to {longest:g} s"
        )
    took = np.exp(rng.uniform(math.log(shortest), math.log(longest), _EVENTS))
    place = np.clip(rng.standard_normal((_EVENTS, channels)), -2.5, 2.5)
    return Rests(every, rng.uniform(0, every), rng.uniform(0, every - took), took, place)


def saccades(rng: np.random.Generator, channels: int) -> Rests:
    """Jumps of 30 to 80 ms with long rests between them, as eyes make."""
    return rest_and_move(rng, channels, 0.6, (0.03, 0.08))


def pulses(
    rng: np.random.Generator,
    every: float,
    rising: float,
    falling: float,
    peak: tuple[float, float] = (1.0, 1.0),
) -> Pulses:
    """Short events at irregular times, as blinks are.

    Args:
        rng: where the path is drawn from.
        every: seconds between pulses on average.
        rising: seconds from 0 to the peak.
        falling: seconds from the peak back to 0.
        peak: lowest and highest peak, evenly drawn.

    Raises:
        ValueError: a pulse would take longer than there is between them.
    """
    if not (rising > 0 and falling > 0 and rising + falling <= every):
        raise ValueError(
            f"a pulse must rise and fall within the {every:g} s between pulses; got {rising:g} s and "
            f"{falling:g} s"
        )
    start = rng.uniform(0, every - rising - falling, _EVENTS)
    return Pulses(
        every, rng.uniform(0, every), start, rising, falling, rng.uniform(*peak, size=_EVENTS)
    )


def least_jerk(share: Values) -> Values:
    """0 before 0, 1 after 1, and between them the polynomial of least jerk, twice differentiable."""
    x = np.clip(share, 0.0, 1.0)
    return x**3 * (10 - 15 * x + 6 * x**2)


def soft_limit(values: Values, limit: Values) -> Values:
    """Values kept within ±`limit`, small ones nearly as they are, without a kink."""
    return limit * np.tanh(values / limit)


def _waves(rng: np.random.Generator, channels: int, slowest: float, fastest: float) -> Waves:
    """Waves between two frequencies: these octaves in K equal parts, a random wave of each."""
    part = (np.arange(_WAVES) + rng.random((channels, _WAVES))) / _WAVES
    frequency = slowest * (fastest / slowest) ** part
    amplitude = 1 / frequency
    # A sinusoid's variance is half its squared amplitude.
    amplitude /= np.sqrt((amplitude**2).sum(axis=1, keepdims=True) / 2)
    return Waves(frequency, rng.uniform(0, 2 * math.pi, (channels, _WAVES)), amplitude)


def _beat_of(seconds: Seconds, beat: float, offset: float):
    """Number of the event in whose beat each moment lies, and the seconds since that beat began."""
    shifted = np.asarray(seconds, dtype=float) + offset
    number = np.floor(shifted / beat)
    return number.astype(int) % _EVENTS, shifted - number * beat
