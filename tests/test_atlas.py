"""The atlas: what is shipped is whole and true; what makes it can be cut short and goes on."""

import json
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

SHIPPED = 10 * 10**6  # bytes, all together


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
    assert len(names) == 7 + 10 + 3


def test_all_networks_share_trunk_and_recipe():
    entries = list(plan.entries().values())
    trunks = {(one.config.size, one.config.width, one.config.depth) for one in entries}
    assert len(trunks) == 1
    assert len({one.preset(0).train for one in entries}) == 1
    assert entries[0].preset(2).train == replace(entries[0].preset(0).train, seed=2)


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
    """Two networks, one seed, few faces, one pass."""
    recipe = plan.recipe
    monkeypatch.setattr(plan, "recipe", lambda seed: replace(recipe(seed), passes=1, batch_size=8))
    monkeypatch.setattr(make, "FACES", 24)
    monkeypatch.setattr(make, "TEST_FACES", 4)
    monkeypatch.setattr(make, "SEEDS", (0, 1))
    return ["1d-L16-gamma0.4", "2d-L16"]


def train_all(out, names):
    """What `make` does, in this process."""
    training, test = make.faces_of(out)
    for seed in make.SEEDS:
        for name in names:
            make.train_one(
                plan.entries()[name], seed, training, test, make.folder_of(out, name, seed)
            )


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
    assert set(results) == set(plan.entries())
    for name, result in results.items():
        for by_seed in result.nrmse.values():
            assert len(by_seed) == len(plan.SEEDS)
            assert len(set(by_seed)) == len(by_seed), f"{name}: two seeds agree to the last digit"


def test_all_weights_together_are_small():
    sizes = [path.stat().st_size for path in atlas.HOME.rglob("*") if path.is_file()]
    assert sum(sizes) <= SHIPPED


def test_one_look_measures_what_evaluation_does_for_each_decoder():
    network, faces = atlas.load("2d-L16"), synthetic_faces(4, seed=1, size=112)
    found = make.measure(network, faces)
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
    found = make.measure(network, faces)["dark"]
    assert found == pytest.approx(atlas.results()[name].nrmse["dark"][0], rel=0.2)


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(CheckpointError, match=r"no network '1d-L17'; it has: 1d-L16-gamma0\.4"):
        atlas.load("1d-L17")
