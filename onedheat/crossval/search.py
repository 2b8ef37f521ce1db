"""What a search is asked for: which setting of which preset, over which values, on whose folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from onedheat.crossval.folds import Fold, divided_in_folds
from onedheat.data.clip_batches import TrainingClips
from onedheat.data.clips import ClipSet
from onedheat.data.digest import labels_digest
from onedheat.data.samples import FaceSet
from onedheat.models import LandmarkNetwork
from onedheat.presets import Preset, settings_of, with_setting
from onedheat.training.schedule import Batches, MicroBatches
from onedheat.training.settings import as_json
from onedheat.training.starting import check_start, digest

Number = float | int


@dataclass(frozen=True)
class Search:
    """A grid of values, each trained and measured on every fold.

    All folds of all values share the preset's seed: they differ in the value and in the faces alone, so
    that values can be compared fold by fold.

    Attributes:
        preset: what is trained and how, for the faces' scheme; its own value of the setting is not used.
        faces: the whole training set: faces, or clips for a network that looks at video.
        setting: any setting of the preset that is a number: ``"gamma"``, ``"decay"`` (λ) …
        values: its values, in rising order.
        folds: how many.
        start: weights that every run starts from; None for random ones.
    """

    preset: Preset
    faces: FaceSet | ClipSet
    setting: str
    values: tuple[Number, ...]
    folds: int
    start: LandmarkNetwork | None = None

    @classmethod
    def of(
        cls,
        preset: Preset,
        faces: FaceSet | ClipSet,
        setting: str,
        texts: Sequence[str],
        folds: int,
        start: LandmarkNetwork | None = None,
    ) -> "Search":
        """The search over values that are given as text.

        Raises:
            ValueError: no such setting, one that is no number, a value that is empty, not finite or none
                that the setting can have, one that is given twice, fewer than two folds, or a start that
                does not fit, see `check_start`.
            DataError: too few photos, too few faces for one batch, a batch that cannot be split evenly,
                or a clip that is too short.
        """
        known = settings_of(preset)
        if setting not in known:
            raise ValueError(
                f"--search {setting}: expected one of these keys: {', '.join(sorted(known))}"
            )
        present = known[setting].value
        if isinstance(present, bool) or not isinstance(present, Number):
            raise ValueError(
                f"--search {setting}: it is {present!r}, and only numbers are searched"
            )
        if not all(text.strip() for text in texts):
            raise ValueError(
                f"--values {','.join(texts)}: a value is empty; give numbers with one comma between two"
            )
        found = [_value_of(preset, setting, text.strip()) for text in texts]
        values = tuple(sorted(set(found)))
        if not found or len(values) < len(found):
            raise ValueError(
                f"--values {','.join(texts)}: expected at least one value, and each of them once"
            )
        if folds < 2:
            raise ValueError(f"--folds {folds}: at least 2 are needed, to train on the others")
        search = cls(preset, faces, setting, values, folds, start)
        for value in values:
            search.check(value)
        return search

    def check(self, value: Number) -> None:
        """Makes sure that a value can be trained, or some worker would find out, hours later.

        Raises:
            ValueError, DataError: see `of`.
        """
        preset = self.at(value)
        network, train = preset.detector, preset.train
        MicroBatches(Batches(min(len(fold.training) for fold in self.divided), train, 0))
        if isinstance(self.faces, ClipSet):
            TrainingClips(self.faces, network.size, train.frames, train.augment)
        check_start(preset, self.start)

    @cached_property
    def divided(self) -> list[Fold]:
        """The folds; the first is fold 1."""
        return divided_in_folds(self.faces, self.folds, self.preset.train.seed)

    @property
    def places(self) -> list[tuple[Number, int]]:
        """Every (value, fold), in the order in which they are trained: all values on the first fold, then
        all on the second, so that an early look compares values on the same photos.
        """
        return [(value, fold) for fold in range(1, self.folds + 1) for value in self.values]

    def at(self, value: Number) -> Preset:
        """The preset with a value of the setting."""
        return with_setting(self.preset, self.setting, str(value))

    def folder(self, out: Path, value: Number, fold: int) -> Path:
        """Where the run of a value and fold lies."""
        return out / f"{self.setting}={value}" / f"fold-{fold:02d}"

    def as_json(self) -> dict[str, Any]:
        """What is asked for, as plain values: the same on every machine, wherever its photos lie."""
        first = self.at(self.values[0])
        begins = None if self.start is None else digest(self.start)
        asked = as_json(first.detector, first.train, self.faces, first.train.accumulate, begins)
        # Labels of long videos too: a search must not mix folds of those before and after a correction.
        asked["data"]["labels"] = labels_digest(self.faces)
        for part in (asked["detector"], asked["train"], asked["train"]["augment"]):
            part.pop(self.setting, None)
        return asked | {
            "setting": self.setting, "values": list(self.values), "folds": self.folds
        }  # fmt: skip


def _value_of(preset: Preset, setting: str, text: str) -> Number:
    """The value that a text stands for; one that the setting cannot have is named."""
    try:
        return settings_of(with_setting(preset, setting, text))[setting].value
    except ValueError as error:
        raise ValueError(f"--values {text}: {error}") from None
