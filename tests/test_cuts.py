"""Another scene is told from a camera that moves and from what passes before it, on photographs."""

import cv2
import numpy as np
import pytest
from skimage import data

from onedheat.pipeline.cuts import CutDetector

PHOTOS = {
    name: cv2.resize(getattr(data, name)(), (360, 288), interpolation=cv2.INTER_AREA)
    for name in ("astronaut", "coffee", "chelsea", "rocket")
}
ASTRONAUT = PHOTOS["astronaut"]


def cuts_in(frames) -> list[int]:
    """Numbers of the frames that begin another scene."""
    cut = CutDetector()
    return [number for number, frame in enumerate(frames) if cut(frame)]


def moved(picture, x, y):
    way = np.float32([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(picture, way, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def lit(picture, gain, more=0):
    return np.clip(picture * float(gain) + more, 0, 255).astype(np.uint8)


def behind_a_hand(picture, x, width):
    """A hand, upright and with fingers, whose middle is at x."""
    across, down = np.meshgrid(np.arange(picture.shape[1]), np.arange(picture.shape[0]))
    fingers = 0.8 + 0.2 * np.sin(across / 9 + down / 17)
    is_hand = (abs(across - x) < width / 2) & (down > 30)
    skin = np.array([205, 150, 125]) * fingers[..., None]
    return np.where(is_hand[..., None], skin, picture).astype(np.uint8)


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("reach", [8, 15, 22])
def test_a_camera_that_shakes_makes_no_cut(photo, reach):
    ways = np.random.default_rng(0).integers(-reach, reach + 1, (30, 2)).tolist()
    assert cuts_in([moved(PHOTOS[photo], *way) for way in ways]) == []


@pytest.mark.parametrize("share", [0.02, 0.06, 0.1])
def test_a_camera_that_turns_makes_no_cut(share):
    for photo in (data.coffee(), data.rocket()):
        height, width = photo.shape[:2]
        view, step = width // 2, round(share * width / 2)
        assert cuts_in([photo[:, x : x + view] for x in range(0, width - view, step)]) == []


@pytest.mark.parametrize(("width", "speed"), [(90, 20), (90, 40), (150, 20), (200, 40)])
def test_a_hand_before_the_lens_is_no_cut(width, speed):
    way = range(-width // 2, 360 + width // 2 + speed, speed)
    assert cuts_in([behind_a_hand(ASTRONAUT, x, width) for x in way]) == []


def test_a_flash_a_lamp_and_a_fade_are_no_cut():
    flash = [lit(ASTRONAUT, 1.5, 150 if number in (3, 7, 8) else 0) for number in range(12)]
    lamp = [lit(ASTRONAUT, 0.5 if number % 4 < 2 else 1.3) for number in range(12)]
    fade = [lit(ASTRONAUT, abs(8 - number) / 8) for number in range(17)]
    for frames in (flash, lamp, fade):
        assert cuts_in(frames) == []


def test_every_change_from_one_photo_to_another_is_a_cut():
    shots = [photo for photo in PHOTOS.values() for _ in range(3)]
    assert cuts_in(shots + shots) == list(range(3, 24, 3))


def test_a_shot_of_one_frame_has_a_cut_at_either_end():
    coffee = PHOTOS["coffee"]
    assert cuts_in([ASTRONAUT, ASTRONAUT, coffee, ASTRONAUT, ASTRONAUT]) == [2, 3]


def test_the_other_half_of_a_photo_is_another_scene():
    for photo in (data.astronaut(), data.coffee(), data.chelsea()):  # a sky is like itself
        half = photo.shape[1] // 2
        assert cuts_in([photo[:, :half], photo[:, half : 2 * half]]) == [1]
