"""A point and a picture must move by the same map, whatever the map is."""

import cv2
import numpy as np
import pytest
import torch
from broken import peak_bytes
from skimage import data

from onedheat import geometry
from onedheat.geometry import (
    Bend,
    Crop,
    box_overlap,
    paper_box,
    square_box,
    tight_box,
    transform,
    warp,
    warp_batch,
)

# OpenCV 4 rounds places to 1/32 pixel, which noise as strong as can be shows.
GREY_LEVELS = 1 if int(cv2.__version__.split(".")[0]) >= 5 else 9


def dot(width: int, height: int, x: float, y: float, sigma: float) -> np.ndarray:
    """A bright Gaussian dot on black, (H, W, 3) uint8."""
    rows, columns = np.mgrid[:height, :width]
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(bright.round().astype(np.uint8)[..., None], 3, axis=2)


def centroid(picture: np.ndarray) -> np.ndarray:
    weight = picture[..., 0].astype(float)
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize("shrink", [0.4, 1.0, 1.3, 2.0, 3.7, 10.0])
@pytest.mark.parametrize("angle", [0.0, 31.0, -90.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_drawn_dot_lands_where_its_coordinate_says(shrink, angle, mirrored):
    rng = np.random.default_rng([int(10 * shrink), int(angle) % 360, mirrored])
    size, side = 64, 64 * shrink
    for _ in range(3):
        center = side + rng.uniform(-0.5, 0.5, 2)
        point = center + rng.uniform(-0.2, 0.2, 2) * side
        image = dot(round(2 * side) + 2, round(2 * side) + 1, *point, sigma=2.5 * max(shrink, 0.6))
        crop = Crop.from_box(square_box(center, side), size, angle=angle, mirrored=mirrored)
        assert np.abs(centroid(warp(image, crop)) - crop.to_crop(point)).max() < 0.05


def test_a_box_maps_its_edges_to_the_edges_of_the_picture():
    crop = Crop.from_box(np.array([10.0, 20.0, 74.0, 84.0]), 128)
    corners = crop.to_crop(np.array([[10.0, 20.0], [74.0, 84.0]]))
    assert corners.tolist() == [[-0.5, -0.5], [127.5, 127.5]]


def test_a_crop_of_the_whole_picture_at_its_own_size_is_the_picture():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    crop = Crop.from_box(np.array([-0.5, -0.5, 31.5, 31.5]), 32)
    assert (warp(image, crop) == image).all()


def test_halving_averages_two_by_two():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    small = warp(image, Crop.from_box(np.array([-0.5, -0.5, 63.5, 63.5]), 32))
    mean = image.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - mean).max() <= 1


def test_shrinking_does_not_alias():
    stripes = np.zeros((640, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    small = warp(stripes, Crop.from_box(np.array([3.2, 3.2, 603.2, 603.2]), 64))
    assert small.min() >= 115 and small.max() <= 140


def test_crop_and_inverse_agree_to_1e_9():
    rng = np.random.default_rng(1)
    for _ in range(50):
        box = square_box(rng.uniform(0, 5000, 2), rng.uniform(3, 4000))
        crop = Crop.from_box(box, 128, angle=rng.uniform(-180, 180), mirrored=rng.random() < 0.5)
        points = rng.uniform(-5000, 5000, (20, 2))
        back = crop.to_photo(crop.to_crop(points))
        assert np.abs(back - points).max() < 1e-9 * np.abs(points).max()


def test_what_lies_outside_the_photo_is_black():
    image = np.full((20, 20, 3), 200, np.uint8)
    picture = warp(image, Crop.from_box(np.array([-20.5, -0.5, 19.5, 39.5]), 40))
    assert (picture[:20, 20:] == 200).all()
    assert not picture[:, :20].any() and not picture[20:].any()


def test_a_box_far_larger_than_the_photo_takes_no_more_memory_than_a_large_photo():
    photo = np.full((512, 512, 3), 200, np.uint8)
    for half in (20_000.0, 1e12):
        crop = Crop.from_box(np.array([-half, -half, half, half]), 64)
        assert peak_bytes(lambda crop=crop: warp(photo, crop)) < 320e6


def test_a_photo_wider_than_opencv_addresses_is_read_where_it_can_be():
    image = np.zeros((40, 33_000, 3), np.uint8)
    image[:, 32_700:] = dot(300, 40, 150.25, 20.5, 3)
    crop = Crop.from_box(square_box(np.array([32_850.0, 20.0]), 40), 64)
    assert (
        np.abs(centroid(warp(image, crop)) - crop.to_crop(np.array([32_850.25, 20.5]))).max() < 0.05
    )


def crops_of(photos, shrink, size, rng):
    """A crop of each photo: upright, turned, mirrored, and now and then reaching beyond its edges."""
    return [
        Crop.from_box(
            square_box(rng.uniform(0, photo.shape[1::-1]), size * shrink),
            size,
            angle=float(rng.uniform(-180, 180)) if number % 3 else 0.0,
            mirrored=number % 2 == 1,
        )
        for number, photo in enumerate(photos)
    ]


def noise(rng, sides):
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for height, width in sides]


def parts_of_a_photo(rng, sides):
    photo = data.astronaut()
    return [np.ascontiguousarray(photo[:height, -width:]) for height, width in sides]


@pytest.mark.parametrize("shrink", [0.4, 1.0, 1.3, 2.0, 3.7, 5.0])
@pytest.mark.parametrize("photos_of", [noise, parts_of_a_photo])
def test_a_batch_is_warped_as_each_photo_alone(photos_of, shrink):
    rng = np.random.default_rng([int(10 * shrink), 7])
    photos = photos_of(rng, rng.integers(40, 400, (8, 2)))
    crops = crops_of(photos, shrink, 32, rng)
    batch = warp_batch([torch.from_numpy(photo) for photo in photos], crops)
    alone = np.stack([warp(photo, crop) for photo, crop in zip(photos, crops, strict=True)])
    assert (batch.shape, batch.dtype) == ((8, 3, 32, 32), torch.uint8)
    difference = np.abs(batch.permute(0, 2, 3, 1).numpy().astype(int) - alone)
    assert difference.max() <= GREY_LEVELS and alone.std() > 10


def test_a_batch_may_hold_crops_of_every_scale():
    rng = np.random.default_rng(0)
    photos = noise(rng, rng.integers(40, 400, (6, 2)))
    crops = [
        crops_of([p], s, 32, rng)[0] for p, s in zip(photos, [5, 0.5, 2, 0.5, 1, 3], strict=True)
    ]
    batch = warp_batch([torch.from_numpy(photo) for photo in photos], crops)
    for photo, crop, picture in zip(photos, crops, batch, strict=True):
        difference = picture.permute(1, 2, 0).numpy().astype(int) - warp(photo, crop)
        assert np.abs(difference).max() <= GREY_LEVELS


def test_a_batch_that_is_computed_piece_by_piece_is_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    photos = noise(rng, rng.integers(100, 300, (4, 2)))
    crops = crops_of(photos, 2.5, 16, rng)
    tensors = [torch.from_numpy(photo) for photo in photos]
    whole = warp_batch(tensors, crops)
    monkeypatch.setattr(geometry, "MAX_SAMPLES", 1)
    assert (warp_batch(tensors, crops).int() - whole.int()).abs().max() <= 1


def bend_of(rng: np.random.Generator, photo: np.ndarray) -> Bend:
    """Six places that pull as far as they may."""
    side = min(photo.shape[:2])
    widths = rng.uniform(0.12, 0.3, 6) * side
    pulls = 0.15 * widths[:, None] * rng.uniform(-1, 1, (6, 2))
    return Bend(rng.uniform(0.2, 0.8, (6, 2)) * photo.shape[1::-1], widths, pulls)


@pytest.mark.parametrize("shrink", [0.4, 1.3, 3.7])
def test_a_dot_of_a_bent_photo_lands_where_its_coordinate_says(shrink):
    rng = np.random.default_rng(int(10 * shrink))
    size, side, moved = 64, 64 * shrink, []
    for _ in range(6):
        center = np.array([side, side])
        point = center + rng.uniform(-0.2, 0.2, 2) * side
        image = dot(round(2 * side) + 2, round(2 * side) + 1, *point, sigma=2.5 * max(shrink, 0.6))
        crop = Crop.from_box(square_box(center, side), size, angle=20.0)
        bend = bend_of(rng, image)
        wanted = crop.to_crop(bend.bent(point))
        moved.append(wanted - crop.to_crop(point))
        assert np.abs(centroid(warp(image, crop, bend)) - wanted).max() < 0.25
    assert (
        np.abs(moved).mean() > 1.0
    )  # a dot is stretched, too: its middle is not quite its centroid


@pytest.mark.parametrize("shrink", [0.5, 1.3, 3.7])
def test_a_batch_of_bent_photos_is_what_each_of_them_is(shrink):
    rng = np.random.default_rng(int(10 * shrink))
    photos = parts_of_a_photo(rng, rng.integers(100, 300, (4, 2)))
    crops = crops_of(photos, shrink, 64, rng)
    bends = [None, *(bend_of(rng, photo) for photo in photos[1:])]
    batch = warp_batch([torch.from_numpy(photo) for photo in photos], crops, bends)
    batch = batch.permute(0, 2, 3, 1).numpy().astype(int)
    alone = np.stack([warp(*three) for three in zip(photos, crops, bends, strict=True)])
    straight = np.stack([warp(*pair) for pair in zip(photos, crops, strict=True)])
    difference = np.abs(batch - alone)
    assert difference[0].max() <= GREY_LEVELS and np.quantile(difference, 0.999) <= GREY_LEVELS + 2
    assert np.abs(batch[1:] - straight[1:]).mean() > 10 * difference.mean()


def test_a_bend_that_pulls_nothing_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    crop = Crop.from_box(np.array([2.0, 3.0, 30.0, 31.0]), 32)
    still = Bend(np.zeros((6, 2)), np.ones(6), np.zeros((6, 2)))
    assert np.abs(warp(image, crop, still).astype(int) - warp(image, crop)).max() <= GREY_LEVELS
    photo = torch.from_numpy(image)
    assert torch.equal(warp_batch([photo], [crop], [None]), warp_batch([photo], [crop]))


def test_a_batch_that_does_not_fit_together_is_refused():
    photo = torch.zeros(10, 10, 3, dtype=torch.uint8)
    small, large = (Crop.from_box(np.array([0.0, 0.0, 5.0, 5.0]), size) for size in (8, 16))
    with pytest.raises(ValueError, match="got 1 photos, 2 crops"):
        warp_batch([photo], [small, small])
    with pytest.raises(ValueError, match=r"sizes \[8, 16\]"):
        warp_batch([photo, photo], [small, large])
    with pytest.raises(ValueError, match="got 0 photos"):
        warp_batch([], [])


def test_landmarks_without_annotation_do_not_count_for_a_box():
    landmarks = np.array([[10.0, 10.0], [np.nan, np.nan], [30.0, 20.0]])
    assert tight_box(landmarks, 1.0).tolist() == [10.0, 5.0, 30.0, 25.0]
    assert paper_box(landmarks, 20.0).tolist() == [-5.0, -10.0, 45.0, 40.0]


def test_a_tight_box_is_square_centred_and_scaled():
    landmarks = np.array([[10.0, 10.0], [30.0, 20.0]])
    assert tight_box(landmarks, 1.0).tolist() == [10.0, 5.0, 30.0, 25.0]
    assert tight_box(landmarks, 1.5).tolist() == [5.0, 0.0, 35.0, 30.0]


def test_the_papers_box_is_two_and_a_half_interocular_distances_but_never_cuts_a_turned_head():
    landmarks = np.array([[0.0, 0.0], [40.0, 0.0], [20.0, 44.0]])
    wide = paper_box(landmarks, interocular=40.0)
    assert wide[2] - wide[0] == pytest.approx(100.0)
    assert (wide[:2] + wide[2:]) / 2 == pytest.approx(landmarks.mean(axis=0))
    turned = paper_box(landmarks, interocular=5.0)
    assert turned[2] - turned[0] == pytest.approx(44 * 1.1)


def test_overlap_of_boxes_by_hand():
    first = np.array([0.0, 0.0, 2.0, 2.0])
    assert box_overlap(first, first) == 1
    assert box_overlap(first, first + 1) == pytest.approx(1 / 7)
    assert box_overlap(first, first + 5) == 0


def test_a_turn_is_clockwise_on_the_screen():
    crop = Crop.from_box(np.array([-50.5, -50.5, 49.5, 49.5]), 100, angle=90)
    right_of_center = crop.to_crop(np.array([9.5, -0.5]))
    assert right_of_center == pytest.approx([49.5, 59.5])  # now below


@pytest.mark.parametrize(
    "box", [[0, 0, 0, 10], [5, 0, 1, 10], [0, 0, np.nan, 1], [0, 0, np.inf, 1]]
)
def test_a_box_without_area_is_refused_with_its_numbers(box):
    with pytest.raises(ValueError, match="x0 < x1"):
        Crop.from_box(np.array(box, dtype=float), 64)


def test_landmarks_in_one_place_have_no_box():
    with pytest.raises(ValueError, match="all different"):
        tight_box(np.ones((5, 2)))
    with pytest.raises(ValueError, match="finite"):
        tight_box(np.array([[0.0, 0.0], [1.0, np.inf]]))
    with pytest.raises(ValueError, match="none of the 5 landmarks is annotated"):
        tight_box(np.full((5, 2), np.nan))


def test_transform_by_hand():
    matrix = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, -1.0], [0.0, 0.0, 1.0]])
    assert transform(matrix, np.array([[1.0, 1.0]])).tolist() == [[3.0, 2.0]]
