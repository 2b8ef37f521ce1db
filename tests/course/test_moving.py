"""The picture of moving photographs shows clips as training gets them, of both families of occluders."""

import numpy as np
import pytest

from onedheat.course import moving
from onedheat.course.moving import FRAMES, SHOWN, moving_faces


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    photo = rng.integers(60, 200, (200, 200, 3), dtype=np.uint8)
    return {name: (photo, rng.uniform(60, 140, (68, 2))) for name in ("one", "other")}


def test_each_photograph_gets_a_strip_of_frames_from_a_whole_clip(photos):
    figure = moving_faces(photos)
    shown = [axes.get_label() for axes in figure.axes if axes.images]
    assert shown == [f"frame {t}" for t in SHOWN] * 2 and max(SHOWN) < FRAMES
    captions = [text.get_text() for text in figure.texts]
    assert captions == [
        "one, moving and bent, with what gets in the way in training",
        "other, moving, with what gets in the way in tests",
    ]


def test_one_strip_has_the_occluders_of_training_and_the_other_those_of_tests(photos, monkeypatch):
    used = []
    make = moving.clips_from_stills
    monkeypatch.setattr(
        moving,
        "clips_from_stills",
        lambda *given, **named: used.append(named["config"].occluders) or make(*given, **named),
    )
    moving_faces(photos)
    assert used == ["train", "test"]
