"""Errors by facial area, faces sorted by their error, and the box around a face."""

import numpy as np
import pytest
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat.geometry import tight_box
from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView
from onedheat.plots.areas import FaceRank, FoundFace, areas_and_variance, by_area, worst_faces
from onedheat.plots.boxes import BoxLooks, BoxMap, moved_box


def a_face(number, away):
    """A face whose every landmark was found `away` pixels too low, those of the mouth twice that."""
    rng = np.random.default_rng(number)
    picture = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    true = rng.uniform(8, 52, (68, 2))
    true[[36, 45]] = [20, 25], [40, 25]  # 20 px apart
    found = true + (0.0, away)
    found[48:] += (0.0, away)
    return FoundFace(FaceView(f"face {number}", picture, 60, true, IBUG68), found)


@pytest.fixture(scope="module")
def faces():
    return [a_face(number, away) for number, away in enumerate((1.0, 3.0, 2.0, 0.5, 2.5, 1.5, 0.7))]


def test_an_area_has_the_mean_of_its_landmarks():
    values = np.tile(np.arange(68.0), (2, 1))
    found = by_area(values, IBUG68)
    assert found["contour"] == pytest.approx([8, 8])
    assert found["mouth"] == pytest.approx([57.5, 57.5])


def test_faces_are_sorted_from_the_worst_on(faces):
    view = FaceRank(faces)
    assert_fit_to_be_read(view)
    assert view.order["whole face"].tolist() == [1, 4, 2, 5, 0, 6, 3]
    assert view.errors["eyes"] == pytest.approx([5, 15, 10, 2.5, 12.5, 7.5, 3.5])
    assert view.errors["mouth"] == pytest.approx(2 * view.errors["eyes"])
    alt = view.move(2, "mouth").alt
    assert alt.startswith("face 4, number 2 of 7 faces sorted by the error of the mouth")
    assert f"mouth 25.0 (all faces {view.errors['mouth'].mean():.1f})" in alt


def test_a_moved_rank_is_the_one_drawn_at_once(faces):
    moved = FaceRank(faces)
    assert_all_different([moved.move(rank).png() for rank in (1, 2, 7)])
    assert_moved_is_fresh(moved.move(3, "nose"), FaceRank(faces).move(3, "nose"))


def test_the_gallery_has_the_worst_faces_in_order(faces):
    figure = worst_faces(faces, 4)
    assert_fit_to_be_read(figure)
    mean = np.mean([face.errors().mean() for face in faces])
    shown = [f"face {n} {faces[n].errors().mean():.1f}" for n in (1, 4, 2, 5)]
    assert f"per cent: {', '.join(shown)};" in figure.alt
    assert f"mean of all {mean:.1f}." in figure.alt


def test_areas_and_variances_are_told_in_words():
    areas = ("contour", "eyes")
    errors = {"a": dict(zip(areas, (5.0, 2.0), strict=True)), "b": dict.fromkeys(areas, 9.0)}
    spread = {"in the box,\npx²": {"contour": (1.0, 2.0), "eyes": (3.0, 4.0)}}
    figure = areas_and_variance(errors, spread | {"from the eyes": spread["in the box,\npx²"]})
    assert_fit_to_be_read(figure)
    assert "NRMSE, %: a (contour 5.0, eyes 2.0), b (contour 9.0, eyes 9.0)" in figure.alt
    assert "in the box, px²: x (contour 1.0, eyes 3.0), y (contour 2.0, eyes 4.0)" in figure.alt


# Boxes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looks():
    rng = np.random.default_rng(0)
    truth = rng.uniform(30, 70, (68, 2))
    truth[[36, 45]] = [40, 45], [60, 45]  # 20 px apart
    away = np.array([[3.0, 1.0, 2.0], [2.0, 0.2, 1.0]])  # least at the second scale, no shift
    found = truth + np.stack([np.zeros_like(away), away], axis=-1)[:, :, None]
    photo = rng.integers(0, 256, (100, 100, 3), dtype=np.uint8)
    return BoxLooks("drawn face 3", photo, truth, (1.0, 1.25), (-0.1, 0.0, 0.1), found, IBUG68)


def test_a_moved_box_keeps_its_side():
    truth = np.random.default_rng(0).uniform(0, 100, (68, 2))
    box, tight = moved_box(truth, 1.25, 0.1), tight_box(truth, 1.25)
    side = tight[2] - tight[0]
    assert box - tight == pytest.approx([0.1 * side, 0, 0.1 * side, 0])


def test_the_map_has_the_error_in_every_box(looks):
    assert looks.errors() == pytest.approx(np.array([[15, 5, 10], [10, 1, 5]]))
    view = BoxMap(looks)
    assert_fit_to_be_read(view)
    assert view.best() == (1.25, 0.0)
    assert view._mark.get_xydata().tolist() == [[1, 1]]
    alt = view.move(1.0, -0.1).alt
    assert "NRMSE of this face 15.0 per cent" in alt
    assert "goes from 1.0 (side 1.25, shift 0) to 15.0 per cent" in alt


def test_a_moved_map_is_the_one_drawn_at_once(looks):
    moved = BoxMap(looks)
    steps = [(1.0, -0.1), (1.25, -0.1), (1.25, 0.1)]
    assert_all_different([moved.move(*step).png() for step in steps])
    assert_moved_is_fresh(moved.move(1.0, 0.1), BoxMap(looks).move(1.0, 0.1))
