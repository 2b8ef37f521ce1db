"""`onedheat crossval`, as a person types it."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import smallruns
from faces300w import make_300w
from PIL import Image
from typer.testing import CliRunner

from onedheat.checkpoints import save_detector
from onedheat.cli import app
from onedheat.models import Detector
from onedheat.presets import PRESETS

run = CliRunner().invoke
SMALL = ["width=16", "channels=8", "depth=1", "compressed=4", "size=32", "upsample=4"]
SMALL += ["passes=1", "batch_size=8", "warmup_steps=2"]
ON_CLIPS = ["batch_size=2", "frames=2"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300w data"), faces=24)


@pytest.fixture(scope="module")
def few(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300w, few"), faces=4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A detector to start from."""
    folder = tmp_path_factory.mktemp("weights") / "net"
    save_detector(a_detector(), folder)
    return folder


def a_detector() -> Detector:
    """Random weights, taught as the tracker's preset teaches."""
    return Detector(replace(smallruns.SMALL, loss=PRESETS["tiny-tracker"].detector.loss))


def command(tree: Path, out: Path, *more: str) -> list[str]:
    settings = [part for setting in SMALL for part in ("--set", setting)]
    return [
        "crossval", "--preset=tiny", "--dataset=300w", f"--root={tree}", f"--out={out}",
        "--values=0,0.4", "--folds=2", *settings, *more,
    ]  # fmt: skip


def on_clips(tree: Path, out: Path, *more: str) -> list[str]:
    settings = [part for setting in ON_CLIPS for part in ("--set", setting)]
    return command(tree, out, "--preset=tiny-tracker", *settings, *more)


@pytest.mark.timeout(300)
def test_it_searches_gives_one_json_object_a_csv_and_a_plot_and_does_nothing_twice(tree, tmp_path):
    out = tmp_path / "a search"
    said = run(app, command(tree, out, "--workers=2", "--json=-"))
    assert said.exit_code == 0, said.stderr
    values = json.loads(said.stdout)
    assert (values["setting"], values["folds"], values["complete"]) == ("gamma", 2, True)
    assert [one["value"] for one in values["values"]] == [0.0, 0.4]
    assert all(len(one["folds"]) == 2 and None not in one["folds"] for one in values["values"])
    means = {one["value"]: one["nrmse"] for one in values["values"]}
    assert means[values["best"]] == min(means.values()) == values["nrmse"]
    assert "onedheat: 4/4 gamma=" in said.stderr and "gamma=0.4, fold 2: NRMSE" in said.stderr
    with Image.open(out / "gamma.png") as plot:
        assert plot.size == (860, 385)
    assert len((out / "folds.csv").read_text().splitlines()) == 5
    before = (out / "study.journal").read_bytes()
    again = run(app, command(tree, out))
    assert again.exit_code == 0 and f"gamma={values['best']} is best: NRMSE" in again.stdout
    assert (out / "study.journal").read_bytes() == before


@pytest.mark.timeout(300)
def test_of_a_tracker_it_chooses_lambda_on_clips(few, weights, tmp_path):
    out, start, store = tmp_path / "out", f"--start-from={weights}", f"--store={tmp_path / 'clips'}"
    said = run(app, on_clips(few, out, start, store))
    assert said.exit_code == 0, said.stderr
    assert "4/4 decay=" in said.stderr and "on 8 frames" in said.stderr
    assert "is best: NRMSE" in said.stdout and "is steadiest: jitter" in said.stdout
    assert len(list((tmp_path / "clips").glob("*.npy"))) == 4
    with Image.open(out / "decay.png") as plot, Image.open(out / "decay-jitter.png") as other:
        assert plot.size == other.size == (860, 385)
    rows = list(csv.DictReader((out / "folds.csv").read_text().splitlines()))
    assert [(row["decay"], row["fold"]) for row in rows] == [
        ("0.0", "1"), ("0.0", "2"), ("0.4", "1"), ("0.4", "2")
    ]  # fmt: skip
    assert all(float(row["nrmse"]) > 0 and float(row["jitter"]) > 0 for row in rows)
    before = (out / "study.journal").read_bytes()
    others = weights.with_name("others")
    save_detector(a_detector(), others)
    refused = run(app, on_clips(few, out, f"--start-from={others}", store))
    assert (
        refused.exit_code == 1 and "begun with another search (start: the weights" in refused.stderr
    )
    assert (out / "study.journal").read_bytes() == before


@pytest.mark.parametrize(
    "more, code, words",
    [
        (["--search=loss"], 2, "only numbers are searched"),
        (["--search=gama"], 2, "gamma"),
        (["--values=0.1,-1"], 2, "gamma must not be negative"),
        (["--values=0.1,"], 2, "--values 0.1,: a value is empty"),
        (["--search=learning_rate", "--values=nan"], 2, "learning_rate must be a finite number"),
        (["--search=seed", "--values=-1,1"], 2, "--values -1: seed must be from 0"),
        (["--search=accumulate", "--values=1,3"], 1, "accumulate=3 parts each"),
        (["--search=batch_size", "--values=4,5", "--set=accumulate=2"], 1, "a batch of 5 faces"),
        (["--set=passes=1.5"], 2, "passes must be a whole number, got '1.5'"),
        (["--folds=1"], 2, "at least 2"),
        (["--preset=huge"], 2, "there is no preset"),
        (["--set", "pases=3"], 2, "passes"),
        (["--folds=100"], 1, "cannot be divided into 100 folds"),
        (["--root=/nowhere"], 2, "leave"),
        (["--store=clips"], 2, "--store clips is for the frames of clips"),
        (["--start-from=tiny68"], 2, "the trunk is another one"),
        (["--preset=tiny-tracker"], 2, "freeze_detector leaves the detector as it begins"),
    ],
)
def test_what_cannot_be_searched_ends_in_one_sentence(tree, tmp_path, more, code, words):
    said = run(app, command(tree, tmp_path / "out", *more))
    assert said.exit_code == code and words in " ".join(said.stderr.replace("│", " ").split())
    assert "Traceback" not in said.stderr and not (tmp_path / "out").exists()


def test_a_folder_of_another_search_is_refused(tree, tmp_path):
    (tmp_path / "study.journal").write_text("hello\n")
    said = run(app, command(tree, tmp_path))
    assert said.exit_code == 1 and "is damaged, or no study of this command" in said.stderr
