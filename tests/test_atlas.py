"""The atlas: what is shipped is whole and true; what makes it can be cut short and goes on."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from onedheat import atlas
from onedheat.atlas import faces as atlas_faces
from onedheat.atlas import make, plan
from onedheat.checkpoints import CheckpointError
from onedheat.data.synthetic import render_face, synthetic_faces
from onedheat.evaluation import evaluate
from onedheat.pipeline import Landmarker

SHIPPED = {"detectors": 8 * 10**6, "trackers": 3 * 10**6}  # bytes, at most


# The plan -----------------------------------------------------------------------------------------


def test_it_holds_a_network_for_every_value_of_the_sliders():
    names = plan.entries()
    for bins in plan.RESOLUTIONS:
        config = names[f"1d-L{bins}-gamma0.4"].config
        assert (config.bins, config.gamma, config.size) == (bins, 0.4, 64)
    for tenth in range(11):
        config = names[f"1d-L192-gamma0.{tenth}" if tenth < 10 else "1d-L192-gamma1.0"].config
        assert (config.bins, config.gamma) == (192, tenth / 10)
    assert [names[f"2d-L{bins}"].config.bins for bins in (16, 32, 64)] == [16, 32, 64]
    for decay in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9):
        config = names[f"tracker-L192-decay{decay}"].config
        assert (config.kind, config.bins, config.decay) == ("tracker", 192, decay)
    for bins in plan.RESOLUTIONS:
        assert names[f"tracker-L{bins}-decay0.3"].config.bins == bins
    assert [names[f"tracker2d-L{bins}"].config.bins for bins in (16, 32)] == [16, 32]
    assert len(names) == 7 + 10 + 3 + 6 + 6 + 2


def test_all_networks_share_their_trunk_and_all_of_a_sort_their_recipe():
    entries = plan.entries().values()
    trunks = {(one.config.size, one.config.width, one.config.depth) for one in entries}
    assert len(trunks) == 1
    sorts = [[one for one in entries if (one.start is None) == detector] for detector in (1, 0)]
    assert {len({one.config.kind for one in sort}) for sort in sorts} == {2}
    for kind in ("detector", "tracker", "recurrent2d"):
        recipes = {one.preset(0).train for one in entries if one.config.kind == kind}
        assert len(recipes) == 1
    first = plan.entries()["1d-L16-gamma0.4"]
    assert first.preset(2).train == replace(first.preset(0).train, seed=2)
    seen = {(one.preset(0).train.passes, one.preset(0).train.frames) for one in sorts[1]}
    assert len(seen) == 1, "1D and 2D trackers see the same clips as often"


def test_a_tracker_starts_from_the_detector_of_its_resolution_and_leaves_it_as_it_is():
    names = plan.entries()
    for name, entry in names.items():
        if not name.startswith("tracker"):
            assert entry.start is None
            continue
        start = names[entry.start].config
        assert start.bins == entry.config.bins
        one_dimensional = entry.config.kind == "tracker"
        assert entry.preset(0).train.freeze_detector == one_dimensional
        assert entry.inside == (entry.start if one_dimensional else None)
        if one_dimensional:
            assert entry.config.detector == start


def test_names_are_asked_for_by_patterns_in_the_order_of_the_plan():
    assert make.matching(["tracker2d*", "2d-L16"]) == ["2d-L16", "tracker2d-L16", "tracker2d-L32"]
    assert make.matching(["*"]) == list(plan.entries())
    with pytest.raises(ValueError, match=r"no network tracer\*; there are: 1d-L16"):
        make.matching(["2d-L16", "tracer*"])


# Its faces ----------------------------------------------------------------------------------------


def test_kept_faces_are_the_drawn_ones(tmp_path):
    faces = atlas_faces.kept_faces(3, 5, tmp_path / "few.npy")
    assert len(faces) == 3
    drawn = render_face(5, 2, atlas_faces.PICTURE)
    assert np.array_equal(faces.samples[2].image(), drawn.image)
    assert np.array_equal(faces.samples[2].landmarks, drawn.landmarks)
    again = atlas_faces.kept_faces(3, 5, tmp_path / "few.npy")
    assert np.array_equal(again.samples[0].image(), faces.samples[0].image())


def test_a_file_of_other_faces_is_named(tmp_path):
    atlas_faces.kept_faces(2, 5, tmp_path / "few.npy")
    with pytest.raises(ValueError, match=r"few\.npy holds pictures of shape \(2, .*remove it"):
        atlas_faces.kept_faces(3, 5, tmp_path / "few.npy")


# Making it ----------------------------------------------------------------------------------------


@pytest.fixture
def small_plan(monkeypatch):
    """Two networks, two seeds, few faces, one pass."""
    recipe = plan.recipe
    monkeypatch.setattr(plan, "recipe", lambda seed: replace(recipe(seed), passes=1, batch_size=8))
    monkeypatch.setattr(make, "FACES", 24)
    monkeypatch.setattr(make, "TEST_FACES", 4)
    entries = plan.entries
    two = lambda: {name: replace(entry, seeds=(0, 1)) for name, entry in entries().items()}  # noqa: E731
    monkeypatch.setattr(make, "entries", two)
    return ["1d-L16-gamma0.4", "2d-L16"]


def train_all(out, names):
    """What `make` does, in this process."""
    for name in names:
        entry = make.entries()[name]
        for seed in entry.seeds:
            make.train_one(entry, seed, *make.data_of(entry, out), make.folder_of(out, name, seed))


def test_runs_are_shipped_with_the_errors_of_every_seed(small_plan, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    train_all(out, small_plan)
    (home / "left over").mkdir(parents=True)
    make.ship(out, small_plan, home)
    assert sorted(path.name for path in home.iterdir()) == [*sorted(small_plan), "results.json"]
    found = json.loads((home / "results.json").read_text())
    measured = json.loads((out / "runs/2d-L16/seed1/result.json").read_text())
    assert found["2d-L16"][1] == measured
    assert set(measured["nrmse"]) == {"quarter", "dark", "fhr", "argmax"}
    whole = (out / "runs/2d-L16/seed0/last/model.safetensors").stat().st_size
    assert (home / "2d-L16/model.safetensors").stat().st_size < 0.6 * whole


def test_shipping_some_networks_leaves_the_others_as_they_are(small_plan, tmp_path):
    out, home = tmp_path / "out", tmp_path / "home"
    train_all(out, small_plan)
    make.ship(out, small_plan, home)
    before = json.loads((home / "results.json").read_text())
    weights = (home / "2d-L16/model.safetensors").read_bytes()
    shutil.rmtree(out / "runs/2d-L16")
    noted = out / "runs/1d-L16-gamma0.4/seed1/result.json"
    noted.write_text(json.dumps(json.loads(noted.read_text()) | {"seconds": 123.0}))
    make.ship(out, small_plan[:1], home)
    after = json.loads((home / "results.json").read_text())
    assert list(after) == small_plan
    assert after["2d-L16"] == before["2d-L16"]
    assert after["1d-L16-gamma0.4"][1]["seconds"] == 123.0
    assert (home / "2d-L16/model.safetensors").read_bytes() == weights


def test_a_finished_run_is_not_done_again(small_plan, tmp_path):
    train_all(tmp_path, small_plan[:1])
    result = tmp_path / "runs" / small_plan[0] / "seed0" / "result.json"
    before = result.stat().st_mtime_ns
    train_all(tmp_path, small_plan[:1])
    assert result.stat().st_mtime_ns == before


def test_an_unfinished_run_is_not_shipped(small_plan, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"seed0 is not finished"):
        make.ship(tmp_path, small_plan, tmp_path / "home")


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / "lock"), pytest.raises(RuntimeError, match="another process works"):
        make.make(tmp_path, ["2d-L16"])


def test_an_unknown_network_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        make.main(["--out", str(tmp_path), "--only", "3d"])
    assert "no network 3d; there are: 1d-L16-gamma0.4" in capsys.readouterr().err


# What is shipped ----------------------------------------------------------------------------------


def test_every_network_is_shipped_with_the_errors_of_every_seed():
    results = atlas.results()
    assert list(results) == list(plan.entries())
    for name, result in results.items():
        for look, by_seed in result.nrmse.items():
            assert len(by_seed) == len(plan.entries()[name].seeds)
            if not look.startswith(
                "frame by frame"
            ):  # of the one detector that all seeds start from
                assert len(set(by_seed)) == len(by_seed), (
                    f"{name}: two seeds agree to the last digit"
                )


def test_all_weights_together_are_small():
    sizes = dict.fromkeys(SHIPPED, 0)
    for path in atlas.HOME.glob("*/*"):
        kind = "trackers" if path.parent.name.startswith("tracker") else "detectors"
        sizes[kind] += path.stat().st_size
    assert all(0 < sizes[kind] <= SHIPPED[kind] for kind in SHIPPED)


def test_one_look_measures_what_evaluation_does_for_each_decoder():
    network, faces = atlas.load("2d-L16"), synthetic_faces(4, seed=1, size=112)
    found = make.measure(network, faces)["nrmse"]
    assert set(found) == set(network.decoders)
    for decoder, error in found.items():
        told = evaluate(Landmarker(network, decoder=decoder), faces).nrmse
        assert error == pytest.approx(told, rel=1e-6)


@pytest.mark.parametrize("name", ["1d-L16-gamma0.4", "1d-L192-gamma0.0", "2d-L32"])
def test_shipped_weights_have_the_error_that_is_written(name):
    """A part of the test faces: the whole takes minutes to draw."""
    network = atlas.load(name)
    assert network.config == plan.entries()[name].config
    faces = synthetic_faces(40, seed=1, size=atlas_faces.PICTURE)
    found = make.measure(network, faces)["nrmse"]["dark"]
    assert found == pytest.approx(atlas.results()[name].nrmse["dark"][0], rel=0.2)


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(CheckpointError, match=r"no network '1d-L17'; it has: 1d-L16-gamma0\.4"):
        atlas.load("1d-L17")
