"""The commands that train, evaluate and check data, as a person types them."""

import errno
import json
from pathlib import Path

import pytest
from faces300w import make_300w
from typer.testing import CliRunner

from onedheat.checkpoints import save_detector
from onedheat.cli import app
from onedheat.models import Detector, DetectorConfig

run = CliRunner().invoke
SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    return make_300w(tmp_path_factory.mktemp("300w data"), faces=12)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "net"
    save_detector(Detector(SMALL), folder)
    return folder


def test_evaluate_prints_a_table_or_one_json_object_and_nothing_else(tree, weights):
    arguments = [
        "evaluate",
        "--engine=torch",
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--weights",
        str(weights),
    ]
    said = run(app, arguments)
    assert said.exit_code == 0 and "NRMSE %" in said.stdout and "common" in said.stdout
    said = run(app, [*arguments, "--json", "-", "--decoder", "argmax", "--split", "train"])
    values = json.loads(said.stdout)
    assert (values["faces"], values["decoder"], values["split"]) == (12, "argmax", "train")
    assert values["weights"] == str(weights)


def test_evaluate_writes_json_to_a_file(tree, weights, tmp_path):
    path = tmp_path / "a b.json"
    arguments = [
        "evaluate",
        "--engine=torch",
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--weights",
        str(weights),
    ]
    assert run(app, [*arguments, "--json", str(path)]).exit_code == 0
    assert json.loads(path.read_text())["dataset"] == "300w"


@pytest.mark.parametrize(
    "change, code, word",
    [
        ({"--weights": "tiny69"}, 1, "neither a shipped name"),
        ({"--root": "/nowhere"}, 1, "is no folder"),
        ({"--split": "tset"}, 1, "no split 'tset'"),
        ({"--box": "annotation"}, 1, "no face boxes of its own"),
        ({"--decoder": "mean"}, 2, "dark"),
        ({"--dataset": "coco"}, 2, "300w"),
    ],
)
def test_a_wrong_option_ends_in_one_sentence(tree, weights, change, code, word):
    options = {"--dataset": "300w", "--root": str(tree), "--weights": str(weights)} | change
    said = run(
        app, ["evaluate", "--engine=torch", *(part for pair in options.items() for part in pair)]
    )
    assert said.exit_code == code and word in said.stderr
    assert "Traceback" not in said.stderr and not said.stdout


def test_a_result_that_cannot_be_written_is_printed_all_the_same(
    tree, weights, tmp_path, monkeypatch
):
    asked = ["evaluate", "--dataset", "300w", "--root", str(tree), "--split", "train",
             "--weights", str(weights), "--engine", "torch"]  # fmt: skip
    early = run(app, [*asked, "--json", str(tmp_path / "nowhere/x.json")])
    assert early.exit_code == 2 and "give a file in a folder that exists" in early.output

    def refuse(path: Path, content: bytes):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("onedheat.files.write_atomically", refuse)
    late = run(app, [*asked, "--json", str(tmp_path / "x.json")])
    assert late.exit_code == 1 and "NRMSE" in late.stdout
    assert "x.json cannot be written (No space left on device)" in late.stderr


def test_train_makes_a_run_that_evaluate_and_detect_use(tree, tmp_path):
    out = tmp_path / "run 1"
    settings = ["width=16", "channels=16", "size=64", "compressed=4", "upsample=2"]
    settings += ["passes=1", "batch_size=4", "validation=0.2"]
    arguments = [
        "train",
        "--preset",
        "tiny",
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--out",
        str(out),
    ]
    arguments += [part for setting in settings for part in ("--set", setting)]
    said = run(app, arguments)
    assert said.exit_code == 0 and "validation NRMSE" in said.stdout
    arguments = [
        "evaluate",
        "--engine=torch",
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--weights",
        str(out / "last"),
    ]
    assert run(app, arguments).exit_code == 0


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--preset", "huge"], "tiny"),
        (["--set", "pases=3"], "passes"),
        (["--set", "gamma=-1"], "gamma must not be negative"),
        (["--dataset", "300w"], "lies in a folder"),
    ],
)
def test_train_refuses_what_it_does_not_know(tree, tmp_path, arguments, word):
    given = [
        "train",
        "--preset",
        "tiny",
        "--dataset",
        "300w",
        "--root",
        str(tree),
        "--out",
        str(tmp_path),
    ]
    said = run(app, [*given, *arguments])
    assert said.exit_code == 2 and word in said.stderr.replace("\n", " ")


def test_data_check_exits_1_where_a_set_cannot_be_used(tree, tmp_path):
    assert run(app, ["data", "check", "300w", str(tree)]).exit_code == 0
    said = run(app, ["data", "check", "300w", str(tmp_path), "--json", "-"])
    assert said.exit_code == 1 and json.loads(said.stdout)["usable"] is False
    said = run(app, ["data", "check", "300w", str(tmp_path / "nowhere")])
    assert said.exit_code == 1 and "is no folder" in said.stderr


def test_following_a_face_leaves_no_box_to_choose():
    from typer.testing import CliRunner

    from onedheat.cli import app

    for more in (["--redrawn"], ["--box", "jittered"]):
        asked = ["evaluate", "--dataset", "talking-face", "--root", ".", "--follow", "1", *more]
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == 2 and "draws its boxes by itself" in result.output
