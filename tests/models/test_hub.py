"""Networks as the Hugging Face hub has them: what is pushed is what `onedheat.load` takes."""

import copy
import pickle
from pathlib import Path

import huggingface_hub
import pytest
import torch

from onedheat import checkpoints
from onedheat.checkpoints import CheckpointError, load_detector
from onedheat.models import Detector, DetectorConfig
from onedheat.models.compared import Heatmaps2d, Heatmaps2dConfig

SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)
PICTURE = torch.rand(1, 3, 64, 64)


@pytest.fixture
def detector():
    return Detector(SMALL).eval()


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one(PICTURE), other(PICTURE), strict=True))


def test_a_saved_folder_is_a_checkpoint_and_the_other_way_round(detector, tmp_path):
    detector.save_pretrained(tmp_path / "hub")
    assert same(load_detector(tmp_path / "hub"), detector)
    checkpoints.save_detector(detector, tmp_path / "own")
    loaded = Detector.from_pretrained(tmp_path / "own")
    assert loaded.config == SMALL and not loaded.training and same(loaded, detector)
    names = {path.name for path in (tmp_path / "hub").iterdir()}
    assert names == {"config.json", "model.safetensors", "README.md"}


def test_calibration_and_a_scheme_of_one_s_own_go_along(tmp_path):
    shipped = load_detector("synthetic68")
    shipped.save_pretrained(tmp_path)
    assert Detector.from_pretrained(str(tmp_path)).calibration == shipped.calibration
    card = (tmp_path / "README.md").read_text()
    assert f"calibrated on {shipped.calibration.faces} faces" in card
    assert "68 ibug68 landmarks" in card


def test_pushing_uploads_the_folder_that_load_takes(detector, tmp_path, monkeypatch):
    """A hub on disk takes the place of the one in the network."""
    hub = tmp_path / "hub"

    def upload(self, *, repo_id, folder_path, **how):
        there = hub / repo_id
        there.mkdir(parents=True)
        for path in Path(folder_path).iterdir():
            (there / path.name).write_bytes(path.read_bytes())
        return f"https://huggingface.co/{repo_id}"

    def download(repository, allow_patterns, **how):
        asked.append(how)
        return str(hub / repository)

    asked = []
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload)
    made = lambda self, repo_id, **how: huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")  # noqa: E731
    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", made)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.chdir(tmp_path)  # where no folder user/net is
    detector.push_to_hub("user/net")
    assert same(load_detector("user/net"), detector)

    pulled = Detector.from_pretrained("user/net", revision="v2", token="secret")
    assert same(pulled, detector)
    assert asked[-1]["revision"] == "v2" and asked[-1]["token"] == "secret"


def test_a_network_of_another_kind_is_refused(tmp_path):
    Heatmaps2d(Heatmaps2dConfig(width=16, size=64, bins=16)).save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match=r"no Detector; Heatmaps2d\.from_pretrained"):
        Detector.from_pretrained(tmp_path)


def test_the_mixin_leaves_copies_and_pickles_whole(detector):
    assert same(copy.deepcopy(detector), detector)
    assert same(pickle.loads(pickle.dumps(detector)), detector)
