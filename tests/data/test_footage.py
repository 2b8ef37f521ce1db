"""Light, lens, sensor and compression: they change with time, smoothly, and move nothing."""

from dataclasses import replace

import numpy as np
import pytest

from onedheat.data.footage import Footage, FootageConfig

NOTHING = FootageConfig(
    brightness=0, unevenness=0, temperature=0, contrast=0, gamma=0, shadow_share=0, flicker_share=0,
    defocus=0, noise=0, quality=None,
)  # fmt: skip
GREY = np.full((64, 80, 3), 120, np.uint8)
SECONDS = np.arange(0, 6, 0.1)


def footage(config, *seed):
    return Footage(seed or (0,), config, 80, 64)


def developed(config, seed=0):
    made = footage(config, seed)
    return np.stack([made.develop(GREY, float(moment)) for moment in SECONDS]).astype(float)


def test_where_nothing_changes_a_picture_stays_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    assert np.array_equal(footage(NOTHING).develop(picture, 1.7), picture)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("brightness", 0.5), ("contrast", 0.3), ("gamma", 0.3), ("temperature", 0.3)],
)
def test_each_setting_changes_clips_and_drifts_within_them(setting, value):
    grey = np.stack([developed(replace(NOTHING, **{setting: value}), seed) for seed in range(6)])
    level = grey.mean(axis=(2, 3))
    if setting == "temperature":
        level = level[..., 0] - level[..., 2]
    assert np.std(level.reshape(6, -1).mean(axis=1)) > 0.5  # between clips
    assert np.ptp(level.reshape(6, len(SECONDS), -1), axis=1).max() > 1.5  # within one
    # No flash from one tenth of a second to the next.
    assert np.abs(np.diff(level, axis=1)).max() < 12


def test_light_that_doubles_is_one_stop():
    made = footage(replace(NOTHING, brightness=1.0))
    made._usual[:] = 0
    made._drift.amplitude[:] = 0
    made._usual[0] = 0.5 / 0.7  # of a clip's usual setting 0.7 counts
    light = float(made.develop(GREY, 0.0).mean() / 120) ** 2.2
    assert light == pytest.approx(2 ** (2 * np.tanh(0.25)), rel=0.02)


def test_a_shadow_darkens_a_part_and_moves():
    config = replace(NOTHING, shadow_share=1.0, shadow_depth=1.0)
    darkest, moved = [], []
    for seed in range(8):
        pictures = developed(config, seed)
        darkest.append(pictures.min())
        moved.append(np.ptp(pictures, axis=0).max())
        assert pictures.max() <= 120
        assert np.abs(np.diff(pictures, axis=2)).max() < 12  # a soft edge
    assert min(darkest) < 60 and max(moved) > 30


def test_lamps_flicker_in_bands_that_roll():
    pictures = np.stack(
        [developed(replace(NOTHING, flicker_share=1.0, flicker=0.5), seed) for seed in range(6)]
    )
    rows = pictures[..., 0]
    assert np.ptp(rows, axis=3).max() <= 1  # the same along a row
    assert np.ptp(rows, axis=2).max() > 5 and np.ptp(rows, axis=1).max() > 10


def test_the_lens_blurs_without_shifting():
    dot = np.zeros((64, 80, 3), np.uint8)
    dot[29:34, 38:43] = 255
    made, widths = footage(replace(NOTHING, defocus=4.0), 3), []
    for moment in SECONDS:
        seen = made.develop(dot, float(moment))[..., 0].astype(float)
        y, x = np.mgrid[:64, :80]
        assert (seen * x).sum() / seen.sum() == pytest.approx(40, abs=0.02)
        assert (seen * y).sum() / seen.sum() == pytest.approx(31, abs=0.02)
        widths.append(np.sqrt((seen * (x - 40) ** 2).sum() / seen.sum()))
    assert min(widths) < 1.5 and max(widths) > 1.05 * min(widths)


def test_noise_is_no_stronger_than_asked_and_never_the_same_twice():
    config = replace(NOTHING, noise=0.04)
    spread = [developed(config, seed).std(axis=0).mean() / 255 for seed in range(10)]
    assert 0 < min(spread) < 0.01 < 0.03 < max(spread) < 0.042
    first, second = developed(config, 1)[:2] - 120
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05


def test_compression_leaves_its_marks_and_no_more():
    picture = np.random.default_rng(0).integers(90, 160, (64, 80, 3), dtype=np.uint8)
    seen = footage(replace(NOTHING, quality=(50, 50))).develop(picture, 0.0).astype(float)
    assert not np.array_equal(seen, picture)
    assert abs(seen.mean() - picture.mean()) < 1 and np.abs(seen - picture).mean() < 20
    red = np.zeros((64, 80, 3), np.uint8)
    red[..., 0] = 200
    kept = footage(replace(NOTHING, quality=(90, 90))).develop(red, 0.0)
    assert np.abs(kept.astype(int) - red).max() <= 3  # red stays red


def test_the_same_seed_and_moment_give_the_same_picture():
    config = FootageConfig(shadow_share=1.0, flicker_share=1.0)
    first, again = footage(config, 1, 2), footage(config, 1, 2)
    later = first.develop(GREY, 2.0)
    assert not np.array_equal(first.develop(GREY, 1.0), later)
    assert np.array_equal(again.develop(GREY, 2.0), later)
    assert not np.array_equal(footage(config, 1, 3).develop(GREY, 2.0), later)
