"""The tables of model cards hold what `evaluate` and the calibration say."""

import pytest
from faces300w import make_300w
from randomnet import random_network

from onedheat import cards
from onedheat.calibration import Calibration, DecoderCalibration
from onedheat.checkpoints import save_detector
from onedheat.data import DataError
from onedheat.data.w300 import read_300w
from onedheat.evaluation import evaluate
from onedheat.pipeline import Landmarker, load


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_300w(tmp_path_factory.mktemp("300w"), faces=12)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random weights whose σ is 1000 times too small, and corrected to be as much too large."""
    network = random_network()
    wide = DecoderCalibration(scale=(1.0, 1.0), floor=(1e3, 1e3), offset=0.0, slope=0.0)
    decoders = dict.fromkeys(network.decoders, wide)
    network.calibration = Calibration(fitted_on="", faces=1, radius=5.0, decoders=decoders)
    folder = tmp_path_factory.mktemp("weights") / "own"
    save_detector(network, folder)
    return str(folder)


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_command_prints_both_tables(weights, root, capsys):
    how = ["--split", "lfpw/trainset", "--looks", "jittered", "--engine", "torch"]
    cards.main([weights, "--root", str(root), *how])
    first, second = capsys.readouterr().out.strip().split("\n\n")
    heading, rule, *rows = map(cells, first.splitlines())
    assert len({len(row) for row in (heading, rule, *rows)}) == 1
    assert [row[0] for row in rows] == ["dark", "centroid", "argmax", "dark"]
    faces = read_300w(root, "lfpw/trainset")
    by_argmax = evaluate(load(weights, decoder="argmax", engine="torch"), faces)
    assert rows[2][2:5] == [
        f"{by_argmax.nrmse:.2f}", f"{by_argmax.auc:.3f}", f"{by_argmax.failure_rate:.1f} %"
    ]  # fmt: skip
    assert rows[3][1] == "the same, shifted and resized by up to 15 %"
    assert (
        rows[3][2] == f"{evaluate(load(weights, engine='torch'), faces, box='jittered').nrmse:.2f}"
    )
    assert [cells(line)[2] for line in second.splitlines()[2:]] == ["100.0, 100.0 %"] * 3
    assert [cells(line)[5] for line in second.splitlines()[2:]] == ["0.50"] * 3


def test_what_is_not_known_or_not_there_is_said(weights, root):
    faces = read_300w(root, "lfpw/trainset")
    with pytest.raises(DataError, match=r"no look upside-down; there are: flip, jittered"):
        list(cards.measured(weights, faces, ["flip", "upside-down"]))
    with pytest.raises(DataError, match=r"no calibration.json"):
        list(cards.certainty_rows(Landmarker(random_network()), faces))


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["tiny68", "--looks", "nope"], 2, "invalid choice: 'nope'"),
        (["nope"], 1, "no checkpoint 'nope'"),
        (["tiny68", "--engine", "nope"], 2, "no engine 'nope'"),
        (["tiny68", "--split", "nope"], 1, "300w has no split 'nope'"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_sentence(root, capsys, options, code, said):
    weights, *others = options
    with pytest.raises(SystemExit) as ended:
        cards.main([weights, "--root", str(root), "--split", "lfpw/trainset", *others])
    assert ended.value.code == code
    assert said in capsys.readouterr().err.splitlines()[-1]
