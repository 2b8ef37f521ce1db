"""The mean of several networks' weights."""

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
        soup.main([folders[0], str(tmp_path / "other"), *how])
