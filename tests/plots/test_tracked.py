"""A clip in which something passes: every line and dot is what was found there."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.landmarks import IBUG68
from onedheat.plots.tracked import MOST, ClipSeen, Seen, TrackedClip, frames_of_one_landmark

FRAMES, SIZE, BINS, POSITIONS = 8, 64, 96, 24
FOLLOWED = 30
EYES = 20.0  # pixels apart: 1 pixel is 5 %


def seen(away: float, state: bool, seed: int) -> Seen:
    """Landmarks off to the right by so many pixels, and vectors and states that tell frames apart."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 1, (2, FRAMES, 68, BINS))
    states = rng.uniform(0, 1, (FRAMES, 5, POSITIONS)) if state else None
    return Seen(TRUTH + [away, 0.0], x, y, states, tuple(n % 5 for n in range(68)) if state else ())


rng = np.random.default_rng(1)
TRUTH = rng.uniform(10, 50, (FRAMES, 68, 2))
TRUTH[:, 36], TRUTH[:, 45] = (20, 25), (20 + EYES, 25)
COVERED = np.zeros((FRAMES, 68), dtype=bool)
COVERED[3:6, FOLLOWED] = COVERED[2:4, 8] = True
COVERED[:, 5] = True  # at the beginning and the end, too


@pytest.fixture(scope="module")
def clip():
    pictures = rng.integers(0, 256, (FRAMES, 48, 48, 3), dtype=np.uint8)
    remembered = {0.0: seen(3.0, True, 2), 0.9: seen(1.0, True, 3)}
    return ClipSeen(
        "Clip A", pictures, SIZE, TRUTH, COVERED, IBUG68, seen(4.0, False, 4), remembered
    )


@pytest.fixture(scope="module")
def figure(clip):
    return TrackedClip(clip)


def test_the_landmark_followed_is_covered_longest_and_in_sight_at_both_ends(clip):
    assert clip.most_covered() == FOLLOWED


def test_its_hardest_frame_is_the_covered_one_in_which_the_detector_is_off_most(clip):
    found = clip.alone.landmarks.copy()
    found[4, FOLLOWED] += 3.0
    found[7, FOLLOWED] += 9.0  # in sight
    worse = replace(clip, alone=replace(clip.alone, landmarks=found))
    assert worse.hardest_frame(FOLLOWED) == 4 and worse.hardest_frame(1) == 0


def test_errors_are_in_per_cent_of_the_distance_of_the_eyes(clip):
    assert clip.errors(clip.alone) == pytest.approx(np.full((FRAMES, 68), 100 * 4 / EYES))
    assert clip.errors(clip.remembered[0.9]) == pytest.approx(np.full((FRAMES, 68), 5.0))


def test_every_control_makes_another_picture_fit_to_be_read(figure):
    moves = [(0.0, 0), (0.9, 0), (0.9, 4), (0.9, 4, 8)]
    pictures = []
    for move in moves:
        assert_fit_to_be_read(figure.move(*move))
        pictures.append(figure.png())
    assert_all_different(pictures)


def test_a_moved_picture_is_the_one_drawn_there_at_once(figure, clip):
    figure.png()
    assert_moved_is_fresh(figure.move(0.9, 5, 8), TrackedClip(clip).move(0.9, 5, 8))


def test_what_is_drawn_is_what_was_found_in_that_frame(figure, clip):
    figure.move(0.9, 4)
    for points, found in zip(
        figure._points, (TRUTH, clip.alone.landmarks, clip.remembered[0.9].landmarks), strict=True
    ):
        assert np.array_equal(points.get_xydata(), found[4])
    assert np.array_equal(figure._ring.get_xydata()[0], TRUTH[4, FOLLOWED])
    for axis, (truth, alone, refined) in enumerate(figure._vectors):
        assert truth.get_xdata()[0] == TRUTH[4, FOLLOWED, axis]
        name = "xy"[axis]
        assert np.array_equal(alone.get_ydata(), getattr(clip.alone, name)[4, FOLLOWED])
        assert np.array_equal(refined.get_ydata(), getattr(clip.remembered[0.9], name)[4, FOLLOWED])
        assert alone.get_xdata()[0] == pytest.approx(0.5 * SIZE / BINS - 0.5)


def test_over_time_stand_the_state_that_listens_the_cover_and_both_errors(figure, clip):
    figure.move(0.9, 4)
    state = clip.remembered[0.9].state[:, FOLLOWED % 5]
    assert np.array_equal(figure._held.get_array(), state.T)
    assert figure._held.get_clim() == (0, state.max())
    assert np.array_equal(figure._spans[0].get_array()[0], COVERED[:, FOLLOWED])
    alone, tracker = (line.get_ydata() for line in figure._lines)
    assert alone == pytest.approx(np.full(FRAMES, 20.0)) and tracker == pytest.approx(5.0)
    assert [mark.get_xdata()[0] for mark in figure._here] == [4, 4]
    low, high = figure._below.get_ylim()
    assert low == 0 and 20.0 < high <= MOST


def test_the_words_tell_covered_frames_from_the_others(figure):
    said = figure.move(0.9, 4).alt
    assert "Clip A, frame 4 of 8" in said and "λ = 0.9" in said
    assert f"Landmark {FOLLOWED}, {IBUG68.points[FOLLOWED].replace('_', ' ')}, is covered" in said
    assert "in its 3 covered frames the detector 20.0 %, the tracker 5.0 %" in said
    assert "is in sight" in figure.move(0.9, 0).alt


def test_frames_in_a_row_show_one_landmark_as_each_found_it(clip):
    figure = frames_of_one_landmark(clip, 0.0, [2, 3, 6], FOLLOWED)
    assert_fit_to_be_read(figure)
    for axes, frame in zip(figure.axes, (2, 3, 6), strict=True):
        assert np.array_equal(axes.images[0].get_array(), clip.pictures[frame])
        _, truth, alone, tracker = (line.get_xydata()[0] for line in axes.lines)
        assert np.array_equal(truth, TRUTH[frame, FOLLOWED])
        assert alone - truth == pytest.approx([4, 0]) and tracker - truth == pytest.approx([3, 0])
    assert "frame 3 (covered) 20.0 and 15.0; frame 6 20.0 and 15.0" in figure.alt
    said = [text.get_text() for text in figure.texts]
    assert "frame 3, covered" in said and "frame 2" in said
