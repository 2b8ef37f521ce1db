"""The mean of several networks' weights."""

from dataclasses import replace

import pytest
import torch
from faces300w import make_300w
from randomnet import random_network

from onedheat import soup
from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.data.w300 import read_300w
from onedheat.evaluation import evaluate
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import Landmarker
from onedheat.place import Place
from onedheat.soup import mean_weights

SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)


def network(seed: int, **changes) -> Detector:
    torch.manual_seed(seed)
    return Detector(DetectorConfig(**{**SMALL.as_dict(), **changes})).eval()


def test_the_mean_lies_in_the_middle_and_the_networks_stay_as_they_are():
    first, second = network(0), network(1)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    mean = mean_weights([first, second, second])
    for name, value in mean.state_dict().items():
        one, other = (each.state_dict()[name] for each in (first, second))
        if value.is_floating_point():
            assert torch.allclose(value, (one + 2 * other) / 3, atol=1e-6)
        assert torch.equal(one, before[name])
    assert not mean.training and mean.calibration is None


def test_networks_that_are_not_alike_have_no_mean():
    with pytest.raises(ValueError, match="only networks of one config"):
        mean_weights([network(0), network(0, gamma=0.1)])
    with pytest.raises(ValueError, match="no networks"):
        mean_weights([])


def test_the_command_measures_each_and_keeps_the_mean_calibrated(tmp_path, capsys):
    root = make_300w(tmp_path / "300w", faces=20)
    folders = []
    for number, one in enumerate((random_network(), random_network())):
        with torch.no_grad():
            for value in one.parameters():
                value.mul_(1 + 0.01 * number)
        folders.append(str(tmp_path / f"net{number}"))
        save_detector(one, folders[-1])
    how = ["--root", str(root), "--validation", "0.4", "--out", str(tmp_path / "soup")]
    soup.main([*folders, *how])
    told = capsys.readouterr().out.splitlines()
    kept = load_detector(tmp_path / "soup")
    _, held_out = read_300w(root).divided(0.4, 0)
    assert told[-1] == (
        f"mean: NRMSE {evaluate(Landmarker(kept), held_out).nrmse:.3f} % on {len(held_out)} faces "
        "held out"
    )
    assert [line.split(":")[0] for line in told[:-1]] == folders
    assert kept.calibration is not None and kept.calibration.faces == len(held_out)
    save_detector(network(0), tmp_path / "other")
    with pytest.raises(CheckpointError, match="of one config"):
        soup.cook([folders[0], str(tmp_path / "other")], held_out, tmp_path / "none")


def test_a_mean_that_too_few_faces_were_held_out_to_calibrate_is_said_to_be_uncalibrated(
    tmp_path, caplog
):
    save_detector(random_network(), tmp_path / "net")
    faces = read_300w(make_300w(tmp_path / "300w", faces=4))
    one = replace(faces, samples=faces.samples[:1])
    soup.cook([str(tmp_path / "net")], one, tmp_path / "soup")
    assert load_detector(tmp_path / "soup").calibration is None
    (said,) = caplog.messages
    assert said.startswith(
        "σ and confidence of the mean are not calibrated: 68 landmarks held out, 100 are needed; hold "
        "out more"
    )
    caplog.clear()
    soup.cook([str(tmp_path / "net")], faces, tmp_path / "soup")
    assert caplog.messages == [] and load_detector(tmp_path / "soup").calibration is not None


def test_a_folder_that_cannot_be_written_is_noticed_before_any_face_is_looked_at(
    tmp_path, monkeypatch
):
    save_detector(network(0), tmp_path / "net")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(soup, "evaluate", lambda *faces: pytest.fail("faces were looked at"))
    faces = read_300w(make_300w(tmp_path / "300w", faces=4))
    with pytest.raises(CheckpointError, match="holds other files"):
        soup.cook([str(tmp_path / "net")], faces, tmp_path / "full")
    with pytest.raises(CheckpointError, match="cannot be written: .*; give another folder"):
        soup.cook([str(tmp_path / "net")], faces, tmp_path / "file" / "out")


def test_the_mean_of_weights_for_own_points_knows_their_place():
    one = network(0)
    one.place = Place(0.1, 0.2, 0.3)
    assert mean_weights([one, network(1)]).place == one.place


def test_the_faces_of_another_split_are_divided(tmp_path, capsys):
    root = make_300w(tmp_path / "300w", faces=8)
    save_detector(random_network(), tmp_path / "net")
    how = ["--root", str(root), "--split", "lfpw/trainset", "--validation", "0.5"]
    soup.main([str(tmp_path / "net"), *how, "--out", str(tmp_path / "soup")])
    _, held_out = read_300w(root, "lfpw/trainset").divided(0.5, 0)
    assert len(held_out) < len(read_300w(root).divided(0.5, 0)[1])
    assert f"on {len(held_out)} faces held out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["nope", "--root", "ROOT"], 1, "no checkpoint 'nope'"),
        (["tiny68"], 1, "300w"),
        (["tiny68", "--dataset", "nope"], 1, "nope"),
        (["tiny68", "--root", "ROOT", "--split", "nope"], 1, "300w has no split 'nope'"),
        (["tiny68", "--validation", "2"], 2, "must be a number above 0 and below 1, got 2"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, capsys, options, code, said):
    root = str(make_300w(tmp_path / "300w", faces=4))
    options = [root if option == "ROOT" else option for option in options]
    with pytest.raises(SystemExit) as ended:
        soup.main([*options, "--out", str(tmp_path / "soup")])
    assert ended.value.code == code
    assert said in capsys.readouterr().err.splitlines()[-1]
