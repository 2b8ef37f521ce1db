"""Every preset can be built, and is what its text and the paper say."""

import math
from dataclasses import asdict, replace

import pytest
import torch
from typer.testing import CliRunner

from onedheat.cli import app
from onedheat.data.augment import Augmentation
from onedheat.landmarks import WFLW98
from onedheat.left_open import LEFT_OPEN, TRACKER_LEFT_OPEN
from onedheat.models import TrackerConfig, build
from onedheat.models.compared import systems
from onedheat.presets import MAX_SEED, PRESETS, Preset, TrainConfig, settings_of, with_settings


def network(preset: Preset):
    with torch.device("meta"):
        return build(preset.detector)


def weights(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_paper_and_aflw_are_fan_4_with_vectors_three_times_the_face():
    for name, landmarks, gamma in (("paper", 68, 0.4), ("aflw", 19, 0.5)):
        config = PRESETS[name].detector
        assert (config.size, config.bins, config.landmarks) == (256, 768, landmarks)
        assert (config.gamma, config.loss, config.stacks) == (gamma, "l2", 4)
        # FAN's 23,820,176 without its four map outputs and the three ways they are handed on.
        maps = 4 * (256 * 68 + 68) + 3 * (68 * 256 + 256)
        assert weights(network(PRESETS[name]).trunk) == 23_820_176 - maps
    assert PRESETS["aflw"].detector.scheme == "aflw19"


def test_the_paper_is_trained_as_it_says():
    for name in ("paper", "aflw"):
        train = PRESETS[name].train
        assert (train.batch_size, train.learning_rate, train.schedule) == (10, 1e-4, "constant")


def test_tiny_is_under_a_million_weights():
    assert weights(network(PRESETS["tiny"])) == 819_368
    assert PRESETS["tiny"].detector.bins == 3 * PRESETS["tiny"].detector.size == 384


def test_small_sees_256_pixels_with_8_million_weights_or_16_megabytes_in_half_precision():
    small = network(PRESETS["small"])
    assert PRESETS["small"].detector.size == 256 and PRESETS["small"].detector.bins == 768
    assert weights(small) <= 8_000_000
    assert sum(2 * value.numel() for value in small.state_dict().values()) <= 16_000_000


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_says_its_size_and_whether_it_was_trained(name):
    preset = PRESETS[name]
    million = weights(network(preset)) / 1e6
    if name != "aflw":
        assert any(text in preset.about for text in (f"{million:.2f} M", f"{million:.0f} M"))
    assert f"{preset.detector.size} px" in preset.about or "as `paper`" in preset.about
    assert "not yet trained" in preset.about or "NRMSE" in preset.about


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_gives_vectors_for_any_number_of_points(name):
    preset = PRESETS[name].for_scheme(WFLW98)
    config = preset.detector
    with torch.device("meta"):
        heatmaps = build(config).eval()(torch.rand(1, 3, config.size, config.size))
    assert heatmaps.x.shape == heatmaps.y.shape == (1, 98, config.bins)


def test_what_the_paper_leaves_open_is_what_the_preset_has():
    paper = PRESETS["paper"]
    values = asdict(paper.train.augment) | asdict(paper.train) | asdict(paper.detector)
    for choice in LEFT_OPEN:
        assert {name: values[name] for name in choice.settings} == choice.settings, choice.what
        assert choice.choice and choice.reason
    # What the paper does say is not among what it leaves open.
    said = {"batch_size", "size", "upsample", "gamma"}
    assert not said & {name for choice in LEFT_OPEN for name in choice.settings}


def test_what_the_paper_leaves_open_about_the_tracker_is_its_default():
    values = TrackerConfig().as_dict()
    own = set(values) - set(PRESETS["tiny"].detector.as_dict())
    for choice in TRACKER_LEFT_OPEN:
        assert {name: values[name] for name in choice.settings} == choice.settings, choice.what
        assert choice.choice and choice.reason
    # λ is the paper's.
    assert own - {name for c in TRACKER_LEFT_OPEN for name in c.settings} == {"decay"}
    assert values["decay"] == 0.3


def test_bins_are_a_setting_and_must_be_a_multiple_of_a_quarter_face():
    assert with_settings(PRESETS["paper"], ["bins=64"]).detector.upsample == 1
    assert with_settings(PRESETS["tiny"], ["size=64", "bins=64"]).detector.upsample == 4
    with pytest.raises(ValueError, match="--set bins=100: .*multiple of size/4 = 64, got 100"):
        with_settings(PRESETS["paper"], ["bins=100"])


def test_yes_and_no_are_said_as_true_and_false():
    changed = with_settings(PRESETS["paper"], ["supervise_all=False"])
    assert changed.detector.supervise_all is False
    with pytest.raises(ValueError, match="--set supervise_all=0: expected true or false"):
        with_settings(PRESETS["paper"], ["supervise_all=0"])


def test_a_compared_system_is_a_preset_like_any_other():
    """Its own `bins` is a field, and so is set as one."""
    config = systems(PRESETS["tiny"].detector)["2d@0.5"].config
    preset = with_settings(
        Preset(config, TrainConfig(), ""), ["bins=128", "way=upsampled", "gray_share=0"]
    )
    assert preset.detector == replace(config, bins=128, way="upsampled")
    with pytest.raises(ValueError, match="--set gamma=1: expected key=value"):
        with_settings(preset, ["gamma=1"])


# What is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, values",
    [
        ("learning_rate", (math.nan, math.inf)),
        ("clip", (math.nan, math.inf)),
        ("hidden_weight", (math.nan, math.inf)),
        ("save_minutes", (math.nan, math.inf)),
        ("validation", (math.nan, -0.1, 0.0, 1.0, 1.5)),
        ("seed", (-1, MAX_SEED + 1)),
    ],
)
def test_a_recipe_with_a_number_that_cannot_be_trained_with_is_refused_by_name(name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be .*, got {value}$"):
            TrainConfig(**{name: value})


@pytest.mark.parametrize(
    "name",
    ["passes", "batch_size", "accumulate", "warmup_steps", "validate_every", "workers", "frames",
     "seed"],
)  # fmt: skip
@pytest.mark.parametrize("value", [2.5, 2.0, True, "2"])
def test_a_recipe_counts_in_whole_numbers(name, value):
    config = TrainConfig()
    object.__setattr__(
        config, name, value
    )  # given to it, the tests' checker of types would speak first
    with pytest.raises(ValueError, match=f"^{name} must be a whole number, got {value!r}$"):
        config.__post_init__()


@pytest.mark.parametrize("name", list(PRESETS))
def test_what_a_setting_takes_does_not_depend_on_its_present_value(name):
    for key, setting in settings_of(PRESETS[name]).items():
        assert setting.kind in (bool, int, float, str), key
        assert isinstance(setting.value, setting.kind) or setting.kind is float, key
    assert {settings_of(PRESETS[name])[key].kind for key in ("rotation", "target_sigma")} == {float}
    assert with_settings(PRESETS[name], ["rotation=22.5"]).train.augment.rotation == 22.5
    with pytest.raises(ValueError, match="motion must be a whole number, got '7.5'"):
        with_settings(PRESETS[name], ["motion=7.5"])


def test_pictures_vary_by_the_largest_seed_too_however_late_the_step():
    pictures = torch.full((4, 3, 16, 16), 0.5)
    vary = Augmentation(TrainConfig(seed=MAX_SEED).augment, seed=MAX_SEED)
    assert not torch.equal(vary(pictures, 10**12), pictures)


@pytest.mark.parametrize(
    "setting, words",
    [
        ("passes=1.5", "passes must be a whole number, got '1.5'"),
        ("passes=", "passes must be a whole number, got ''"),
        ("gamma=", "gamma must be a number, got ''"),
        ("gamma=nan", "gamma must be a finite number, got nan"),
        ("target_sigma=inf", "target_sigma must be a finite number, got inf"),
        ("clip=nan", "clip must be a finite number, got nan"),
        ("seed=-1", f"seed must be from 0 to {MAX_SEED}, got -1"),
        (
            "size=192",
            "detector config: size must be a power of two, as CNN₁ halves size/4 until "
            "compressed=8 are left, got 192; take 128 or 256",
        ),
        ("validation=0", "validation must be above 0 and below 1, got 0.0"),
    ],
)
def test_train_refuses_a_number_in_one_sentence_before_it_makes_a_folder(tmp_path, setting, words):
    with pytest.raises(ValueError) as refused:
        with_settings(PRESETS["tiny"], [setting])
    assert str(refused.value) == f"--set {setting}: {words}"
    out = tmp_path / "run"
    said = CliRunner().invoke(
        app,
        ["train", "--preset=tiny", "--dataset=synthetic", f"--out={out}", f"--set={setting}"],
    )
    assert said.exit_code == 2 and "Traceback" not in said.stderr and not out.exists()
    assert words in " ".join(said.stderr.replace("│", " ").split())
