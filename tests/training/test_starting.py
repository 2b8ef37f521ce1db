"""Starting from trained weights: what fits is taken over, the rest and the way there are as ever."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from smallruns import QUICK, SMALL, run_of

from onedheat.checkpoints import CheckpointError
from onedheat.models import Detector, TrackerConfig, build
from onedheat.models.compared import Heatmaps2dConfig, Recurrent2dConfig
from onedheat.presets import Preset
from onedheat.training import Run
from onedheat.training.starting import check_start, digest, take_over


@pytest.fixture
def trained():
    torch.manual_seed(5)
    return Detector(SMALL).eval()


def test_a_run_starts_with_the_weights_and_so_does_their_average(faces, tmp_path, trained):
    run = run_of(faces, tmp_path / "run", how={"start": trained})
    for network in (run.bare, run.average.module):
        for name, value in trained.state_dict().items():
            assert torch.equal(network.state_dict()[name], value), name


def test_other_landmarks_keep_the_trunk_and_learn_their_own_readout(trained):
    few = Detector(replace(SMALL, landmarks=5))
    left = take_over(few, trained)
    assert left == [
        f"second_{axis}.deconvolution.{kind}" for axis in "xy" for kind in ("bias", "weight")
    ]
    pairs = zip(few.trunk.parameters(), trained.trunk.parameters(), strict=True)
    assert all(torch.equal(own, given) for own, given in pairs)
    assert take_over(Detector(SMALL), trained) == []


def test_another_trunk_is_refused_before_a_folder_is_made(faces, tmp_path, trained):
    wide = Preset(replace(SMALL, width=32), QUICK, "")
    with pytest.raises(ValueError, match=r"trunk\..* has the shape .* here, .* there"):
        Run(wide, faces, tmp_path / "run", start=trained, progress=False)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_only_with_the_start_it_had(faces, tmp_path, trained):
    run_of(faces, tmp_path / "run", how={"start": trained}).save()
    noted = json.loads((tmp_path / "run/run.json").read_text())["start"]
    assert noted == digest(trained) and noted != digest(Detector(SMALL))
    with pytest.raises(
        CheckpointError, match=f"start: the weights {noted} there, random weights asked"
    ):
        run_of(faces, tmp_path / "run", resume=True)
    assert run_of(faces, tmp_path / "run", resume=True, how={"start": trained}).step == 0


def test_weights_that_were_taught_by_another_loss_are_refused(trained):
    network = Detector(replace(SMALL, loss="cross_entropy"))
    before = network.state_dict()["trunk.stem.0.weight"].clone()
    with pytest.raises(ValueError, match="taught by loss=cross_entropy, .* by l2: .* set loss=l2"):
        take_over(network, trained)
    assert torch.equal(network.state_dict()["trunk.stem.0.weight"], before)


def test_only_a_detector_that_was_trained_and_is_inside_a_tracker_can_be_left_as_it_is(trained):
    frozen = replace(QUICK, freeze_detector=True)
    tracker = TrackerConfig(**asdict(SMALL))
    said = check_start(Preset(tracker, frozen, ""), trained)
    assert said.startswith("what the weights to start from do not have begins anew: ")
    assert "detector." not in said
    few = replace(tracker, landmarks=5)
    with pytest.raises(
        ValueError, match=r"do not fit your 5 points, they are for 68, and would stay ra"
    ):
        check_start(Preset(few, frozen, ""), trained)
    assert "5 points instead of 68" in check_start(Preset(few, QUICK, ""), trained)
    assert check_start(Preset(SMALL, QUICK, ""), trained) == ""
    assert check_start(Preset(SMALL, QUICK, ""), None) == ""
    with pytest.raises(ValueError, match="that is random: start from a trained detector"):
        check_start(Preset(tracker, frozen, ""), None)
    with pytest.raises(ValueError, match="a detector has none: set freeze_detector=false"):
        check_start(Preset(SMALL, frozen, ""), trained)


def test_a_recurrent_2d_tracker_begins_with_a_2d_detectors_weights_and_makes_nothing_of_its_maps():
    few = {"landmarks": 5, "size": 64, "depth": 1, "width": 16, "bins": 32}
    detector = build(Heatmaps2dConfig(**few))
    before = detector.state_dict()["trunk.stem.0.weight"].clone()
    tracker = build(Recurrent2dConfig(**few))
    left = take_over(tracker, detector)
    assert left and all(name.startswith("pose_layers.") for name in left)
    first = tracker.state_dict()["trunk.stem.0.weight"]
    assert torch.equal(first[:, :3], before) and first.shape[1] == 3 + 5
    assert not first[:, 3:].any()
    assert torch.equal(detector.state_dict()["trunk.stem.0.weight"], before)
    for name, value in detector.state_dict().items():
        if name != "trunk.stem.0.weight":
            assert torch.equal(tracker.state_dict()[name], value), name
    state = tracker.start()
    picture, poses = torch.rand(1, 3, 64, 64), state.poses
    with torch.no_grad():
        seen, _ = tracker.eval().step(picture, state)
        fed, _ = tracker.step(
            picture, state._replace(maps=torch.rand_like(state.maps), poses=poses)
        )
    assert torch.equal(seen, fed)
