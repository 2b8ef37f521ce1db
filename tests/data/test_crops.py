"""Training pictures: what varies, what must not, and that points move with their pictures."""

import numpy as np
import pytest
import torch
from faces300w import make_300w

from onedheat.data.augment import AugmentConfig, add_noise, draw_crop, occlude, photometric
from onedheat.data.crops import TrainingPictures
from onedheat.data.w300 import read_300w
from onedheat.geometry import tight_box, warp
from onedheat.landmarks import IBUG68

STILL = AugmentConfig(box_scale_spread=0.0, shift=0.0, rotation_share=0.0, mirror_share=0.0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


def test_without_variation_a_picture_is_the_crop_of_evaluation(faces):
    from onedheat.geometry import Crop

    picture = TrainingPictures(faces, 64, STILL)[0, 3]
    sample = faces.samples[3]
    crop = Crop.from_box(tight_box(sample.landmarks, 1.25), 64)
    assert np.abs(picture.landmarks.numpy() - crop.to_crop(sample.landmarks)).max() < 1e-4
    expected = torch.from_numpy(warp(sample.image(), crop)).permute(2, 0, 1)
    assert (picture.pixels.int() - expected.int()).abs().max() <= 1


def test_a_picture_is_decided_by_seed_pass_and_face(faces):
    def picture(seed, epoch, index):
        return TrainingPictures(faces, 64, AugmentConfig(), seed=seed)[epoch, index]

    first, again = picture(1, 2, 3), picture(1, 2, 3)
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.landmarks, again.landmarks)
    for other in (picture(0, 2, 3), picture(1, 0, 3), picture(1, 2, 4)):
        assert not torch.equal(first.pixels, other.pixels)


def test_keeping_photos_in_memory_changes_nothing(faces):
    kept = TrainingPictures(faces, 64, AugmentConfig())
    none = TrainingPictures(faces, 64, AugmentConfig(), cache_bytes=0)
    for at in [(0, 0), (1, 0), (2, 0), (0, 7)]:
        assert torch.equal(kept[at].pixels, none[at].pixels)
    assert kept.kept and not none.kept


def test_a_mirrored_face_exchanges_left_and_right(faces):
    from dataclasses import replace

    plain = TrainingPictures(faces, 64, STILL)[0, 0]
    mirrored = TrainingPictures(faces, 64, replace(STILL, mirror_share=1.0))[0, 0]
    assert torch.equal(plain.pixels.flip(-1), mirrored.pixels)
    back = plain.landmarks[list(IBUG68.mirror)]
    back[:, 0] = 63 - back[:, 0]
    assert torch.allclose(mirrored.landmarks, back, atol=1e-4)
    # The person's right eye stays the one with the person's right eye's name.
    assert mirrored.landmarks[36, 0] < mirrored.landmarks[45, 0]


def test_boxes_stay_in_the_range_that_use_brings():
    rng = np.random.default_rng(0)
    landmarks = np.array([[0.0, 0.0], [100.0, 100.0]])
    sides, turns, mirrors = [], [], []
    for _ in range(2000):
        crop, mirrored = draw_crop(landmarks, 100, AugmentConfig(), rng)
        a, b = crop.inverse[:2, 0]
        sides.append(np.hypot(a, b))
        turns.append(np.degrees(np.arctan2(-b, a if not mirrored else -a)))
        mirrors.append(mirrored)
    assert 1 - 1e-9 <= min(sides) and max(sides) <= 1.7 + 1e-9
    assert np.median(sides) == pytest.approx(1.25, abs=0.02)
    assert max(np.abs(turns)) <= 34.001 and np.mean(np.abs(turns) < 1e-9) == pytest.approx(
        0.3, abs=0.05
    )
    assert np.mean(mirrors) == pytest.approx(0.5, abs=0.05)


def test_light_keeps_range_and_shape_and_changes_pictures():
    pictures = torch.rand(8, 3, 32, 32)
    lit = photometric(AugmentConfig())(pictures)
    assert lit.shape == pictures.shape and lit.min() >= 0 and lit.max() <= 1
    assert (lit != pictures).flatten(1).any(1).sum() >= 4


def test_occluders_cover_the_share_asked_for_and_nothing_else():
    pictures = torch.zeros(400, 3, 32, 32)
    pictures[::2] = 0.5
    covered = occlude(pictures, 0.4)
    touched = (covered != pictures).any(1).flatten(1)
    assert touched.any(1).float().mean().item() == pytest.approx(0.4, abs=0.08)
    area = touched[touched.any(1)].float().mean(1)
    assert 0.005 < area.min() and area.max() < 0.2
    assert torch.equal(occlude(pictures, 0.0), pictures)


def test_noise_stays_in_range_and_is_no_stronger_than_asked():
    flat = torch.full((64, 3, 32, 32), 0.5)
    spread = (add_noise(flat, 0.03) - flat).flatten(1).std(1)
    assert spread.max() < 0.033 and spread.min() < 0.01
    assert add_noise(torch.ones(2, 3, 8, 8), 0.5).max() <= 1
