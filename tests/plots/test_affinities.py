"""Affinities laid on a face, error against γ, and the picture of the puzzle."""

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView
from onedheat.plots.affinities import (
    AnswerAtGamma,
    FaceAffinity,
    GammaView,
    entropy_by_channel,
    error_against_gamma,
    position_edges,
    row_entropy,
)
from onedheat.plots.puzzle import Case, PuzzleView

K, A, F = 3, 8, 64


@pytest.fixture(scope="module")
def view():
    rng = np.random.default_rng(0)
    face = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return FaceView("Somebody", face, F, rng.uniform(8, 56, (68, 2)), IBUG68)


@pytest.fixture(scope="module")
def yx():
    scores = np.exp(np.random.default_rng(1).normal(size=(K, A, A)))
    return scores / scores.sum(axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def looks(view, yx):
    return {
        0.0: AnswerAtGamma(view.landmarks + 1.0, None),
        0.4: AnswerAtGamma(view.landmarks, yx[0]),
        1.0: AnswerAtGamma(view.landmarks - 2.0, yx[1]),
    }


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(2)

    def case(number):
        scores = rng.uniform(size=(24, 24))
        answers = {"γ = 0": np.eye(24)[number], "γ = 1": np.full(24, 1 / 24)}
        places = np.array([[4.0 + number, 6.0], [15.0, 18.0]])
        affinity = scores / scores.sum(axis=1, keepdims=True)
        return Case(rng.uniform(size=(24, 24)), places, affinity, answers)

    return [case(number) for number in range(4)]


@pytest.fixture(scope="module")
def puzzle(cases):
    return PuzzleView(cases[:2], cases[2:])


def test_entropy_is_0_for_one_position_and_1_for_equal_weights():
    rows = np.stack([np.eye(A)[2], np.full(A, 1 / A), np.repeat([0.5, 0.0], [2, A - 2])])
    assert row_entropy(rows) == pytest.approx([0, 1, np.log(2) / np.log(A)])


def test_positions_cover_the_face_without_gap():
    edges = [position_edges(position, F, A) for position in range(A)]
    assert edges[0][0] == -0.5 and edges[-1][1] == F - 0.5
    assert all(one[1] == other[0] for one, other in zip(edges, edges[1:], strict=False))


def test_every_picture_is_fit_to_be_read(view, yx, looks, puzzle):
    for figure in (
        FaceAffinity(view, yx).move(K - 1, A - 1),
        entropy_by_channel({"One": yx, "Another": yx[:, ::-1]}),
        error_against_gamma({"a": {0.0: (6.0, 6.5, 7.0), 0.4: (5.0, 5.5, 6.0)}, "b": {0.0: [4]}}),
        GammaView(view, looks),
        GammaView(view, looks).move(0.4),
        puzzle.move(1, upside_down=True),
    ):
        assert_fit_to_be_read(figure)


def test_the_column_on_the_face_is_row_i_of_the_channel(view, yx):
    figure = FaceAffinity(view, yx).move(1, 5)
    row = yx[1, 5]
    assert np.asarray(figure._band.get_array())[:, 0, 3] == pytest.approx(0.85 * row / row.max())
    assert figure._band.get_extent()[:2] == list(position_edges(5, F, A))
    (x,), (y,) = figure._most.get_data()
    low, high = position_edges(int(row.argmax()), F, A)
    assert y == pytest.approx((low + high) / 2)
    assert x == pytest.approx(position_edges(5, F, A)[1] + 0.02 * F)
    assert f"largest weight, {row.max():.2f}, to y {y:.0f}" in figure.alt
    assert f"entropy is {row_entropy(yx)[1, 5]:.2f}" in figure.alt


def test_the_matrix_stands_as_the_face_does(view, yx):
    figure = FaceAffinity(view, yx).move(2, 0)
    assert np.asarray(figure._matrix.get_array()) == pytest.approx(yx[2].T)


def test_each_step_changes_the_picture(view, yx, looks, puzzle):
    face, gamma = FaceAffinity(view, yx), GammaView(view, looks)
    assert_all_different([face.move(k, 3).png() for k in range(K)])
    assert_all_different([face.move(0, i).png() for i in range(A)])
    assert_all_different([gamma.move(one).png() for one in looks])
    assert_all_different([puzzle.move(n, turned).png() for n in (0, 1) for turned in (False, True)])


def test_a_moved_picture_is_the_one_drawn_there_at_once(view, yx, looks, cases, puzzle):
    moved = FaceAffinity(view, yx)
    moved.png()
    assert_moved_is_fresh(moved.move(2, 6), FaceAffinity(view, yx).move(2, 6))
    moved = GammaView(view, looks)
    moved.png()
    assert_moved_is_fresh(moved.move(1.0), GammaView(view, looks).move(1.0))
    puzzle.move(0).png()
    fresh = PuzzleView(cases[:2], cases[2:]).move(1, upside_down=True)
    assert_moved_is_fresh(puzzle.move(1, upside_down=True), fresh)


def test_the_error_of_a_face_is_its_nrmse(view, looks):
    figure = GammaView(view, looks)
    assert figure.error(0.4) == 0
    assert figure.error(1.0) == pytest.approx(100 * 2 * np.sqrt(2) / view.interocular)
    assert "no affinity is computed" in figure.move(0.0).alt
    assert not figure._matrix.get_visible() and figure.move(0.4)._matrix.get_visible()


def test_bars_reach_from_the_least_to_the_most_seed():
    figure = error_against_gamma({"trained": {0.0: (6.0, 6.3, 7.2), 0.4: (5.0,)}}, 0.4)
    (bars,) = figure.axes[0].collections
    ends = [segment[:, 1] for segment in bars.get_segments()]
    assert ends[0] == pytest.approx([6.0, 7.2]) and ends[1] == pytest.approx([5.0, 5.0])
    assert "γ 0 6.50 (6.00 to 7.20), γ 0.4 5.00." in figure.alt


def test_the_puzzles_picture_tells_which_blob_is_lower_and_where_rows_look(cases, puzzle):
    figure = puzzle.move(1)
    (bx, by), (fx, fy) = cases[1].places
    assert "the fainter one, is at x = 15.0" in figure._title.get_text()
    near = np.abs(np.arange(24) - by) <= 2.5
    assert f"brighter blob's row has {cases[1].affinity[round(bx)][near].sum():.2f}" in figure.alt
    assert figure._shadows[0].get_ydata() == pytest.approx(cases[1].picture.sum(axis=0))
    assert figure._shadows[1].get_xdata() == pytest.approx(cases[1].picture.sum(axis=1))
    assert np.asarray(figure._matrix.get_array()) == pytest.approx(cases[1].affinity.T)
