"""What a learner touches in notebook 07, and what it is shown of trackers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture

import onedheat
from onedheat import atlas
from onedheat.atlas import plan
from onedheat.atlas.clips import drawn_clip
from onedheat.checkpoints import load_detector
from onedheat.course.explorers.tracking import recurrence_box, tracked_box
from onedheat.course.lessons.tracking import PAPERS_GAIN, PAPERS_S1, check
from onedheat.course.tracked import (
    by_certainty,
    drawn_clips,
    errors_by_resolution,
    following,
    measured_by_decay,
    moving_portraits,
    see_clip,
    take_memory,
)
from onedheat.geometry import Crop, tight_box, warp
from onedheat.models import Tracker, TrackerConfig, build
from onedheat.models.compared import Recurrent2dConfig
from onedheat.models.tracker import decayed_sums
from onedheat.pipeline import Landmarker, to_batch
from onedheat.plots.recurrence import Recurrence
from onedheat.plots.tracked import TrackedClip
from onedheat.watching import Watcher, moments


def tracker(decay: float) -> Tracker:
    """With random weights in the refinement, too: what is shown must be what it puts out."""
    torch.manual_seed(4)
    config = TrackerConfig(
        size=64, width=16, depth=3, channels=6, compressed=4, upsample=3, decay=decay
    )
    network = Tracker(config).eval()
    for fourth in (network.fourth_x, network.fourth_y):
        torch.nn.init.normal_(fourth[-1].weight, std=0.3)
    return network


@pytest.fixture(scope="module")
def clips():
    return drawn_clips([2, 0], 6)


@pytest.fixture(scope="module")
def networks():
    return {decay: tracker(decay) for decay in (0.0, 0.5)}


@pytest.fixture(scope="module")
def seen(clips, networks):
    return see_clip(networks, clips.clips[0], "Clip A")


def test_clips_are_those_the_atlas_is_measured_on_drawn_once(clips):
    drawn = drawn_clip(2, 6, 1, "test")
    first = clips.clips[0]
    assert np.array_equal(first.frames[4], drawn.frames[4])
    assert first.frames.pictures is first.frames.pictures
    assert np.array_equal(first.landmarks, drawn.landmarks)
    assert np.array_equal(first.visible, drawn.visible)
    assert len(clips) == 2 and clips.clips[1].group.endswith("1/0")


def test_a_clip_is_seen_as_a_watcher_sees_it(clips, networks, seen):
    """In the last labels' box, one frame after the other, with the memory of those before."""
    for decay, network in networks.items():
        for found, of in ((seen.remembered[decay], network), (seen.alone, network.detector)):
            watcher = Watcher(Landmarker(of), clips)
            for moment in moments(clips):
                watcher.look(moment)
            boxes = [tight_box(clips.clips[0].landmarks[max(0, t - 1)], 1.25) for t in range(6)]
            crops = [Crop.from_box(box, 64) for box in boxes]
            wanted = [
                crop.to_crop(points)
                for crop, points in zip(crops, watcher.landmarks[0], strict=True)
            ]
            # Random weights give nearly flat vectors, and folded batch norms another last digit.
            assert found.landmarks == pytest.approx(np.stack(wanted), abs=0.05)
    assert not np.allclose(seen.remembered[0.5].landmarks, seen.remembered[0.0].landmarks)


def test_the_state_is_that_of_equation_13(clips, networks, seen):
    network, clip = networks[0.5], clips.clips[0]
    boxes = [tight_box(clip.landmarks[max(0, t - 1)], 1.25) for t in range(6)]
    pictures = to_batch(
        [warp(image, Crop.from_box(box, 64)) for image, box in zip(clip.frames, boxes, strict=True)]
    )
    with torch.inference_mode():
        u = network.third_x(network.detector(pictures).x)
    assert seen.remembered[0.5].state == pytest.approx(
        decayed_sums(u[None], 0.5)[0].numpy(), abs=1e-5
    )
    assert seen.remembered[0.0].state == pytest.approx(u.numpy(), abs=1e-5)


def test_truth_and_cover_are_those_of_the_clip(clips, seen):
    clip = clips.clips[0]
    box = tight_box(clip.landmarks[3], 1.25)
    assert seen.truth[4] == pytest.approx(
        (clip.landmarks[4] - box[:2]) * 64 / (box[2] - box[0]) - 0.5
    )
    assert np.array_equal(seen.covered, ~clip.visible)
    assert seen.pictures.shape == (6, 240, 240, 3)


def test_memory_is_taken_from_the_same_weights(clips, networks):
    taken = take_memory(networks[0.5], clips)
    seen = [see_clip({0.5: networks[0.5]}, clip, "") for clip in clips.clips]
    errors = np.concatenate([one.errors(one.remembered[0.5]) for one in seen])
    covered = np.concatenate([one.covered for one in seen])
    assert taken.with_memory == pytest.approx((errors.mean(), errors[covered].mean()), rel=1e-3)
    forgetful = take_memory(networks[0.0], clips)
    assert forgetful.with_memory == pytest.approx(forgetful.without, rel=1e-3)
    assert taken.without == pytest.approx(forgetful.without, rel=1e-3)  # but for λ the same weights
    assert abs(taken.with_memory[0] - taken.without[0]) > 0.01


def test_a_2d_network_remembers_maps_and_poses(clips):
    network = build(Recurrent2dConfig(size=64, width=16, depth=1, bins=16))
    taken = take_memory(network, clips)
    watcher = Watcher(Landmarker(network, decoder="dark"), clips)
    for moment in moments(clips):
        watcher.look(moment)
    assert taken.with_memory[0] == pytest.approx(watcher.report().nrmse, rel=1e-2)
    assert abs(taken.with_memory[0] - taken.without[0]) > 0.01


def test_covered_landmarks_are_told_by_how_sure_the_detector_was(seen):
    """Two landmarks are covered in one frame each; the heatmaps of one of them peak at 0.2 and 0.9."""
    covered = np.zeros_like(seen.covered)
    covered[1, 40] = covered[2, 41] = True
    x, y = np.zeros((2, *seen.alone.x.shape))
    x[1, 40, 3], y[1, 40, 5] = 0.2, 0.9
    x[2, 41, 3], y[2, 41, 5] = 1.0, 0.7
    clip = replace(seen, covered=covered, alone=replace(seen.alone, x=x, y=y))
    unsure, sure = by_certainty([clip], 2)
    assert (unsure.lowest, unsure.highest, unsure.count) == (0.2, 0.2, 1)
    assert (sure.lowest, sure.count) == (0.7, 1)
    assert unsure.alone == pytest.approx(seen.errors(seen.alone)[1, 40])
    for decay, of_it in seen.remembered.items():
        assert sure.remembered[decay] == pytest.approx(seen.errors(of_it)[2, 41])
    (both,) = by_certainty([clip, clip], 1)
    assert both.count == 4 and (both.lowest, both.highest) == (0.2, 0.7)
    assert both.alone == pytest.approx((unsure.alone + sure.alone) / 2)


def test_every_control_of_the_lesson_moves_its_picture(clips, networks, seen):
    views = {"a": TrackedClip(seen), "b": TrackedClip(see_clip(networks, clips.clips[1], "Clip B"))}
    assert_every_control_moves_its_picture(tracked_box(views, 0.5, 3), 4)
    assert_every_control_moves_its_picture(recurrence_box(Recurrence()), 1)


@pytest.fixture
def measured(monkeypatch):
    """Results of an atlas, as one seed would leave them; they tell networks apart by L and λ."""

    def result(name: str, entry) -> atlas.Result:
        bins = float(entry.config.bins)
        nrmse = {"with memory": bins, "with memory, covered": 2 * bins}
        nrmse |= {"frame by frame": 3 * bins, "frame by frame, covered": 4 * bins}
        looks = {look: (value, value) for look, value in nrmse.items()}
        return atlas.Result(looks, len(name), (1.0, 1.0))

    found = {name: result(name, entry) for name, entry in plan.entries().items()}
    monkeypatch.setattr(atlas, "results", lambda: found)
    return found


def test_results_are_told_by_decay_and_by_resolution(measured):
    by_decay = measured_by_decay(plan.DECAYS)
    assert by_decay[0.7] is measured["tracker-L192-decay0.7"] and len(by_decay) == 6
    everywhere, covered = errors_by_resolution(), errors_by_resolution(covered=True)
    assert list(everywhere) == ["2D detector", "2D tracker", "1D detector", "1D tracker"]
    assert everywhere["1D tracker"][96] == (96.0, 96.0)
    assert everywhere["1D detector"][96] == (288.0,), "one detector, whatever the tracker's seed"
    assert covered["2D tracker"] == {16: (32.0, 32.0), 32: (64.0, 64.0)}
    assert covered["2D detector"][16] == (64.0,)


def test_the_papers_figures_agree_with_one_another():
    """Table 2 gives both NRMSE of what section 5.4 gives the gain of; the last column of Table 1 is its."""
    table = {"300VW, scenario 1": (3.31, 3.06), "300VW, scenario 2": (3.45, 3.17),
             "300VW, scenario 3": (4.42, 4.12), "Talking Face": (2.02, 1.97)}  # fmt: skip
    for name, (without, with_it) in table.items():
        assert PAPERS_GAIN[name] == pytest.approx(100 * (1 - with_it / without), abs=0.01)
    assert PAPERS_S1["1D tracker"][3.0] == table["300VW, scenario 1"][1]


def test_the_references_of_the_exercises_are_the_package():
    u = np.random.default_rng(0).normal(size=(7, 3))
    for decay in (0.0, 0.3, 1.0):
        package = decayed_sums(torch.tensor(u)[None, :, :, None], decay)[0, :, :, 0].numpy()
        assert check.recur.solution(u, decay) == pytest.approx(package)
        alike = check.recur.solution(np.ones((9, 1)), decay)[-1, 0]
        assert check.sum_of_weights.solution(decay, 9) == pytest.approx(alike)
    assert 0.7 ** check.half_life.solution(0.7) == pytest.approx(0.5)


def test_the_portraits_move_with_the_landmarks_that_were_found_in_them():
    landmarker = onedheat.load("tiny68", finder="cascade")
    clips = moving_portraits(landmarker, clips=2, frames=20, seed=1)
    assert [clip.group for clip in clips.clips] == [
        *("Eileen Collins", "Eileen Collins", "Grace Hopper", "Grace Hopper")
    ]
    for clip in clips.clips:
        first, last = clip.landmarks[0], clip.landmarks[-1]
        assert np.abs(first - last).max() > 1  # it does move
        (again,) = landmarker(clip.frames[0], boxes=[tight_box(first, 1.25)])
        apart = np.linalg.norm(again.landmarks - first, axis=1).mean()
        assert apart < 0.04 * np.linalg.norm(first[36] - first[45])
    one, other = clips.clips[:2]
    assert not np.allclose(one.landmarks[5], other.landmarks[5])


def test_the_feature_that_follows_a_landmark_is_high_where_it_is_and_nowhere_else():
    places = np.array(
        [[3.5, 11.5, 11.5], [7.5, 11.5, 11.5]]
    )  # positions 0, 2, 2, then 1, 2, 2 of 8
    visible = np.array([[True, True, False], [True, True, False]])
    state = np.zeros((2, 3, 8))
    state[[0, 1], 0, [0, 4]] = 1.0  # leaves the first landmark
    state[[0, 1], 1, [0, 1]] = 5.0  # stays with it
    state[:, 2] = 9.0  # is high everywhere
    assert following(state, places, visible, 32) == (1, None, None)


def test_a_landmark_is_followed_by_a_feature_that_rises_where_it_is():
    tracker68 = load_detector("tiny68-tracker")
    clips = moving_portraits(onedheat.load("tiny68", finder="cascade"), 1, 6)
    seen = see_clip({0.9: tracker68}, clips.clips[0], "a clip").remembered[0.9]
    positions = tracker68.config.positions
    followed = [landmark for landmark, feature in enumerate(seen.listens) if feature is not None]
    assert len(followed) > 50
    risen = [seen.state[-1, seen.listens[one]].argmax() * 128 / positions for one in followed]
    off = np.abs(np.array(risen) - seen.landmarks[-1, followed, 0])
    assert np.median(off) < 6
