"""What is trained and how, by name: a network's config with its recipe.

What of it the paper leaves open, and why we chose as we did, is listed in `onedheat.left_open`.
"""

import math
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple, get_origin

from onedheat.data.augment import AugmentConfig
from onedheat.landmarks import AFLW19, Scheme
from onedheat.models import DetectorConfig, NetworkConfig, TrackerConfig

MAX_SEED = 2**32 - 1
"""As in other libraries; `Augmentation` takes a million times the seed, which must fit torch's 64 bits."""


@dataclass(frozen=True)
class TrainConfig:
    """How a detector is trained.

    Attributes:
        passes: times each training face is seen.
        batch_size: faces per step, of all processes together.
        accumulate: parts into which each process splits its share of a step, one after another, where
            memory is short; each part has its own batch norm, as it has in a process of its own.
        learning_rate: of Adam, reached after the warm-up.
        warmup_steps: steps over which the learning rate rises from 0.
        schedule: what it does then: ``"cosine"`` falls to 0 at the end, ``"constant"`` stays.
        clip: largest norm of a step's gradient, larger ones are scaled down to it; 0 leaves them.
        ema: share of the averaged weights that is kept at each step; the average is what is used.
        ema_warmup: keep less in the beginning, when the average still holds what was random.
        precision: ``"fp32"``, ``"bf16"``, ``"fp16"`` (a GPU's alone, with scaled gradients), or
            ``"auto"``: bf16 where the processor multiplies it faster.
        validation: share of the training photos held out to watch the run, above 0 and below 1.
        validate_every: passes between two validations.
        save_minutes: minutes between two checkpoints.
        workers: processes that prepare pictures; 0 does it in the main one.
        frames: T of the training clips, for networks that look at video.
        hidden_weight: how many times a landmark counts that is known not to be seen.
        freeze_detector: teach a tracker alone and leave the detector in it as it is.
        cuda_graph: a single GPU is told the work of a step once and repeats it, which spares it the wait
            for the processor; the step's memory stays taken between steps.
        seed: of everything drawn at random, from 0 to 2³² − 1.
        augment: how much the pictures vary.

    Raises:
        ValueError: a value out of its range, or a fraction where whole numbers are counted, said by name.
    """

    passes: int = 110
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    clip: float = 0.0
    ema: float = 0.999
    ema_warmup: bool = True
    precision: str = "auto"
    validation: float = 0.05
    validate_every: int = 5
    save_minutes: float = 3.0
    workers: int = 0
    frames: int = 16
    hidden_weight: float = 1.0
    freeze_detector: bool = False
    cuda_graph: bool = True
    seed: int = 0
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self):
        if self.precision not in ("auto", "fp32", "bf16", "fp16"):
            raise ValueError(f"precision must be auto, fp32, bf16 or fp16, got {self.precision!r}")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"schedule must be cosine or constant, got {self.schedule!r}")
        for entry in fields(self):
            if entry.type is int:
                self._demand(type(getattr(self, entry.name)) is int, entry.name, "a whole number")
        for name in ("passes", "batch_size", "accumulate", "validate_every", "save_minutes",
                     "learning_rate", "frames", "hidden_weight"):  # fmt: skip
            self._demand(0 < getattr(self, name) < math.inf, name, "a finite number above 0")
        for name in ("clip", "warmup_steps", "workers"):
            self._demand(0 <= getattr(self, name) < math.inf, name, "a finite number of at least 0")
        self._demand(0 <= self.ema < 1, "ema", "from 0 to below 1")
        self._demand(0 < self.validation < 1, "validation", "above 0 and below 1")
        self._demand(0 <= self.seed <= MAX_SEED, "seed", f"from 0 to {MAX_SEED}")

    def _demand(self, holds: bool, name: str, what: str) -> None:
        """Raises `ValueError` with what a setting must be where a condition does not hold. Conditions say
        what may be, not what may not, so that NaN meets none.
        """
        if not holds:
            raise ValueError(f"{name} must be {what}, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class Preset:
    """A detector and the way it is trained, by one name."""

    detector: NetworkConfig
    train: TrainConfig
    about: str

    def for_scheme(self, scheme: Scheme) -> "Preset":
        """The same recipe for the landmarks of another scheme."""
        return replace(self, detector=self.detector.for_scheme(scheme))


# Blurs are in pixels: at 256 the same share of a face is twice as many as at 128.
AT_256 = AugmentConfig(blur=3.2, motion=15)

PAPER = Preset(
    DetectorConfig(
        size=256,
        width=256,
        stacks=4,
        upsample=12,
        gamma=0.4,
        channels=128,
        compressed=8,
        target_sigma=4.0,
    ),
    TrainConfig(
        passes=120,
        batch_size=10,
        learning_rate=1e-4,
        warmup_steps=0,
        schedule="constant",
        augment=AT_256,
    ),
    "The paper's detector on FAN's four stacks, 256 px, L = 768: 27 M weights, 25 G multiply-adds in the "
    "trunk. Needs a GPU to be trained: after 30 of its 120 passes, four minutes of an H100, its validation "
    "NRMSE was 3.21 % and falling.",
)

# The paper's loss is L2; cross-entropy learns faster and ends lower.
TINY = DetectorConfig(loss="cross_entropy")

PRESETS = {
    "tiny": Preset(
        TINY,
        TrainConfig(passes=220),
        "0.82 M weights, 128 px, L = 384, for a laptop's processor. `tiny68` was trained "
        "by it, and then twice again from its own weights; its model card has the commands and the NRMSE.",
    ),
    # Chosen by weights and multiply-adds against FAN of four stacks with 2D maps (25.2 G), none trained;
    # in brackets how much faster than that, one thread of ONNX Runtime on a machine at work:
    #   128 wide, one stack 2.1 M, 2.5 G; two stacks 3.6 M, 3.9 G (6 ×)
    #   96 wide and 64 more at each halving, one stack 5.6 M, 2.1 G (11 ×); two stacks above 8 M
    #   80 and 48 more, two stacks 6.8 M, 2.3 G (7.5 ×); 128 and 64 more, one stack 7.1 M, 3.2 G (8 ×)
    # Widening puts weights where they are cheap: a halving costs a quarter.
    "small": Preset(
        DetectorConfig(
            size=256,
            width=96,
            widen=64,
            upsample=12,
            channels=64,
            compressed=8,
            target_sigma=4.0,
            loss="cross_entropy",
        ),
        # It learns 1,908 faces by heart; stretched ones less so.
        TrainConfig(augment=replace(AT_256, stretch=0.08)),
        "5.64 M weights, 256 px, L = 768, 11 MB in half precision: one hourglass that widens as it shrinks, "
        "2.1 G multiply-adds, a twelfth of the four-stack FAN's, some ten times `tiny`'s work a face. "
        "`small68` was trained by it, after a run in large batches on a GPU; its model card has the commands "
        "and the NRMSE.",
    ),
    "paper": PAPER,
    "tiny-tracker": Preset(
        TrackerConfig(**asdict(replace(TINY, distance=3.0)), decay=0.9),
        TrainConfig(
            passes=4,
            batch_size=4,
            learning_rate=2e-3,
            hidden_weight=6.0,
            freeze_detector=True,
            validate_every=2,
            augment=AugmentConfig(rotation_share=0.5, rotation=20),
        ),
        "`tiny`, 128 px, with the paper's recurrence around it, λ = 0.9 (the paper: 0.3): 0.95 M weights. "
        "Trained on clips of 16 frames, in which what is hidden counts six times, with the detector left as "
        "it is: --start-from its weights. `tiny68-tracker` was trained by it; its "
        "model card has the command and the NRMSE.",
    ),
    "aflw": Preset(
        replace(PAPER.detector.for_scheme(AFLW19), gamma=0.5),
        replace(PAPER.train, passes=20),
        "The paper's detector for the 19 points of AFLW, γ = 0.5; as `paper`, and as many steps over its "
        "20,000 faces. Needs a GPU to be trained; not yet trained here.",
    ),
}


class Setting(NamedTuple):
    """What a preset has of one of its settings.

    Attributes:
        part: the config that it belongs to: ``"detector"``, ``"train"`` or ``"augment"``.
        value: the present one.
        kind: of its values: `int`, `float`, `bool` or `str`, as its config declares it. A number that may
            have a fraction need not have one now.
    """

    part: str
    value: Any
    kind: type


def settings_of(preset: Preset) -> dict[str, Setting]:
    """All settings of a preset: the fields of its three configs, and `bins`, a detector's L.

    The landmark scheme is no setting: it comes with the faces, see `Preset.for_scheme`.
    """
    found = {
        entry.name: Setting(name, getattr(part, entry.name), _kind(entry.type))
        for name, part in _parts(preset).items()
        for entry in fields(part)
        if entry.name not in ("augment", "scheme", "landmarks")
    }
    if isinstance(preset.detector, DetectorConfig):
        # No field of its config, but L is what one thinks in.
        found["bins"] = Setting("detector", preset.detector.bins, int)
    return found


def with_settings(preset: Preset, settings: list[str]) -> Preset:
    """A preset with `key=value` settings applied, one after another, see `with_setting`.

    Raises:
        ValueError: an unknown key, or a value that the setting cannot have.
    """
    for setting in settings:
        key, equals, value = setting.partition("=")
        known = settings_of(preset)
        if not equals or key not in known:
            raise ValueError(
                f"--set {setting}: expected key=value with one of these keys: {', '.join(sorted(known))}"
            )
        try:
            preset = with_setting(preset, key, value)
        except ValueError as error:
            raise ValueError(f"--set {setting}: {error}") from None
    return preset


def with_setting(preset: Preset, key: str, text: str) -> Preset:
    """A preset with another value of one of its settings.

    Args:
        preset: what is changed.
        key: one of `settings_of`; `bins` sets a detector's M to L/(F/4).
        text: the value, as one types it.

    Raises:
        ValueError: a value of the wrong type, one that is not finite, or one that the setting cannot have.
    """
    parts, setting = _parts(preset), settings_of(preset)[key]
    value = _parsed(key, text, setting.kind)
    if key == "bins" and isinstance(preset.detector, DetectorConfig):
        return replace(preset, detector=preset.detector.with_bins(value))
    parts[setting.part] = replace(parts[setting.part], **{key: value})
    train = replace(parts["train"], augment=parts["augment"])
    return replace(preset, detector=parts["detector"], train=train)


def _parts(preset: Preset) -> dict[str, Any]:
    """The three configs that a preset is made of."""
    return {
        "detector": preset.detector, "train": preset.train, "augment": preset.train.augment
    }  # fmt: skip


def _kind(declared: Any) -> type:
    """The type of a field's values; a `Literal` stands for its words."""
    return str if get_origin(declared) is Literal else declared


def _parsed(key: str, text: str, kind: type) -> Any:
    """The value that a setting's text stands for."""
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"expected true or false, got {text!r}")
        return text.lower() == "true"
    try:
        value = kind(text)
    except ValueError:
        number = "a whole number" if kind is int else "a number"
        raise ValueError(f"{key} must be {number}, got {text!r}") from None
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{key} must be a finite number, got {value}")
    return value
