"""The pictures of the course: what they draw, what they say in words, and that nothing else moves."""

import io

import numpy as np
import pytest
import torch
from pictures import assert_fit_to_be_read
from PIL import Image

from onedheat.heatmaps import Heatmaps, quantization_error, render
from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView, Figure
from onedheat.plots.augmentation import Strip, augmentation_sheet
from onedheat.plots.faces import TwoVectors, face_close_up, faces_on_photo
from onedheat.plots.motion import ClipStrip, clip_strips
from onedheat.plots.rounding import (
    MEAN_TO_CORNER,
    CellAndCurve,
    SnappedFace,
    numbers_per_face,
    rounding_error,
    rounding_floor,
    snap,
    snapped_faces,
)

PAPER = np.array([142.84, 188.72])


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(1).integers(0, 256, (300, 260, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def landmarks():
    return np.random.default_rng(2).uniform((60, 80), (200, 230), (68, 2))


@pytest.fixture(scope="module")
def view(photo, landmarks):
    return FaceView.from_photo("Somebody", photo, landmarks, 256, side=64, scheme=IBUG68)


@pytest.fixture(scope="module")
def two(photo, landmarks):
    view = FaceView.from_photo("Somebody", photo, landmarks, 128, side=64, scheme=IBUG68)
    x, y = (render(torch.tensor(view.landmarks[:, axis]), 128, 384, 2.0) for axis in (0, 1))
    return TwoVectors(view, Heatmaps(x, y), np.full((68, 2), 0.7))


def strips(view, count, pictures):
    """Strips of one face, with and without its landmarks."""
    shown = np.repeat(view.picture[None], pictures, axis=0)
    points = np.repeat(view.landmarks[None], pictures, axis=0)
    return [Strip(f"Part {i}", shown, points if i % 2 else None) for i in range(count)]


def moving_strip(view):
    pictures = np.repeat(view.picture[None, ::4, ::4], 4, axis=0)
    landmarks = view.landmarks + np.arange(40)[:, None, None]
    visible = np.arange(40 * 68).reshape(40, 68) % 7 > 0
    return ClipStrip("Someone, moving", pictures, range(5, 40, 10), landmarks, visible, 30.0)


def everything(photo, landmarks, view, two):
    sigma = np.linspace(0.5, 2, 136).reshape(68, 2)
    return [
        faces_on_photo(
            photo, [landmarks, landmarks + 20], [sigma, sigma], scheme=IBUG68, name="Two people"
        ),
        faces_on_photo(photo, [], [], scheme=IBUG68, name="Nobody"),
        face_close_up(view, sigma),
        two,
        SnappedFace(view),
        snapped_faces(view, [32, 64]),
        CellAndCurve(PAPER),
        rounding_floor([view], [32, 64, 128], (0.5, "a level")),
        numbers_per_face([64, 128], 68),
        augmentation_sheet(strips(view, 5, 2), strips(view, 2, 6)),
        clip_strips([moving_strip(view)] * 2, 30, "tip of the nose"),
    ]


def test_every_figure_can_be_read_and_says_in_words_what_it_shows(photo, landmarks, view, two):
    for figure in everything(photo, landmarks, view, two):
        assert_fit_to_be_read(figure)


def test_the_title_of_two_vectors_fits_for_every_landmark(two):
    for landmark in range(68):
        two.move(landmark).png()
        assert two._title.get_window_extent().x1 < two.bbox.width - 5


def test_a_moved_picture_is_the_one_that_was_drawn_there_at_once(view, two):
    fresh = TwoVectors(two.view, Heatmaps(*map(torch.tensor, two.vectors)), two.sigma)
    assert np.abs(pixels(two.move(50).png()) - pixels(fresh.move(50).png())).max() <= 2
    moved = SnappedFace(view)
    moved.png()
    moved.move(32, "centre", "nose").png()
    straight = SnappedFace(view).move(32, "centre", "nose")
    assert np.abs(pixels(moved.png()) - pixels(straight.png())).max() <= 2


def test_each_step_of_a_slider_changes_the_picture(view, two):
    cell, face = CellAndCurve(PAPER), SnappedFace(view)
    for pictures in (
        [two.move(landmark).png() for landmark in (0, 1, 36, 67)],
        [face.move(bins).png() for bins in (32, 64, 512, 640, 768)],
        [face.move(64, rule).png() for rule in ("left edge", "centre")],
        [face.move(64, area=area).png() for area in ("nose", "right_eye")],
        [cell.move(bins).png() for bins in (64, 72, 760, 768)],
        [cell.move(256, rule).png() for rule in ("left edge", "centre")],
    ):
        assert len(set(pictures)) == len(pictures)


def test_the_guides_of_two_vectors_meet_the_peaks(two):
    two.move(30)
    x, y = two.view.landmarks[30]
    down, across = two._guides
    assert down.get_xdata() == [x, x] and across.get_ydata() == [y, y]
    assert two.positions[two.vectors[0][30].argmax()] == pytest.approx(x, abs=1 / 6)
    assert two.positions[two.vectors[1][30].argmax()] == pytest.approx(y, abs=1 / 6)
    assert f"x = {x:.1f} ± 0.7" in two.alt


def test_the_snapped_face_reports_eq_5_as_the_package_computes_it(view):
    by_package = quantization_error(torch.tensor(view.landmarks + 0.5), 256, 64).mean().item()
    figure = SnappedFace(view).move(64)
    assert f"Mean error {by_package:.2f} pixels" in figure.alt
    assert f"{rounding_error([view], 64):.2f} per cent" in figure.alt


def test_snapping_at_the_centre_costs_half_on_average():
    points = np.random.default_rng(0).uniform(-0.5, 255.5, (200_000, 2))
    left, center = (
        np.linalg.norm(snap(points, 256, 64, rule) - points, axis=1).mean()
        for rule in ("left edge", "centre")
    )
    assert left == pytest.approx(4 * MEAN_TO_CORNER, rel=5e-3)
    assert left / center == pytest.approx(2, rel=5e-3)


def test_the_papers_point_keeps_its_error_from_128_to_256_bins():
    cell = CellAndCurve(PAPER)
    assert "here E is 1.11 pixels" in cell.move(128).alt
    assert "here E is 1.11 pixels" in cell.move(256).alt
    assert "here E is 0.18 pixels" in cell.move(768).alt


def test_the_face_is_cut_out_where_its_landmarks_are(view, landmarks):
    assert view.picture.shape == (64, 64, 3)
    assert view.landmarks.min() >= 0 and view.landmarks.max() <= 255
    spans = np.ptp(view.landmarks, axis=0).max()
    assert spans == pytest.approx(256 / 1.25)
    ratio = view.interocular / IBUG68.normalising_distance(landmarks[None])[0]
    assert ratio == pytest.approx(spans / np.ptp(landmarks, axis=0).max())


def test_stored_pictures_are_smaller_and_keep_a_rare_colour():
    figure = Figure(3, 3, "a yellow dot")
    axes = figure.panel(0, 0, 3, 3)
    grey = np.random.default_rng(0).integers(60, 200, (300, 300, 1), dtype=np.uint8)
    axes.imshow(np.repeat(grey, 3, axis=2))
    axes.plot(150, 150, "o", ms=4, color="#F0E442")
    small = figure.small_png()
    assert len(small) < len(figure.png()) / 2
    red, green, blue = pixels(small)[145:156, 145:156].reshape(-1, 3).T
    assert ((red > 210) & (green > 200) & (blue < 100)).any()


def test_a_sheet_of_augmentation_shows_every_picture_where_its_strip_stands(view):
    parts, together = strips(view, 3, 2), strips(view, 1, 4)
    figure = augmentation_sheet(parts, together)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == 3 * 2 + 4 and "10 training pictures" in figure.alt
    dots = [axes.lines[0].get_xydata() for axes in pictures if axes.lines]
    assert len(dots) == 2 and np.allclose(dots[0], view.landmarks)
    left, right = (
        [axes.get_position() for axes in pictures[start:stop]] for start, stop in ((0, 4), (4, 6))
    )
    assert max(place.x1 for place in left) < min(place.x0 for place in right)
    boxes = [axes.get_position() for axes in pictures]
    assert not any(
        a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1
        for n, a in enumerate(boxes)
        for b in boxes[:n]
    )


def test_a_sheet_of_photos_is_stored_in_all_its_colours(view):
    figure = augmentation_sheet(strips(view, 2, 2), strips(view, 1, 4))
    assert (pixels(figure.small_png()) == pixels(figure.png())).all()
