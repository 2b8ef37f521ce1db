"""What an exercise says of answers: right ones of any kind, wrong ones with what helps."""

import numpy as np
import pytest
import torch

from onedheat.course.exercises import Exercise, Mistake


def doubled(values):
    return 2 * values


EXERCISE = Exercise(
    "doubled",
    doubled,
    cases=((np.arange(20.0),), (np.array([[1.0, 2.0], [3.0, 4.0]]),)),
    mistakes=(Mistake(lambda values: 3 * values, "Three times is too much."),),
    hints=("Twice.",),
)


@pytest.mark.parametrize(
    "answer",
    [
        doubled,
        lambda values: (2 * values).tolist(),
        lambda values: torch.tensor(2 * values, requires_grad=True),
        lambda values: (2 * values).astype(np.float32),
    ],
)
def test_a_right_answer_may_be_an_array_a_list_or_a_tensor(answer):
    assert EXERCISE(answer).passed


@pytest.mark.parametrize(
    "answer",
    [
        lambda values: (2 * values).astype(str),
        lambda values: (2 * values).astype(complex),
        lambda values: [torch.tensor(2.0, requires_grad=True), "x"],
        lambda values: [[1.0], [1.0, 2.0]],
    ],
)
def test_what_is_no_array_of_real_numbers_is_not_right(answer):
    verdict = EXERCISE(answer)
    assert not verdict.passed
    assert "Wrong in 2 of 2 cases" in verdict.message


def test_a_known_mistake_is_named():
    assert EXERCISE(lambda values: 3 * values).message == "Three times is too much."


def test_a_right_answer_that_changes_its_argument_is_told():
    def in_place(values):
        values *= 2
        return values

    verdict = EXERCISE(in_place)
    assert verdict.passed
    assert "changes the array that it is given" in verdict.message
    assert "changes" not in EXERCISE(doubled).message


def test_the_line_that_stopped_is_named():
    def stops(values):
        twice = 2 * values
        return twice.no_such_thing

    message = EXERCISE(stops).message
    assert "stopped in its line 3 with AttributeError" in message
    assert "an array of shape (20,), highest at 19" in message


def test_the_first_place_that_differs_is_named():
    def last_is_wrong(values):
        result = 2 * values
        result.flat[-1] += 1
        return result

    message = EXERCISE(last_is_wrong).message
    assert "Yours differs in 1 of 20 numbers, first at [19]: 39 instead of 38" in message


def test_only_what_is_nearly_right_is_told_of_float64():
    def rough(values):
        return 2 * values * (1 + 3e-6)

    assert "only nearly right: compute in float64" in EXERCISE(rough).message


def test_a_list_is_called_one():
    assert "yours is a list of shape (1,) (7)" in EXERCISE(lambda values: [7]).message
