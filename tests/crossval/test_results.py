"""What is said of the folds: means, standard errors and the verdict, by hand."""

import csv
import io
import json

import pytest

from onedheat.crossval.results import Results
from onedheat.crossval.states import FoldState

ERRORS = {0.1: (4.0, 5.0, 6.0), 0.4: (3.5, 4.9, 5.4), 0.5: (3.6, 4.7, 5.6)}


def results_of(errors: dict, folds: int = 3, failed: tuple = ()) -> Results:
    """Results of value → NRMSE of its first folds; the others wait, those of `failed` have failed."""
    states = []
    for value, found in errors.items():
        for fold in range(1, folds + 1):
            if (value, fold) in failed:
                states.append(FoldState(value, fold, "fail", fault="the loss is nan"))
            elif fold <= len(found):
                states.append(
                    FoldState(value, fold, "complete", found[fold - 1], faces=12, seconds=90.0)
                )
            else:
                states.append(FoldState(value, fold, "waiting"))
    return Results("gamma", folds, "drawn, train, 36 faces", tuple(states))


def test_means_and_standard_errors_are_those_of_the_folds():
    results = results_of(ERRORS)
    assert [results.mean(value) for value in ERRORS] == pytest.approx([5.0, 4.6, 13.9 / 3])
    # Deviations −1, 0, 1: a variance of 2/2, over 3 folds.
    assert results.standard_error(0.1) == pytest.approx(1 / 3**0.5)
    assert (results.best, results.complete, results.done) == (0.4, True, 9)


def test_values_are_compared_fold_by_fold():
    next_, last = results_of(ERRORS).differences()
    # 0.5 less 0.4: 0.1, −0.2, 0.2; 0.1 less 0.4: 0.5, 0.1, 0.6.
    assert (next_.value, next_.than, next_.folds) == (0.5, 0.4, 3)
    assert next_.mean == pytest.approx(0.1 / 3)
    assert next_.standard_error == pytest.approx((0.13 / 9) ** 0.5, rel=1e-6)
    assert (last.mean, last.standard_error) == pytest.approx((0.4, (0.07 / 3) ** 0.5))
    assert (next_.beyond_chance, last.beyond_chance) == (False, True)
    # Folds differ far more than values do: means alone would tell nothing apart.
    assert results_of(ERRORS).standard_error(0.4) > last.mean


def test_the_verdict_names_the_best_and_whether_the_next_is_really_worse():
    said = results_of(ERRORS).verdict()
    assert said == (
        "gamma=0.4 is best: NRMSE 4.600 ± 0.569 % on 3 folds. gamma=0.5 is next, worse by 0.033 ± "
        "0.120 points on the same 3 folds: no more than its standard error, so these folds do not tell "
        "the two apart."
    )
    said = results_of({value: ERRORS[value] for value in (0.1, 0.4)}).verdict()
    assert said.endswith(
        "worse by 0.400 ± 0.153 points on the same 3 folds: more than its standard error."
    )
    near = {0.1: (4.0, 5.0), 0.4: (3.9, 5.0), 0.5: (4.2, 4.9)}
    assert results_of(near, folds=2).verdict().endswith("Nor is it told apart from 0.5.")


def test_on_the_way_values_are_compared_on_the_folds_that_all_have():
    results = results_of({0.1: (4.0,), 0.4: (4.2, 3.0)})
    assert results.mean(0.4) < results.mean(0.1) and results.best == 0.1
    assert results.verdict().startswith(
        "gamma=0.1 is best so far: NRMSE 4.000 % on 1 fold. gamma=0.4"
    )
    assert "on one fold, which says nothing about chance" in results.verdict()
    assert not results.complete and results.done == 3
    assert results_of({0.1: (), 0.4: (4.2,)}).best == 0.4
    nothing = results_of({0.1: (), 0.4: ()})
    assert (nothing.best, nothing.verdict()) == (None, "Nothing has been measured yet.")


def test_a_value_that_failed_on_a_fold_is_not_chosen_and_its_fault_is_told():
    results = results_of(ERRORS, failed=((0.4, 2),))
    assert results.best == 0.5 and results.complete
    assert results.verdict().endswith("gamma=0.4 failed on fold 2: the loss is nan.")
    (failed,) = results.as_json()["failed"]
    assert failed == {"value": 0.4, "fold": 2, "fault": "the loss is nan"}
    everything = tuple((value, 1) for value in ERRORS)
    assert results_of(ERRORS, failed=everything).best is None


def test_the_table_has_a_line_for_each_value():
    lines = results_of({0.1: (4.0, 5.0), 0.4: ()}).as_text().splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["gamma", "NRMSE", "%", "±", "s.e.", "folds"],
        ["0.1", "4.500", "0.500", "2/3"],
        ["0.4", "0/3"],
    ]
    assert lines[3].startswith("gamma=0.1 is best so far")


def test_json_has_every_fold_and_nothing_that_is_no_json():
    values = results_of({0.1: (4.0, 5.0), 0.4: (3.0,)}).as_json()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert (values["setting"], values["best"], values["complete"]) == ("gamma", 0.4, False)
    assert values["nrmse"] == 3.0 and values["standard_error"] is None
    assert values["values"][0] == {
        "value": 0.1, "nrmse": 4.5, "standard_error": pytest.approx(0.5), "folds": [4.0, 5.0, None]
    }  # fmt: skip
    (difference,) = values["differences_from_best"]
    assert (difference["mean"], difference["folds"], difference["beyond_chance"]) == (1.0, 1, False)


def results_on_clips() -> Results:
    """NRMSE, that of hidden points, and jitter are least at three different values; lag grows with λ."""
    figures = {  # of two folds each: NRMSE, of hidden points, jitter, lag
        0.0: ((4.0, 5.0), (9.0, 11.0), (0.8, 1.0), (0.0, 0.0)),
        0.3: ((3.8, 4.6), (8.0, 9.6), (0.6, 0.9), (0.2, 0.4)),
        0.6: ((3.9, 4.9), (7.0, 9.8), (0.5, 0.7), (0.5, 0.7)),
        0.9: ((5.0, 6.0), (7.5, 9.9), (0.4, 0.5), (1.0, 1.5)),
    }
    states = tuple(
        FoldState(
            value, fold + 1, "complete", nrmse[fold], hidden[fold], jitter[fold], 0.45, lag[fold]
        )
        for value, (nrmse, hidden, jitter, lag) in figures.items()
        for fold in range(2)
    )
    return Results("decay", 2, "drawn, train, 8 clips", states)


def test_of_clips_hidden_points_and_steadiness_are_compared_likewise():
    results = results_on_clips()
    assert results.best == 0.3 and results.by("nrmse").best == 0.3
    hidden, jitter = results.by("nrmse_hidden"), results.by("jitter")
    assert (hidden.best, jitter.best) == (0.6, 0.9)
    assert (hidden.mean(0.6), hidden.standard_error(0.6)) == pytest.approx((8.4, 1.4))
    # 0.3 less 0.6 on hidden points: 1.0 and −0.2.
    next_ = [one for one in hidden.differences() if one.value == 0.3][0]
    assert (next_.mean, next_.standard_error) == pytest.approx((0.4, 0.6))
    assert not results_of(ERRORS).beside
    assert results.beside == ["nrmse_hidden", "jitter", "jitter_of_labels", "lag"]


def test_the_verdict_on_clips_names_all_three_and_never_jitter_without_labels_and_lag():
    said = results_on_clips().verdict()
    assert said.startswith(
        "decay=0.3 is best: NRMSE 4.200 ± 0.400 % on 2 folds. decay=0.6 is next,"
    )
    assert "decay=0.6 is best for hidden points: NRMSE 8.400 ± 1.400 % on 2 folds." in said
    assert (
        "decay=0.9 is steadiest: jitter 0.450 ± 0.050 % on 2 folds (the labels have 0.450 %), lag 1.25 "
        "frames. decay=0.6 is next, shakier by 0.150 ± 0.050 points on the same 2 folds" in said
    )
    assert (
        "hidden" not in results_of(ERRORS).verdict()
        and "jitter" not in results_of(ERRORS).verdict()
    )


def test_the_table_and_json_on_clips_have_all_figures_and_those_on_faces_none_of_them():
    head, first = [line.split() for line in results_on_clips().as_text().splitlines()[:2]]
    beside = [
        "hidden",
        "%",
        "±",
        "s.e.",
        "jitter",
        "%",
        "±",
        "s.e.",
        "of",
        "labels",
        "%",
        "±",
        "s.e.",
    ]
    assert head == ["decay", "NRMSE", "%", "±", "s.e.", *beside, "lag", "±", "s.e.", "folds"]
    assert first == ["0.0", "4.500", "0.500", "10.000", "1.000", "0.900", "0.100", "0.450", "0.000",
                     "0.000", "0.000", "2/2"]  # fmt: skip
    of_value = results_on_clips().as_json()["values"][1]
    assert of_value["nrmse"] == pytest.approx(4.2)
    assert of_value["jitter"] == {
        "mean": pytest.approx(0.75), "standard_error": pytest.approx(0.15), "folds": [0.6, 0.9]
    }  # fmt: skip
    row = next(csv.DictReader(io.StringIO(results_of(ERRORS).as_csv())))
    assert [row[name] for name in ("nrmse_hidden", "jitter", "jitter_of_labels", "lag")] == [""] * 4


def test_hidden_points_of_a_value_that_failed_are_not_told():
    one = FoldState(0.3, 1, "complete", 4.0, nrmse_hidden=9.0)
    failed = FoldState(0.3, 2, "fail", fault="the loss is nan")
    said = Results("decay", 2, "drawn", (one, failed)).verdict()
    assert said == "Nothing has been measured. decay=0.3 failed on fold 2: the loss is nan."


def test_csv_has_a_line_for_each_fold_that_is_done():
    text = results_of({0.4: (3.5, 4.0), 0.1: (4.25,)}, failed=((0.1, 2),)).as_csv()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["gamma"], row["fold"], row["state"], row["nrmse"]) for row in rows] == [
        ("0.1", "1", "complete", "4.25"),
        ("0.1", "2", "fail", ""),
        ("0.4", "1", "complete", "3.5"),
        ("0.4", "2", "complete", "4.0"),
    ]
    assert (rows[0]["faces"], rows[0]["seconds"], rows[1]["fault"]) == (
        "12",
        "90.0",
        "the loss is nan",
    )
