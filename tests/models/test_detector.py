from dataclasses import asdict

import pytest
import torch

from onedheat.heatmaps import Heatmaps, marginalize
from onedheat.models import ClipNetwork, Detector, DetectorConfig, Tracker, TrackerConfig, build
from onedheat.models.compared import recurrent2d, systems
from onedheat.models.detector import EarlyReadout

SMALL = {"width": 16, "channels": 16, "size": 64, "compressed": 4}


@pytest.mark.parametrize("upsample", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("landmarks", [1, 5, 68])
def test_any_deconvolution_and_any_number_of_points(upsample, landmarks):
    config = DetectorConfig(landmarks=landmarks, upsample=upsample, **SMALL)
    heatmaps = Detector(config)(torch.rand(2, 3, 64, 64))
    assert heatmaps.x.shape == heatmaps.y.shape == (2, landmarks, 16 * upsample)
    assert config.bins == 16 * upsample


def test_tiny_is_under_a_million_weights_and_its_vectors_are_three_times_the_face():
    config = DetectorConfig()
    assert sum(p.numel() for p in Detector(config).parameters()) < 1_000_000
    assert config.bins == 3 * config.size == 384


def test_the_x_vector_belongs_to_the_columns_and_the_y_vector_to_the_rows():
    """Without the hourglass and co-attention a change stays near its column in x, near its row in y."""
    config = DetectorConfig(upsample=1, depth=1, gamma=0.0, width=16, channels=16)
    detector = Detector(config).eval()
    detector.trunk.hourglasses[0] = torch.nn.Identity()  # it would carry a change everywhere
    plain = torch.rand(1, 3, 128, 128)
    column, row = plain.clone(), plain.clone()
    column[..., :4] = 0
    row[..., :4, :] = 0
    with torch.no_grad():
        base, by_column, by_row = (detector(images) for images in (plain, column, row))
    far = slice(20, None)
    assert torch.equal(by_column.x[..., far], base.x[..., far])
    assert not torch.equal(by_column.y[..., far], base.y[..., far])
    assert torch.equal(by_row.y[..., far], base.y[..., far])
    assert not torch.equal(by_row.x[..., far], base.x[..., far])


def test_co_attention_ties_the_axes():
    """With gamma 0 and a cut trunk nothing that x learns reaches y's branch; with gamma it does."""
    reached = {}
    for gamma in (0.0, 0.4):
        detector = Detector(DetectorConfig(gamma=gamma, **SMALL))
        detector(torch.rand(2, 3, 64, 64)).x.square().sum().backward()
        first_y = next(detector.first_y.parameters()).grad
        reached[gamma] = first_y is not None and bool(first_y.abs().max() > 0)
    assert reached == {0.0: False, 0.4: True}


FOUR = {"width": 16, "channels": 16, "size": 64, "compressed": 4, "landmarks": 5, "stacks": 4}


def test_in_training_every_stack_gives_heatmaps_and_in_use_the_last_alone():
    detector = Detector(DetectorConfig(**FOUR, upsample=3))
    images = torch.rand(2, 3, 64, 64)
    stacks = detector(images)
    assert [heatmaps.x.shape for heatmaps in stacks] == [(2, 5, 48)] * 4
    assert [heatmaps.y.shape for heatmaps in stacks] == [(2, 5, 48)] * 4
    assert isinstance(detector.eval()(images), Heatmaps)
    alone = Detector(DetectorConfig(**FOUR, supervise_all=False))
    assert isinstance(alone.train()(images), Heatmaps)


@pytest.mark.parametrize("distance", [0.0, 2.0])
def test_the_loss_of_supervised_stacks_is_the_sum_of_theirs(distance):
    detector = Detector(DetectorConfig(**FOUR, distance=distance))
    landmarks = 64 * torch.rand(2, 5, 2)
    stacks = detector(torch.rand(2, 3, 64, 64))
    each = [detector.loss(heatmaps, landmarks).item() for heatmaps in stacks]
    assert len(each) == 4
    assert detector.loss(stacks, landmarks).item() == pytest.approx(sum(each), rel=1e-5)


def test_an_early_readout_is_the_marginal_of_a_linear_map():
    """Eq. 12 of a 1×1 convolution's maps is what the deconvolution makes of the mean (M = 1)."""
    config = DetectorConfig(**FOUR, upsample=1)
    readout, features = EarlyReadout(config), torch.rand(2, 16, 16, 16)
    for axis, layer in (("x", readout.x), ("y", readout.y)):
        weight = layer.weight[..., 0].T[:, :, None, None]
        maps = torch.nn.functional.conv2d(features, weight / 16, layer.bias / 16)
        marginal = getattr(marginalize(maps), axis)
        assert torch.allclose(getattr(readout(features), axis), marginal, atol=1e-5)


def test_what_supervises_early_stacks_is_not_run_in_use():
    """Neither the compute nor the result of use depends on it."""
    with_early = Detector(DetectorConfig(**FOUR)).eval()
    without = Detector(DetectorConfig(**FOUR, supervise_all=False)).eval()
    without.load_state_dict(
        {k: v for k, v in with_early.state_dict().items() if not k.startswith("early")}
    )
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(with_early(images).x, without(images).x)


@pytest.mark.parametrize("upsample", [1, 2, 4, 6, 8, 10, 12])
def test_at_full_size_the_vectors_have_64_m_bins(upsample):
    config = DetectorConfig(size=256, width=16, channels=16, upsample=upsample)
    assert config.bins == 64 * upsample and config.with_bins(64 * upsample) == config
    with torch.device("meta"):
        heatmaps = Detector(config).eval()(torch.rand(1, 3, 256, 256))
    assert heatmaps.x.shape == heatmaps.y.shape == (1, 68, 64 * upsample)


@pytest.mark.parametrize("bins", [100, 32, 0])
def test_bins_that_are_no_multiple_of_a_quarter_face_are_refused(bins):
    with pytest.raises(ValueError, match=rf"bins must be a multiple of size/4 = 64, got {bins}"):
        DetectorConfig(size=256).with_bins(bins)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0])
def test_any_gamma_from_0_to_1_trains(gamma):
    detector = Detector(DetectorConfig(gamma=gamma, landmarks=5, **SMALL))
    loss = detector.loss(detector(torch.rand(2, 3, 64, 64)), 64 * torch.rand(2, 5, 2))
    loss.backward()
    learned = detector.coattention.p.grad
    assert loss.isfinite() and (learned is None) == (gamma == 0)


@pytest.mark.parametrize(
    "spoil, word",
    [
        (lambda images: (255 * images).byte(), "floating-point values .* got torch.uint8"),
        (lambda images: 255 * images, r"values in \[0, 1\], got .* divide uint8 by 255"),
        (lambda images: 2 * images - 1, r"values in \[0, 1\], got -"),
        (lambda images: images.index_fill(3, torch.tensor(5), torch.nan), "got nan to nan"),
        (lambda images: images.index_fill(3, torch.tensor(5), torch.inf), "to inf"),
        (lambda images: images[0], r"shape \(batch, 3, 64, 64\), got \(3, 64, 64\)"),
        (lambda images: images.permute(0, 2, 3, 1), r"got \(2, 64, 64, 3\)"),
        (lambda images: images[:, :1], r"got \(2, 1, 64, 64\)"),
    ],
)
def test_pictures_that_are_none_are_refused(spoil, word):
    detector = Detector(DetectorConfig(landmarks=5, **SMALL)).eval()
    with pytest.raises(ValueError, match=word):
        detector.check(spoil(torch.rand(2, 3, 64, 64)))


def test_pictures_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, 3, 64, 64\), got \(1, 3, 32, 32\)"):
        Detector(DetectorConfig(**SMALL))(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize(
    "change, word",
    [
        ({"size": 100}, "multiple of 64"),
        ({"upsample": 0}, "upsample"),
        ({"gamma": -0.1}, "gamma"),
        ({"compressed": 3}, "compressed"),
        ({"compressed": 1}, "compressed"),
        ({"size": 192}, "size must be a power of two, as CNN₁ halves .* got 192; take 128 or 256"),
        ({"size": 192, "gamma": 0.0, "compressed": 4}, "size must be a power of two"),
        ({"width": 40}, "width"),
        ({"widen": 3}, "widen"),
        ({"depth": 0}, "depth"),
        ({"stacks": 0}, "stacks"),
        ({"channels": 0}, "channels"),
        ({"landmarks": 0}, "landmarks"),
        ({"scheme": "aflw19"}, "as many as its scheme has points, got 68 for the 19 of aflw19"),
        ({"scheme": "nope"}, "scheme must be one's own or one of aflw19, .*, got 'nope'"),
        ({"target_sigma": 0.0}, "target_sigma"),
    ],
)
def test_a_config_that_cannot_be_built_says_which_value(change, word):
    with pytest.raises(ValueError, match=word):
        DetectorConfig(**change)


@pytest.mark.parametrize(
    ("size", "compressed"), [(32, 2), (32, 4), (64, 2), (64, 8), (128, 4), (128, 16), (256, 8)]
)
def test_cnn_1_leaves_what_the_co_attention_and_cnn_2_are_made_for(size, compressed):
    config = DetectorConfig(size=size, compressed=compressed, depth=1, width=16, channels=16)
    with torch.device("meta"):
        detector = Detector(config)
        features = detector.first_x(torch.rand(1, 16, size // 4, size // 4))
        assert features.shape == (1, 16, size // 4, compressed)
        assert detector.second_x.flatten[0](detector.second_x.halve(features)).shape[-1] == 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", [DetectorConfig, TrackerConfig])
def test_weights_of_another_width_find_about_the_same(dtype, kind):
    network = build(kind(**SMALL, gamma=0.4)).eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        wanted = network(images)
        found = network.to(dtype)(images.to(dtype))
    for vectors, same in zip(found, wanted, strict=True):
        assert vectors.dtype == dtype
        assert (vectors.float() - same).abs().max() < 0.05 * same.abs().max()


def trained_once(config):
    """A network after one backward pass in training mode."""
    network = build(config).train()
    frames = (2, 2) if isinstance(network, ClipNetwork) else (2,)
    output = network(torch.rand(*frames, 3, 64, 64))
    network.loss(output, 64 * torch.rand(*frames, 68, 2)).backward()
    return network


@pytest.mark.parametrize("stacks", [1, 2])
@pytest.mark.parametrize("supervise_all", [True, False])
@pytest.mark.parametrize("gamma", [0.0, 0.4])
def test_a_network_says_whether_training_leaves_weights_without_a_gradient(
    stacks, supervise_all, gamma
):
    detector = DetectorConfig(
        **SMALL, depth=1, stacks=stacks, supervise_all=supervise_all, gamma=gamma
    )
    others = [system.config for system in systems(detector).values()]
    for config in (
        detector,
        TrackerConfig(**asdict(detector)),
        recurrent2d(detector, 0.5),
        *others,
    ):
        network = trained_once(config)
        idle = [name for name, value in network.named_parameters() if value.grad is None]
        assert network.has_idle_weights == bool(idle), (config.kind, idle)


def test_a_frozen_detector_s_weights_are_not_waited_for():
    tracker = Tracker(TrackerConfig(**SMALL, stacks=2, gamma=0.0))
    assert tracker.has_idle_weights
    tracker.freeze_detector()
    assert not tracker.has_idle_weights


def test_an_unknown_setting_is_an_error():
    with pytest.raises(ValueError, match="unknown colour; known are"):
        DetectorConfig.from_dict({**asdict(DetectorConfig()), "colour": 1})
