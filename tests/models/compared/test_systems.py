"""Every system by the same few calls: built, run, taught, read, saved and loaded."""

import json
from dataclasses import replace

import pytest
import torch

from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.models import KINDS, DetectorConfig, build
from onedheat.models.compared import DsntConfig, Heatmaps2dConfig, SimccConfig, System, systems
from onedheat.models.hourglass import Trunk
from onedheat.models.network import LandmarkNetwork

SMALL = DetectorConfig(landmarks=5, size=64, upsample=4, width=16, channels=16, compressed=4)
ALL = {"1d": System(SMALL, "dark"), **systems(SMALL)}


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Four grey pictures of 64 pixels with five coloured discs each, and where these are."""
    landmarks = 8 + 48 * torch.rand(4, 5, 2)
    at = torch.arange(64.0)
    off = (at[None, :, None, None, None] - landmarks[:, None, None, :, 1:]) ** 2
    off = off + (at[None, None, :, None, None] - landmarks[:, None, None, :, :1]) ** 2
    discs = torch.exp(-off / 18)[..., 0]  # (4, y, x, 5)
    images = 0.3 + 0.7 * discs @ torch.rand(5, 3)
    return images.permute(0, 3, 1, 2).clamp(0, 1), landmarks


@pytest.mark.parametrize("name", list(ALL))
def test_it_learns_four_pictures_in_ten_steps(name):
    torch.manual_seed(1)
    config, decoder = ALL[name]
    network = build(replace(config, stacks=2) if name in ("2d@0.25", "simcc") else config).train()
    images, landmarks = pictures()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(10):
        loss = network.loss(network(images), landmarks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is not None for p in network.parameters())
    assert min(losses[-3:]) < 0.9 * losses[0], losses
    network.eval()
    with torch.no_grad():
        reading = network.read(network(images), decoder)
    assert reading.landmarks.shape == reading.sigma.shape == (4, 5, 2)
    assert reading.landmarks.isfinite().all() and reading.confidence.shape == (4, 5)
    assert reading.confidence.isfinite().all() == network.has_confidence


def test_resolutions_and_ways_are_what_their_names_say():
    shapes = {name: tuple(build(ALL[name].config).eval()(torch.rand(1, 3, 64, 64)).shape)
              for name in ALL if name.startswith("2d")}  # fmt: skip
    assert shapes == {
        "2d@0.25": (1, 5, 16, 16),
        "2d@0.5": (1, 5, 32, 32),
        "2d@1": (1, 5, 64, 64),
        "2d-upsampled@0.5": (1, 5, 32, 32),
        "2d-upsampled@1": (1, 5, 64, 64),
    }
    inner = {name: build(config).trunk.eval()(torch.rand(1, 3, 64, 64)).shape[-1]
             for name, (config, _) in ALL.items() if name.startswith("2d")}  # fmt: skip
    assert list(inner.values()) == [16, 32, 64, 16, 16]


def test_raising_the_trunks_resolution_costs_no_weights():
    def weights(name: str) -> int:
        return sum(p.numel() for p in build(ALL[name].config).parameters())

    assert weights("2d@0.25") == weights("2d@0.5") == weights("2d@1") == weights("integral")


def test_the_2d_detector_at_full_size_is_fan_to_the_unit():
    with torch.device("meta"):
        counts = [
            sum(
                p.numel()
                for p in build(Heatmaps2dConfig(size=256, width=256, stacks=n)).parameters()
            )
            for n in (1, 2, 3, 4)
        ]
    assert counts == [6_249_668, 12_106_504, 17_963_340, 23_820_176]


def test_the_sub_pixel_repairs_run_at_the_papers_128():
    for name in ("integral", "dsnt", "dark", "fhr"):
        assert systems(DetectorConfig(size=256))[name].config.bins == 128
    assert systems(DetectorConfig(size=256))["dsnt"].config.target_sigma == 2.0  # one bin


def test_every_system_has_the_trunk_of_the_detector():
    def trunk(config) -> dict:
        return {k: v.shape for k, v in build(config).trunk.state_dict().items() if "map" not in k}

    assert all(trunk(system.config) == trunk(SMALL) for system in ALL.values())
    assert isinstance(build(SMALL).trunk, Trunk)


@pytest.mark.parametrize("name", list(ALL))
def test_it_is_saved_and_loaded_as_what_it_is(name, tmp_path):
    network = build(ALL[name].config).eval()
    save_detector(network, tmp_path / "net")
    loaded = load_detector(tmp_path / "net")
    assert type(loaded) is type(network) and loaded.config == network.config
    images = torch.rand(1, 3, 64, 64)
    decoder = ALL[name].decoder
    found, expected = (n.read(n(images), decoder).landmarks for n in (loaded, network))
    assert torch.equal(found, expected)


def test_an_unknown_kind_says_which_are_known(tmp_path):
    save_detector(build(SMALL), tmp_path / "net")
    path = tmp_path / "net/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": "transformer"}))
    with pytest.raises(
        CheckpointError, match="is 'transformer', this onedheat knows: detector, heat"
    ):
        load_detector(tmp_path / "net")


def test_the_config_of_another_kind_is_refused(tmp_path):
    save_detector(build(SMALL), tmp_path / "net")
    path = tmp_path / "net/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": "simcc"}))
    with pytest.raises(
        CheckpointError, match="simcc config: unknown channels, compressed, distance"
    ):
        load_detector(tmp_path / "net")


@pytest.mark.parametrize("name", list(ALL))
def test_pictures_it_cannot_see_right_are_refused(name):
    network = build(ALL[name].config).eval()
    with pytest.raises(ValueError, match=r"\(batch, 3, 64, 64\), got \(1, 3, 32, 32\)"):
        network(torch.rand(1, 3, 32, 32))


@pytest.mark.parametrize(
    "config, change, word",
    [
        (Heatmaps2dConfig, {"bins": 48}, "multiple of size/4 = 32"),
        (Heatmaps2dConfig, {"bins": 96}, "size/4, size/2 or size"),
        (Heatmaps2dConfig, {"target_sigma": 0.0}, "target_sigma"),
        (DsntConfig, {"regularizer": -1.0}, "regularizer"),
        (SimccConfig, {"split": 0}, "split"),
        (SimccConfig, {"smoothing": 1.0}, "smoothing"),
    ],
)
def test_a_config_that_cannot_be_built_says_which_value(config, change, word):
    with pytest.raises(ValueError, match=f"{config.kind} config: .*{word}"):
        config(**change)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_decoder_of_another_kind_is_refused_by_name(kind):
    network = KINDS[kind](KINDS[kind].Config(size=64, width=16))
    assert isinstance(network, LandmarkNetwork)
    with pytest.raises(ValueError, match=f"no decoder 'guess' for a {kind}; there are: "):
        network.chosen("guess")
