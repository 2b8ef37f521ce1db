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


def test_features_are_a_quarter_of_the_picture():
    assert Trunk(32, stacks=2)(torch.rand(2, 3, 128, 128)).shape == (2, 32, 32, 32)


def test_an_hourglass_sees_the_whole_picture():
    """A change in one corner reaches the opposite one."""
    glass = Hourglass(16, 4).eval()
    features = torch.rand(1, 16, 32, 32, requires_grad=True)
    glass(features)[0, :, -1, -1].sum().backward()
    assert features.grad[0, :, 0, 0].abs().sum() > 0
