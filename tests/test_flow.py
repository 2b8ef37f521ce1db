"""Points followed by optical flow."""

import numpy as np
import pytest

from onedheat.flow import FlowTracker
from onedheat.geometry import Crop, warp


def moving(frames: int, speed: tuple[float, float]) -> list[np.ndarray]:
    """The same texture, shifted by so many pixels a frame."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
    wide = warp(small, Crop.from_box(np.array([-0.5, -0.5, 39.5, 39.5]), 240))
    step = np.array([*speed, *speed])
    box = np.array([60.0, 60.0, 180.0, 180.0]) - 0.5
    return [warp(wide, Crop.from_box(box - t * step, 120)) for t in range(frames)]


@pytest.mark.parametrize("speed", [(0.5, 0.0), (-1.5, 2.25)])
def test_points_go_where_the_pixels_go(speed):
    frames = moving(9, speed)
    points = np.array([[40.0, 50.0], [61.0, 60.0], [75.5, 44.25]])
    tracker = FlowTracker()
    tracker.start(frames[0], points)
    for t, image in enumerate(frames[1:], start=1):
        found = tracker.step(image)
        assert np.abs(found - (points + t * np.array(speed))).max() < 0.25


def test_a_point_that_is_lost_stays_where_it_was_and_one_that_never_was_stays_nan():
    frames = moving(2, (1.0, 0.0))
    points = np.array([[400.0, 400.0], [60.0, 60.0], [np.nan, np.nan]])
    tracker = FlowTracker(window=15, levels=1)
    tracker.start(frames[0], points)
    found = tracker.step(frames[1])
    assert found[0].tolist() == [400.0, 400.0] and np.isnan(found[2]).all()
    assert found[1] == pytest.approx([61.0, 60.0], abs=0.2)


def test_it_must_be_started_and_frames_stay_of_one_size():
    frames = moving(1, (0.0, 0.0))
    with pytest.raises(ValueError, match=r"nothing to follow yet: give start\(\)"):
        FlowTracker().step(frames[0])
    tracker = FlowTracker()
    tracker.start(frames[0], np.array([[60.0, 60.0]]))
    with pytest.raises(ValueError, match="120 × 120 pixels, this one 120 × 90"):
        tracker.step(frames[0][:90])
    with pytest.raises(ValueError, match="window=2, levels=3"):
        FlowTracker(window=2)
