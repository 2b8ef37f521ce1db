import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from onedheat import checkpoints
from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.files import folder_written_atomically
from onedheat.models import Detector, DetectorConfig

SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, landmarks=5)


@pytest.fixture
def folder(tmp_path):
    save_detector(Detector(SMALL), tmp_path / "net", card="# A card\n")
    return tmp_path / "net"


def test_what_was_saved_is_loaded(tmp_path):
    detector = Detector(SMALL).eval()
    save_detector(detector, tmp_path / "net")
    loaded = load_detector(tmp_path / "net")
    assert loaded.config == SMALL and not loaded.training
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(loaded(images).x, detector(images).x)


def test_saving_again_replaces_the_folder_and_leaves_nothing_else(folder):
    save_detector(Detector(SMALL), folder)
    assert [path.name for path in folder.parent.iterdir()] == ["net"]
    assert not (folder / "README.md").exists()


def test_other_files_of_a_folder_are_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "photo.txt").write_text("precious")
    monkeypatch.chdir(tmp_path)
    for folder in (tmp_path, "."):
        with pytest.raises(
            CheckpointError, match="holds other files .photo.txt.*folder of its own"
        ):
            save_detector(Detector(SMALL), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.txt"]


def test_a_run_s_folder_says_where_its_weights_are(tmp_path):
    save_detector(Detector(SMALL), tmp_path / "run" / "last")
    with pytest.raises(CheckpointError, match="It is a run; its weights are .*run/last"):
        load_detector(tmp_path / "run")


@pytest.mark.parametrize(
    "name, said",
    [
        ("my runs/mine", "could not be fetched"),
        ("net.onnx", "is an exported network: it can be used"),
    ],
)
def test_names_that_are_no_weights_are_one_sentence(name, said):
    with pytest.raises(CheckpointError, match=said):
        load_detector(name)


def test_a_failure_while_saving_leaves_the_old_folder_whole(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RuntimeError), folder_written_atomically(folder) as temporary:
        (temporary / "model.safetensors").write_bytes(b"half")
        raise RuntimeError("the disk is full")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["net"]


def test_weights_that_a_kill_has_put_aside_are_loaded_and_stay_there(folder):
    aside = folder.rename(folder.with_name(".net.abcd1234.old"))
    assert load_detector(folder).config == SMALL
    assert list(folder.parent.iterdir()) == [aside]


def test_files_can_be_read_by_others(folder):
    assert os.stat(folder).st_mode & 0o055 == 0o055
    assert all(os.stat(path).st_mode & 0o044 == 0o044 for path in folder.iterdir())


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(CheckpointError, match=f"has no {missing}"):
        load_detector(folder)


def test_a_truncated_file_is_said_to_be_damaged(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        load_detector(folder)


@pytest.mark.parametrize(
    "change, word",
    [
        ({"detector": {"colour": 1}}, "unknown colour"),
        ({"detector": {"size": 100}}, "multiple of"),
        ({"detector": {"size": "big"}}, "cannot be used"),
        ({"format": 2}, "format is 2"),
        ([], "cannot be used"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(folder, change, word):
    path = folder / "config.json"
    path.write_text(json.dumps(change if isinstance(change, list) else {"format": 1} | change))
    with pytest.raises(CheckpointError, match=word):
        load_detector(folder)


def test_weights_of_another_network_are_refused_with_the_first_difference(folder):
    content = json.loads((folder / "config.json").read_text())
    content["detector"]["landmarks"] = 7
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="4 tensors differ"):
        load_detector(folder)


def test_weights_in_half_precision_are_loaded_into_the_same_network(folder):
    path = folder / "model.safetensors"
    whole = load_file(path)
    save_file({k: v.half() if v.is_floating_point() else v for k, v in whole.items()}, path)
    loaded = load_detector(folder).state_dict()
    assert all(loaded[k].dtype == v.dtype for k, v in whole.items())
    assert all(torch.allclose(loaded[k], v, rtol=1e-3, atol=1e-4) for k, v in whole.items())


def test_an_unknown_name_says_what_there_is(tmp_path):
    with pytest.raises(CheckpointError, match="neither a shipped name"):
        load_detector("tiny69")


def test_a_hub_id_that_cannot_be_fetched_says_so(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*args, **kwargs):
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(CheckpointError, match="could not be fetched from the hub"):
        load_detector("someone/landmarks")


def test_a_hub_id_is_fetched_and_loaded(monkeypatch, folder):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **_: str(folder))
    assert load_detector("someone/landmarks").config == SMALL


@pytest.mark.parametrize("name", list(checkpoints.shipped()))
def test_shipped_weights_load_and_have_a_card(name):
    detector = load_detector(name)
    folder = checkpoints.shipped()[name]
    most = 16_000_000 if name.startswith("small") else 4_000_000
    assert (folder / "model.safetensors").stat().st_size <= most
    card = (folder / "README.md").read_text()
    assert "Terms" in card and "NRMSE" in card and "onedheat train" in card
    heatmaps = detector(torch.rand(1, 3, detector.config.size, detector.config.size))
    assert torch.isfinite(heatmaps.x).all()
