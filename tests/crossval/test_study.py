"""The journal: one trial for each fold, one worker for each trial, and nothing that a kill can spoil."""

import sys

import pytest
from smallsearches import search_of

from onedheat.crossval.study import JOURNAL, Study
from onedheat.errors import SearchError


@pytest.fixture
def search(faces):
    return search_of(faces)


def places(study: Study, state: str) -> list:
    return [(one.value, one.fold) for one in study.states() if one.state == state]


def test_every_value_and_fold_has_one_trial_however_often_it_is_opened(search, tmp_path):
    for _ in range(3):
        study = Study(tmp_path, search)
        assert places(study, "waiting") == search.places == [(0.0, 1), (0.4, 1), (0.0, 2), (0.4, 2)]


def test_two_workers_are_never_given_the_same_fold(search, tmp_path):
    studies = [Study(tmp_path, search), Study(tmp_path, search)]
    claims = [studies[number % 2].claim() for number in range(4)]
    assert [(claim.value, claim.fold) for claim in claims] == search.places
    assert [study.claim() for study in studies] == [None, None]
    assert len(studies[0].states()) == 4  # `ask` has not made up a fifth
    assert places(studies[1], "running") == search.places and not studies[0].finished()


def test_what_a_worker_leaves_unfinished_is_taken_over_first(search, tmp_path):
    first, second = Study(tmp_path, search), Study(tmp_path, search)
    with first.claim() as left:
        assert (second.claim().value, left.value) == (0.4, 0.0)  # the second's is let go at once
    taken = second.claim()
    assert (taken.value, taken.fold, taken.folder) == (left.value, left.fold, left.folder)
    second.record(taken, 3.5, faces=12, seconds=1.0)
    assert places(first, "complete") == [(0.0, 1)]


def test_a_fold_that_is_done_is_never_given_again(search, tmp_path):
    study = Study(tmp_path, search)
    for number in range(4):
        with study.claim() as claim:
            study.record(claim, 3.0 + number, faces=12, seconds=60.0)
    assert study.finished() and study.claim() is None
    again = Study(tmp_path, search)
    assert again.claim() is None
    assert [(one.nrmse, one.faces, one.seconds) for one in again.states()] == [
        (3.0 + number, 12, 60.0) for number in range(4)
    ]


@pytest.mark.parametrize("nrmse", [None, float("nan"), float("inf")])
def test_a_fold_that_fails_is_noted_with_its_fault_and_the_others_go_on(search, tmp_path, nrmse):
    study = Study(tmp_path, search)
    with study.claim() as claim:
        if nrmse is None:
            study.fail(claim, "the loss is nan at step 3")
        else:
            study.record(claim, nrmse, faces=12, seconds=1.0)
    failed = study.states()[0]
    assert failed.state == "fail" and failed.finished and failed.nrmse is None
    assert failed.fault == (
        "the loss is nan at step 3" if nrmse is None else f"its NRMSE is {nrmse}"
    )
    with study.claim() as claim:
        assert (claim.value, claim.fold) == (0.4, 1)


# What is refused ------------------------------------------------------------------------------------


def test_another_grid_data_or_recipe_in_the_same_folder_is_refused(faces, search, tmp_path):
    Study(tmp_path, search)
    before = (tmp_path / JOURNAL).read_bytes()
    for other, words in (
        (search_of(faces, ["0", "0.5"]), "values: "),
        (search_of(faces, folds=3), "folds: 2 there, 3 asked for"),
        (search_of(faces, learning_rate=0.5), "train.learning_rate: 0.001 there, 0.5 asked for"),
        (search_of(faces.drawn(20)), "data.faces: 24 there, 20 asked for"),
    ):
        with pytest.raises(SearchError, match=f"was begun with another search.*{words}"):
            Study(tmp_path, other)
    assert (tmp_path / JOURNAL).read_bytes() == before


@pytest.mark.parametrize(
    "content, words",
    [
        (b"hello\n", "line 1: "),
        (b"\x00\xff\x01\n", "line 1: "),
        (b'{"op_code": 0}\n', "damaged"),
        (b"no end", "only line has no end"),
        (b"[]\n", "line 1: "),
    ],
)
def test_a_journal_that_is_none_is_refused_and_left_as_it_is(search, tmp_path, content, words):
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(SearchError, match=f"{JOURNAL} is damaged, or no study.*{words}|{words}"):
        Study(tmp_path, search)
    assert (tmp_path / JOURNAL).read_bytes() == content


def test_the_study_of_something_else_is_refused(search, tmp_path):
    import optuna

    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL))
    storage = optuna.storages.JournalStorage(backend)
    optuna.create_study(storage=storage, study_name="dinner").enqueue_trial({"salt": 1.0})
    with pytest.raises(SearchError, match="it holds the study 'dinner'"):
        Study(tmp_path, search)


def test_damage_in_the_middle_is_named_even_while_one_works(search, tmp_path):
    study = Study(tmp_path, search)
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join([*lines[:2], b"{brok\n", *lines[3:]]))
    for use in (study.claim, lambda: Study(tmp_path, search)):
        with pytest.raises(SearchError, match=f"{JOURNAL} is damaged.*line 3"):
            use()


def test_a_folder_of_other_things_is_left_alone(search, tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    with pytest.raises(SearchError, match=r"holds holiday\.jpg but no study\.journal"):
        Study(tmp_path, search)
    with pytest.raises(SearchError, match=r"holiday\.jpg cannot be a folder"):
        Study(tmp_path / "holiday.jpg", search)


def test_without_optuna_one_sentence_says_what_to_install(search, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SearchError, match=r"^crossval needs optuna.*onedheat\[search\]'$"):
        Study(tmp_path, search)


# What survives --------------------------------------------------------------------------------------


def test_a_line_that_was_cut_short_is_dropped_and_what_it_said_is_said_again(search, tmp_path):
    study = Study(tmp_path, search)
    with study.claim() as claim:
        study.record(claim, 3.5, faces=12, seconds=1.0)
    whole = (tmp_path / JOURNAL).read_bytes()
    for cut in (1, 20, len(whole) - whole[:-1].rfind(b"\n") - 2):
        (tmp_path / JOURNAL).write_bytes(whole[:-cut])  # the line that completes the trial
        again = Study(tmp_path, search)
        assert places(again, "running") == [(0.0, 1)]
        with again.claim() as claim:
            again.record(claim, 3.5, faces=12, seconds=1.0)
        assert places(Study(tmp_path, search), "complete") == [(0.0, 1)]


@pytest.mark.parametrize("lines", [1, 2, 4])
def test_making_a_study_may_be_cut_short_anywhere(search, tmp_path, lines):
    Study(tmp_path, search)
    whole = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    assert len(whole) == 6  # the study, what was asked for, four trials
    (tmp_path / JOURNAL).write_bytes(b"".join(whole[:lines]))
    assert places(Study(tmp_path, search), "waiting") == search.places


def test_a_full_disk_is_named_and_loses_nothing(search, tmp_path, monkeypatch):
    study = Study(tmp_path, search)
    claim = study.claim()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as change:
        change.setattr("os.fsync", full)
        with pytest.raises(SearchError, match="No space left on device.*the same command goes on"):
            study.record(claim, 3.5, faces=12, seconds=1.0)
    with claim:
        pass
    again = Study(tmp_path, search)
    with again.claim() as claim:
        again.record(claim, 3.5, faces=12, seconds=1.0)
    assert places(again, "complete") == [(0.0, 1)]
