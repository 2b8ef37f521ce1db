"""Which networks the atlas holds, and how each of them is trained."""

from dataclasses import dataclass

from onedheat.data.augment import AugmentConfig
from onedheat.models import DetectorConfig, NetworkConfig
from onedheat.models.compared import Heatmaps2dConfig
from onedheat.presets import Preset, TrainConfig

SIZE = 64  # F in pixels
GAMMA = 0.4
RESOLUTIONS = (16, 32, 64, 96, 128, 160, 192)  # L of the 1D detectors; L/F from 0.25 to 3
GAMMAS = tuple(tenth / 10 for tenth in range(11))
RESOLUTIONS_2D = (16, 32, 64)  # L of the 2D detectors; L/F 0.25, 0.5, 1
SEEDS = (0, 1, 2)  # the first one's weights are shipped

FACES = 10_000  # drawn to train on
TEST_FACES = 1_000  # drawn to measure on; of people whom no network has seen

_TRUNK = {"size": SIZE, "width": 32, "depth": 3}
# Half a bin of the coarsest grid. FAN's is a whole one of its 64; less than half would leave a landmark
# between two bins without a peak.
_SIGMA = {"target_sigma": 2.0}

# Drawn faces vary by themselves in light, shade, noise and in what stands before them. What is left is
# where the crop lies.
_GEOMETRY = AugmentConfig(
    **dict.fromkeys(
        (
            "gradient_share",
            "shadow_share",
            "light_share",
            "tone_share",
            "color_share",
            "gray_share",
            "occluder_share",
            "blur_share",
            "motion_share",
            "jpeg_share",
        ),
        0.0,
    ),
    noise=0.0,
)


@dataclass(frozen=True)
class Entry:
    """One network of the atlas.

    Attributes:
        name: of its folder, e.g. ``"1d-L192-gamma0.4"``.
        config: of the network.
    """

    name: str
    config: NetworkConfig

    def preset(self, seed: int) -> Preset:
        """The network with the recipe that all of them share, and a seed of its own."""
        return Preset(self.config, recipe(seed), f"{self.name} of the atlas")


def recipe(seed: int) -> TrainConfig:
    """How every network of the atlas is trained: the same faces, as often, by the same optimiser."""
    return TrainConfig(
        passes=4,
        batch_size=32,
        learning_rate=3e-3,
        ema=0.995,
        ema_warmup=False,  # as the first of them were trained
        validation=0.02,
        validate_every=1,
        seed=seed,
        augment=_GEOMETRY,
    )


def one_dimensional(bins: int, gamma: float = GAMMA) -> Entry:
    """The 1D detector of L = `bins` and that γ."""
    config = DetectorConfig(**_TRUNK, **_SIGMA, channels=32, compressed=4, gamma=gamma).with_bins(
        bins
    )
    return Entry(f"1d-L{bins}-gamma{gamma:.1f}", config)


def two_dimensional(bins: int) -> Entry:
    """The 2D detector of maps of L = `bins`, the trunk run at that size."""
    return Entry(f"2d-L{bins}", Heatmaps2dConfig(**_TRUNK, **_SIGMA, bins=bins))


def entries() -> dict[str, Entry]:
    """Every network of the atlas by its name, the quickest to train of each row first."""
    rows = (
        *(one_dimensional(bins) for bins in RESOLUTIONS),
        *(one_dimensional(RESOLUTIONS[-1], gamma) for gamma in GAMMAS),
        *(two_dimensional(bins) for bins in RESOLUTIONS_2D),
    )
    return {entry.name: entry for entry in rows}
