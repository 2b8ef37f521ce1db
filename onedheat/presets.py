"""What is trained and how, by name: a network's config with its recipe."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from onedheat.data.augment import AugmentConfig
from onedheat.landmarks import Scheme
from onedheat.models import DetectorConfig, NetworkConfig


@dataclass(frozen=True)
class TrainConfig:
    """How a detector is trained.

    Attributes:
        passes: times each training face is seen.
        batch_size: faces per step.
        learning_rate: of Adam, reached after the warm-up.
        warmup_steps: steps over which the learning rate rises from 0.
        schedule: what it does then: ``"cosine"`` falls to 0 at the end, ``"constant"`` stays.
        ema: share of the averaged weights that is kept at each step; the average is what is used.
        precision: ``"fp32"``, ``"bf16"``, or ``"auto"``: bf16 where the processor multiplies it
            faster.
        validation: share of the training photos held out to watch the run.
        validate_every: passes between two validations.
        save_minutes: minutes between two checkpoints.
        workers: processes that prepare pictures; 0 does it in the main one.
        seed: of everything drawn at random.
        augment: how much the pictures vary.
    """

    passes: int = 110
    batch_size: int = 16
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    schedule: Literal["cosine", "constant"] = "cosine"
    ema: float = 0.999
    precision: str = "auto"
    validation: float = 0.05
    validate_every: int = 5
    save_minutes: float = 3.0
    workers: int = 0
    seed: int = 0
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self):
        if self.precision not in ("auto", "fp32", "bf16"):
            raise ValueError(f"precision must be auto, fp32 or bf16, got {self.precision!r}")
        if self.schedule not in ("cosine", "constant"):
            raise ValueError(f"schedule must be cosine or constant, got {self.schedule!r}")
        for name in ("passes", "batch_size", "validate_every", "save_minutes", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True)
class Preset:
    """A detector and the way it is trained, by one name."""

    detector: NetworkConfig
    train: TrainConfig
    about: str

    def for_scheme(self, scheme: Scheme) -> "Preset":
        """The same recipe for the landmarks of another scheme."""
        return replace(self, detector=self.detector.for_scheme(scheme))


PRESETS = {
    "tiny": Preset(
        DetectorConfig(),
        TrainConfig(),
        "0.82 M weights, 128 px, L = 384, for a laptop's processor; 40 minutes on two cores for 2,000 "
        "faces, then 3.3 % NRMSE on lfpw/testset.",
    ),
}


def with_settings(preset: Preset, settings: list[str]) -> Preset:
    """A preset with `key=value` settings applied; the key is a field of any of its three configs.

    The landmark scheme is no setting: it comes with the faces, see `Preset.for_scheme`.

    Raises:
        ValueError: an unknown key, or a value of the wrong type.
    """
    parts = {"detector": preset.detector, "train": preset.train, "augment": preset.train.augment}
    homes = {
        entry.name: (home, type(getattr(part, entry.name)))
        for home, part in parts.items()
        for entry in fields(part)
        if entry.name not in ("augment", "scheme", "landmarks")
    }
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in homes:
            raise ValueError(
                f"--set {setting}: expected key=value with one of these keys: {', '.join(sorted(homes))}"
            )
        home, kind = homes[key]
        try:
            parts[home] = replace(parts[home], **{key: _parsed(value, kind)})
        except ValueError as error:
            raise ValueError(f"--set {setting}: {error}") from None
    return Preset(
        parts["detector"], replace(parts["train"], augment=parts["augment"]), preset.about
    )


def _parsed(text: str, kind: type) -> Any:
    """The value that a setting's text stands for."""
    if kind is not bool:
        return kind(text)
    if text.lower() not in ("true", "false"):
        raise ValueError(f"expected true or false, got {text!r}")
    return text.lower() == "true"
