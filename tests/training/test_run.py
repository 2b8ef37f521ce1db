"""One loop: it learns, it can be stopped anywhere, and it goes on as if it had not been."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from ownfaces import FIVE, make_csv_folder
from smallruns import QUICK, SMALL, run_of, stop_after

from onedheat.checkpoints import CheckpointError, load_detector
from onedheat.data.augment import AugmentConfig
from onedheat.data.crops import FaceBatch
from onedheat.data.own import read_own
from onedheat.models import Detector
from onedheat.models.compared import systems
from onedheat.place import Place
from onedheat.presets import PRESETS, Preset, TrainConfig, with_settings
from onedheat.training import Run, machine, read_metrics
from onedheat.training.keeping import alone_in


def test_settings_reach_every_config_and_unknown_ones_are_refused():
    preset = with_settings(
        PRESETS["tiny"],
        ["gamma=0", "passes=2", "rotation=10", "loss=cross_entropy", "ema_warmup=false", "clip=1"],
    )
    assert (preset.detector.gamma, preset.train.passes) == (0.0, 2)
    assert (preset.train.augment.rotation, preset.detector.loss) == (10.0, "cross_entropy")
    assert (preset.train.ema_warmup, preset.train.clip) == (False, 1.0)
    wrong = ("gama=0", "gamma", "passes=many", "gamma=-1", "batch_size=0", "accumulate=0", "clip=-1",
             "ema=1", "precision=fp8")  # fmt: skip
    for setting in wrong:
        with pytest.raises(ValueError, match=f"--set {setting}"):
            with_settings(PRESETS["tiny"], [setting])


def test_it_learns(faces, tmp_path):
    still = AugmentConfig(
        rotation_share=0, mirror_share=0, occluder_share=0, color_share=0, light=0.1
    )
    config = replace(QUICK, passes=30, learning_rate=3e-3, augment=still, validate_every=10)
    report = Run(Preset(SMALL, config, ""), faces, tmp_path / "run", progress=False).train()
    rows = read_metrics(tmp_path / "run")
    assert rows[-1].loss < rows[0].loss * 0.6
    assert report.nrmse < 20  # drawn faces that differ little; guessing the middle is at about 60
    assert [row.step for row in rows] == [40, 80, 120]
    assert [row.images for row in rows] == [320, 640, 960]
    assert rows[-1].validation_nrmse == pytest.approx(report.nrmse, abs=1e-4)
    calibration = load_detector(tmp_path / "run/last").calibration
    assert (calibration.faces, set(calibration.decoders)) == (8, {"dark", "centroid", "argmax"})


@pytest.mark.parametrize("name", ["2d@0.25", "dsnt", "regression", "simcc"])
def test_what_the_detector_is_compared_with_is_trained_by_the_same_loop(faces, tmp_path, name):
    config, decoder = systems(SMALL)[name]
    preset = Preset(config, replace(QUICK, passes=1), "")
    report = Run(preset, faces, tmp_path / "run", progress=False).train()
    trained = load_detector(tmp_path / "run/last")
    assert trained.config == config
    assert report.decoder == decoder and np.isfinite(report.nrmse)
    only = rf"other settings \(kind: {config.kind} there, detector asked for\);"
    with pytest.raises(CheckpointError, match=only):
        run_of(faces, tmp_path / "run", resume=True)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_several_supervised_stacks_are_trained_by_the_same_loop(faces, tmp_path, precision):
    preset = Preset(replace(SMALL, stacks=2), replace(QUICK, passes=1, precision=precision), "")
    run = Run(preset, faces, tmp_path / "run", progress=False)
    before = run.bare.early[0].x.weight.clone()
    assert np.isfinite(run.train().nrmse)
    assert not torch.equal(before, run.bare.early[0].x.weight)


def test_fp16_without_a_gpu_is_refused(faces, tmp_path, monkeypatch):
    assert TrainConfig(precision="fp16").precision == "fp16"
    monkeypatch.setattr(machine.PartialState(), "device", torch.device("cpu"))
    with pytest.raises(ValueError, match="fp16 needs a GPU, and this is cpu; use bf16 or fp32"):
        run_of(faces, tmp_path / "run", precision="fp16")
    assert not (tmp_path / "run").exists()


def test_a_network_that_cannot_be_built_leaves_no_folder_in_the_way_of_the_next(
    faces, tmp_path, monkeypatch
):
    def no_memory(config):
        raise RuntimeError("no machine has the memory")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="has the memory"):
        patched.setattr("onedheat.training.learner.build", no_memory)
        run_of(faces, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run_of(faces, tmp_path / "run")


def test_another_scheme_is_refused(faces, tmp_path):
    with pytest.raises(ValueError, match="19 ibug68 landmarks"):
        Run(Preset(replace(SMALL, landmarks=19), QUICK, ""), faces, tmp_path / "run")


# One step ---------------------------------------------------------------------------------------


def parts_of(run: Run) -> list[FaceBatch]:
    pictures = iter(run._pictures(run.step))
    return [next(pictures) for _ in range(run.config.accumulate)]


def gradients(run: Run) -> list[torch.Tensor]:
    return [value.grad.clone() for value in run.bare.parameters()]


def test_the_gradient_of_accumulated_parts_is_the_mean_of_theirs(faces, tmp_path):
    run = run_of(faces, tmp_path / "both", accumulate=2)
    first, second = parts_of(run)
    run.learner.learn([first, second])
    both = gradients(run)
    alone = []
    for number, part in enumerate((first, second)):
        one = run_of(faces, tmp_path / str(number), accumulate=2)
        one.learner.plan.first = number  # pixels vary by the number of the part
        one.learner.learn([part])
        alone.append(gradients(one))
    for together, a, b in zip(both, *alone, strict=True):
        # One part alone is divided by two as well.
        assert torch.allclose(together, a + b, rtol=1e-4, atol=1e-7)


def test_a_long_gradient_is_clipped_to_its_norm_and_a_short_one_is_left(faces, tmp_path):
    plain, clipped, loose = (
        run_of(faces, tmp_path / str(clip), clip=clip) for clip in (0.0, 0.01, 1e6)
    )
    for run in (plain, clipped, loose):
        run.learner.learn(parts_of(run))
    norm = torch.stack([value.norm() for value in gradients(plain)]).norm()
    assert norm > 0.01
    for before, after, same in zip(*map(gradients, (plain, clipped, loose)), strict=True):
        assert torch.allclose(after, before * 0.01 / norm, rtol=1e-3, atol=1e-9)
        assert torch.equal(same, before)


def test_the_average_moves_by_what_the_decay_leaves(faces, tmp_path):
    run = run_of(faces, tmp_path / "run", ema=0.9)
    name, weight = next(iter(run.bare.named_parameters()))
    run.learner.learn(parts_of(run))
    expected = weight.detach().clone()  # the first step is the average
    for decay in (2 / 11, 3 / 12):  # of steps 1 and 2, both below 0.9
        run.learner.learn(parts_of(run))
        expected = decay * expected + (1 - decay) * weight.detach()
    assert torch.allclose(run.average.module.get_parameter(name), expected, atol=1e-6)


# Stopping and going on ----------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"precision": "bf16"}, {"accumulate": 2, "clip": 1.0}])
def test_a_stopped_and_resumed_run_ends_where_the_unbroken_one_does(faces, tmp_path, changes):
    unbroken = run_of(faces, tmp_path / "a", **changes)
    unbroken.train()
    broken = run_of(faces, tmp_path / "b", **changes)
    stop_after(broken, 6, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert broken.train() is None
    resumed = run_of(faces, tmp_path / "b", resume=True, **changes)
    assert resumed.step == 6
    resumed.train()
    for name, value in unbroken.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name
    for name in ("config.json", "model.safetensors"):
        whole, mended = (tmp_path / run / "last" / name for run in "ab")
        assert whole.read_bytes() == mended.read_bytes()
    # Not only the weights: the mean losses are those of all steps, also of those before the stop.
    losses = [[row.loss for row in read_metrics(tmp_path / run)] for run in "ab"]
    assert losses[0] == losses[1] and len(losses[0]) == 3


def test_a_run_is_not_overwritten_and_not_continued_with_other_settings(faces, tmp_path):
    run_of(faces, tmp_path / "run")
    with pytest.raises(CheckpointError, match="holds a run already; --resume"):
        run_of(faces, tmp_path / "run")
    with pytest.raises(CheckpointError, match="train.passes: 3 there, 9 asked for"):
        run_of(faces, tmp_path / "run", resume=True, passes=9)
    with pytest.raises(CheckpointError, match="micro_batches: 1 there, 2 asked for"):
        run_of(faces, tmp_path / "run", resume=True, accumulate=2)


def test_what_changes_nothing_about_the_result_may_be_changed(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=1).train()
    resumed = run_of(faces, tmp_path / "run", resume=True, passes=1, save_minutes=1.0, workers=1)
    assert resumed.step == 4


def test_a_run_of_another_version_is_refused_and_what_its_settings_lack_is_named(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=1).train()
    path = tmp_path / "run/run.json"
    other = json.loads(path.read_text())
    del other["train"]["clip"], other["train"]["augment"]["wobble"]
    other["train"]["magic"] = 3
    path.write_text(json.dumps(other))
    with pytest.raises(CheckpointError, match="begun with other settings") as refused:
        run_of(faces, tmp_path / "run", passes=1, resume=True)
    said = str(refused.value)
    assert "train.clip: not set there, 0.0 asked for" in said
    assert "train.augment.wobble: not set there, " in said
    assert "train.magic: 3 there, not set asked for" in said
    assert said.count(" there, ") == 3
    # What is said to do can be done.
    assert said.endswith(f"where --start-from {tmp_path / 'run/last'} keeps its weights")
    again = run_of(faces, tmp_path / "again", how={"start": tmp_path / "run/last"})
    kept = load_detector(tmp_path / "run/last").state_dict()
    assert all(torch.equal(value, kept[name]) for name, value in again.bare.state_dict().items())


def test_no_weights_are_promised_that_are_not_there_or_would_not_fit(faces, tmp_path):
    run = run_of(faces, tmp_path / "run", passes=1)  # of which nothing is saved yet
    with pytest.raises(CheckpointError, match="choose another --out$"):
        run_of(faces, tmp_path / "run", passes=2, resume=True)
    run.train()
    with pytest.raises(CheckpointError, match=r"passes: 1 there, .* keeps its weights$"):
        run_of(faces, tmp_path / "run", passes=2, resume=True)
    start = {"start": tmp_path / "run/last"}
    with pytest.raises(CheckpointError, match=r"start: random weights there, .*another --out$"):
        run_of(faces, tmp_path / "run", passes=1, resume=True, how=start)


def test_of_the_augmentation_only_what_differs_is_named(faces, tmp_path):
    run_of(faces, tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"\(train.augment.light: .* there, 0.1 asked for\)"):
        run_of(faces, tmp_path / "run", resume=True, augment=AugmentConfig(light=0.1))


def test_where_own_points_lie_is_learned_once_and_kept_with_the_run(tmp_path, monkeypatch):
    own, asked = read_own(make_csv_folder(tmp_path / "five", 12), "train"), []
    place = Place(0.8, -0.25, 0.3)
    monkeypatch.setattr("onedheat.training.run.learn_place", lambda *_: asked.append(1) or place)
    preset = Preset(SMALL, replace(QUICK, batch_size=4, passes=2), "").for_scheme(FIVE)
    run = Run(preset, own, tmp_path / "run", progress=False, samples=0)
    stop_after(run, 1, lambda: os.kill(os.getpid(), signal.SIGINT))
    assert run.train() is None
    for steps in (2, 4, 4):  # of the last, nothing is left to do
        run = Run(preset, own, tmp_path / "run", resume=True, progress=False, samples=0)
        stop_after(run, steps, lambda: os.kill(os.getpid(), signal.SIGINT))
        run.train()
        assert load_detector(tmp_path / "run/last").place == place
    assert run.step == 4 and asked == [1]


def test_settings_that_cannot_be_read_are_not_guessed(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=1).train()
    path = tmp_path / "run/run.json"
    for broken in ('{"kind": ', "[]", '{"train": null}', '{"detector": 3}', '{"kind": ["a"]}',
                   '{"data": []}', '{"train": {"augment": null}}'):  # fmt: skip
        path.write_text(broken)
        with pytest.raises(
            CheckpointError, match="run.json cannot be used .*: remove the file, and"
        ):
            run_of(faces, tmp_path / "run", passes=1, resume=True)
    path.unlink()
    with pytest.raises(CheckpointError, match="run.json is gone; --resume goes on"):
        run_of(faces, tmp_path / "run", passes=1)
    assert run_of(faces, tmp_path / "run", passes=1, resume=True).step == 4
    assert "train" in json.loads(path.read_text())


def test_other_labels_of_the_same_number_of_faces_are_noticed(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=1).train()
    moved = replace(
        faces, samples=tuple(replace(one, landmarks=one.landmarks + 3) for one in faces.samples)
    )
    with pytest.raises(CheckpointError, match="data: other faces or labels there"):
        run_of(moved, tmp_path / "run", passes=1, resume=True)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_one_sentence(faces, tmp_path, place):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CheckpointError, match="cannot hold a run .*; choose another --out"):
        run_of(faces, tmp_path / place)


def test_a_run_that_is_refused_leaves_the_other_s_files_alone(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=2).train()
    newest = max((tmp_path / "run/checkpoints").iterdir())
    shutil.rmtree(newest)  # so that the table is ahead of the checkpoint
    table = (tmp_path / "run/metrics.csv").read_bytes()
    with alone_in(tmp_path / "run"):
        refused = run_of(faces, tmp_path / "run", passes=2, resume=True, how={"tensorboard": True})
        with pytest.raises(CheckpointError, match="another process is training"):
            refused.train()
    assert (tmp_path / "run/metrics.csv").read_bytes() == table
    assert not (tmp_path / "run/tensorboard").exists()


def test_two_processes_do_not_train_in_one_folder(faces, tmp_path):
    run = run_of(faces, tmp_path / "run")
    code = (
        "import sys, time; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "run/.lock"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(CheckpointError, match="another process is training"):
            run.train()
    finally:
        other.kill()
        other.communicate()
    assert run.step == 0


def test_a_loss_that_is_not_finite_names_step_and_faces(faces, tmp_path):
    run = run_of(faces, tmp_path / "run")
    with torch.no_grad():
        next(run.bare.parameters()).fill_(np.nan)
    with pytest.raises(
        FloatingPointError, match=r"at step 0, on the faces \['.*\.(jpg|png)'"
    ) as raised:
        run.train()
    said = str(raised.value)
    assert "None of them has such a loss by itself" in said and "learning rate of 0.001" in said
    assert "No checkpoint has been written yet" in said
    assert not list((tmp_path / "run/checkpoints").glob("*"))


def test_weights_that_the_last_step_has_broken_are_not_measured(faces, tmp_path):
    run = run_of(faces, tmp_path / "run")
    next(run.average.module.parameters()).data[0] = torch.nan
    with pytest.raises(FloatingPointError, match="after step 0 the weights are not finite"):
        run.validate()


def test_the_one_face_that_spoils_a_loss_is_named(faces, tmp_path, monkeypatch):
    """Here it is one with a landmark that is not annotated, in a network that cannot bear that."""
    run = run_of(faces, tmp_path / "run", save_minutes=1e-9)
    _, face = run.learner.plan.batches.at(2)[5]
    loss = Detector.loss
    monkeypatch.setattr(
        Detector, "loss", lambda self, output, at: loss(self, output, at) + 0 * at.sum()
    )
    samples, landmarks = list(run.training.samples), run.training.samples[face].landmarks.copy()
    landmarks[30] = np.nan
    samples[face] = replace(samples[face], landmarks=landmarks)
    run.training = replace(run.training, samples=tuple(samples))
    with pytest.raises(FloatingPointError) as raised:
        run.train()
    said = str(raised.value)
    assert "at step 2" in said and f"By itself {samples[face].source} has such a loss" in said
    assert "The checkpoint of step 2 is whole" in said


def test_a_device_is_asked_seldom_and_the_step_is_named_all_the_same(faces, tmp_path, monkeypatch):
    """As on a GPU: losses are read when a validation asks for them, and nothing bad is saved."""
    run = run_of(faces, tmp_path / "run", passes=2, save_minutes=1e-9)
    monkeypatch.setattr(run, "_may_ask", lambda: False)
    monkeypatch.setattr(run.keeper, "due", lambda: run.step == 5)

    def spoil():
        with torch.no_grad():
            next(run.bare.parameters()).fill_(np.nan)

    stop_after(run, 5, spoil)  # after the step: number 5 is the first that is computed with it
    wanted = [str(run.training.samples[face].source) for _, face in run.learner.plan.batches.at(5)]
    with pytest.raises(FloatingPointError) as raised:
        run.train()
    assert "at step 5, on the faces" in str(raised.value)
    assert all(name in str(raised.value) for name in wanted)
    assert sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir()) == [
        "step-00000005"
    ]


def test_metrics_written_after_the_newest_checkpoint_are_forgotten(faces, tmp_path):
    """A kill between two checkpoints leaves lines that the resumed run writes again."""
    run_of(faces, tmp_path / "run").train()
    path = tmp_path / "run/metrics.csv"
    whole = path.read_text()
    last = whole.splitlines()[-1]
    path.write_text(whole + last.replace("12,", "16,", 1) + "\n20,5.0,1")
    run = run_of(faces, tmp_path / "run", resume=True)
    assert [row.step for row in run.history] == [4, 8, 12]
    run.train()
    assert path.read_text() == whole


def test_after_each_validation_the_caller_is_told(faces, tmp_path):
    seen = []
    run = run_of(
        faces,
        tmp_path / "run",
        how={"on_validation": lambda run: seen.append((run.step, len(run.history)))},
    )
    run.train()
    assert seen == [(4, 1), (8, 2), (12, 3)]


# The command ----------------------------------------------------------------------------------------


@pytest.mark.timeout(300)
def test_the_command_is_killed_and_resumed(tree, tmp_path):
    """SIGTERM saves first; the run goes on from there to its end."""
    command = [sys.executable, "-m", "onedheat", "train", "--preset", "tiny"]
    command += [
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--out",
        str(tmp_path / "run"),
        "--resume",
    ]
    settings = "depth=1 compressed=4 size=32 width=16 channels=8 upsample=4 batch_size=8"
    settings += " validation=0.2 passes=200"
    command += [part for s in settings.split() for part in ("--set", s)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "run/metrics.csv").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.terminate()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and "--resume goes on from there" in said
    assert "32 faces to train on, 8 of other photos" in said
    state = torch.load(tmp_path / "run/last/training.pt", weights_only=True)
    assert 20 <= state["step"] < 800
    asked = json.loads((tmp_path / "run/run.json").read_text())
    assert asked["train"]["passes"] == 200 and asked["detector"]["size"] == 32


def test_logging_is_left_to_who_uses_the_package(faces, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "onedheat"):
        run_of(faces, tmp_path / "run", passes=1).train()
    assert caplog.messages == []
