"""The sheet of augmentation shows the recipe that trains, every part of it, on faces that may be shown."""

from dataclasses import fields

import numpy as np
import pytest

from onedheat.course.augmented import PARTS, RECIPE, augmented_faces
from onedheat.data.augment import AugmentConfig


def test_every_share_of_the_recipe_has_a_strip():
    shares = {entry.name for entry in fields(AugmentConfig) if entry.name.endswith("_share")}
    shown = [name for part in PARTS for name in part.changes]
    assert set(shown) == shares | {"box_scale_spread", "shift", "noise", "stretch", "bend"}
    assert len(shown) == len(set(shown))


def test_captions_tell_the_recipe():
    (shadow,) = [part.caption for part in PARTS if "shadow_share" in part.changes]
    assert shadow == f"Shadow ({RECIPE.shadow_share:.0%})"


@pytest.fixture(scope="module")
def sheet():
    rng = np.random.default_rng(0)
    photo = rng.integers(60, 200, (200, 200, 3), dtype=np.uint8)
    return augmented_faces(
        {name: (photo, rng.uniform(60, 140, (68, 2))) for name in ("one", "other")}
    )


def test_strips_go_from_weak_to_strong(sheet):
    pictures = [axes.images[0].get_array().astype(float) for axes in sheet.axes]
    noise = next(i for i, part in enumerate(PARTS) if part.changes == {"noise": RECIPE.noise})
    brightness = next(i for i, part in enumerate(PARTS) if "light_share" in part.changes)
    for strip in (noise, brightness):
        first, *others = pictures[4 * strip : 4 * strip + 4]
        away = [np.abs(other - first).mean() for other in others]
        assert away[-1] > away[0] > 0


def test_landmarks_are_drawn_where_pictures_move(sheet):
    dots = [bool(axes.lines) for axes in sheet.axes]
    assert dots == [part.view == "landmarks" for part in PARTS for _ in range(4)] + [True] * 24
    for axes in sheet.axes[-24:]:
        points = axes.lines[0].get_xydata()
        assert points.shape == (68, 2) and ((points > -20) & (points < 148)).all()
