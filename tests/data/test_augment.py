"""Augmentation: each part does what it says to the pictures it is meant for, and chance has a seed."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from onedheat.data import augment
from onedheat.data.augment import Augmentation, AugmentConfig, draw_crop, occlude, reach
from onedheat.geometry import tight_box, transform

SHARES = [entry.name for entry in fields(AugmentConfig) if entry.name.endswith("_share")]
PIXEL_SHARES = [
    name for name in SHARES if name not in ("rotation_share", "mirror_share", "bend_share")
]
NOTHING = replace(AugmentConfig(noise=0.0), **dict.fromkeys(PIXEL_SHARES, 0.0))


def only(share_name: str, **settings) -> AugmentConfig:
    """A config with one part, applied to every picture."""
    return replace(NOTHING, **{share_name: 1.0}, **settings)


def colourful(count: int, size: int = 32) -> torch.Tensor:
    """Smooth pictures with colours of their own, far from black and white."""
    coarse = 0.3 + 0.4 * torch.rand(count, 3, 4, 4)
    return torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")


def touched(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Which pictures changed."""
    return (before != after).flatten(1).any(dim=1)


def test_boxes_stay_in_the_range_that_use_brings():
    rng = np.random.default_rng(0)
    landmarks = np.array([[0.0, 0.0], [100.0, 100.0]])
    sides, turns, mirrors = [], [], []
    for _ in range(2000):
        crop, _, mirrored, _ = draw_crop(landmarks, 100, AugmentConfig(), rng)
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


def test_stretched_faces_are_longer_or_wider_and_as_large():
    landmarks = np.array([[0.0, 0.0], [100.0, 100.0]])
    config = AugmentConfig(
        stretch=0.1, rotation_share=0, mirror_share=0, box_scale_spread=0, shift=0
    )
    rng = np.random.default_rng(0)
    scales = np.array(
        [np.diag(draw_crop(landmarks, 100, config, rng)[0].matrix)[:2] for _ in range(2000)]
    )
    assert np.allclose(scales.prod(axis=1), 1 / 1.25**2)
    longer = np.log(scales[:, 1] / scales[:, 0])
    assert longer.mean() == pytest.approx(0, abs=0.01)
    assert longer.std() == pytest.approx(0.1, abs=0.01)
    assert np.abs(longer).max() <= 0.3 + 1e-9


def test_what_is_drawn_without_stretch_is_drawn_with_it():
    landmarks = np.array([[0.0, 0.0], [100.0, 100.0]])
    plain, stretched = (
        draw_crop(landmarks, 100, AugmentConfig(stretch=much), np.random.default_rng(3))[0]
        for much in (0.0, 0.2)
    )
    assert not np.allclose(plain.matrix, stretched.matrix)
    ratio = stretched.matrix[:2, :2] @ np.linalg.inv(plain.matrix[:2, :2])
    assert np.allclose(ratio, np.diag(np.diag(ratio))) and np.linalg.det(ratio) == pytest.approx(1)


@pytest.mark.parametrize("stretch", [0.0, 0.2])
def test_no_crop_shows_more_than_its_reach(stretch):
    rng = np.random.default_rng(0)
    landmarks = np.array([[0.0, 0.0], [100.0, 80.0]])
    config = AugmentConfig(rotation=180.0, box_scale_spread=0.5, shift=0.2, stretch=stretch)
    x0, y0, x1, y1 = reach(landmarks, config)
    edge = np.array([[-0.5, -0.5], [99.5, -0.5], [-0.5, 99.5], [99.5, 99.5]])
    furthest = np.concatenate(
        [transform(draw_crop(landmarks, 100, config, rng)[0].inverse, edge) for _ in range(2000)]
    )
    assert x0 <= furthest[:, 0].min() and furthest[:, 0].max() <= x1
    assert y0 <= furthest[:, 1].min() and furthest[:, 1].max() <= y1
    assert furthest[:, 0].max() > 0.8 * x1  # and keeps little that none shows


def test_bent_faces_have_their_parts_elsewhere_and_the_box_fits_them():
    rng = np.random.default_rng(0)
    landmarks = np.random.default_rng(1).uniform(20, 120, (30, 2))
    config = AugmentConfig(
        bend=0.08, bend_share=0.5, rotation_share=0, mirror_share=0, box_scale_spread=0, shift=0
    )
    apart, bent = [], 0
    for _ in range(400):
        drawn = draw_crop(landmarks, 100, config, rng)
        found = tight_box(drawn.landmarks, 1.25)
        assert found == pytest.approx([-0.5, -0.5, 99.5, 99.5], abs=1e-6)
        if drawn.bend is None:
            continue
        bent += 1
        moved = drawn.crop.to_photo(drawn.landmarks) - landmarks
        assert moved == pytest.approx(drawn.bend.bent(landmarks) - landmarks, abs=1e-9)
        apart.append((moved - moved.mean(axis=0)).std())
    assert bent / 400 == pytest.approx(0.5, abs=0.08)
    assert 0.3 * 0.08 < np.mean(apart) / 50 < 1.2 * 0.08  # 50 px are half a side of the box


def test_what_is_drawn_without_bending_is_drawn_with_it():
    landmarks = np.array([[0.0, 0.0], [100.0, 100.0], [40.0, 30.0]])
    never, none = (
        draw_crop(landmarks, 100, AugmentConfig(**how), np.random.default_rng(3))
        for how in ({"bend": 0.1, "bend_share": 0.0}, {})
    )
    assert never.bend is None and np.array_equal(never.crop.matrix, none.crop.matrix)


def test_pictures_are_decided_by_seed_and_step():
    pictures = colourful(8)

    def augmented(seed, step):
        return Augmentation(AugmentConfig(), seed=seed)(pictures, step)

    first = augmented(1, 2)
    torch.rand(7)  # the world goes on
    assert torch.equal(first, augmented(1, 2))
    assert not torch.equal(first, augmented(1, 3)) and not torch.equal(first, augmented(2, 2))
    one_object = Augmentation(AugmentConfig(), seed=1)
    one_object(pictures, 1)
    assert torch.equal(first, one_object(pictures, 2))


def test_the_random_state_of_the_program_is_left_alone():
    pictures = colourful(8)
    torch.manual_seed(3)
    expected = torch.rand(5)
    torch.manual_seed(3)
    Augmentation(AugmentConfig())(pictures, 0)
    assert torch.equal(torch.rand(5), expected)


def test_devices_that_hold_no_pictures_are_not_seeded(monkeypatch):
    seeded = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.mps, "manual_seed", seeded.append)
    torch.manual_seed(4)
    assert seeded.count(4) >= 1  # this is what would be noticed
    seeded.clear()
    Augmentation(AugmentConfig())(colourful(8), 0)
    assert seeded == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_random_state_of_a_gpu_is_left_alone_and_decides_nothing():
    pictures = colourful(8).cuda()
    torch.cuda.manual_seed(3)
    expected = torch.rand(5, device="cuda")
    torch.cuda.manual_seed(3)
    first = Augmentation(AugmentConfig())(pictures, 0)
    assert torch.equal(torch.rand(5, device="cuda"), expected)
    assert torch.equal(Augmentation(AugmentConfig())(pictures, 0), first)


def test_on_mps_the_random_state_comes_back(monkeypatch):
    """As far as can be told without the device: what is asked of it, and in which order."""
    asked = []
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: "before")
    monkeypatch.setattr(torch.mps, "manual_seed", lambda seed: asked.append(seed))
    monkeypatch.setattr(torch.mps, "set_rng_state", asked.append)
    with pytest.raises(KeyboardInterrupt), augment._seeded(7, torch.device("mps")):
        asked.append(torch.initial_seed())
        raise KeyboardInterrupt
    assert asked == [7, 7, "before"]


def test_what_is_given_is_not_changed_and_what_comes_back_is_a_picture():
    pictures = torch.rand(16, 3, 48, 48)
    before = pictures.clone()
    everything = replace(AugmentConfig(), **dict.fromkeys(PIXEL_SHARES, 1.0))
    augmented = Augmentation(everything)(pictures, 0)
    assert torch.equal(pictures, before)
    assert augmented.shape == pictures.shape and augmented.dtype == torch.float32
    assert augmented.min() >= 0 and augmented.max() <= 1 and touched(pictures, augmented).all()


def test_without_any_part_nothing_changes():
    pictures = torch.rand(4, 3, 32, 32)
    assert torch.equal(Augmentation(NOTHING)(pictures, 0), pictures)


@pytest.mark.parametrize("share", PIXEL_SHARES)
def test_each_part_changes_the_share_asked_for(share):
    pictures = colourful(200)
    config = replace(NOTHING, **{share: 0.3})
    changed = touched(pictures, Augmentation(config)(pictures, 0)).float().mean().item()
    # Brightness and contrast are drawn apart.
    expected = 0.51 if share == "light_share" else 0.3
    assert changed == pytest.approx(expected, abs=0.11)
    assert touched(pictures, Augmentation(only(share))(pictures, 0)).float().mean() > 0.9


def test_brightness_and_contrast_stay_in_what_light_says():
    flat = torch.full((500, 3, 8, 8), 0.4)
    lit = Augmentation(only("light_share", light=0.2))(flat, 0)[:, 0, 0, 0]
    assert (0.4 - 0.2) * 0.8 - 1e-6 <= lit.min() < 0.2
    assert 0.68 < lit.max() <= (0.4 + 0.2) * 1.2 + 1e-6


def test_tone_moves_greys_by_the_exponents_it_says():
    flat = torch.full((500, 3, 8, 8), 0.5)
    toned = Augmentation(only("tone_share", tone=0.5))(flat, 0)[:, 0, 0, 0]
    exponents = toned.log() / np.log(0.5)
    assert 1 / 1.5 - 1e-4 <= exponents.min() < 0.7 and 1.45 < exponents.max() <= 1.5 + 1e-4


def test_a_gradient_leaves_one_edge_as_it_is():
    flat = torch.full((100, 3, 32, 32), 0.5)
    change = Augmentation(only("gradient_share", gradient=0.3))(flat, 0) - flat
    edges = torch.stack(
        [change[..., 0, :], change[..., -1, :], change[..., 0], change[..., -1]]
    ).abs()
    by_edge = edges.amax(dim=(2, 3))  # of each picture
    assert by_edge.min(dim=0).values.max() < 1e-6
    assert 0.25 < by_edge.max() <= 0.3 + 1e-6
    assert change.min() < -0.2 and change.max() > 0.2  # darker and brighter ones


def test_a_shadow_only_darkens():
    flat = torch.full((100, 3, 32, 32), 0.6)
    change = Augmentation(only("shadow_share", shadow=0.4))(flat, 0) - flat
    assert change.max() <= 0 and -0.4 - 1e-6 <= change.min() < -0.3
    covered = (change < 0).all(dim=1).flatten(1).float().mean(dim=1)
    assert ((covered > 0.05) & (covered < 0.95)).float().mean() > 0.5  # lit and unlit parts


def test_grey_is_without_colour():
    grey = Augmentation(only("gray_share"))(colourful(4), 0)
    assert (grey - grey[:, :1]).abs().max() < 1e-6


@pytest.mark.parametrize("share", ["blur_share", "motion_share"])
def test_blur_spreads_a_dot_and_moves_it_nowhere(share):
    """A landmark must stay where its coordinate says."""
    dots = torch.zeros(50, 3, 33, 33)
    dots[:, :, 14, 18] = 1.0
    blurred = Augmentation(only(share))(dots, 0)[:, 0]
    at = torch.arange(33.0)
    total = blurred.sum(dim=(1, 2))
    assert (total - 1).abs().max() < 1e-4
    x, y = (blurred.sum(1) * at).sum(1) / total, (blurred.sum(2) * at).sum(1) / total
    assert (x - 18).abs().max() < 0.05 and (y - 14).abs().max() < 0.05
    assert blurred.amax(dim=(1, 2)).min() < 0.5


def test_noise_is_no_stronger_than_asked():
    flat = torch.full((64, 3, 32, 32), 0.5)
    spread = (Augmentation(replace(NOTHING, noise=0.03))(flat, 0) - flat).flatten(1).std(1)
    assert spread.max() < 0.033 and spread.min() < 0.01
    assert spread.mean().item() == pytest.approx(0.015, abs=0.004)


def test_a_lower_jpeg_quality_costs_more():
    pictures = torch.rand(64, 3, 40, 40)  # 40 is no multiple of the 16 that the codec works in

    def loss(quality):
        compressed = Augmentation(only("jpeg_share", jpeg_quality=quality))(pictures, 0)
        return (compressed - pictures).abs().mean()

    assert 0.01 < loss(90) < loss(30) < loss(5)


def test_occluders_cover_one_rectangle_each_and_nothing_else():
    pictures = torch.zeros(400, 3, 32, 32)
    pictures[::2] = 0.5
    chosen = torch.arange(0, 400, 5)
    covered = occlude(pictures, chosen)
    patches = (covered != pictures[chosen]).any(dim=1)
    area = patches.flatten(1).float().mean(1)
    assert (area > 0).all() and 0.005 < area.min() and 0.1 < area.max() < 0.2
    # As many pixels as rows times columns: a rectangle.
    assert torch.equal(
        patches.flatten(1).sum(1), patches.any(dim=2).sum(1) * patches.any(dim=1).sum(1)
    )


def test_an_occluder_is_of_one_colour_or_cut_from_the_picture_before():
    pictures = torch.rand(200, 3, 32, 32)
    chosen = torch.arange(200)
    covered = occlude(pictures, chosen)
    patches = covered != pictures
    before = pictures[chosen - 1].flip(-1, -2)
    plain = 0
    for picture, patch, other in zip(covered, patches, before, strict=True):
        values = picture[patch].reshape(3, -1)
        one_colour = (values == values[:, :1]).all()
        assert one_colour or torch.equal(values, other[patch].reshape(3, -1))
        plain += int(one_colour)
    assert 70 < plain < 130


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mirror_share": 1.5}, "mirror_share must be from 0 to 1, got 1.5"),
        ({"jpeg_quality": 0}, "jpeg_quality must be from 1 to 90, got 0"),
        ({"motion": 4}, "motion must be an odd number of pixels from 3, got 4"),
        ({"blur": 0.1}, "blur must be from 0.3 to 10, got 0.1"),
        ({"shift": float("nan")}, "shift must be from 0 to 0.5, got nan"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        AugmentConfig(**wrong)
