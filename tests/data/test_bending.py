"""Photos that are bent: how far a point goes, and that nothing folds. That the picture follows its points is
shown in test_stills."""

import numpy as np
import pytest

from onedheat.data.bending import Bending

MIDDLE, RADIUS = np.array([70.0, 60.0]), 40.0
MOMENTS = np.linspace(0, 8, 50)
PLAIN = np.eye(3)


def bending(seed: int = 0, spread: float = 0.05) -> Bending:
    return Bending((seed, 4), MIDDLE, RADIUS, spread)


def test_it_moves_places_by_about_what_is_asked_and_they_move_apart():
    points = MIDDLE + RADIUS * np.random.default_rng(0).uniform(-0.6, 0.6, (20, 2))
    moved = np.stack([bending(seed).bent(points, MOMENTS) - points for seed in range(40)])
    assert 0.3 * 0.05 < moved.std() / RADIUS < 1.2 * 0.05
    stiff = moved.mean(axis=2, keepdims=True)
    assert (moved - stiff).std() > 0.5 * moved.std()
    assert np.abs(np.diff(moved, axis=1)).max() < 0.25 * RADIUS  # in a sixth of a second


@pytest.mark.parametrize("spread", [0.05, 100.0])
def test_nothing_folds_however_far_it_would_be_moved(spread):
    line = np.linspace(-1.5, 1.5, 61)
    grid = np.stack(np.meshgrid(line, line), axis=-1) * RADIUS + MIDDLE
    for seed in range(20):
        bent = bending(seed, spread).bent(grid.reshape(-1, 2), MOMENTS[::10])
        bent = bent.reshape(-1, 61, 61, 2)
        right, down = np.diff(bent, axis=2)[:, :-1], np.diff(bent, axis=1)[:, :, :-1]
        assert (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).min() > 0


def test_of_a_photo_reduced_and_cut_out_the_same_is_bent():
    """A photo half as fine whose corner lies elsewhere: its picture is that of the whole, reduced."""
    import cv2

    photo = np.random.default_rng(0).integers(0, 255, (16, 18, 3), np.uint8)
    photo = cv2.resize(photo, (144, 128), interpolation=cv2.INTER_CUBIC)
    smaller = cv2.resize(photo[8:, 16:], (64, 60), interpolation=cv2.INTER_AREA)
    # Pixel p of the smaller one is the mean of pixels 2·p and 2·p + 1 after the corner.
    to_smaller = np.array([[0.5, 0, -8.25], [0, 0.5, -4.25], [0, 0, 1]])
    whole = bending().bend(photo, PLAIN, 3.0)
    wanted = cv2.resize(whole[8:, 16:], (64, 60), interpolation=cv2.INTER_AREA)
    found = bending().bend(smaller, to_smaller, 3.0)
    assert np.abs(found.astype(int) - wanted)[4:-4, 4:-4].mean() < 2
    assert np.abs(smaller.astype(int) - wanted)[4:-4, 4:-4].mean() > 6


def test_far_from_the_face_nothing_moves_and_an_unknown_point_stays_unknown():
    points = np.array([MIDDLE + [6 * RADIUS, 0], [np.nan, 3.0]])
    far, unknown = bending().bent(points, MOMENTS).swapaxes(0, 1)
    assert far == pytest.approx(np.broadcast_to(points[0], far.shape), abs=1e-3)
    assert np.isnan(unknown[:, 0]).all()
