"""One loop: it learns, it can be stopped anywhere, and it goes on as if it had not been."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from faces300w import make_300w

from onedheat.checkpoints import CheckpointError, load_detector
from onedheat.data.augment import AugmentConfig
from onedheat.data.w300 import read_300w
from onedheat.models import DetectorConfig
from onedheat.models.compared import systems
from onedheat.presets import PRESETS, Preset, TrainConfig, with_settings
from onedheat.training import Batches, Run, learning_rate

SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=4)
QUICK = TrainConfig(
    passes=3,
    batch_size=8,
    warmup_steps=2,
    validation=0.2,
    precision="fp32",
    validate_every=1,
    ema=0.9,
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300w"), faces=40)


@pytest.fixture(scope="module")
def faces(tree):
    return read_300w(tree)


def test_the_learning_rate_rises_and_falls_to_nothing():
    config = TrainConfig(learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(step, 1000, config) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[500] == pytest.approx(0.5) and rates[-1] < 1e-5


def test_a_constant_rate_stays_where_the_warm_up_took_it():
    config = TrainConfig(learning_rate=1e-4, warmup_steps=2, schedule="constant")
    rates = [learning_rate(step, 1000, config) for step in (0, 1, 500, 999)]
    assert rates == pytest.approx([0.5e-4, 1e-4, 1e-4, 1e-4])


def test_every_face_comes_once_a_pass_whatever_step_one_starts_from():
    config = TrainConfig(passes=3, batch_size=4)
    batches = list(Batches(12, config, 0))
    for epoch in range(3):
        part = batches[3 * epoch : 3 * epoch + 3]
        assert sorted(face for batch in part for _, face in batch) == list(range(12))
        assert {pass_ for batch in part for pass_, _ in batch} == {epoch}
    assert batches[0] != batches[3]
    assert list(Batches(12, config, 5)) == batches[5:]


def test_too_few_faces_for_a_batch_are_refused():
    with pytest.raises(ValueError, match="3 training faces do not fill one batch of 8"):
        Batches(3, QUICK, 0)


def test_settings_reach_every_config_and_unknown_ones_are_refused():
    preset = with_settings(
        PRESETS["tiny"], ["gamma=0", "passes=2", "rotation=10", "loss=cross_entropy"]
    )
    assert (preset.detector.gamma, preset.train.passes) == (0.0, 2)
    assert (preset.train.augment.rotation, preset.detector.loss) == (10.0, "cross_entropy")
    for wrong in ("gama=0", "gamma", "passes=many", "gamma=-1", "batch_size=0"):
        with pytest.raises(ValueError, match=f"--set {wrong}"):
            with_settings(PRESETS["tiny"], [wrong])


def test_it_learns(faces, tmp_path):
    still = AugmentConfig(
        rotation_share=0, mirror_share=0, occluder_share=0, color_share=0, light=0.1
    )
    config = replace(QUICK, passes=30, learning_rate=3e-3, augment=still, validate_every=10)
    report = Run(Preset(SMALL, config, ""), faces, tmp_path / "run", progress=False).train()
    rows = list(csv.DictReader((tmp_path / "run/metrics.csv").read_text().splitlines()))
    losses = [float(row["loss"]) for row in rows]
    assert losses[-1] < losses[0] * 0.6
    assert report.nrmse < 20  # drawn faces that differ little; guessing the middle is at about 60
    assert [int(row["step"]) for row in rows] == [40, 80, 120]


def run_of(faces, out, resume=False, **changes) -> Run:
    return Run(
        Preset(SMALL, replace(QUICK, **changes), ""), faces, out, resume=resume, progress=False
    )


@pytest.mark.parametrize("name", ["2d@0.25", "dsnt", "regression", "simcc"])
def test_what_the_detector_is_compared_with_is_trained_by_the_same_loop(faces, tmp_path, name):
    config, decoder = systems(SMALL)[name]
    preset = Preset(config, replace(QUICK, passes=1), "")
    report = Run(preset, faces, tmp_path / "run", progress=False).train()
    trained = load_detector(tmp_path / "run/last")
    assert trained.config == config
    assert report.decoder == decoder and np.isfinite(report.nrmse)
    with pytest.raises(CheckpointError, match=f"kind: {config.kind} there, detector asked for"):
        run_of(faces, tmp_path / "run", resume=True)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_several_supervised_stacks_are_trained_by_the_same_loop(faces, tmp_path, precision):
    preset = Preset(replace(SMALL, stacks=2), replace(QUICK, passes=1, precision=precision), "")
    run = Run(preset, faces, tmp_path / "run", progress=False)
    before = run.bare.early[0].x.weight.clone()
    assert np.isfinite(run.train().nrmse)
    assert not torch.equal(before, run.bare.early[0].x.weight)


def test_a_run_begun_before_a_setting_existed_is_resumed_as_having_its_default(faces, tmp_path):
    run_of(faces, tmp_path / "run", passes=1).train()
    path = tmp_path / "run/run.json"
    older = json.loads(path.read_text())
    for part, key in (("detector", "supervise_all"), ("detector", "widen"), ("train", "schedule")):
        del older[part][key]
    del older["kind"]
    path.write_text(json.dumps(older))
    assert run_of(faces, tmp_path / "run", passes=1, resume=True).step == 4
    path.write_text(json.dumps(older))
    with pytest.raises(CheckpointError, match="train.schedule: cosine there, constant asked for"):
        run_of(faces, tmp_path / "run", passes=1, schedule="constant", resume=True)


class _StopAfter:
    """Asks a run to stop, as Ctrl-C does, once it has made so many steps."""

    def __init__(self, run: Run, steps: int):
        self.run, self.steps, self.step_of = run, steps, run._train_step

    def __call__(self, *args):
        loss = self.step_of(*args)
        if self.run.step + 1 == self.steps:
            os.kill(os.getpid(), signal.SIGINT)
        return loss


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_stopped_and_resumed_run_ends_where_the_unbroken_one_does(faces, tmp_path, precision):
    unbroken = run_of(faces, tmp_path / "a", precision=precision)
    unbroken.train()
    broken = run_of(faces, tmp_path / "b", precision=precision)
    broken._train_step = _StopAfter(broken, 5)
    assert broken.train() is None
    resumed = run_of(faces, tmp_path / "b", resume=True, precision=precision)
    assert resumed.step == 5
    resumed.train()
    for name, value in unbroken.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "a/last" / name).read_bytes() == (
            tmp_path / "b/last" / name
        ).read_bytes()


def test_a_run_is_not_overwritten_and_not_continued_with_other_settings(faces, tmp_path):
    run_of(faces, tmp_path / "run")
    with pytest.raises(CheckpointError, match="holds a run already; --resume"):
        run_of(faces, tmp_path / "run")
    with pytest.raises(CheckpointError, match="train.passes: 3 there, 9 asked for"):
        run_of(faces, tmp_path / "run", resume=True, passes=9)


def test_metrics_written_after_the_newest_checkpoint_are_forgotten(faces, tmp_path):
    """A kill between two checkpoints leaves lines that the resumed run writes again."""
    run_of(faces, tmp_path / "run").train()
    path = tmp_path / "run/metrics.csv"
    whole = path.read_text()
    last = whole.splitlines()[-1]
    path.write_text(whole + last.replace("12,", "16,", 1) + "\n20,5.0,1")
    run_of(faces, tmp_path / "run", resume=True)
    assert path.read_text() == whole


def test_a_damaged_state_is_not_resumed(faces, tmp_path):
    run_of(faces, tmp_path / "run").train()
    path = tmp_path / "run/last/training.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be resumed from"):
        run_of(faces, tmp_path / "run", resume=True)


def test_a_loss_that_is_not_finite_names_step_and_faces(faces, tmp_path):
    run = run_of(faces, tmp_path / "run")
    with torch.no_grad():
        next(run.bare.parameters()).fill_(np.nan)
    with pytest.raises(FloatingPointError, match=r"at step 0, on the faces \['.*\.(jpg|png)'"):
        run.train()


def test_another_scheme_is_refused(faces, tmp_path):
    with pytest.raises(ValueError, match="19 ibug68 landmarks"):
        Run(Preset(replace(SMALL, landmarks=19), QUICK, ""), faces, tmp_path / "run")


@pytest.mark.timeout(300)
def test_the_command_is_killed_and_resumed(tree, tmp_path):
    """SIGTERM saves first; the run goes on from there to its end."""
    command = [
        sys.executable,
        "-m",
        "onedheat.cli",
        "train",
        "--preset",
        "tiny",
        "--dataset",
        "300w",
    ]
    command += ["--root", str(tree), "--out", str(tmp_path / "run"), "--resume"]
    settings = (
        "width=16 channels=16 size=64 compressed=4 upsample=4 batch_size=8 validation=0.2 passes="
    )
    command += [part for s in (settings + "200").split() for part in ("--set", s)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "run/metrics.csv").exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.terminate()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130 and "--resume goes on from there" in said
    state = torch.load(tmp_path / "run/last/training.pt", weights_only=True)
    assert 20 <= state["step"] < 800
    asked = json.loads((tmp_path / "run/run.json").read_text())
    assert asked["train"]["passes"] == 200 and asked["detector"]["size"] == 64
