"""Which networks the atlas holds, and how each of them is trained."""

from dataclasses import asdict, dataclass, replace

from onedheat.data.augment import AugmentConfig
from onedheat.models import DetectorConfig, NetworkConfig, TrackerConfig
from onedheat.models.compared import Heatmaps2dConfig, Recurrent2dConfig
from onedheat.presets import Preset, TrainConfig

SIZE = 64  # F in pixels
GAMMA = 0.4
RESOLUTIONS = (16, 32, 64, 96, 128, 160, 192)  # L of the 1D detectors; L/F from 0.25 to 3
GAMMAS = tuple(tenth / 10 for tenth in range(11))
RESOLUTIONS_2D = (16, 32, 64)  # L of the 2D detectors; L/F 0.25, 0.5, 1
SEEDS = (0, 1, 2)  # the first one's weights are shipped

FACES = 10_000  # drawn to train on
TEST_FACES = 1_000  # drawn to measure on; of people whom no network has seen

DECAY = 0.3  # λ, the paper's
DECAYS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)  # of the trackers of the finest grid
RECURRENT_2D = (16, 32)  # L of the recurrent 2D trackers; L/F 0.25 and 0.5, as in Table 1

# The recurrent 2D trackers have one seed: they go through their trunk frame by frame in training too, and
# three of each would take as long as all others together.
ONE_SEED = SEEDS[:1]

CLIPS = 400  # drawn to train trackers on, each of another person
TEST_CLIPS = 48  # drawn to measure them on; of other people, with other things passing in front
CLIP_FRAMES = 40  # of each: 2.7 s, in which three things pass

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
        seeds: that it is trained with; the first one's weights are shipped.
        start: the detector of the atlas, as it is shipped, whose weights a tracker starts from.
    """

    name: str
    config: NetworkConfig
    seeds: tuple[int, ...] = SEEDS
    start: str | None = None

    @property
    def inside(self) -> str | None:
        """The detector that it holds as it is, whose weights are therefore not shipped again."""
        return self.start if isinstance(self.config, TrackerConfig) else None

    def preset(self, seed: int) -> Preset:
        """The network with the recipe that all of its sort share, and a seed of its own."""
        how = recipe(seed) if self.start is None else recipe_on_clips(self.config, seed)
        return Preset(self.config, how, f"{self.name} of the atlas")


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


def recipe_on_clips(config: NetworkConfig, seed: int) -> TrainConfig:
    """How every tracker of the atlas is trained: on the same clips, as often.

    A 1D tracker leaves its detector as it is. What it learns then is small and begins as nothing, which
    wants a higher rate than a detector; in a trial with a quarter of the clips half of it ended alike,
    twice it higher, and twice as many passes lower by little. The recurrent 2D tracker remembers inside
    its trunk, so all of it has to learn on from the detector's weights.
    """
    within = isinstance(config, TrackerConfig)
    return TrainConfig(
        passes=4,
        batch_size=4,
        frames=16,
        learning_rate=6e-3 if within else 1e-3,
        freeze_detector=within,
        ema=0.99,
        validation=0.03,
        validate_every=4,
        seed=seed,
        hidden_weight=6.0 if within else 1.0,
        # The recurrent 2D trackers as they were trained; more than in use.
        augment=replace(_GEOMETRY, wobble=0.002 if within else 0.01),
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


def tracker(bins: int, decay: float = DECAY) -> Entry:
    """The 1D tracker of L = `bins` and that λ, around the detector of this L."""
    inside = one_dimensional(bins)
    config = TrackerConfig(**asdict(inside.config), decay=decay)
    return Entry(f"tracker-L{bins}-decay{decay:.1f}", config, start=inside.name)


def recurrent_2d(bins: int) -> Entry:
    """The recurrent 2D tracker of maps of L = `bins`, which starts from the 2D detector of this L."""
    before = two_dimensional(bins)
    config = Recurrent2dConfig(**asdict(before.config))
    return Entry(f"tracker2d-L{bins}", config, ONE_SEED, before.name)


def entries() -> dict[str, Entry]:
    """Every network of the atlas by its name, detectors first, the quickest to train of each row first."""
    rows = (
        *(one_dimensional(bins) for bins in RESOLUTIONS),
        *(one_dimensional(RESOLUTIONS[-1], gamma) for gamma in GAMMAS),
        *(two_dimensional(bins) for bins in RESOLUTIONS_2D),
        *(tracker(RESOLUTIONS[-1], decay) for decay in DECAYS),
        *(tracker(bins) for bins in RESOLUTIONS),
        *(recurrent_2d(bins) for bins in RECURRENT_2D),
    )
    return {entry.name: entry for entry in rows}
