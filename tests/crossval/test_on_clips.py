"""A tracker's λ is chosen on clips: the same folds, journal and words as for faces, and more figures."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from smallruns import SMALL, stop_after
from smallsearches import search_on_clips

from onedheat.crossval import work
from onedheat.crossval.folds import divided_in_folds
from onedheat.crossval.states import BESIDE
from onedheat.crossval.study import JOURNAL, Study
from onedheat.data.clip_store import stored
from onedheat.data.clips import joined
from onedheat.data.pts import PtsFiles
from onedheat.data.synthetic import synthetic_clips
from onedheat.errors import DataError, SearchError
from onedheat.evaluation import evaluate_clips
from onedheat.models import Detector
from onedheat.pipeline import Landmarker
from onedheat.training.settings import differences
from onedheat.training.starting import digest


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Four clips of four frames, in the last of which half the landmarks are hidden."""
    drawn = synthetic_clips(4, frames=4, size=48, occluders=None)
    for clip in drawn.clips:
        clip.visible[-1, ::2] = False
    return stored(drawn, tmp_path_factory.mktemp("clips"))


def detector(seed: int = 0) -> Detector:
    torch.manual_seed(seed)
    return Detector(SMALL).eval()


@pytest.fixture(scope="module")
def start():
    return detector()


@pytest.fixture
def runs(monkeypatch) -> list:
    """Every run that this process begins or goes on with."""
    noted = []

    class Noted(work.Run):
        def train(self):
            noted.append(self)
            self.began_at = self.step
            return super().train()

    monkeypatch.setattr(work, "Run", Noted)
    return noted


# What is searched -----------------------------------------------------------------------------------


def test_clips_of_one_person_are_never_on_both_sides(clips):
    twice = joined(clips, clips)
    folds = divided_in_folds(twice, 2)
    assert [fold.held_out.split for fold in folds] == [f"train-fold-{n}-of-2" for n in (1, 2)]
    for fold in folds:
        assert (len(fold.training), len(fold.held_out)) == (4, 4)
        assert set(fold.training.groups).isdisjoint(fold.held_out.groups)
    assert sorted(folds[0].held_out.groups + folds[1].held_out.groups) == sorted(twice.groups)
    with pytest.raises(DataError, match="8 clips in 4 photos cannot be divided into 5 folds"):
        divided_in_folds(twice, 5)


def test_lambda_goes_from_forgetting_all_to_forgetting_nothing(clips, start):
    search = search_on_clips(clips, start, ["1", "0", "0.5"])
    assert search.values == (0.0, 0.5, 1.0)
    assert [search.at(value).detector.decay for value in search.values] == [0.0, 0.5, 1.0]


def test_what_cannot_be_trained_is_refused_before_anything_is(clips, start):
    wide = Detector(replace(SMALL, width=32)).eval()
    for how, words in (
        ({"start": None}, "without weights to start from that is random: start from a trained"),
        ({"start": wide}, "the trunk is another one"),
        ({"start": start, "values": ["0.3", "1.1"]}, r"decay must be in \[0, 1\], got 1.1"),
        ({"start": start, "setting": "gamma"}, "gamma=0.0, the weights to start from have 0.4"),
        ({"start": start, "frames": 5}, "has 4 frames, and training clips are to have 5"),
        ({"start": start, "setting": "frames", "values": ["2", "5"]}, "has 4 frames, and training"),
    ):
        with pytest.raises((ValueError, DataError), match=words):
            search_on_clips(clips, **how)


def test_it_is_the_same_search_with_the_same_labels_and_the_same_start(clips, start):
    search = search_on_clips(clips, start)
    there = json.loads(json.dumps(search.as_json()))
    assert differences(there, search_on_clips(clips, detector()).as_json()) == []
    one = clips.clips[1]
    seen = replace(
        clips, clips=(clips.clips[0], replace(one, visible=~one.visible), *clips.clips[2:])
    )
    moved = replace(one, annotation=one.landmarks + 0.01)
    for other in (seen, replace(clips, clips=(clips.clips[0], moved, *clips.clips[2:]))):
        (difference,) = differences(there, search_on_clips(other, start).as_json())
        assert difference.startswith("data: other faces or labels there")


def test_labels_in_files_are_read_to_tell_a_search_from_another(clips, start, tmp_path):
    def write(number: int, landmarks) -> PtsFiles:
        folder = tmp_path / str(number)
        folder.mkdir(exist_ok=True)
        for t, points in enumerate(landmarks):
            lines = "\n".join(f"{x + 1} {y + 1}" for x, y in points)
            (folder / f"{t}.pts").write_text(
                f"version: 1\nn_points: {len(points)}\n{{\n{lines}\n}}\n"
            )
        return PtsFiles(folder, tuple(f"{t}.pts" for t in range(len(landmarks))), 68)

    def asked(moved: float) -> dict:
        filed = []
        for number, clip in enumerate(clips.clips):
            landmarks = clip.landmarks.copy()
            landmarks[0, 0] += moved * (number == 2)
            filed.append(replace(clip, annotation=write(number, landmarks)))
        return json.loads(
            json.dumps(search_on_clips(replace(clips, clips=tuple(filed)), start).as_json())
        )

    before = asked(0)
    assert differences(before, asked(0)) == []
    assert differences(before, asked(1)) == [
        "data: other faces or labels there, those of today asked for"
    ]


# What is done ---------------------------------------------------------------------------------------


def test_each_fold_is_measured_on_every_frame_with_memory_and_only_once(
    clips, start, tmp_path, runs
):
    search = search_on_clips(clips, start)
    assert work.work(search, tmp_path)
    assert [(run.out.parent.name, run.out.name) for run in runs] == [
        (f"decay={value}", f"fold-{fold:02d}") for value, fold in search.places
    ]
    rows = list(csv.DictReader((tmp_path / "folds.csv").read_text().splitlines()))
    states = {(one.value, one.fold): one for one in Study(tmp_path, search).states()}
    for run, (value, fold) in zip(runs, search.places, strict=True):
        assert run.bare.config.decay == value
        trained = run.bare.detector.state_dict()
        assert all(torch.equal(trained[name], own) for name, own in start.state_dict().items())
        report = evaluate_clips(Landmarker(run.average.module), search.divided[fold - 1].held_out)
        state = states[value, fold]
        assert (state.state, state.faces) == ("complete", 8) and report.clips == 2
        assert state.nrmse == pytest.approx(report.nrmse)
        (row,) = [row for row in rows if (row["decay"], row["fold"]) == (str(value), str(fold))]
        for name in BESIDE:
            assert getattr(state, name) == pytest.approx(getattr(report, name))
            assert float(row[name]) == getattr(state, name)
    runs.clear()
    results = work.run(search, tmp_path, progress=False)
    assert runs == [] and results.complete
    assert (results.data, results.beside) == ("synthetic, train, 4 clips", list(BESIDE))


def test_a_fold_that_was_cut_short_goes_on_where_it_was(clips, start, tmp_path, runs, monkeypatch):
    search = search_on_clips(clips, start, ["0.3"], passes=2)

    class Killed(work.Run):
        def train(self):
            stop_after(self, 1, self.die)
            return super().train()

        def die(self):
            self.save()
            raise KeyboardInterrupt

    with monkeypatch.context() as change:
        change.setattr(work, "Run", Killed)
        with pytest.raises(KeyboardInterrupt):
            work.work(search, tmp_path / "cut")
    runs.clear()
    for out in ("cut", "whole"):
        work.work(search, tmp_path / out)
    assert [run.began_at for run in runs] == [1, 0, 0, 0]
    cut, whole = (
        [(one.nrmse, one.jitter) for one in Study(tmp_path / out, search).states()]
        for out in ("cut", "whole")
    )
    assert cut == whole


def test_another_start_in_the_same_folder_is_refused(clips, start, tmp_path):
    Study(tmp_path, search_on_clips(clips, start))
    before = (tmp_path / JOURNAL).read_bytes()
    own = digest(start)
    for other, asked in (
        (detector(1), f"the weights {digest(detector(1))}"),
        (None, "random weights"),
    ):
        search = search_on_clips(clips, start)
        with pytest.raises(SearchError, match=f"start: the weights {own} there, {asked} asked for"):
            Study(tmp_path, replace(search, start=other))
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_rate_with_which_heatmaps_are_not_finite_fails_and_the_search_goes_on(
    clips, start, tmp_path
):
    search = search_on_clips(
        clips,
        start,
        ["1e-3", "1e30"],
        setting="learning_rate",
        warmup_steps=0,
        schedule="constant",
        freeze_detector=False,
    )
    assert work.work(search, tmp_path)
    results = work.run(search, tmp_path, progress=False)
    assert results.complete and results.best == 1e-3
    assert [(one.value, one.fold) for one in results.failed] == [(1e30, 1), (1e30, 2)]
    assert all("the network gave values that are not finite" in one.fault for one in results.failed)
    assert "learning_rate=1e+30 failed on fold 1: the network gave values" in results.as_text()
