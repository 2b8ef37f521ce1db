"""The paper's tracker: a clip at once or frame by frame, and what it remembers."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.data.synthetic.clips import synthetic_clips
from onedheat.data.talking_face import read_talking_face
from onedheat.geometry import Crop, tight_box
from onedheat.heatmaps import Heatmaps, log_heights, render
from onedheat.landmarks import WFLW98
from onedheat.models import Detector, DetectorConfig, Tracker, TrackerConfig, build
from onedheat.models.clips import join, parted, state_bytes
from onedheat.models.tracker import TrackerState, decayed_sums

SMALL = TrackerConfig(
    landmarks=5, size=64, depth=1, width=16, channels=16, compressed=4, upsample=4, features=6
)


def tracker(**settings) -> Tracker:
    """One whose refinement is not zero, and whose batch norms have seen something."""
    network = Tracker(replace(SMALL, **settings))
    for last in (network.fourth_x[-1], network.fourth_y[-1]):
        torch.nn.init.normal_(last.weight, std=0.1)
        torch.nn.init.normal_(last.bias, std=0.1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def frame_by_frame(network, clips) -> Heatmaps:
    state, found = network.start(len(clips)), []
    for images in clips.unbind(dim=1):
        heatmaps, state = network.step(images, state)
        found.append(heatmaps)
    return Heatmaps(*(torch.stack(vectors, dim=1) for vectors in zip(*found, strict=True)))


# The recurrence -----------------------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.9, 1.0])
def test_decayed_sums_are_equation_13_by_plain_loops(decay):
    features = torch.rand(2, 7, 3, 4, dtype=torch.float64)
    found = decayed_sums(features, decay)
    for t in range(7):
        plain = features[:, t].clone()
        for tau in range(t):
            plain += decay ** (t - tau) * features[:, tau]
        assert torch.allclose(found[:, t], plain, rtol=1e-12)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
@pytest.mark.parametrize("decay", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
def test_a_clip_at_once_is_the_same_as_frame_by_frame_over_500_frames(decay, loss):
    network = tracker(decay=decay, loss=loss).double()
    detected = Heatmaps(*torch.rand(2, 2, 500, 5, 64, dtype=torch.float64))
    at_once = network.refine_clip(detected)
    state = network.start(2)
    for t in range(500):
        now, state = network.refine(Heatmaps(detected.x[:, t], detected.y[:, t]), state)
        for vectors, whole in zip(now, at_once, strict=True):
            apart = (vectors - whole[:, t]).abs().max()
            assert apart <= 1e-9 * whole[:, t].abs().max()


@pytest.mark.parametrize(("decay", "times"), [(0.0, 1), (0.5, 2), (0.9, 10), (1.0, 500)])
def test_of_equal_frames_the_sum_levels_off_unless_nothing_fades(decay, times):
    features = torch.ones(1, 500, 1, 1, dtype=torch.float64)
    assert decayed_sums(features, decay)[0, -1].item() == pytest.approx(times, rel=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_pictures_of_a_clip_at_once_are_the_same_as_frame_by_frame(decay):
    network, clips = tracker(decay=decay), torch.rand(2, 6, 3, 64, 64)
    with torch.no_grad():
        for whole, single in zip(network(clips), frame_by_frame(network, clips), strict=True):
            assert whole.shape == (2, 6, 5, 64)
            assert torch.allclose(whole, single, atol=1e-5)


def test_without_memory_a_frame_is_what_it_is_alone():
    clips = torch.rand(1, 4, 3, 64, 64)
    apart = {}
    with torch.no_grad():
        for decay in (0.0, 0.3):
            network = tracker(decay=decay)
            alone = network(clips[0])
            apart[decay] = (network(clips).x[0] - alone.x).abs().amax(dim=(1, 2))
    assert apart[0.0].max() < 1e-5
    assert apart[0.3][0] < 1e-5 and apart[0.3][1:].min() > 1e-4


def test_no_frame_knows_of_the_frames_after_it():
    network, detected = tracker(decay=0.9), torch.rand(1, 5, 5, 64)
    other = detected.clone()
    other[:, 3:] = torch.rand(1, 2, 5, 64)
    with torch.no_grad():
        first, second = (network.refine_clip(Heatmaps(e, e)).x for e in (detected, other))
    assert torch.equal(first[:, :3], second[:, :3])
    assert (first[:, 3:] - second[:, 3:]).abs().max() > 0.1


# What CNN₃ reads ------------------------------------------------------------------------------------


def seen(heatmaps, loss: str, density: int = 4):
    """Of every bin by itself, unless a position stands for several."""
    config = replace(SMALL, loss=loss, target_sigma=2.0, density=density)
    return Tracker(config).third_x.seen(heatmaps)


def test_heights_are_read_on_a_logarithmic_scale_from_0_to_the_target_at_1():
    heights = torch.tensor([-2.0, 0.0, 1e-3, 1e-2, 0.1, 1.0]).expand(1, 5, 6)
    found = log_heights(heights, 64, 2.0)
    wanted = torch.tensor([0.0, 0.0, 0.1003, 0.3471, 0.6680, 1.0]).expand(1, 5, 6)
    assert torch.allclose(found, wanted, atol=1e-4)
    assert torch.equal(seen(heights, "l2"), found)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_what_is_higher_is_read_as_higher_and_a_target_lies_from_0_to_1(loss):
    target = render(10 + 44 * torch.rand(3, 5), 64, 64, 2.0)
    put_out = target if loss == "l2" else target.clamp(min=1e-30).log()
    found = seen(put_out, loss)
    assert found.min() >= 0 and found.max() <= 1 + 1e-4
    order = put_out.argsort(dim=-1)
    assert (found.gather(-1, order).diff(dim=-1) >= 0).all()


def test_a_target_is_read_the_same_of_either_loss_and_at_any_level_of_the_logits():
    target = render(10 + 44 * torch.rand(3, 5), 64, 64, 2.0)
    logits = target.clamp(min=1e-30).log()
    for level in (-100, 0, 100):
        assert torch.allclose(seen(logits + level, "cross_entropy"), seen(target, "l2"), atol=1e-4)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_it_is_read_in_32_bits_and_can_be_learned_through(loss):
    heatmaps = torch.randn(2, 5, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert seen(heatmaps.bfloat16(), loss).dtype == torch.float32
        exact = seen(heatmaps.bfloat16().float(), loss)
        assert torch.equal(seen(heatmaps.bfloat16(), loss), exact)
    seen(heatmaps, loss).square().sum().backward()
    assert torch.isfinite(heatmaps.grad).all() and heatmaps.grad.abs().max() > 0
    assert seen(heatmaps.double(), loss).dtype == torch.float64


def test_logits_far_below_0_leave_no_feature_dead():
    network = Tracker(replace(SMALL, features=5, loss="cross_entropy"))
    target = render(16 + 32 * torch.rand(2, 5), 64, 64, 2.0)
    features = network.third_x(target.clamp(min=1e-30).log() - 50)
    assert (features.amax(dim=(0, 2)) > 0.5).all()


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
@pytest.mark.parametrize(("density", "step"), [(1, 4), (2, 2), (4, 1)])
def test_a_position_is_read_by_the_mean_height_of_its_bins(density, step, loss):
    target = render(10 + 44 * torch.rand(3, 5), 64, 64, 2.0)
    put_out = target if loss == "l2" else target.clamp(min=1e-30).log()
    means = target.reshape(3, 5, 64 // step, step).mean(dim=-1)
    assert torch.allclose(seen(put_out, loss, density), log_heights(means, 64, 2.0), atol=1e-4)


def test_the_tracker_of_an_older_version_is_refused_in_words():
    for older in ("heights", "raw"):
        with pytest.raises(ValueError, match="unknown reads; .* train it again from its detector"):
            TrackerConfig.from_dict(SMALL.as_dict() | {"reads": older})


# How it begins, and what a detector has to do with it -----------------------------------------------


def test_a_fresh_tracker_is_its_detector():
    detector = tracker().detector
    network = Tracker.from_detector(detector, decay=0.7, features=6)
    clips = torch.rand(2, 3, 3, 64, 64)
    with torch.no_grad():
        found, frames = network(clips), detector(clips.flatten(0, 1))
    assert torch.equal(found.x.flatten(0, 1), frames.x)
    assert torch.equal(found.y.flatten(0, 1), frames.y)


@pytest.mark.parametrize(("upsample", "density"), [(1, 3), (4, 3), (6, 2), (12, 3)])
@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_fresh_features_are_what_is_read_of_each_landmark(upsample, density, loss):
    config = replace(SMALL, features=5, upsample=upsample, density=density, loss=loss)
    network = Tracker(config)
    detected = Heatmaps(*torch.rand(2, 3, 5, config.bins))
    _, state = network.refine(detected, network.start(3))
    for cnn, vectors, features in zip(
        (network.third_x, network.third_y), detected, state, strict=True
    ):
        assert features.shape == (3, 5, config.positions)
        assert torch.equal(features, cnn.seen(vectors))


def test_a_fresh_state_is_a_fading_memory_of_each_landmark():
    network = Tracker(replace(SMALL, features=5, decay=0.9))
    detected, nothing = torch.rand(1, 5, 64), torch.zeros(1, 5, 64)
    _, first = network.refine(Heatmaps(detected, detected), network.start())
    state = first
    for _ in range(7):
        _, state = network.refine(Heatmaps(nothing, nothing), state)
    assert torch.allclose(state.x, 0.9**7 * first.x, rtol=1e-5)
    near = network.fourth_x[0]
    assert torch.equal(near(state.x), state.x)


def test_features_beyond_the_landmarks_begin_at_random():
    network = Tracker(replace(SMALL, features=7))
    more = network.third_y[0].weight[5:]
    assert more.shape[0] == 2 and (more != 0).all() and not torch.equal(more[0], more[1])
    assert torch.equal(network.fourth_y[0](torch.ones(1, 7, 16)), torch.ones(1, 7, 16))


def test_features_are_as_many_as_the_landmarks_of_any_scheme_but_32_at_least():
    assert TrackerConfig().feature_count == 68
    assert TrackerConfig().for_scheme(WFLW98).feature_count == 98
    few = replace(SMALL, features=0)
    assert few.feature_count == 32 and Tracker(few).start(2).y.shape == (2, 32, few.positions)


def test_around_a_detector_its_weights_are_copied_and_its_settings_kept():
    detector = Detector(replace(SMALL.detector, gamma=0.2, upsample=6))
    network = Tracker.from_detector(detector, decay=0.5, reach=0.1)
    assert network.config.detector == detector.config and network.config.decay == 0.5
    for name, values in detector.state_dict().items():
        assert torch.equal(network.detector.state_dict()[name], values)
    with torch.no_grad():
        next(network.detector.parameters()).fill_(7)
    assert not torch.equal(next(network.detector.parameters()), next(detector.parameters()))


def test_a_frozen_detector_is_not_taught_and_its_batch_norms_stand_still():
    network, clips = tracker().train(), torch.rand(2, 3, 3, 64, 64)
    network.freeze_detector()
    network.train()
    before = {name: values.clone() for name, values in network.detector.state_dict().items()}
    network.loss(network(clips), 64 * torch.rand(2, 3, 5, 2)).backward()
    assert all(parameter.grad is None for parameter in network.detector.parameters())
    assert all(p.grad is not None for n, p in network.named_parameters() if "detector" not in n)
    assert all(torch.equal(network.detector.state_dict()[name], v) for name, v in before.items())
    network.unfreeze_detector()
    network.loss(network(clips), 64 * torch.rand(2, 3, 5, 2)).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_of_supervised_stacks_the_last_is_refined():
    network = Tracker(replace(SMALL, stacks=2)).train()
    clips = torch.rand(2, 3, 3, 64, 64)
    assert network(clips).x.shape == (2, 3, 5, 64)
    network.freeze_detector()
    with torch.no_grad():
        last = network.detector(clips.flatten(0, 1))
        assert torch.equal(network(clips).y.flatten(0, 1), last.y)


# States ---------------------------------------------------------------------------------------------


def test_faces_of_a_state_do_not_see_each_other():
    network, clips = tracker(decay=0.9), torch.rand(3, 4, 3, 64, 64)
    with torch.no_grad():
        together = frame_by_frame(network, clips)
        for face in range(3):
            alone = frame_by_frame(network, clips[face : face + 1])
            assert torch.allclose(together.x[face], alone.x[0], atol=1e-5)


def test_faces_are_parted_and_joined_in_any_order():
    state = TrackerState(*torch.rand(2, 3, 6, 16))
    each = parted(state)
    assert len(each) == 3 and all(
        torch.equal(one.x, state.x[n : n + 1]) for n, one in enumerate(each)
    )
    turned = join([each[2], each[0], each[1]])
    assert torch.equal(turned.x, state.x[[2, 0, 1]]) and torch.equal(turned.y, state.y[[2, 0, 1]])
    assert join(each[1:2]) is each[1]
    with pytest.raises(ValueError, match="no states to join; network.start"):
        join([])


def test_the_state_of_tiny_is_52_kilobytes_a_face_and_does_not_grow():
    network = Tracker(TrackerConfig())
    assert state_bytes(network.start(3)) == 2 * 68 * 96 * 4 == 52_224
    _, after = tracker().step(torch.rand(2, 3, 64, 64), tracker().start(2))
    assert state_bytes(after) == state_bytes(tracker().start(2))


def test_a_state_of_other_faces_is_refused():
    with pytest.raises(ValueError, match="the state is of 3 faces, and there are pictures of 2"):
        tracker().step(torch.rand(2, 3, 64, 64), tracker().start(3))


# Shapes ---------------------------------------------------------------------------------------------


def test_nearly_all_landmarks_of_drawn_clips_move_less_than_the_reach():
    """In crops by the last frame's landmarks, as `onedheat.left_open` says."""
    steps = []
    for clip in synthetic_clips(24, 32, seed=5).clips:
        boxes = np.stack([tight_box(points, 1.25) for points in clip.landmarks[:-1]])
        sides = (boxes[:, 2] - boxes[:, 0])[:, None, None]
        places = (clip.landmarks[1:] - boxes[:, None, :2]) / sides
        steps.append(np.abs(np.diff(places, axis=0)).ravel())
    assert 0.02 < np.quantile(np.concatenate(steps), 0.999) < TrackerConfig().reach


@pytest.mark.parametrize("upsample", [1, 2, 3, 5, 6, 8, 10, 12])
@pytest.mark.parametrize("density", [1, 3, 12])
def test_what_a_bin_says_is_carried_as_far_as_reach_asks_at_any_resolution(upsample, density):
    config = TrackerConfig(
        landmarks=1, features=4, upsample=upsample, density=density, reach=0.07, width=16
    )
    assert config.bins % config.step == 0 and upsample / config.step <= density
    network = Tracker(config)
    for layer in (network.third_x[0], network.fourth_x[0], network.fourth_x[-1]):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    bins, middle = config.bins, config.bins // 2
    for at in range(middle, middle + config.step):  # every place within a position
        state = network.start()
        one = torch.zeros(1, 1, bins)
        one[..., at] = 1
        _, state = network.refine(Heatmaps(one, one), state)
        nothing = torch.zeros(1, 1, bins)
        touched = network.refine(Heatmaps(nothing, nothing), state)[0].x[0, 0].nonzero()
        far = 0.07 * bins
        assert touched.min() <= max(0, at - far) and touched.max() >= min(bins - 1, at + far)


def test_at_every_resolution_the_positions_are_three_for_one_of_the_trunk_or_as_many_as_there_are():
    config = TrackerConfig(size=256)
    found = {M: (config.with_bins(64 * M).step, config.with_bins(64 * M).positions)
             for M in (1, 2, 4, 6, 8, 10, 12)}  # fmt: skip
    assert found == {1: (1, 64), 2: (1, 128), 4: (2, 128), 6: (2, 192), 8: (4, 128), 10: (5, 128),
                     12: (4, 192)}  # fmt: skip


def test_real_faces_move_less_between_two_frames_than_a_tracker_reaches(real_data):
    """In crops by the landmarks of the frame before, as where one look a frame has to do."""
    (clip,) = read_talking_face(real_data / "talking_face").clips
    boxes = [tight_box(landmarks) for landmarks in clip.landmarks]
    crops = [Crop.from_box(box, 1) for box in (boxes[0], *boxes[:-1])]
    seen = np.stack([c.to_crop(points) for c, points in zip(crops, clip.landmarks, strict=True)])
    moved = np.abs(np.diff(seen, axis=0))
    assert np.quantile(moved, 0.999) < 0.02 < TrackerConfig().reach


@pytest.mark.parametrize("spoil", [lambda clips: clips[:, :0], lambda clips: 255 * clips])
def test_clips_that_are_none_are_refused(spoil):
    with pytest.raises(ValueError, match=r"at least one frame|values in \[0, 1\]"):
        tracker()(spoil(torch.rand(2, 3, 3, 64, 64)))


@pytest.mark.parametrize(
    ("change", "word"),
    [({"decay": 1.1}, "decay"), ({"decay": -0.1}, "decay"), ({"features": -1}, "features"),
     ({"features": 4}, "features must be 0 or at least one a landmark, 5, got 4"),
     ({"features": 6, "landmarks": 7}, "features"),
     ({"density": 0}, "density"), ({"reach": 2.0}, "reach"), ({"gamma": -1.0}, "gamma")],
)  # fmt: skip
def test_a_config_that_cannot_be_built_says_which_value(change, word):
    with pytest.raises(ValueError, match=f"tracker config: {word}"):
        replace(SMALL, **change)


# The loss, and reading ------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_the_loss_is_that_of_the_detector_summed_over_the_frames(loss):
    network = tracker(loss=loss)
    heatmaps = Heatmaps(*torch.rand(2, 3, 4, 5, 64))
    landmarks = 64 * torch.rand(3, 4, 5, 2)
    each = [
        network.detector.loss(Heatmaps(heatmaps.x[:, t], heatmaps.y[:, t]), landmarks[:, t])
        for t in range(4)
    ]
    assert network.loss(heatmaps, landmarks).item() == pytest.approx(sum(each).item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["l2", "cross_entropy"])
def test_the_distance_of_what_is_found_counts_so_many_times_a_pixel(loss):
    landmarks = torch.full((1, 1, 5, 2), 20.0)
    off = landmarks + torch.tensor([3.0, -1.0])  # where heatmaps are that are targets themselves
    targets = Heatmaps(*render(off.movedim(-1, 0), 64, 64, 2.0))
    given = (
        targets
        if loss == "l2"
        else Heatmaps(*(vectors.clamp(min=1e-30).log() for vectors in targets))
    )
    plain, more = (tracker(loss=loss, distance=value) for value in (0.0, 2.5))
    expected = plain.loss(given, landmarks).item() + 2.5 * (3 + 1)
    assert more.loss(given, landmarks).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("distance", [0.0, 2.0])
def test_landmarks_that_are_not_annotated_do_not_count(distance):
    network = tracker(distance=distance)
    heatmaps = Heatmaps(*torch.rand(2, 1, 2, 5, 64, requires_grad=True))
    landmarks = 64 * torch.rand(1, 2, 5, 2)
    landmarks[0, 0, 1:] = torch.nan
    landmarks[0, 1] = torch.nan
    first = Heatmaps(heatmaps.x[:, :1, :1], heatmaps.y[:, :1, :1])
    alone = network.loss(first, landmarks[:, :1, :1])
    assert network.loss(heatmaps, landmarks).item() == pytest.approx(2 * alone.item(), rel=1e-5)
    landmarks[:] = torch.nan
    assert network.loss(heatmaps, landmarks).item() == 0


def test_clips_are_read_as_their_frames_are():
    network, clips = tracker(), torch.rand(2, 3, 3, 64, 64)
    with torch.no_grad():
        heatmaps = network(clips)
        frames = Heatmaps(*(vectors.flatten(0, 1) for vectors in heatmaps))
        whole, single = network.read(heatmaps), network.read(frames)
    assert whole.landmarks.shape == whole.sigma.shape == (2, 3, 5, 2)
    assert whole.confidence.shape == (2, 3, 5)
    for a, b in zip(whole, single, strict=True):
        assert torch.equal(a.flatten(0, 1), b)


# On disk --------------------------------------------------------------------------------------------


def test_a_tracker_is_saved_and_loaded_as_what_it_is(tmp_path):
    network, clips = tracker(decay=0.7, density=2), torch.rand(1, 3, 3, 64, 64)
    save_detector(network, tmp_path / "net")
    loaded = load_detector(tmp_path / "net")
    assert isinstance(loaded, Tracker) and loaded.config == network.config
    with torch.no_grad():
        assert torch.equal(loaded(clips).x, network(clips).x)


def test_a_detector_is_no_tracker_and_the_file_says_so(tmp_path):
    save_detector(build(SMALL.detector), tmp_path / "net")
    assert type(load_detector(tmp_path / "net")) is Detector
    text = (tmp_path / "net/config.json").read_text().replace('"detector",', '"tracker",', 1)
    (tmp_path / "net/config.json").write_text(text)
    with pytest.raises(CheckpointError, match="does not fit its config.json"):
        load_detector(tmp_path / "net")


def test_a_trackers_settings_are_its_detectors_and_four_more():
    own = {f.name for f in fields(TrackerConfig)} - {f.name for f in fields(DetectorConfig)}
    assert own == {"decay", "features", "density", "reach"}
    assert TrackerConfig.from_dict(SMALL.as_dict()) == SMALL
    with pytest.raises(ValueError, match="tracker config: unknown lambda; known are"):
        TrackerConfig.from_dict({"lambda": 0.3})
