"""Runs compared, and one landmark's vectors as they sharpen: what is drawn is what was given."""

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView
from onedheat.plots.sharpening import CEILING, Moment, Sharpening, compare_runs

SIZE, BINS, SIGMA, CONSTANT = 64, 128, 3.0, 28.4
NRMSE = (95.0, 29.5, 9.25)
rng = np.random.default_rng(2)
TRUTH = rng.uniform(10, 50, (68, 2))
TRUTH[36], TRUTH[45] = (15, 20), (45, 20)


def view() -> FaceView:
    picture = rng.integers(60, 200, (128, 128, 3), dtype=np.uint8)
    return FaceView("face A", picture, SIZE, TRUTH, IBUG68)


def moments(away=(6.0, 3.0, 0.6), errors=NRMSE) -> list[Moment]:
    """Every landmark off along x by so many pixels; vectors that grow."""
    vectors = np.exp(-(((np.arange(BINS) - 40) / 8.0) ** 2)) * np.ones((68, 1))
    return [
        Moment(512 * n, error, TRUTH + [off, 0.0], vectors * 0.3 * n, vectors * 0.2 * n)
        for n, (off, error) in enumerate(zip(away, errors, strict=True))
    ]


RUNS = {"good": moments(), "too high": moments((9.0, 8.0), (95.0, 400.0))}


@pytest.fixture(scope="module")
def figure():
    return Sharpening(view(), RUNS, SIGMA, CONSTANT)


def test_every_moment_and_landmark_is_another_picture_fit_to_be_read(figure):
    moves = [("good", 0), ("good", 1), ("good", 2), ("too high", 1), ("good", 2, 8)]
    assert_all_different([figure.move(*move).png() for move in moves])
    for move in moves:
        assert_fit_to_be_read(figure.move(*move))


def test_a_moved_picture_is_the_one_drawn_there_at_once(figure):
    figure.png()
    fresh = Sharpening(figure.view, RUNS, SIGMA, CONSTANT)
    assert_moved_is_fresh(figure.move("good", 2, 30), fresh.move("good", 2, 30))


def test_the_vectors_are_those_of_the_landmark_over_its_target(figure):
    figure.move("good", 2, 8)
    for axis, (target, curve) in enumerate(figure._vectors):
        at, heights = curve.get_data()
        assert np.array_equal(heights, (RUNS["good"][2].x, RUNS["good"][2].y)[axis][8])
        assert at[0] == pytest.approx(-0.25) and at[-1] == pytest.approx(SIZE - 0.75)
        wanted = target.get_ydata()
        assert at[wanted.argmax()] == pytest.approx(TRUTH[8, axis], abs=0.26)
        assert wanted.max() == pytest.approx(1, abs=0.01)


def test_the_words_tell_errors_and_peaks(figure):
    said = figure.move("good", 2, 36).alt
    assert "face A, a validation face, in the run good after 1,024 training faces" in said
    assert "NRMSE 2.0 per cent on this face, 9.2 on all validation faces" in said  # 0.6 px of 30
    assert "peak at 0.60 of a target's height along x and 0.40 along y" in said
    assert "too high goes from 95.0 per cent after 0 faces to 400.0 after 512" in said


def test_a_run_that_ended_early_stays_at_its_last_moment(figure):
    figure.move("too high", 2)
    assert "after 512 faces" in figure._title.get_text()
    assert figure._here.get_ydata()[0] == CEILING  # its point stays in sight


def test_compared_runs_go_through_their_errors_and_differ_in_style():
    figure = compare_runs(RUNS, CONSTANT, "Three rates")
    assert_fit_to_be_read(figure)
    good, bad, constant = figure.axes[0].lines
    assert np.array_equal(good.get_xydata(), list(zip((0, 512, 1024), NRMSE, strict=True)))
    assert constant.get_ydata()[0] == CONSTANT
    assert len({(line.get_linestyle(), line.get_color(), line.get_marker())
                for line in (good, bad, constant)}) == 3  # fmt: skip
    assert good.get_marker() != bad.get_marker()
    assert figure.axes[0].get_ylim()[1] <= CEILING
    assert "mean face has 28.4 per cent" in figure.alt


def test_errors_that_are_no_numbers_do_not_break_the_picture():
    lost = {"lost": moments((9.0, 8.0, 8.0), (95.0, float("nan"), float("inf")))}
    assert compare_runs(lost, CONSTANT).drawn().size == (860, 390)
    assert Sharpening(view(), lost, SIGMA, CONSTANT).move("lost", 2).drawn().size == (860, 670)
