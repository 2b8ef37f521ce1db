"""Trackers are trained by the same loop, on pieces of clips."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from smallruns import QUICK, SMALL

from onedheat.checkpoints import load_detector
from onedheat.data.augment import AugmentConfig
from onedheat.data.clip_batches import ClipBatches, TrainingClips
from onedheat.data.clips import joined
from onedheat.data.synthetic import synthetic_clips
from onedheat.errors import DataError
from onedheat.evaluation import evaluate, evaluate_clips
from onedheat.geometry import tight_box
from onedheat.heatmaps import Heatmaps
from onedheat.models import Detector, Tracker, TrackerConfig
from onedheat.pipeline import Landmarker
from onedheat.presets import Preset
from onedheat.training import Batches, MicroBatches, Run
from onedheat.training.learner import weighted_loss
from onedheat.training.starting import take_over

TRACKER = TrackerConfig(**asdict(SMALL))
WOBBLE = 0.01
STILL = AugmentConfig(rotation_share=0, mirror_share=0, box_scale_spread=0, shift=0, wobble=WOBBLE)


@pytest.fixture(scope="module")
def clips():
    return synthetic_clips(6, frames=6, size=48)


def run_of(clips, out, how=None, **changes):
    config = replace(QUICK, passes=2, batch_size=2, frames=4, **changes)
    more = {"progress": False, "samples": 0} | (how or {})
    return Run(Preset(TRACKER, config, ""), clips, out, **more)


# Pieces of clips ----------------------------------------------------------------------------------


def test_a_training_clip_is_frames_in_a_row_with_the_landmarks_of_each(clips):
    piece = TrainingClips(clips, 32, 4, STILL)[0, 1]
    assert piece.pixels.shape == (4, 3, 32, 32) and piece.landmarks.shape == (4, 68, 2)
    whole = clips.clips[1].landmarks
    firsts = [
        first
        for first in range(3)
        if np.allclose(_shape(piece.landmarks.numpy()), _shape(whole[first : first + 4]), atol=1e-4)
    ]
    assert len(firsts) == 1


def _shape(landmarks):
    """Landmarks of each frame without place and size."""
    centred = landmarks - landmarks.mean(axis=1, keepdims=True)
    return centred / np.abs(centred).max(axis=(1, 2), keepdims=True)


def test_the_box_follows_this_frame_or_the_last_and_is_off_by_a_little(clips):
    first = clips.clips[0]
    steps = np.arange(6)[:, None, None] * (0.5, 0)  # a face that does nothing but move on
    moving = replace(first, annotation=first.landmarks[:1] + steps)
    side = 1.25 * np.ptp(first.landmarks[0], axis=0).max()
    late = []
    for epoch in range(40):
        one = TrainingClips(replace(clips, clips=(moving,)), 32, 6, STILL)[epoch, 0]
        points = one.landmarks.numpy()
        middle = (points.min(axis=1) + points.max(axis=1)) / 2
        off = (middle - 15.5) / 32  # of the box's side
        assert np.abs(off[:, 1]).max() < 5 * WOBBLE
        assert 0.3 * WOBBLE < off[:, 1].std() < 3 * WOBBLE
        late.append(float(off[1:, 0].mean()))
        assert abs(off[0, 0]) < 5 * WOBBLE
    expected = 0.5 / side
    lags = np.array(late) > expected / 2
    assert 5 < lags.sum() < 35
    assert np.array(late)[lags].mean() == pytest.approx(expected, abs=0.3 * expected)
    assert np.array(late)[~lags].mean() == pytest.approx(0, abs=0.3 * expected)


def test_mirrored_clips_are_mirrored_in_every_frame(clips):
    plain = TrainingClips(clips, 32, 4, STILL)
    mirrored = TrainingClips(clips, 32, 4, replace(STILL, mirror_share=1.0))
    for epoch in range(3):
        one, other = plain[epoch, 2], mirrored[epoch, 2]
        back = other.landmarks[:, list(clips.scheme.mirror)].numpy().copy()
        back[..., 0] = 31 - back[..., 0]
        wobble = np.abs(back - one.landmarks.numpy()).max()
        assert wobble < 32 * 2 * 5 * WOBBLE
        flipped = other.pixels.flip(-1).float()
        assert (flipped - one.pixels.float()).abs().mean() < 12


def test_hidden_landmarks_are_told_of_the_same_frames_mirrored_or_not(clips):
    visible = np.random.default_rng(0).random((6, 68)) < 0.7
    one = replace(clips, clips=(replace(clips.clips[0], visible=visible),))
    swapped = list(clips.scheme.mirror)
    for epoch in range(4):
        plain = TrainingClips(one, 32, 4, STILL)[epoch, 0]
        first = next(
            first for first in range(3) if np.array_equal(~visible[first : first + 4], plain.hidden)
        )
        shapes = (
            _shape(plain.landmarks.numpy()),
            _shape(clips.clips[0].landmarks[first : first + 4]),
        )
        assert np.allclose(*shapes, atol=1e-4)
        mirrored = TrainingClips(one, 32, 4, replace(STILL, mirror_share=1.0))[epoch, 0]
        assert torch.equal(mirrored.hidden[:, swapped], plain.hidden)
    unknown = replace(clips, clips=(replace(clips.clips[0], visible=None),))
    assert not TrainingClips(unknown, 32, 4, STILL)[0, 0].hidden.any()


def test_hidden_landmarks_count_as_often_as_they_are_told_to():
    torch.manual_seed(0)
    network = Tracker(TRACKER)
    size, count = TRACKER.size, TRACKER.landmarks
    output = Heatmaps(*(torch.rand(2, 3, count, TRACKER.bins) for _ in "xy"))
    landmarks = torch.rand(2, 3, count, 2) * size
    landmarks[0, 0, :5] = torch.nan
    hidden = torch.rand(2, 3, count) < 0.3
    hidden[0, 0, :9] = True  # of which five have no label

    known = landmarks.isfinite().all(-1)
    each = torch.full((2, 3, count), torch.nan)
    for at in known.nonzero().tolist():
        alone = torch.full_like(landmarks, torch.nan)
        alone[tuple(at)] = landmarks[tuple(at)]
        each[tuple(at)] = network.loss(output, alone)
    weights = torch.where(hidden, 4.0, 1.0)[known]
    expected = (weights * each[known]).sum() / weights.sum()
    found = weighted_loss(network, output, landmarks, hidden, 4.0)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    assert weighted_loss(network, output, landmarks, hidden, 1.0) == network.loss(output, landmarks)
    seen = torch.zeros_like(hidden)
    assert weighted_loss(network, output, landmarks, seen, 4.0) == network.loss(output, landmarks)


def test_the_same_item_is_the_same_clip_and_another_pass_another(clips):
    one, same = (TrainingClips(clips, 32, 3, AugmentConfig(), seed=4)[1, 2] for _ in range(2))
    assert torch.equal(one.pixels, same.pixels) and torch.equal(one.landmarks, same.landmarks)
    assert not torch.equal(
        one.pixels, TrainingClips(clips, 32, 3, AugmentConfig(), seed=4)[2, 2].pixels
    )


def test_batches_have_an_axis_of_frames(clips):
    plan = MicroBatches(Batches(len(clips), replace(QUICK, batch_size=2, passes=1), 0))
    batches = list(ClipBatches(clips, plan, 32, 3, STILL))
    assert [tuple(batch.images.shape) for batch in batches] == [(2, 3, 3, 32, 32)] * 3
    assert all(0 <= batch.images.min() and batch.images.max() <= 1 for batch in batches)
    assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == list(range(6))


def test_a_clip_that_is_too_short_is_named(clips):
    with pytest.raises(DataError, match=r"has 6 frames, .* set frames=6"):
        TrainingClips(clips, 32, 7, STILL)


# Training -----------------------------------------------------------------------------------------


def test_a_tracker_learns_on_clips_and_is_measured_with_its_memory(clips, tmp_path):
    torch.manual_seed(0)
    start = Tracker(TRACKER).eval()
    run = run_of(clips, tmp_path / "run", {"start": start}, learning_rate=1e-2)
    report = run.train()
    assert report.box == "tight, of the last frame" and report.clips == 2 and report.faces == 12
    trained = load_detector(tmp_path / "run/last")
    assert isinstance(trained, Tracker) and trained.calibration.faces == 4
    changed = {
        n for n, v in trained.state_dict().items() if not torch.equal(v, start.state_dict()[n])
    }
    assert any(n.startswith("fourth_x") for n in changed)
    assert any(n.startswith("detector.trunk") for n in changed)


def test_a_frozen_detector_stays_as_it_is(clips, tmp_path):
    detector = Detector(SMALL).eval()
    run = run_of(clips, tmp_path / "run", {"start": detector}, freeze_detector=True)
    run.train()
    for network in (run.bare, run.average.module):
        for name, value in detector.state_dict().items():
            assert torch.equal(network.detector.state_dict()[name], value), name
    assert run.bare.fourth_x[-1].weight.abs().max() > 0


def test_a_stopped_run_goes_on_as_the_unbroken_one(clips, tmp_path):
    from smallruns import stop_after

    detector = Detector(SMALL).eval()
    whole = run_of(clips, tmp_path / "whole", {"start": detector})
    whole.train()
    cut = run_of(clips, tmp_path / "cut", {"start": detector})

    def stop():
        cut.save()
        raise KeyboardInterrupt

    stop_after(cut, 2, stop)
    with pytest.raises(KeyboardInterrupt):
        cut.train()
    again = run_of(clips, tmp_path / "cut", {"start": detector, "resume": True})
    assert again.step == 2
    again.train()
    for name, value in whole.bare.state_dict().items():
        assert torch.equal(again.bare.state_dict()[name], value), name


def test_a_loss_that_is_not_finite_names_step_and_clips(clips, tmp_path):
    run = run_of(clips, tmp_path / "run", learning_rate=1e30)
    with pytest.raises(FloatingPointError) as raised:
        run.train()
    said = str(raised.value)
    step = run.step - 1
    assert step > 0 and f"at step {step}, on the clips [" in said
    assert all(run.training.name_of(clip) in said for _, clip in run.learner.plan.batches.at(step))
    assert "rather than a clip, the learning rate of 1e+30 is at fault" in said


def test_the_one_clip_that_spoils_a_loss_is_named(clips, tmp_path, monkeypatch):
    """One with a landmark that is not annotated, in a network that cannot bear that."""
    run = run_of(clips, tmp_path / "run")
    _, guilty = run.learner.plan.batches.at(1)[1]
    loss = Tracker.loss
    monkeypatch.setattr(
        Tracker, "loss", lambda self, output, at: loss(self, output, at) + 0 * at.sum()
    )
    made = list(run.training.clips)
    landmarks = made[guilty].landmarks.copy()
    landmarks[:, 30] = np.nan
    made[guilty] = replace(made[guilty], annotation=landmarks)
    run.training = replace(run.training, clips=tuple(made))
    with pytest.raises(FloatingPointError, match="at step 1, on the clips") as raised:
        run.train()
    name = run.training.name_of(guilty)
    assert f"By itself {name} has such a loss: look at this clip and its labels" in str(
        raised.value
    )


def test_a_detector_is_not_trained_on_clips(clips, tmp_path):
    with pytest.raises(ValueError, match=r"looks at single faces: train it on clips\.faces"):
        Run(Preset(SMALL, QUICK, ""), clips, tmp_path / "run", progress=False)


def test_a_tracker_takes_over_a_detector_whose_heatmaps_it_knows():
    torch.manual_seed(1)
    tracker, detector = Tracker(TRACKER), Detector(SMALL)
    left = take_over(tracker, detector)
    assert {name.split(".")[0] for name in left} == {"third_x", "third_y", "fourth_x", "fourth_y"}
    pairs = zip(tracker.detector.parameters(), detector.parameters(), strict=True)
    assert all(torch.equal(own, given) for own, given in pairs)
    with pytest.raises(
        ValueError, match=r"loss=l2, .* by cross_entropy: .* set loss=cross_entropy"
    ):
        take_over(tracker, Detector(replace(SMALL, loss="cross_entropy")))


# Measuring ----------------------------------------------------------------------------------------


def test_a_fresh_tracker_is_measured_as_its_detector(clips):
    torch.manual_seed(2)
    detector = Detector(SMALL).eval()
    of_detector = evaluate_clips(Landmarker(detector), clips)
    of_tracker = evaluate_clips(Landmarker(Tracker.from_detector(detector)), clips)
    assert of_tracker.errors == pytest.approx(of_detector.errors, rel=1e-5)
    assert of_tracker.jitter == pytest.approx(of_detector.jitter, rel=1e-4)


def test_the_first_frame_of_each_clip_is_seen_in_its_own_box_and_without_memory(clips):
    torch.manual_seed(3)
    tracker = Tracker(TRACKER).eval()
    for weight in tracker.fourth_x.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    by_clip = np.array(evaluate_clips(Landmarker(tracker), clips).errors).reshape(6, 6)
    firsts = clips.faces(every=6)
    alone = evaluate(Landmarker(tracker), firsts).errors
    assert by_clip[:, 0] == pytest.approx(np.array(alone), rel=1e-5)


def test_clips_of_several_lengths_are_each_measured_whole(clips):
    longer = joined(clips, synthetic_clips(2, frames=9, size=48, seed=5))
    torch.manual_seed(4)
    tracker = Landmarker(Tracker(TRACKER).eval())
    together = evaluate_clips(tracker, longer).errors
    apart = [*evaluate_clips(tracker, clips).errors]
    assert len(together) == 36 + 18
    assert together[:36] == pytest.approx(apart, rel=1e-5)


def test_a_face_is_followed_by_what_was_found(clips):
    """A network that is right a little beside the face stays beside it; labels are asked once."""
    boxes = []

    class Beside(Landmarker):
        def locate(self, images, boxes_of):
            boxes.append(boxes_of)
            located = super().locate(images, boxes_of)
            t = min(len(boxes) - 1, 5)
            true = np.stack([clip.landmarks[t] for clip in clips.clips]) + 1.0
            return replace(located, landmarks=true)

    torch.manual_seed(6)
    beside = Beside(Detector(SMALL).eval())
    report = evaluate_clips(beside, clips, follow=True)
    assert report.box == "followed" and report.missed == 0
    first = tight_box(clips.clips[2].landmarks[0], 1.25)
    assert boxes[0][2] == pytest.approx(first)
    centers = [(box[2][:2] + box[2][2:]) / 2 for box in boxes]
    tight = tight_box(clips.clips[2].landmarks[4] + 1.0, 1.25)
    assert centers[5] == pytest.approx((tight[:2] + tight[2:]) / 2, abs=0.8)
