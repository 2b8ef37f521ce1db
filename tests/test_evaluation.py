from dataclasses import replace

import numpy as np
import pytest
import torch
from faces300w import make_300w
from kinds import CONFIGS, network_of

from onedheat.data import DataError
from onedheat.data.w300 import read_300w
from onedheat.evaluation import BOX_RULES, evaluate
from onedheat.geometry import tight_box
from onedheat.landmarks import FGNET68, IBUG68
from onedheat.models import KINDS, Detector, DetectorConfig
from onedheat.pipeline import Face, Landmarker


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


@pytest.fixture(scope="module")
def landmarker():
    config = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)
    return Landmarker(Detector(config), finder=lambda image: (np.zeros((0, 4)), np.zeros(0)))


def test_the_network_sees_the_box_of_the_protocol(faces, landmarker, monkeypatch):
    seen = []

    def spy(landmarker, images, boxes):
        seen.extend(boxes)
        return original(landmarker, images, boxes)

    original = Landmarker.locate
    monkeypatch.setattr(Landmarker, "locate", spy)
    evaluate(landmarker, faces)
    expected = [tight_box(sample.landmarks, 1.25) for sample in faces.samples]
    assert np.allclose(seen, expected)


def test_the_detectors_box_matches_by_overlap(faces, landmarker):
    report = evaluate(landmarker, faces, box="detector")
    assert report.missed == len(faces) and report.failure_rate == 100.0

    class Oracle(Landmarker):
        """Finds a stranger first and the labelled face second, a little off."""

        def __call__(self, image, boxes=None):
            sample = next(s for s in faces.samples if np.array_equal(s.image(), image))
            near, far = sample.landmarks + 1.0, sample.landmarks / 20
            return [
                Face(points, np.zeros((68, 2)), tight_box(points, 1.25), np.ones(68))
                for points in (far, near)
            ]

    report = evaluate(Oracle(landmarker.detector), faces, box="detector")
    assert report.missed == 0
    distance = IBUG68.normalising_distance(faces.landmarks())
    assert report.errors == pytest.approx(100 * 2**0.5 / distance)


def test_jittered_boxes_are_the_tight_ones_moved_and_resized_the_same_each_time(faces):
    sides, shifts = [], []
    for sample in faces.samples:
        tight, box = tight_box(sample.landmarks, 1.25), BOX_RULES["jittered"](sample, faces)
        assert np.array_equal(box, BOX_RULES["jittered"](sample, faces))
        side = tight[2] - tight[0]
        sides.append((box[2:] - box[:2]) / side)
        shifts.append(((box[:2] + box[2:]) - (tight[:2] + tight[2:])) / 2 / side)
    assert np.allclose(np.ptp(sides, axis=1), 0)  # still square
    for moved in (np.array(sides) - 1, np.array(shifts)):
        assert np.abs(moved).max() <= 0.15 and np.abs(moved).max() > 0.1
        assert moved.min() < -0.05 < 0.05 < moved.max()


def test_redrawn_is_a_second_look_at_what_the_first_found(faces, landmarker, monkeypatch):
    looks = []

    class Nearer(Landmarker):
        """Halves what a box lacks of the face's own."""

        def locate(self, images, boxes):
            looks.append(boxes)
            tight = np.stack([tight_box(sample.landmarks, 1.25) for sample in faces.samples])
            nearer = [
                sample.landmarks + (box[:2] - own[:2]) / 2
                for sample, box, own in zip(faces.samples, boxes, tight, strict=True)
            ]
            located = super().locate(images, boxes)
            return replace(located, landmarks=np.stack(nearer))

    once = evaluate(Nearer(landmarker.detector), faces, box="jittered")
    looks.clear()
    twice = evaluate(Nearer(landmarker.detector), faces, box="jittered", redrawn=True)
    tight = np.stack([tight_box(sample.landmarks, 1.25) for sample in faces.samples])
    assert np.allclose((looks[1] - tight)[:, :2], (looks[0] - tight)[:, :2] / 2)
    assert twice.errors == pytest.approx(np.array(once.errors) / 2)
    assert (once.box, twice.box) == ("jittered", "jittered, redrawn")
    with pytest.raises(DataError, match="looked at twice already"):
        evaluate(landmarker, faces, box="detector", redrawn=True)


def test_a_data_set_without_boxes_and_an_unknown_box_are_refused(faces, landmarker):
    with pytest.raises(DataError, match="no face boxes of its own"):
        evaluate(landmarker, faces, box="annotation")
    with pytest.raises(DataError, match="tight, paper, annotation, jittered, detector"):
        evaluate(landmarker, faces, box="loose")


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_network_of_any_kind_is_refused_in_words(faces, kind):
    network = network_of(kind)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(torch.nan)
    one = faces.where(lambda sample: sample is faces.samples[0], "one")
    for decoder in network.decoders:
        for box, redrawn in (("tight", False), ("jittered", True)):
            with pytest.raises(ValueError, match="not finite.*load another checkpoint"):
                evaluate(Landmarker(network, decoder=decoder), one, box=box, redrawn=redrawn)


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_names_the_decoder_and_the_mirror_that_were_used(faces, kind):
    torch.manual_seed(0)
    network, errors = network_of(kind).eval(), {}
    one = faces.where(lambda sample: sample is faces.samples[0], "one")
    for decoder in (None, *network.decoders):
        for flip in (False, True):
            report = evaluate(Landmarker(network, decoder=decoder, flip=flip), one)
            named = decoder or network.decoders[0]
            assert (report.decoder, report.flip) == (named, flip)
            assert report.reading == f"{named} + flip" if flip else named
            errors.setdefault((report.decoder, flip), set()).add(report.errors)
    assert all(len(found) == 1 for found in errors.values())  # None is the first of them
    assert len(set.union(*errors.values())) == 2 * len(network.decoders)


def test_every_kind_is_measured_here():
    assert set(CONFIGS) == set(KINDS)


def test_the_shipped_weights_on_real_faces(real_data):
    """Not a measurement: a floor under it, on a fifth of the faces."""
    from onedheat.pipeline import load

    faces = read_300w(real_data / "300w_crops", "lfpw/testset")
    fifth = faces.where(lambda sample: sample.source.path.stem.endswith(("0", "4")), "a fifth")
    report = evaluate(load("tiny68", engine="torch"), fifth)
    assert report.nrmse < 3.25 and report.failure_rate < 1
    assert report.areas["eyes"] < report.areas["contour"]


def test_weights_of_another_markup_are_measured_on_the_landmarks_both_have(
    faces, landmarker, monkeypatch
):
    """The labels' seven points are those of the network's, all else about them is noise."""
    from onedheat.pipeline import Located

    own, other = [36, 39, 45, 42, 48, 54, 30], [27, 29, 32, 34, 48, 54, 67]
    truth = faces.landmarks()
    labels = np.random.default_rng(0).uniform(20, 100, truth.shape)
    labels[:, other] = truth[:, own]
    relabelled = replace(
        faces,
        scheme=FGNET68,
        samples=tuple(
            replace(sample, landmarks=points)
            for sample, points in zip(faces.samples, labels, strict=True)
        ),
    )
    boxes = []

    def found(landmarker, images, around):
        boxes.extend(around)
        shifted = truth[len(boxes) - len(around) : len(boxes)] + (0.0, 3.0)
        return Located(shifted, np.zeros_like(shifted), *np.zeros((2, *shifted.shape[:2])))

    monkeypatch.setattr(Landmarker, "locate", found)
    report = evaluate(landmarker, relabelled)
    distance = np.linalg.norm(truth[:, 36] - truth[:, 45], axis=1)
    assert report.errors == pytest.approx(100 * 3 / distance)
    assert (report.landmarks, report.normaliser) == (7, "interocular")
    assert list(report.areas) == ["eyes", "nose", "mouth"]
    assert np.allclose(boxes, [tight_box(points, 1.25) for points in labels])


def test_weights_whose_landmarks_are_unknown_to_the_data_are_refused(faces, landmarker):
    points = ("crown", *IBUG68.points[1:])
    mine = replace(faces, scheme=replace(IBUG68, name="mine", points=points))
    with pytest.raises(DataError, match="these weights find the ibug68 landmarks.*with mine"):
        evaluate(landmarker, mine)


def test_the_same_points_are_compared_whatever_else_their_scheme_says(faces, landmarker):
    mine = replace(faces, scheme=replace(IBUG68, name="mine", normaliser=(8, 27), areas={}))
    report = evaluate(landmarker, mine)
    assert (report.landmarks, report.areas) == (68, {})
    assert report.normaliser == "distance of contour_8 and nose_bridge_0"


def test_a_face_without_any_landmark_is_named(faces, landmarker):
    blank = replace(faces.samples[2], landmarks=np.full((68, 2), np.nan))
    with pytest.raises(DataError, match=f"{blank.source}: none of the 68"):
        evaluate(landmarker, replace(faces, samples=(blank,)))


def test_the_papers_box_needs_eyes_to_measure(faces, landmarker):
    by_size = replace(faces, scheme=replace(IBUG68, normaliser="face_size"))
    with pytest.raises(DataError, match="box is made from the distance of the eyes"):
        evaluate(landmarker, by_size, box="paper")


def test_the_shipped_weights_on_talking_face(real_data):
    """Not a measurement: a floor under it, on every tenth frame."""
    from onedheat.data.talking_face import read_talking_face
    from onedheat.pipeline import load

    faces = read_talking_face(real_data / "talking_face").faces(every=10)
    report = evaluate(load("tiny68", engine="torch"), faces)
    assert (report.faces, report.landmarks, report.clips) == (50, 7, 1)
    assert 2.0 < report.nrmse < 3.3 and report.nrmse_offset_removed < 1.7


def test_a_set_without_faces_is_said(faces, landmarker):
    with pytest.raises(DataError, match="has no faces in .* to look at; give another split"):
        evaluate(landmarker, replace(faces, samples=()))
