"""What a learner touches in notebook 02, and the vectors it is shown."""

import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture

from onedheat import DetectorConfig
from onedheat.course.explorers.marginals import (
    decoder_race_box,
    one_mode_box,
    read_vector_box,
    two_modes_box,
)
from onedheat.course.lessons.marginal_heatmaps import check
from onedheat.course.vectors import (
    SeenFaces,
    face_to_read,
    noise_correlation,
    see_faces,
    vectors_in,
)
from onedheat.data.synthetic import render_face, synthetic_faces
from onedheat.geometry import tight_box
from onedheat.heatmaps import Heatmaps, blur, dark_index, marginalize, render
from onedheat.models import Detector
from onedheat.pipeline import Landmarker
from onedheat.plots.decoding import DecoderRace
from onedheat.plots.maps import two_modes


@pytest.fixture(scope="module")
def landmarker():
    """An untrained network will do: what is shown must be what it put out."""
    torch.manual_seed(0)
    return Landmarker(Detector(DetectorConfig(width=16, channels=8, upsample=3)).eval())


@pytest.fixture(scope="module")
def drawn():
    return render_face(0, 24, 160)


def test_every_control_of_the_lesson_moves_its_picture(landmarker, drawn):
    pictures = {
        name: face_to_read(landmarker, name, drawn.image, drawn.landmarks + 3 * step)
        for step, name in enumerate(("one", "two"))
    }
    race = DecoderRace([64, 128, 256], (2, 4), (2, 5, 10), draws=20)
    for box, count in (
        (one_mode_box(128, [32, 64, 128], 64), 5),
        (two_modes_box(128), 3),
        (decoder_race_box(race, (2, 4), (2, 5, 10)), 5),
        (read_vector_box(pictures, 30), 3),
    ):
        assert_every_control_moves_its_picture(box, count)


def test_the_first_exercise_is_the_packages_marginalize():
    drawn = two_modes(50, 0.7, 0.4, 128, 32, 7)
    ours, theirs = check.marginals.solution(drawn), marginalize(torch.from_numpy(drawn))
    assert ours[0] == pytest.approx(theirs.x.numpy()) and ours[1] == pytest.approx(theirs.y.numpy())


@pytest.mark.parametrize("brightness", [0.5, 0.3, 0.9])
def test_the_most_that_can_be_moved_empties_the_weaker_spot(brightness):
    most = check.most_moved.solution(brightness)
    left = [brightness - most, 1 - brightness - most]
    assert min(left) == pytest.approx(0)
    drawn = two_modes(64, brightness, 1.0, 128, 128, 4)
    assert drawn[:64, 64:].sum() == pytest.approx(most, abs=1e-6)


def test_the_last_exercise_on_a_blurred_vector_is_dark():
    vectors = render(torch.linspace(30.0, 90.0, 40).double(), 128, 384, 2.0)
    noise = np.random.default_rng(0).normal(0, 0.02, vectors.shape)
    vectors = (vectors + torch.from_numpy(noise)).clamp(min=0)
    theirs = dark_index(vectors, 6.0)
    for vector, index in zip(blur(vectors, 6.0).numpy(), theirs.tolist(), strict=True):
        assert check.peak_between_bins.solution(vector) == pytest.approx(index, abs=1e-9)


def test_vectors_are_those_of_the_face_in_the_box(landmarker, drawn):
    box = tight_box(drawn.landmarks)
    heatmaps, (crop,) = vectors_in(landmarker, [drawn.image], [box])
    assert heatmaps.x.shape == heatmaps.y.shape == (1, 68, 96)
    read = landmarker.detector.read(heatmaps).landmarks[0].double().numpy()
    located = landmarker.locate([drawn.image], box[None]).landmarks[0]
    assert crop.to_photo(read) == pytest.approx(located, abs=1e-3)


def test_seen_faces_bring_their_truth_into_the_networks_pixels(landmarker):
    faces = synthetic_faces(3, seed=5)
    seen = see_faces(landmarker, faces)
    assert seen.heatmaps.x.shape == (3, 68, 96) and seen.truth.shape == (3, 68, 2)
    spans = np.ptp(seen.truth, axis=1).max(axis=1)
    assert spans == pytest.approx(128 / 1.25)
    eyes = np.linalg.norm(seen.truth[:, 36] - seen.truth[:, 45], axis=-1)
    assert seen.interocular == pytest.approx(eyes)


def test_a_face_to_read_shows_its_truth_only_where_that_is_known(landmarker, drawn):
    known = face_to_read(landmarker, "drawn", drawn.image, drawn.landmarks, known=True)
    assert known.truth is not None and known.truth == pytest.approx(known.view.landmarks)
    assert face_to_read(landmarker, "photo", drawn.image, drawn.landmarks).truth is None


def test_the_noise_of_vectors_is_compared_far_from_the_landmark_only():
    truth = np.full((4, 68, 2), 40.0)
    white = torch.from_numpy(np.random.default_rng(0).normal(size=(4, 68, 384))).float()
    peaks = 100 * render(torch.tensor(40.0), 128, 384, 2.0)  # would outweigh everything
    for alike, wanted in ((0, 0.0), (3.0, np.exp(-9 / 36))):
        noise = blur(white, alike) if alike else white
        seen = SeenFaces(Heatmaps(noise + peaks, noise), truth, np.ones(4))
        assert noise_correlation(seen, 128, [3])[0] == pytest.approx(wanted, abs=0.02)
