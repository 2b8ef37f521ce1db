"""Strips of clips: every frame stands where its number says, dots and crosses where landmarks are."""

import numpy as np
import pytest

from onedheat.plots.motion import ClipStrip, clip_strips

SHOWN = (2, 7, 9)


@pytest.fixture(scope="module")
def strip():
    rng = np.random.default_rng(0)
    visible = np.ones((12, 5), dtype=bool)
    visible[3:8, 1] = visible[11, 1] = visible[7, 4] = False
    return ClipStrip(
        "Someone, moving",
        rng.integers(0, 256, (3, 48, 64, 3), dtype=np.uint8),
        SHOWN,
        rng.uniform(5, 40, (12, 5, 2)),
        visible,
        10.0,
    )


def test_a_landmark_is_hidden_from_the_middle_between_two_frames_to_the_next(strip):
    assert np.array(strip.hidden_spans(1)) == pytest.approx(np.array([(0.25, 0.75), (1.05, 1.15)]))
    assert strip.hidden_spans(0) == []


def test_seen_landmarks_are_dots_and_covered_ones_crosses(strip):
    figure = clip_strips([strip, strip], 1, "chin")
    frames = [axes for axes in figure.axes if axes.images]
    assert [axes.get_label() for axes in frames] == [f"frame {t}" for t in SHOWN] * 2
    for axes, t, picture in zip(frames, SHOWN, strip.pictures, strict=False):
        dots, crosses = (line.get_xydata() for line in axes.lines)
        assert np.array_equal(dots, strip.landmarks[t][strip.visible[t]])
        assert np.array_equal(crosses, strip.landmarks[t][~strip.visible[t]])
        assert np.array_equal(axes.images[0].get_array(), picture)


def test_the_curves_are_the_way_of_the_landmark_in_seconds(strip):
    figure = clip_strips([strip], 1, "chin")
    (curves,) = [axes for axes in figure.axes if not axes.images]
    x, y, *marks = (line.get_xydata() for line in curves.lines)
    assert np.array_equal(x[:, 1], strip.landmarks[:, 1, 0])
    assert np.array_equal(y[:, 1], strip.landmarks[:, 1, 1])
    assert x[:, 0] == pytest.approx(np.arange(12) / 10)
    assert [mark[0, 0] for mark in marks] == pytest.approx([0.2, 0.7, 0.9])
    assert "chin" in curves.get_xlabel()


def test_the_alt_text_tells_how_far_and_how_long(strip):
    figure = clip_strips([strip], 1, "chin")
    wide, high = np.ptp(strip.landmarks[:, 1], axis=0)
    assert f"over {wide:.0f} by {high:.0f} pixels of frames 64 pixels wide" in figure.alt
    assert "3 of 12 frames" in figure.alt and "covered in 50% of them" in figure.alt
