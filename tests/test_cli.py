"""The commands that train, evaluate and check data, as a person types them."""

import errno
import json
from pathlib import Path

import pytest
import torch
from faces300w import make_300w
from kinds import network_of
from skimage.data import astronaut
from typer.testing import CliRunner
from videos import write_numbered, write_video

import onedheat
from onedheat.checkpoints import save_detector
from onedheat.cli import app
from onedheat.models import KINDS, Detector, DetectorConfig

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


def test_evaluate_says_where_a_published_split_is_not_all_there(tree, weights):
    asked = ["evaluate", "--engine=torch", "--dataset", "300w", "--root", str(tree)]
    asked += ["--weights", str(weights), "--json", "-"]
    said = run(app, asked)
    values = json.loads(said.stdout)
    assert values["official_faces"] == 554 and values["faces"] < 554
    assert f"common of 300w has 554 faces, and {values['faces']} are here: do not" in said.stderr


def test_a_table_says_what_errors_are_divided_by(tree, weights):
    asked = ["evaluate", "--engine=torch", "--dataset", "300w", "--root", str(tree)]
    said = run(app, [*asked, "--weights", str(weights)])
    assert said.stdout.endswith("errors in per cent of: interocular\n")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--box", "detector", "--redrawn"], "leave --redrawn out"),
        (["--face-detector", "yunet"], "need --box detector"),
        (["--min-peak", "0.2"], "need --box detector"),
    ],
)
def test_options_of_a_finder_need_one(tree, weights, options, word):
    asked = ["evaluate", "--dataset", "300w", "--root", str(tree), "--weights", str(weights)]
    said = run(app, [*asked, *options])
    assert said.exit_code == 2 and word in " ".join(said.stderr.replace("│", " ").split())


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """A folder with the weights of a small network of some kind."""

    def saved(kind: str, *, broken: bool = False) -> Path:
        folder = tmp_path_factory.mktemp(kind) / "net"
        torch.manual_seed(0)
        network = network_of(kind)
        if broken:
            torch.nn.init.constant_(next(network.parameters()), torch.nan)
        save_detector(network, folder)
        return folder

    return saved


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_any_kind_is_measured_by_its_own_decoder(tree, folder_of, kind):
    arguments = ["evaluate", "--engine=torch", "--dataset", "300w", "--root", str(tree),
                 "--split", "train", "--weights", str(folder_of(kind))]  # fmt: skip
    own = KINDS[kind].decoders
    said = run(app, [*arguments, "--json", "-"])
    assert said.exit_code == 0, said.stderr
    assert json.loads(said.stdout)["decoder"] == own[0]
    said = run(app, [*arguments, "--json", "-", "--decoder", own[-1], "--flip"])
    values = json.loads(said.stdout)
    assert (values["decoder"], values["flip"]) == (own[-1], True)
    said = run(app, [*arguments, "--decoder", "mean"])
    one_line = " ".join(said.stderr.replace("│", " ").split())
    assert said.exit_code == 2 and "Traceback" not in said.stderr
    assert "no decoder 'mean'" in one_line and ", ".join(own) in one_line


@pytest.mark.parametrize("command", ["detect", "track"])
def test_a_decoder_that_a_network_lacks_is_a_wrong_option(command, folder_of, tmp_path):
    given = tmp_path / "clip.avi"
    if command == "track":
        write_numbered(given, 2)
    asked = [command, str(given), "--weights", str(folder_of("dsnt")), "--engine=torch"]
    said = run(app, [*asked, "--decoder", "dark"])
    one_line = " ".join(said.stderr.replace("│", " ").split())
    assert said.exit_code == 2 and "there are: expectation" in one_line


FOLLOWED = ["--follow", "1", "--frames", "3"]


@pytest.mark.parametrize("more", [[], FOLLOWED, [*FOLLOWED, "--beside"]])
def test_broken_weights_are_not_measured(tree, folder_of, more):
    weights = folder_of("detector", broken=True)
    asked = ["evaluate", "--engine=torch", "--dataset", "300w", "--root", str(tree), *more,
             "--split", "train", "--weights", str(weights)]  # fmt: skip
    said = run(app, asked)
    one_line = " ".join(said.stderr.replace("│", " ").split())
    assert said.exit_code == 2 and "its weights are damaged" in one_line
    assert not said.stdout and "Traceback" not in said.stderr


def test_broken_weights_do_not_follow_a_face(folder_of, tmp_path):
    clip, weights = tmp_path / "clip.avi", folder_of("detector", broken=True)
    write_video(clip, [astronaut()] * 2)
    asked = ["track", str(clip), "--weights", str(weights), "--engine=torch"]
    said = run(app, [*asked, "--face-detector=cascade"])
    one_line = " ".join(said.stderr.replace("│", " ").split())
    assert said.exit_code == 2 and "its weights are damaged" in one_line


@pytest.mark.parametrize("kind, word", [("regression", "how sure"), ("tracker", "without flip")])
def test_what_cannot_be_followed_ends_in_one_sentence(tree, folder_of, kind, word):
    asked = ["evaluate", "--engine=torch", "--dataset", "300w", "--root", str(tree), "--flip",
             "--split", "train", "--frames", "3", "--weights", str(folder_of(kind))]  # fmt: skip
    said = run(app, [*asked, "--follow", "1"])
    assert said.exit_code == 2 and word in " ".join(said.stderr.replace("│", " ").split())


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


def test_the_version_is_the_packages():
    said = run(app, ["--version"])
    assert (said.exit_code, said.stdout) == (0, f"onedheat {onedheat.__version__}\n")


@pytest.mark.parametrize(
    "more, word",
    [
        (["--frames", "10"], "--frames needs --follow"),
        (["--follow", "1", "--beside", "--figure", "errors.jpg"], "ends in .png"),
        (
            ["--follow", "1", "--beside", "--figure", "e.png", "--json", "e.png"],
            "what --json writes",
        ),
    ],
)
def test_options_of_evaluate_that_would_come_to_nothing(tmp_path, monkeypatch, more, word):
    monkeypatch.chdir(tmp_path)
    said = run(app, ["evaluate", "--dataset", "talking-face", "--root", ".", *more])
    assert said.exit_code == 2 and word in " ".join(said.stderr.replace("│", " ").split())
    assert list(tmp_path.iterdir()) == []


def test_following_a_face_leaves_no_box_to_choose():
    from typer.testing import CliRunner

    from onedheat.cli import app

    for more in (["--redrawn"], ["--box", "jittered"]):
        asked = ["evaluate", "--dataset", "talking-face", "--root", ".", "--follow", "1", *more]
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == 2 and "draws its boxes by itself" in result.output
