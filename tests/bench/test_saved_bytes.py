"""Bytes that autograd keeps: counted without values, and the same with them."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from onedheat.bench.saved_bytes import (
    clip_saved_bytes,
    columns,
    output_numbers,
    saved_bytes,
    tracker_columns,
    trunk_saved_bytes,
)
from onedheat.models import DetectorConfig, TrackerConfig, build
from onedheat.models.compared import Heatmaps2dConfig, recurrent2d
from onedheat.models.network import LandmarkNetwork, NetworkConfig

SMALL = DetectorConfig(size=64, width=16, channels=16, compressed=4, stacks=2, landmarks=68)
PAPER = DetectorConfig(size=256, width=256, stacks=4)


def bytes_with_values(config: NetworkConfig) -> int:
    """The same count on the processor, by addresses, of two pictures."""
    network, images = build(config).train(), torch.rand(2, 3, config.size, config.size)
    labels = torch.rand(2, config.landmarks, 2) * config.size
    kept = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = network.loss(network(images), labels)
    excluded = [*network.parameters(), *network.buffers(), images, labels]
    there = {tensor.untyped_storage().data_ptr() for tensor in excluded}
    assert loss.requires_grad
    return sum(kept[address].nbytes() for address in kept.keys() - there) // 2


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, gamma=0.0, supervise_all=False),
        replace(SMALL, loss="cross_entropy"),
        Heatmaps2dConfig(size=64, width=16, stacks=2, bins=32),
        Heatmaps2dConfig(size=64, width=16, stacks=2, bins=32, way="upsampled"),
    ],
    ids=["1d", "apart", "cross-entropy", "2d", "upsampled"],
)
def test_the_count_without_values_is_the_count_with_them(config):
    assert saved_bytes(config) == pytest.approx(bytes_with_values(config), rel=1e-3)


class OneProduct(LandmarkNetwork):
    """Keeps exactly what can be counted by hand."""

    config = NetworkConfig()

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 128, 128))

    def forward(self, images):
        doubled = 2 * images
        return (doubled * self.weight).exp() + doubled.sin().sum()

    def loss(self, output, landmarks):
        return output.sum()

    def read(self, output, decoder=None):
        raise NotImplementedError


def test_a_storage_counts_once_and_weights_and_picture_do_not(monkeypatch):
    monkeypatch.setattr("onedheat.bench.saved_bytes.build", lambda config: OneProduct())
    # 2·images, kept by the product; its exponential. sin needs no gradient, the weight is there anyway.
    assert saved_bytes(NetworkConfig()) == 2 * 4 * 3 * 128 * 128


def test_resolution_costs_a_detector_of_vectors_next_to_nothing():
    coarse, fine = (saved_bytes(PAPER.with_bins(bins)) for bins in (64, 768))
    assert 1 < fine / coarse < 1.02
    trunk = trunk_saved_bytes(PAPER)
    assert 0 < (fine - trunk) / trunk < 0.1
    maps = columns(PAPER)["2d_trunk"][128]
    assert fine / saved_bytes(maps) < 0.53


def test_the_columns_are_those_of_table_1():
    found = columns(PAPER)
    assert list(found["1d"]) == [64, 128, 256, 384, 512, 640, 768]
    assert list(found["2d_trunk"]) == [64, 128, 256]
    for way, configs in found.items():
        for bins, config in configs.items():
            assert config.bins == bins and config.width == 256 and config.stacks == 4
            assert way == "1d" or config.way == way.removeprefix("2d_")


def test_an_output_is_two_vectors_or_a_map():
    assert output_numbers(DetectorConfig(upsample=12)) == 2 * 68 * 384
    assert output_numbers(Heatmaps2dConfig(size=128, bins=64)) == 68 * 64 * 64


# Clips ------------------------------------------------------------------------------------------------

TRACKER = TrackerConfig(**SMALL.as_dict())


@pytest.mark.parametrize("config", [TRACKER, recurrent2d(SMALL, 0.5)], ids=["1d", "2d"])
def test_the_count_of_a_clip_without_values_is_the_count_with_them(config):
    network, clips = build(config).train(), torch.rand(2, 3, 3, config.size, config.size)
    labels = torch.rand(2, 3, config.landmarks, 2) * config.size
    kept = {}

    def note(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss = network.loss(network(clips), labels)
    excluded = [*network.parameters(), *network.buffers(), clips, labels]
    there = {tensor.untyped_storage().data_ptr() for tensor in excluded}
    assert loss.requires_grad
    expected = sum(kept[address].nbytes() for address in kept.keys() - there) // 2
    assert clip_saved_bytes(config, frames=3) == pytest.approx(expected, rel=1e-3)


def test_the_part_of_the_tracker_can_be_counted_by_hand():
    """Each axis keeps what CNN₃ reads of E, U after its ReLU, V, what CNN₄'s ReLU gives, and for its
    loss the difference of the refined heatmaps from the target."""
    numbers = 68 * TRACKER.bins + (68 + 3 * TRACKER.feature_count) * TRACKER.positions
    found = clip_saved_bytes(TRACKER, frames=5, frozen=True)
    assert found == pytest.approx(5 * 2 * 4 * numbers, rel=0.02)


def test_a_trackers_memory_costs_less_than_a_tenth_of_its_detectors():
    paper = tracker_columns(PAPER)["1d"][768]
    part = clip_saved_bytes(paper, frames=4, frozen=True)
    assert 0 < part < 0.1 * clip_saved_bytes(paper, frames=4)


def test_the_columns_of_trackers_are_the_lower_half_of_table_1():
    found = tracker_columns(PAPER)
    assert list(found["1d"]) == [64, 128, 256, 384, 512, 640, 768]
    assert list(found["2d"]) == [64, 128, 256]
    for way, configs in found.items():
        for bins, config in configs.items():
            assert config.bins == bins and config.width == 256 and config.stacks == 4
            assert config.kind == {"1d": "tracker", "2d": "recurrent2d"}[way]
    with pytest.raises(ValueError, match="recurrent2d network has no detector apart"):
        clip_saved_bytes(found["2d"][64], frozen=True)
