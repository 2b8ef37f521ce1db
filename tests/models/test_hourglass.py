import pytest
import torch

from onedheat.models.hourglass import Block, Hourglass, Trunk


def weights(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_blocks_and_hourglass_have_the_weights_of_fan():
    assert weights(Block(256, 256)) == 406_400
    assert weights(Hourglass(256, 4)) == 5_283_200


@pytest.mark.parametrize(
    "stacks, expected", [(1, 6_249_668), (2, 12_106_504), (3, 17_963_340), (4, 23_820_176)]
)
def test_the_trunk_is_fan_but_for_its_map_outputs(stacks, expected):
    """FAN counts 68 map outputs a stack, and the convolutions that feed the maps onward."""
    maps = stacks * (256 * 68 + 68) + (stacks - 1) * (68 * 256 + 256)
    assert weights(Trunk(256, stacks)) + maps == expected


@pytest.mark.parametrize(
    "stacks, expected", [(1, 6_249_668), (2, 12_106_504), (3, 17_963_340), (4, 23_820_176)]
)
def test_with_68_map_outputs_the_trunk_is_fan_to_the_unit(stacks, expected):
    with torch.device("meta"):
        assert weights(Trunk(256, stacks, maps=68)) == expected


def test_maps_are_handed_to_the_next_stack():
    """What the first stack's maps say reaches the second stack's features."""
    trunk = Trunk(16, stacks=2, depth=2, maps=3).eval()
    images = torch.rand(1, 3, 64, 64)
    first, second = trunk.stages(images)
    assert first.maps.shape == second.maps.shape == (1, 3, 16, 16)
    torch.nn.init.constant_(trunk.maps[0].bias, 5.0)
    assert torch.equal(trunk.stages(images)[0].features, first.features)
    assert not torch.equal(trunk.stages(images)[1].features, second.features)
    assert torch.equal(trunk(images), trunk.stages(images)[1].features)


@pytest.mark.parametrize("reduction", [1, 2, 4])
def test_a_trunk_run_at_another_size_has_the_same_weights(reduction):
    trunk, plain = Trunk(16, depth=2, reduction=reduction), Trunk(16, depth=2)
    assert trunk(torch.rand(2, 3, 64, 64)).shape == (2, 16, 64 // reduction, 64 // reduction)
    trunk.load_state_dict(plain.state_dict())


def test_another_reduction_is_refused():
    with pytest.raises(ValueError, match="must be 1, 2 or 4, got 8"):
        Trunk(16, reduction=8)


def test_a_widening_hourglass_grows_by_so_many_channels_at_each_halving():
    glass = Hourglass(16, depth=3, widen=8)
    widths = []
    while isinstance(glass, Hourglass):
        widths.append(
            2 * glass.down.first[-1].out_channels
        )  # a block's first convolution gives half
        glass = glass.inner
    assert widths == [24, 32, 40]
    assert Hourglass(16, 3, 8)(torch.rand(2, 16, 32, 32)).shape == (2, 16, 32, 32)


def test_features_are_a_quarter_of_the_picture():
    assert Trunk(32, stacks=2)(torch.rand(2, 3, 128, 128)).shape == (2, 32, 32, 32)


def test_an_hourglass_sees_the_whole_picture():
    """A change in one corner reaches the opposite one."""
    glass = Hourglass(16, 4).eval()
    features = torch.rand(1, 16, 32, 32, requires_grad=True)
    glass(features)[0, :, -1, -1].sum().backward()
    assert features.grad[0, :, 0, 0].abs().sum() > 0
