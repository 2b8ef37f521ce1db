"""The recurrent 2D tracker: what it is fed, what it keeps, and that it learns."""

from dataclasses import replace

import pytest
import torch

from onedheat.checkpoints import load_detector, save_detector
from onedheat.models import DetectorConfig, build
from onedheat.models.clips import join, parted, state_bytes
from onedheat.models.compared import Recurrent2dConfig, recurrent2d
from onedheat.models.compared.recurrent2d import Recurrent2d

SMALL = Recurrent2dConfig(landmarks=5, size=64, depth=1, width=16, bins=32)


def frame_by_frame(network, clips):
    state, found = network.start(len(clips)), []
    for images in clips.unbind(dim=1):
        maps, state = network.step(images, state)
        found.append(maps)
    return torch.stack(found, dim=1), state


@pytest.mark.parametrize("stacks", [1, 2])
def test_a_clip_at_once_is_the_same_as_frame_by_frame(stacks):
    network, clips = build(replace(SMALL, stacks=stacks)).eval(), torch.rand(2, 4, 3, 64, 64)
    with torch.no_grad():
        at_once, (single, _) = network(clips), frame_by_frame(network, clips)
    assert at_once.shape == (2, 4, 5, 32, 32)
    assert torch.allclose(at_once, single, atol=1e-6)


@pytest.mark.parametrize("memory", ["maps", "poses"])
def test_a_frame_depends_on_both_things_that_are_remembered(memory):
    network, picture = build(SMALL).eval(), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        first, state = network.step(picture, network.start())
        again, _ = network.step(picture, network.start())
        other, _ = network.step(
            picture, network.start()._replace(**{memory: getattr(state, memory)})
        )
    assert torch.equal(first, again) and not torch.allclose(first, other, rtol=1e-3, atol=0)


def test_the_identity_part_is_not_recurrent():
    """What comes to the bottom leaves its first half as it was, and its second as a pose."""
    network, seen = build(SMALL).eval(), []
    original = network.trunk.stages

    def spy(images, at_bottom):
        def watched(features):
            seen.append((features, at_bottom(features)))
            return seen[-1][1]

        return original(images, watched)

    network.trunk.stages = spy
    with torch.no_grad():
        network(torch.rand(1, 3, 3, 64, 64))
    assert len(seen) == 3
    for before, after in seen:
        assert torch.equal(before[:, :8], after[:, :8])
        assert after[:, 8:].abs().max() <= 1 and not torch.allclose(before[:, 8:], after[:, 8:])


def test_the_response_maps_of_the_last_frame_are_channels_of_the_next_picture():
    network = build(SMALL).eval()
    assert network.trunk.stem[0].in_channels == 3 + 5
    with torch.no_grad():
        maps, state = network.step(torch.rand(2, 3, 64, 64), network.start(2))
    assert torch.equal(state.maps, maps)


def test_states_are_parted_and_joined_like_those_of_the_tracker():
    network = build(SMALL).eval()
    with torch.no_grad():
        _, state = network.step(torch.rand(3, 3, 64, 64), network.start(3))
    first, second, third = parted(state)
    again = join([third, first, second])
    assert torch.equal(again.maps, state.maps[[2, 0, 1]])
    assert torch.equal(again.poses, state.poses[[2, 0, 1]])
    assert state_bytes(state) == 4 * (5 * 32 * 32 + 8 * 16 * 16)


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_it_learns_a_clip_in_twelve_steps(ratio):
    torch.manual_seed(1)
    detector = DetectorConfig(landmarks=2, size=64, depth=1, width=16, channels=16, stacks=2)
    network = build(recurrent2d(detector, ratio)).train()
    assert (network.config.bins, network.config.stacks) == (int(64 * ratio), 2)
    landmarks = 10 + 44 * torch.rand(2, 1, 2, 2) + torch.linspace(0, 6, 4)[None, :, None, None]
    landmarks[0, 0, 0] = torch.nan
    clips = torch.rand(2, 1, 3, 64, 64).expand(2, 4, 3, 64, 64).contiguous()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        output = network(clips)
        assert [maps.shape[:3] for maps in output] == [(2, 4, 2)] * 2  # one for each stack
        loss = network.loss(output, landmarks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert min(losses[-3:]) < 0.8 * losses[0], losses


def test_a_clip_is_read_with_its_axes_and_saved_as_what_it_is(tmp_path):
    network, clips = build(SMALL).eval(), torch.rand(2, 3, 3, 64, 64)
    save_detector(network, tmp_path / "net")
    loaded = load_detector(tmp_path / "net")
    assert isinstance(loaded, Recurrent2d) and loaded.config == SMALL
    with torch.no_grad():
        reading = network.read(network(clips))
        assert torch.equal(loaded.read(loaded(clips)).landmarks, reading.landmarks)
    assert reading.landmarks.shape == (2, 3, 5, 2) and reading.confidence.shape == (2, 3, 5)


def test_maps_that_are_upsampled_after_the_trunk_are_refused():
    with pytest.raises(ValueError, match="recurrent2d config: way must be 'trunk'"):
        replace(SMALL, way="upsampled")
