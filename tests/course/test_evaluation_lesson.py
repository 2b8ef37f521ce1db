"""What a learner touches in notebook 06, and what the lesson measures by itself."""

import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture

from onedheat import kept
from onedheat.course import stamps
from onedheat.course.evaluation import (
    found_faces,
    look_in_boxes,
    nrmse_in_boxes,
    same_mean_with_a_tail,
)
from onedheat.course.explorers.evaluation import ced_box, map_box, rank_box, resampled_box
from onedheat.course.lessons.evaluation import check
from onedheat.data.synthetic import synthetic_faces
from onedheat.evaluation import evaluate
from onedheat.metrics import auc, nrmse, resampled_means
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import Landmarker
from onedheat.plots.areas import FaceRank
from onedheat.plots.boxes import BoxMap
from onedheat.plots.errors import CedView, Resampled, middle


@pytest.fixture(scope="module")
def landmarker():
    """An untrained one: what is shown must be what it finds."""
    torch.manual_seed(3)
    config = DetectorConfig(size=64, width=16, depth=3, channels=6, compressed=4, upsample=3)
    return Landmarker(Detector(config))


@pytest.fixture(scope="module")
def faces():
    return synthetic_faces(3, seed=4, size=112)


def test_the_error_of_a_shown_face_is_that_of_the_protocol(landmarker, faces):
    shown = found_faces(landmarker, faces)
    report = evaluate(landmarker, faces)
    assert [face.errors().mean() for face in shown] == pytest.approx(report.errors)
    assert [face.view.name for face in shown] == ["face 0", "face 1", "face 2"]


def test_the_box_of_the_protocol_is_one_of_those_looked_in(landmarker, faces):
    report = evaluate(landmarker, faces)
    looks = look_in_boxes(landmarker, faces, (1.0, 1.25), (-0.1, 0.0))
    assert [look.errors()[1, 1] for look in looks] == pytest.approx(report.errors)
    errors = nrmse_in_boxes(landmarker, faces, (1.0, 1.25))
    assert errors[1.25] == pytest.approx(report.errors)
    assert [look.errors()[0, 1] for look in looks] == pytest.approx(errors[1.0])


def test_what_is_made_up_has_the_same_mean_and_a_tail():
    errors = np.random.default_rng(0).gamma(12, 0.27, 200)
    made = same_mean_with_a_tail(errors, share=0.05, size=6.0)
    assert made.mean() == pytest.approx(errors.mean())
    assert np.median(made) < np.median(errors)
    assert (made == 6 * errors.mean()).sum() == 10
    assert auc(made) > auc(errors) and (made > 8).sum() >= 10
    with pytest.raises(ValueError, match="leave nothing for the others"):
        same_mean_with_a_tail(errors, share=0.2, size=5.0)


def test_every_control_of_the_lesson_moves_its_picture(landmarker, faces):
    rng = np.random.default_rng(0)
    measured = {name: rng.gamma(9, 0.4, 50) for name in "abc"}
    assert_every_control_moves_its_picture(ced_box(CedView(measured), "b", "c"), 3)

    pictures = {
        title: Resampled(("one", measured["a"]), ("other", measured[other]), (10, 50), 100)
        for title, other in (("first", "b"), ("second", "c"))
    }
    assert_every_control_moves_its_picture(resampled_box(pictures), 2)

    looks = look_in_boxes(landmarker, faces, (1.0, 1.25, 1.5), (-0.1, 0.0, 0.1))
    maps = {look.name: BoxMap(look) for look in looks}
    assert_every_control_moves_its_picture(map_box(maps), 3)
    assert_every_control_moves_its_picture(rank_box(FaceRank(found_faces(landmarker, faces))), 2)


def test_the_references_of_the_exercises_are_the_package(faces):
    true = faces.landmarks()
    found = true + np.random.default_rng(0).normal(size=true.shape)
    distance = faces.scheme.normalising_distance(true)
    by_hand = [check.face_error.solution(*pair) for pair in zip(found, true, strict=True)]
    assert by_hand == pytest.approx(nrmse(found, true, distance))

    errors = kept.load("tiny68-dark-cascade").of_faces
    area = check.area_under_ced.solution(errors, 8.0, 8000)
    assert area == pytest.approx(auc(errors, 8.0), abs=1e-4)

    first, second = (kept.load(f"tiny68-{one}-tight").of_faces for one in ("dark", "argmax"))
    chosen = np.random.default_rng(0).integers(len(first), size=(500, len(first)))
    interval = check.paired_interval.solution(first, second, chosen)
    assert interval == pytest.approx(middle(resampled_means(second - first, 500)))


def test_new_kept_results_make_the_notebook_stale():
    import nbformat

    cell = nbformat.v4.new_code_cell("from onedheat import kept\nkept.everything()")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    found = stamps.stamp(notebook)
    assert set(found["weights"]) == {"kept results"}
    notebook.metadata["onedheat"] = found | {"weights": {"kept results": "another"}}
    assert stamps.stale(notebook) == ["kept results"]
