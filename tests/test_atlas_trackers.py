"""The atlas' trackers: what they are taught and measured on, and that they come back as they were."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from onedheat import atlas
from onedheat.atlas import clips as atlas_clips
from onedheat.atlas import make, plan
from onedheat.checkpoints import load_detector
from onedheat.course.tracked import drawn_clips
from onedheat.data.synthetic.clips import SyntheticFrames
from onedheat.geometry import tight_box
from onedheat.metrics import point_errors
from onedheat.models import Tracker
from onedheat.models.folder import CheckpointError, read_folder
from onedheat.pipeline import Landmarker
from onedheat.seed_results import read_results, write_results

FRAMES = 6


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Two clips, in both of which something passes."""
    file = tmp_path_factory.mktemp("clips") / "few.npy"
    return atlas_clips.kept_clips(2, 12, 5, file, occluders="test")


# Its clips ----------------------------------------------------------------------------------------


def test_kept_clips_are_the_drawn_ones(clips):
    drawn = SyntheticFrames(
        5, 1, 12, atlas_clips.PICTURE, atlas_clips.FPS, "test", atlas_clips.PASSING
    )
    clip = clips.clips[1]
    assert np.array_equal(clip.frames[7], drawn[7])
    assert np.array_equal(clip.landmarks[7], drawn.posed(7).landmarks())
    assert np.array_equal(np.stack(list(clip.frames))[7], drawn[7])
    with pytest.raises(IndexError, match="frames 0 to 11, not 12"):
        clip.frames[12]


def test_they_are_drawn_once_and_a_file_of_others_is_named(tmp_path):
    file = tmp_path / "few.npy"
    first = atlas_clips.kept_clips(1, 2, 5, file)
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    again = atlas_clips.kept_clips(1, 2, 5, file)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == before
    assert np.array_equal(again.clips[0].landmarks, first.clips[0].landmarks)
    with pytest.raises(ValueError, match=r"few\.npy holds pictures of shape \(1, 2, .*remove it"):
        atlas_clips.kept_clips(1, 3, 5, file)


def test_what_passes_covers_some_landmarks_in_some_frames(clips):
    covered = ~np.stack([clip.visible for clip in clips.clips])
    assert 0.02 < covered.mean() < 0.4
    assert covered.any(axis=2).any(axis=1).all(), "a clip in which nothing passes"
    assert (~covered).all(axis=2).any(), "no frame without anything in front"


# What is measured ---------------------------------------------------------------------------------


def test_a_tracker_that_has_learned_nothing_finds_what_its_detector_does(clips):
    detector = atlas.load("1d-L16-gamma0.4")
    found = make.measure_on_clips(Tracker.from_detector(detector), detector, clips)
    for kind, part in (("nrmse", ""), ("nrmse", ", covered"), ("jitter", ""), ("lag", "")):
        with_memory, alone = (
            found[kind][look + part] for look in ("with memory", "frame by frame")
        )
        assert with_memory == pytest.approx(alone, rel=1e-6, nan_ok=True)  # lag, of so few frames
    assert 0 < found["jitter"]["labels"] < found["jitter"]["with memory"]


def test_errors_are_of_all_landmarks_and_of_those_that_are_covered(clips):
    detector = atlas.load("1d-L16-gamma0.4")
    found = make.measure_on_clips(Tracker.from_detector(detector), detector, clips)["nrmse"]
    errors, covered = [], []
    for clip in clips.clips:
        boxes = [tight_box(clip.landmarks[max(0, t - 1)], 1.25) for t in range(len(clip))]
        located = Landmarker(detector).locate(list(clip.frames), np.stack(boxes)).landmarks
        apart = np.linalg.norm(clip.landmarks[:, 45] - clip.landmarks[:, 36], axis=1)
        errors.append(point_errors(located, clip.landmarks, apart))
        covered.append(~clip.visible)
    errors, covered = np.concatenate(errors), np.concatenate(covered)
    assert found["frame by frame"] == pytest.approx(errors.mean(), rel=1e-6)
    assert found["frame by frame, covered"] == pytest.approx(errors[covered].mean(), rel=1e-6)


def test_what_was_measured_is_read_by_look_and_seed(tmp_path):
    seed = {"nrmse": {"dark": 4.0}, "weights": 7, "seconds": 1.0}
    video = seed | {"jitter": {"labels": 1.0}, "lag": {"with memory": 0.5}}
    write_results(tmp_path / "results.json", {"still": [seed, seed], "moving": [video]})
    found = read_results(tmp_path / "results.json")
    assert found["still"].nrmse == {"dark": (4.0, 4.0)} and found["still"].jitter == {}
    assert found["moving"].jitter == {"labels": (1.0,)}
    assert found["moving"].lag == {"with memory": (0.5,)}


# Making them --------------------------------------------------------------------------------------


@pytest.fixture
def small_plan(monkeypatch):
    """A 1D and a 2D tracker, few short clips, one pass."""
    recipe = plan.recipe_on_clips
    how = {"passes": 1, "frames": 4, "batch_size": 2, "validation": 0.2, "validate_every": 1}
    monkeypatch.setattr(
        plan, "recipe_on_clips", lambda config, seed: replace(recipe(config, seed), **how)
    )
    for name, value in {"CLIPS": 6, "TEST_CLIPS": 2, "CLIP_FRAMES": FRAMES}.items():
        monkeypatch.setattr(make, name, value)
    one_seed = {name: replace(one, seeds=(0,)) for name, one in plan.entries().items()}
    monkeypatch.setattr(make, "entries", lambda: one_seed)
    return ["tracker-L16-decay0.3", "tracker2d-L16"]


def trained(out, name):
    entry, folder = make.entries()[name], make.folder_of(out, name, 0)
    assert make.train_one(entry, 0, *make.data_of(entry, out), folder)
    return load_detector(folder / "last"), json.loads((folder / "result.json").read_text())


def test_trackers_are_trained_measured_and_shipped_without_their_detectors_weights(
    small_plan, tmp_path, monkeypatch
):
    out, home = tmp_path / "out", tmp_path / "home"
    networks = {name: trained(out, name)[0] for name in small_plan}
    noted = trained(out, small_plan[0])[1]
    assert set(noted["nrmse"]) == {
        f"{look}{part}" for look in ("with memory", "frame by frame") for part in ("", ", covered")
    }
    make.ship(out, small_plan, home)
    results = read_results(home / "results.json")
    assert results[small_plan[0]].lag["with memory"] == (noted["lag"]["with memory"],)
    with pytest.raises(CheckpointError, match="tensors differ"):
        read_folder(home / small_plan[0])
    for start in ("1d-L16-gamma0.4", "2d-L16"):
        (home / start).symlink_to(atlas.HOME / start)
    monkeypatch.setattr(atlas, "results", lambda: atlas_results)
    atlas_results = read_results(atlas.HOME / "results.json") | results
    monkeypatch.setattr(atlas, "HOME", home)
    for name, network in networks.items():
        shipped = atlas.load(name)
        assert shipped.config == network.config
        for key, value in network.state_dict().items():
            assert torch.allclose(shipped.state_dict()[key], value, rtol=1e-3, atol=1e-6), key
    inside = atlas.load(small_plan[0]).detector.state_dict()
    for key, value in networks[small_plan[0]].detector.state_dict().items():
        assert torch.equal(inside[key], value), f"{key} of a detector that was left as it is"


def test_the_clips_that_are_measured_are_of_other_people_with_other_things_in_front(
    small_plan, tmp_path
):
    training, test = make.clips_of(tmp_path)
    assert len(training) == 6 and len(test) == 2
    assert not {clip.group for clip in training.clips} & {clip.group for clip in test.clips}
    assert (training.split, test.split) == ("train", "test")


# What is shipped ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tracker-L192-decay0.9", "tracker-L16-decay0.3", "tracker2d-L32"])
def test_shipped_trackers_have_the_error_that_is_written(name):
    """On a part of the test clips: the whole takes minutes to draw."""
    clips = drawn_clips(range(4), plan.CLIP_FRAMES)
    entry = plan.entries()[name]
    found = make.measure_on_clips(atlas.load(name), atlas.load(entry.start), clips)
    written = atlas.results()[name].nrmse
    for look in ("with memory", "frame by frame"):
        assert found["nrmse"][look] == pytest.approx(written[look][0], rel=0.25)


def test_longer_memory_finds_more_of_what_is_covered():
    """Seed by seed: all λ start from one detector and see the same clips in the same order."""
    covered = {
        decay: atlas.results()[plan.tracker(192, decay).name].nrmse["with memory, covered"]
        for decay in plan.DECAYS
    }
    for shorter, longer in pairwise(plan.DECAYS[1:]):  # 0.1 beside 0 is within what seeds differ by
        pairs = zip(covered[shorter], covered[longer], strict=True)
        assert all(more < less for less, more in pairs), (shorter, longer)
