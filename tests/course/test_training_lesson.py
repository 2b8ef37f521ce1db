"""What a learner touches in notebook 05: short runs, what is kept of them, and the exercises."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import PartialState
from boxes import assert_every_control_moves_its_picture
from smallruns import QUICK, SMALL
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from onedheat import studies
from onedheat.atlas.plan import recipe
from onedheat.checkpoints import load_detector
from onedheat.course import short_runs
from onedheat.course.explorers.training import sharpening_box
from onedheat.course.lessons.training import check, prediction_of_recipe
from onedheat.course.short_runs import (
    ask_to_stop,
    boxes_of,
    draw_faces,
    in_boxes,
    nrmse_of_mean_face,
    sharpening_views,
    short_preset,
    train_watched,
    use_device,
    variation,
)
from onedheat.data.synthetic import synthetic_faces
from onedheat.pipeline import Landmarker
from onedheat.presets import PRESETS, Preset, TrainConfig
from onedheat.studies.plan import RECIPE
from onedheat.training import Batches, Run, ema_decay, learning_rate, read_metrics


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_faces(24, 8, tmp_path_factory.mktemp("drawn"), workers=0)


def preset(**changes) -> Preset:
    return Preset(SMALL, replace(QUICK, validation=0.05, **changes), "")


@pytest.fixture(scope="module")
def trained(drawn, tmp_path_factory):
    """A run of the small network with what was seen of it, and its folder."""
    out = tmp_path_factory.mktemp("runs") / "one"
    return train_watched(preset(passes=2), *drawn, out, shown=(0, 4)), out


def test_faces_are_drawn_once_and_those_held_out_are_other_people(drawn):
    training, held_out = drawn
    assert (len(training), len(held_out)) == (24, 8)
    assert training.samples[5].image().shape == (112, 112, 3)
    assert training.landmarks()[5] == pytest.approx(synthetic_faces(6, size=112).landmarks()[5])
    people = [{sample.group for sample in faces.samples} for faces in drawn]
    assert not people[0] & people[1]


def test_what_is_watched_is_what_the_run_measures(trained):
    result, out = trained
    rows = read_metrics(out)
    for seen in result.watch.moments.values():
        assert [moment.images for moment in seen] == [0, 24, 48]
        assert [moment.nrmse for moment in seen[1:]] == pytest.approx(
            [row.validation_nrmse for row in rows], abs=1e-3
        )
        assert seen[0].x.shape == (68, SMALL.bins) and seen[0].landmarks.shape == (68, 2)
    assert result.fault == "" and len(result.watch.varied) == 3


def test_a_shown_face_lies_in_pixels_of_its_crop(trained, drawn):
    result, out = trained
    truth, box = drawn[1].landmarks()[4], result.watch.boxes[4]
    view = result.watch.view(4, "face 4", SMALL.size)
    expected = (truth - box[:2]) * SMALL.size / (box[2] - box[0]) - 0.5
    assert view.landmarks == pytest.approx(expected, abs=1e-6)
    now = result.watch.moments[4][-1]
    found = (
        Landmarker(load_detector(out / "last"))
        .locate([drawn[1].samples[4].image()], box[None])
        .landmarks[0]
    )
    inside = (found - box[:2]) * SMALL.size / (box[2] - box[0]) - 0.5
    assert now.landmarks == pytest.approx(inside, abs=1e-3)


def test_a_run_that_breaks_says_why_and_keeps_what_was_seen(drawn, tmp_path, monkeypatch):
    steps = iter(range(100))

    def loss(self, output, landmarks):
        broken = float("nan") if next(steps) == 4 else 1.0
        return broken * output.x.mean()

    monkeypatch.setattr("onedheat.models.Detector.loss", loss)
    result = train_watched(preset(passes=3), *drawn, tmp_path / "run")
    assert "the loss is nan at step 4" in result.fault
    assert [moment.images for moment in result.watch.moments[0]] == [0, 24]


def test_a_run_is_stopped_once_enough_is_seen(drawn, trained, tmp_path):
    result = train_watched(preset(passes=2), *drawn, tmp_path / "run", stop_after=1)
    whole, seen = (one.watch.moments[0] for one in (trained[0], result))
    assert [moment.nrmse for moment in seen] == [moment.nrmse for moment in whole[:2]]
    assert result.fault == ""


def test_the_mean_face_is_one_answer_for_all(drawn):
    training, held_out = drawn
    boxes = boxes_of(training.landmarks())
    shares = in_boxes(training.landmarks(), boxes)
    assert 0 < shares.min() and shares.max() < 1
    assert variation(np.repeat(shares[:1], 5, axis=0)) == pytest.approx(0)
    assert variation(np.stack([shares[0], shares[0] + [0.06, 0.08]])) == pytest.approx(0.05)
    error = nrmse_of_mean_face(training, held_out)
    assert 10 < error < 60
    own = nrmse_of_mean_face(held_out, held_out)  # the mean of the very faces it is measured on
    assert own < error


def test_a_device_that_is_not_here_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda', and PyTorch sees no GPU here"):
        use_device("cuda")
    with pytest.raises(ValueError, match="must be 'cpu' or 'cuda', got 'tpu'"):
        use_device("tpu")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "")  # restored after the test
    use_device("cpu")
    assert PartialState(cpu=True).device.type == "cpu"
    assert short_runs.os.environ["ACCELERATE_USE_CPU"] == "true"


def test_a_stopped_and_resumed_run_ends_with_the_weights_of_the_unbroken_one(
    drawn, trained, tmp_path
):
    recipe, (training, held_out), folder = preset(passes=2), drawn, tmp_path / "stopped"
    common = {"held_out": held_out, "progress": False, "samples": 0}
    stopped = Run(recipe, training, folder, on_validation=ask_to_stop, **common)
    assert stopped.train() is None and stopped.step == 3
    resumed = Run(recipe, training, folder, resume=True, **common)
    assert resumed.step == 3 and resumed.train() is not None
    files = [out / "last/model.safetensors" for out in (folder, trained[1])]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_short_recipe_differs_from_the_atlas_where_it_says_so():
    preset = short_preset("cross_entropy", passes=2, clip=1.0)
    assert (preset.detector.bins, preset.detector.size) == (128, 64)
    assert (preset.detector.loss, preset.train.passes, preset.train.clip) == ("cross_entropy", 2, 1)
    assert preset.train.augment == recipe(0).augment


def test_every_control_of_the_lesson_moves_its_picture(trained):
    result, _ = trained
    runs = {"first": result.watch, "second": result.watch}
    pictures = sharpening_views(runs, {0: "face A", 4: "face B"}, SMALL, 28.0)
    assert_every_control_moves_its_picture(sharpening_box(pictures), 4)
    alone = sharpening_views({"first": result.watch}, {0: "face A"}, SMALL, 28.0)
    assert_every_control_moves_its_picture(sharpening_box(alone), 2)


# The study of recipes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recipe_study():
    """What was measured, and the mean difference of each arm to `base`, in points."""
    measured = studies.results("recipe")
    return measured, {
        name: float(np.mean(seeds)) for name, seeds in studies.differences(measured).items()
    }


def test_what_the_lesson_says_of_the_recipe_is_what_was_measured(recipe_study):
    _, apart = recipe_study
    best, second, *_ = sorted(apart, key=apart.get)
    assert (best, second) == ("synthetic start", "twice as long")
    assert apart["twice as long"] < 2 * apart["rate doubled"] < 0  # all else is far behind
    assert max(apart, key=apart.get) == "loss l2"
    assert apart["sigma 1"] > 0 and apart["sigma 3"] > 0
    less = ("pixels as they are", "no occluders", "rotation 15")
    assert all(apart[name] < -0.05 for name in less) and apart["light 0.4"] > 0.05
    assert abs(apart["gamma 0"]) < 0.06 and abs(apart["no average"]) < 0.06
    for larger in ("wider", "two stacks", "two stacks, last supervised"):
        assert apart[larger] > apart["twice as long"] / 2
    answer = prediction_of_recipe.question.answer.text
    assert answer.startswith("A start from weights that have seen drawn faces")
    assert len({choice.why for choice in prediction_of_recipe.question.choices}) == 5


def test_what_the_lesson_says_is_chance_is_not_beyond_it(recipe_study):
    apart = studies.differences(recipe_study[0])
    scatter = studies.scatter(apart.values())
    for name in ("gamma 0", "no average"):
        assert not studies.beyond_chance(apart[name], scatter)


def test_what_the_lesson_says_of_looks_is_what_was_measured(recipe_study):
    base = recipe_study[0]["base"]
    looks = {look: float(np.mean(seeds)) for look, seeds in base.nrmse.items()}
    assert looks["mirrored"] < looks["dark"] < looks["centroid"] < looks["argmax"]
    assert looks["dark"] < looks["redrawn"] < looks["dark"] + 0.15
    cost, left = (looks[name] - looks["dark"] for name in ("jittered", "jittered, redrawn"))
    assert 0 < left < cost / 2


def test_the_preset_is_the_recipe_of_the_study_but_for_its_length():
    """So the lesson's last table; who changes the preset has to write its last words anew."""
    studied, shipped = RECIPE.arms[0].preset, PRESETS["tiny"]
    assert studied.detector == shipped.detector
    length = {"passes": 1, "validate_every": 1}
    assert replace(studied.train, **length) == replace(shipped.train, **length)
    assert shipped.train.passes > 10 * studied.train.passes


# Exercises ----------------------------------------------------------------------------------------


def test_the_references_of_the_exercises_are_the_package():
    config = TrainConfig(learning_rate=3e-3, warmup_steps=40, ema=0.9, batch_size=6, seed=5)
    unwarmed = replace(config, warmup_steps=0)
    for step in (
        40,
        41,
        200,
        399,
    ):  # the exercise asks for the cosine that begins after the warm-up
        assert check.learning_rate.solution(step, 400, 3e-3, 40) == pytest.approx(
            learning_rate(step - 40, 360, unwarmed)
        )
    constant = replace(config, schedule="constant")
    for step in (0, 20, 39):
        assert check.learning_rate.solution(step, 400, 3e-3, 40) == pytest.approx(
            learning_rate(step, 400, constant)
        )
    batches = Batches(20, config, 0)
    for step in (0, 3, 8):
        wanted = [face for _, face in batches.at(step)]
        assert check.faces_of_step.solution(step, 20, 6, 5).tolist() == wanted

    weights = torch.linspace(1, -2, 30).double() ** 2
    module = torch.nn.Linear(1, 1, bias=False).double()
    step = 0
    average = AveragedModel(
        module,
        multi_avg_fn=lambda old, new, _: get_ema_multi_avg_fn(ema_decay(step, config))(old, new, _),
    )
    for step, weight in enumerate(weights):  # noqa: B007 - read by the average
        torch.nn.init.constant_(module.weight, weight.item())
        average.update_parameters(module)
    assert check.averaged.solution(weights.numpy(), 0.9) == pytest.approx(
        average.module.weight.item()
    )
