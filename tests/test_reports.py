"""What a report says of errors that are known."""

import json
from dataclasses import replace

import numpy as np
import pytest
from faces300w import make_300w

from onedheat.data import Clip, ClipSet, DataError
from onedheat.data.clips import PhotoFrames
from onedheat.data.w300 import read_300w
from onedheat.landmarks import AFLW19, FACE_SIZE, FGNET68, IBUG68
from onedheat.reports import as_table, normaliser_name, summarize

PROTOCOL = {"box": "tight", "decoder": "dark", "flip": False, "weights": "none"}


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return read_300w(make_300w(tmp_path_factory.mktemp("300w"), faces=12))


def test_a_report_of_errors_that_are_known(faces):
    target = faces.landmarks()
    distance = IBUG68.normalising_distance(target)
    predicted = target.copy()
    predicted[..., 0] += 0.03 * distance[:, None]  # 3 % of the inter-ocular distance everywhere
    predicted[0, :, 0] += 0.07 * distance[0]  # one face: 10 %
    predicted[:, 48:, 1] += 0.04 * distance[:, None]  # mouths: 5 %
    report = summarize(predicted, faces, **PROTOCOL)
    assert report.areas["eyes"] == pytest.approx((3 * 11 + 10) / 12)
    assert report.areas["mouth"] == pytest.approx((5 * 11 + np.hypot(10, 4)) / 12)
    assert report.failure_rate == pytest.approx(100 / 12)
    by_face = np.array(report.errors)
    assert by_face[1:] == pytest.approx((3 * 48 + 5 * 20) / 68)
    assert report.nrmse == pytest.approx(by_face.mean())
    assert report.auc == pytest.approx(np.maximum(0, 1 - by_face / 8).mean())


def test_a_missed_face_is_counted_as_a_failure_and_not_as_an_error(faces):
    predicted = faces.landmarks()
    predicted[3] = np.nan
    report = summarize(predicted, faces, **PROTOCOL)
    assert (report.missed, report.nrmse) == (1, 0.0)
    assert report.failure_rate == pytest.approx(100 / 12)
    assert report.auc == pytest.approx(11 / 12)


def test_the_json_has_what_the_design_names_and_no_nan(faces):
    predicted = np.full_like(faces.landmarks(), np.nan)
    values = summarize(predicted, faces, **PROTOCOL).as_json()
    assert json.loads(json.dumps(values, allow_nan=False))["nrmse"] is None
    for key in "dataset split faces nrmse auc failure_rate threshold normaliser box decoder weights".split():
        assert key in values
    assert values["normaliser"] == "interocular" and values["threshold"] == 8.0


def test_a_table_has_one_line_a_report(faces):
    report = summarize(faces.landmarks(), faces, **PROTOCOL)
    lines = as_table([report, report]).splitlines()
    assert len(lines) == 4 and "NRMSE %" in lines[0] and "0.00" in lines[2]


def _with(faces, scheme=None, **changes):
    """The same faces in another scheme, or with other attributes in each sample."""
    samples = tuple(
        replace(sample, **{key: value(sample) for key, value in changes.items()})
        for sample in faces.samples
    )
    return replace(faces, scheme=scheme or faces.scheme, samples=samples)


def test_landmarks_that_are_not_annotated_are_left_out(faces):
    def without_mouth(sample):
        landmarks = sample.landmarks.copy()
        landmarks[48:] = np.nan
        return landmarks

    missing = _with(faces, landmarks=without_mouth)
    predicted = faces.landmarks()
    distance = IBUG68.normalising_distance(predicted)
    predicted[:, 48:] += 50.0
    predicted[:, :17, 1] += 0.04 * distance[:, None]
    report = summarize(predicted, missing, **PROTOCOL)
    assert report.nrmse == pytest.approx(4 * 17 / 48)
    assert report.areas["contour"] == pytest.approx(4.0) and report.areas["eyes"] == 0.0
    assert np.isnan(report.areas["mouth"]) and report.as_json()["areas"]["mouth"] is None


def test_hidden_landmarks_are_measured_as_in_published_figures(faces):
    hidden = _with(faces, visible=lambda sample: np.arange(68) < 48)
    predicted = faces.landmarks()
    predicted[:, 48:] += 5.0
    assert summarize(predicted, hidden, **PROTOCOL).nrmse == pytest.approx(
        summarize(predicted, faces, **PROTOCOL).nrmse
    )


def test_the_error_of_what_cannot_be_seen_is_told_apart(faces):
    hidden = np.zeros(68, bool)
    hidden[60:] = True
    samples = tuple(replace(one, visible=~hidden) for one in faces.samples)
    covered = replace(faces, samples=samples)
    predicted = faces.landmarks()
    distance = IBUG68.normalising_distance(predicted)[:, None]
    predicted[:, 60:, 0] += 0.05 * distance
    predicted[:, :60, 0] += 0.01 * distance
    assert summarize(predicted, covered, **PROTOCOL).nrmse_hidden == pytest.approx(5)
    some = summarize(predicted[:, 30:64], covered, points=range(30, 64), **PROTOCOL)
    assert some.nrmse_hidden == pytest.approx(5)
    assert summarize(predicted, faces, **PROTOCOL).nrmse_hidden is None
    assert "hidden %" in as_table([summarize(predicted, covered, **PROTOCOL)])


def test_a_face_that_cannot_be_measured_is_named(faces):
    def without_eyes(sample):
        landmarks = sample.landmarks.copy()
        if sample is faces.samples[4]:
            landmarks[36] = np.nan
        return landmarks

    with pytest.raises(DataError, match=f"{faces.samples[4].source}.*interocular, which is nan"):
        summarize(faces.landmarks(), _with(faces, landmarks=without_eyes), **PROTOCOL)
    with pytest.raises(DataError, match=f"{faces.samples[0].source}: none of the 1 landmarks"):
        nothing = _with(
            faces, landmarks=lambda s: np.where(np.arange(68)[:, None] == 3, np.nan, s.landmarks)
        )
        summarize(faces.landmarks()[:, [3]], nothing, points=[3], **PROTOCOL)


def test_a_scheme_normalised_by_face_size_takes_it_from_the_boxes(faces):
    scheme = replace(IBUG68, name="mine", normaliser=FACE_SIZE)
    boxed = _with(faces, scheme, box=lambda sample: np.array([10.0, 20.0, 50.0, 120.0]))
    predicted = faces.landmarks()
    predicted[..., 0] += 2.0
    report = summarize(predicted, boxed, **PROTOCOL)
    assert report.nrmse == pytest.approx(100 * 2 / (40 * 100) ** 0.5)
    assert report.normaliser == "face_size"
    with pytest.raises(DataError, match="has no annotated box"):
        summarize(predicted, _with(faces, scheme), **PROTOCOL)


def test_the_report_names_what_errors_are_divided_by():
    assert [normaliser_name(scheme) for scheme in (IBUG68, FGNET68, AFLW19)] == [
        "interocular", "interocular", "face_size",
    ]  # fmt: skip
    mine = replace(IBUG68, name="mine", normaliser=(30, 8))
    assert normaliser_name(mine) == f"distance of {IBUG68.points[30]} and {IBUG68.points[8]}"
    # A scheme of one's own may bear a published name.
    assert normaliser_name(replace(mine, name="ibug68")).startswith("distance of")


def test_points_of_another_markup_are_those_of_the_areas_that_have_any(faces):
    points = [30, 36, 45]
    predicted = faces.landmarks()[:, points]
    distance = IBUG68.normalising_distance(faces.landmarks())
    predicted[:, 0, 0] += 0.06 * distance
    report = summarize(predicted, faces, points=points, **PROTOCOL)
    assert (report.landmarks, report.nrmse) == (3, pytest.approx(2.0))
    assert report.areas == {"nose": pytest.approx(6.0), "eyes": 0.0}


def _talking(faces, frames: int):
    """One face that moves, turns and grows from frame to frame, as the faces of a clip."""
    still = faces.samples[0].landmarks - faces.samples[0].landmarks.mean(axis=0)
    turn = np.exp(1j * np.linspace(-0.5, 0.5, frames)) * np.linspace(0.7, 1.6, frames)
    moved = (still @ [1, 1j]) * turn[:, None] + np.linspace(50, 90, frames)[:, None]
    landmarks = np.stack([moved.real, moved.imag], axis=2)
    pictures = PhotoFrames((faces.samples[0].source.path,) * frames)
    clip = Clip(pictures, landmarks, "one person", "talk")
    return ClipSet("talk", "all", IBUG68, (clip,)).faces(), turn


def test_a_constant_offset_between_markups_is_taken_off_a_video(faces):
    video, turn = _talking(faces, 60)
    points = [30, 36, 45]
    offset = np.array([4 + 3j, -2j, 5]) * turn[:, None]
    predicted = video.landmarks()[:, points] + np.stack([offset.real, offset.imag], axis=2)
    report = summarize(predicted, video, points=points, **PROTOCOL)
    assert report.clips == 1 and report.nrmse > 2
    assert report.nrmse_offset_removed == pytest.approx(0, abs=1e-9)
    values = report.as_json()
    assert values["clips"] == 1 and values["nrmse_offset_removed"] < 1e-9
    assert "offset removed %" in as_table([report]).splitlines()[0]


def test_an_offset_is_removed_only_where_the_markup_is_another_and_the_face_one_person_s(faces):
    video, _ = _talking(faces, 10)
    same_markup = summarize(video.landmarks(), video, **PROTOCOL)
    assert same_markup.nrmse_offset_removed is None and same_markup.clips == 1
    photos = summarize(faces.landmarks()[:, [30]], faces, points=[30], **PROTOCOL)
    assert not {"nrmse_offset_removed", "clips"} & set(photos.as_json())


def test_video_says_how_much_it_shakes_and_how_late_it_is(faces):
    video, _ = _talking(faces, 60)
    truth, noise = video.landmarks(), np.random.default_rng(0).normal(size=(60, 68, 2))
    distance = IBUG68.normalising_distance(truth)
    report = summarize(truth + noise * distance[:, None, None] / 100, video, **PROTOCOL)
    # Noise of 1 % shakes by √(3π) %, and the labels of this face hardly at all.
    assert report.jitter_of_error == pytest.approx(np.sqrt(3 * np.pi), rel=0.05)
    assert report.jitter == pytest.approx(report.jitter_of_error, rel=0.02)
    assert 0 < report.jitter_of_labels < 0.1 and abs(report.lag) < 0.3
    exact = summarize(truth, video, **PROTOCOL)
    assert exact.jitter == exact.jitter_of_labels and exact.jitter_of_error == exact.lag == 0
    assert {"jitter", "jitter_of_labels", "jitter_of_error", "lag"} <= set(report.as_json())
    assert "jitter %" in as_table([report]).splitlines()[0]


def test_frames_of_two_clips_do_not_follow_one_another(faces):
    first, _ = _talking(faces, 10)
    second, _ = _talking(faces, 12)
    both = replace(first, samples=first.samples + second.samples)
    predicted = both.landmarks()
    predicted[10:] += 30.0  # a jump between the clips
    assert summarize(predicted, both, **PROTOCOL).jitter_of_error == pytest.approx(0, abs=1e-9)


def test_photos_and_frames_far_apart_have_no_jitter(faces):
    video, _ = _talking(faces, 20)
    sparse = replace(video, samples=video.samples[::2])
    for measured in (faces, sparse):
        values = summarize(measured.landmarks(), measured, **PROTOCOL).as_json()
        assert not {"jitter", "jitter_of_labels", "jitter_of_error", "lag"} & set(values)


def test_an_offset_that_cannot_be_known_has_no_value(faces):
    video, _ = _talking(faces, 10)
    predicted = video.landmarks()[:, [30, 36]]
    predicted[:5] = np.nan  # nothing found in the frames it would be estimated on
    values = summarize(predicted, video, points=[30, 36], **PROTOCOL).as_json()
    assert values["nrmse_offset_removed"] is None


def test_the_share_within_sigma_counts_annotated_coordinates_of_faces_that_were_found(faces):
    """Every x is off by 1 and every y by 3 pixels; σ is 2, and 4 for the y of 20 mouth points."""
    two = replace(faces, samples=faces.samples[:2])
    predicted = two.landmarks() + (1.0, -3.0)
    sigma = np.full_like(predicted, 2.0)
    sigma[:, 48:, 1] = 4.0
    predicted[0] = np.nan
    report = summarize(predicted, two, sigma=sigma, **PROTOCOL)
    assert report.inside_sigma == pytest.approx(100 * (68 + 20) / 136)
    assert "in 1 σ %" in as_table([report]).splitlines()[0]

    def without_contour(sample):
        return np.where(np.arange(68)[:, None] < 17, np.nan, sample.landmarks)

    part = summarize(predicted, _with(two, landmarks=without_contour), sigma=sigma, **PROTOCOL)
    assert part.inside_sigma == pytest.approx(100 * (51 + 20) / 102)


def test_a_network_without_sigma_has_no_share_within_it(faces):
    unknown = np.full_like(faces.landmarks(), np.nan)
    for sigma in (None, unknown):
        report = summarize(faces.landmarks(), faces, sigma=sigma, **PROTOCOL)
        assert report.inside_sigma is None and "inside_sigma" not in report.as_json()
