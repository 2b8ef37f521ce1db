"""Studies: arms that differ in one thing, runs that go on where they were cut short."""

import json
from dataclasses import replace

import numpy as np
import pytest
from faces300w import make_300w
from smallruns import QUICK, SMALL

from onedheat import studies
from onedheat.models import build
from onedheat.presets import Preset
from onedheat.studies import make, plan
from onedheat.training.many import RESULT

LOOKS = {"dark", "centroid", "argmax", "mirrored", "redrawn", "jittered", "jittered, redrawn"}


# The plan -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("study", plan.STUDIES.values(), ids=plan.STUDIES)
def test_arms_have_names_and_presets_of_their_own(study):
    names = [make.folder_of(make.Path(), arm.name, 0) for arm in study.arms]
    assert len(set(names)) == len(names)
    whole = [(arm.preset, arm.start) for arm in study.arms]
    assert len(set(whole)) == len(whole)
    assert {arm.preset.train.batch_size for arm in study.arms} == {16}
    assert len(set(study.seeds)) == len(study.seeds) >= 2


def test_arms_of_the_recipe_have_one_budget_but_the_one_that_asks_for_more():
    longer = [arm.name for arm in plan.RECIPE.arms if arm.preset.train.passes != plan.TRAIN.passes]
    assert longer == ["twice as long"]


def test_all_systems_stand_on_one_trunk():
    trunks = {
        (arm.preset.detector.width, arm.preset.detector.depth, arm.preset.detector.stacks)
        for arm in plan.SYSTEMS.arms
    }
    assert len(trunks) == 1
    assert len({arm.preset.train for arm in plan.SYSTEMS.arms}) == 1


def test_every_system_has_a_name_of_its_own():
    assert list(plan.SYSTEM_NAMES) == [arm.name for arm in plan.SYSTEMS.arms]
    assert len(set(plan.SYSTEM_NAMES.values())) == len(plan.SYSTEM_NAMES)
    lengths = {
        f"1D, L = {plan.SYSTEMS.arm(name).preset.detector.bins}" for name in ("1d@3", "1d@0.5")
    }
    assert lengths == {plan.SYSTEM_NAMES["1d@3"], plan.SYSTEM_NAMES["1d@0.5"]}


def test_an_empty_start_gives_almost_nothing_and_differs_in_the_last_layers_alone():
    config = plan.NETWORK
    empty = plan.RECIPE.arm("empty start").start(config, 3)
    assert empty.second_x.deconvolution.weight.abs().max() < 0.01
    assert empty.second_x.deconvolution.bias.abs().max() == 0
    assert build(config).second_x.deconvolution.weight.abs().max() > 0.02


def test_every_change_of_the_recipe_has_a_part_and_words_of_its_own():
    arms = [arm for changes in plan.CHANGES.values() for arm in changes]
    words = [said for changes in plan.CHANGES.values() for said in changes.values()]
    assert sorted(arms) == sorted(arm.name for arm in plan.RECIPE.arms[1:])
    assert len(set(words)) == len(words)


def test_what_was_measured_is_put_part_by_part_and_what_was_not_is_left_out():
    assert plan.in_parts({"base": 0, "twice as long": 1, "wider": 2, "gamma 0": 3}) == {
        "length": {"twice the passes": 1},
        "network": {"no co-attention, γ = 0": 3, "half again as wide": 2},
    }


# Carrying it out ----------------------------------------------------------------------------------


@pytest.fixture
def small_study(monkeypatch):
    """Two arms, two seeds, three folds, one pass."""
    base = Preset(replace(SMALL, loss="cross_entropy"), replace(QUICK, passes=1), "")
    arms = (plan.Arm("base", base), plan.Arm("loss l2", replace(base, detector=SMALL)))
    study = plan.Study("which loss?", arms, seeds=(0, 1), folds=3)
    monkeypatch.setitem(make.STUDIES, "loss", study)
    return study


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_300w(tmp_path_factory.mktemp("300w"), faces=24)


def carry_out(root, out):
    """What `make` does, in this process."""
    for seed in make.STUDIES["loss"].seeds:
        for arm in make.STUDIES["loss"].arms:
            assert make._train_named("loss", arm.name, seed, root, out)


def test_what_was_measured_is_shipped_and_read(small_study, root, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"seed0 is not finished"):
        make.ship("loss", tmp_path / "out", tmp_path / "home")
    carry_out(root, tmp_path / "out")
    make.ship("loss", tmp_path / "out", tmp_path / "home")
    monkeypatch.setattr(studies, "HOME", tmp_path / "home")
    found = studies.results("loss")
    assert list(found) == ["base", "loss l2"]
    assert set(found["base"].nrmse) == LOOKS
    assert len(found["base"].nrmse["dark"]) == 2
    of_base, of_l2 = (found[name].nrmse["dark"] for name in found)
    assert len({*of_base, *of_l2}) == 4
    with pytest.raises(FileNotFoundError, match="no results of a study 'los' .* there are: loss"):
        studies.results("los")


def test_what_is_finished_is_shipped_and_counts_as_finished_elsewhere(small_study, root, tmp_path):
    out, home, elsewhere = (tmp_path / name for name in ("out", "home", "elsewhere"))
    for arm, seed in (("base", 0), ("base", 1), ("loss l2", 0)):
        folder = make.folder_of(out, arm, seed)
        folder.mkdir(parents=True)
        result = {"nrmse": {"dark": 4.0 + seed}, "seconds": 1.0, "weights": 10}
        (folder / RESULT).write_text(json.dumps(result))
    make.ship("loss", out, home)
    runs = json.loads((home / "loss.json").read_text())
    assert {arm: len(seeds) for arm, seeds in runs.items()} == {"base": 2, "loss l2": 1}
    found = studies.read_results(home / "loss.json")
    assert studies.differences(found) == {"loss l2": (0.0,)}

    make.take_shipped("loss", elsewhere, home)
    there = {str(path.relative_to(elsewhere)) for path in elsewhere.rglob(RESULT)}
    assert there == {f"base/seed0/{RESULT}", f"base/seed1/{RESULT}", f"loss-l2/seed0/{RESULT}"}
    make.ship("loss", elsewhere, tmp_path / "again")
    assert (tmp_path / "again" / "loss.json").read_text() == (home / "loss.json").read_text()


def test_a_finished_run_is_not_done_again_and_an_unfinished_one_goes_on(
    small_study, root, tmp_path
):
    carry_out(root, tmp_path)
    finished, other = (make.folder_of(tmp_path, "base", seed) / RESULT for seed in (0, 1))
    before, was = finished.stat().st_mtime_ns, json.loads(other.read_text())["nrmse"]
    other.unlink()
    carry_out(root, tmp_path)
    assert finished.stat().st_mtime_ns == before
    assert json.loads(other.read_text())["nrmse"] == was


def test_a_result_of_ones_own_is_not_replaced_by_what_was_shipped(small_study, tmp_path):
    own = make.folder_of(tmp_path / "out", "base", 0) / RESULT
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    (tmp_path / "loss.json").write_text(json.dumps({"base": [{"nrmse": {"dark": 4.0}}]}))
    make.take_shipped("loss", tmp_path / "out", tmp_path)
    assert own.read_text() == "{}"


def test_each_seed_holds_out_another_part_of_the_photos(small_study, root):
    parts = [make.faces_of(small_study, root, seed) for seed in (0, 1, 2)]
    held = [{str(sample.source) for sample in out.samples} for _, out in parts]
    assert not (held[0] & held[1] or held[0] & held[2] or held[1] & held[2])
    trained = {str(sample.source) for sample in parts[0][0].samples}
    assert not trained & held[0] and held[1] <= trained


def test_an_unknown_arm_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        make.main(["recipe", "--root", str(tmp_path), "--out", str(tmp_path), "--only", "luck"])
    assert "no arm luck; there are: base, loss l2" in capsys.readouterr().err


def test_differences_are_taken_seed_by_seed():
    measured = {
        "base": studies.Result({"dark": (4.0, 5.0), "mirrored": (3.5, 4.75)}, 10, (1.0, 1.0)),
        "wider": studies.Result({"dark": (3.5, 5.25), "mirrored": (3.0, 4.75)}, 20, (2.0, 2.0)),
    }
    assert studies.differences(measured) == {"wider": (-0.5, 0.25)}
    assert studies.differences(measured, "mirrored") == {"wider": (-0.5, 0.0)}
    assert studies.looks_apart(measured["base"]) == {"mirrored": (-0.5, -0.25)}


# Chance -------------------------------------------------------------------------------------------


def test_of_two_seeds_the_standard_error_is_half_of_what_lies_between_them():
    assert studies.standard_error((-0.5, 0.25)) == pytest.approx(0.375)
    assert studies.standard_error((-0.5,)) is None


def test_seeds_scatter_as_those_of_a_typical_change():
    changes = {"a": (0.1, 0.2), "b": (-0.1, 0.1), "lucky": (1.0, 2.0), "one seed": (0.4,)}
    assert studies.scatter(changes.values()) == pytest.approx(0.2)
    assert studies.scatter([(0.1,), (0.2,)]) is None


@pytest.mark.parametrize(
    ("seeds", "scatter", "beyond"),
    [
        ((-0.5, -0.3), 0.1, True),
        ((0.3, 0.5), 0.1, True),
        ((0.05, 0.5), 0.1, False),  # one of them is within
        ((-0.5, 0.5), 0.1, False),
        ((-0.5,), 0.1, False),
        ((-0.5, -0.3), None, False),
    ],
)
def test_beyond_chance_is_what_lies_outside_it_with_its_standard_error(seeds, scatter, beyond):
    assert studies.beyond_chance(seeds, scatter) is beyond


def test_a_change_that_does_nothing_is_beyond_chance_once_in_twenty_times():
    drawn = np.random.default_rng(0).normal(size=(4000, 2)).tolist()
    scatter = studies.scatter(drawn)
    assert scatter == pytest.approx(1, abs=0.1)
    assert np.mean([studies.beyond_chance(seeds, scatter) for seeds in drawn]) < 0.07
