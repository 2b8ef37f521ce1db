"""A folded network gives what the network gives."""

import pytest
import torch
from torch import nn

from onedheat.models import Detector, DetectorConfig
from onedheat.models.folding import fold_batch_norms


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def unsettle(network: nn.Module) -> None:
    """Gives batch norms statistics and weights that matter."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)


def test_a_folded_detector_gives_the_same_heatmaps():
    network = Detector(
        DetectorConfig(size=64, width=16, channels=16, compressed=4, stacks=2)
    ).eval()
    unsettle(network)
    pictures = torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        for folded, plain in zip(
            fold_batch_norms(network)(pictures), network(pictures), strict=True
        ):
            assert plain.std() > 1e-3
            assert torch.allclose(folded, plain, atol=1e-5)


def test_those_after_a_convolution_are_gone_and_those_before_one_stay():
    network = Detector(DetectorConfig(size=64, width=16, channels=16, compressed=4))
    # stem, head; per axis two halvings to h = 4, one to 2 and one to 1
    assert norms(network) - norms(fold_batch_norms(network)) == 2 + 2 * 4
    block = network.trunk.hourglasses[0].skip
    assert norms(fold_batch_norms(block)) == norms(block) == 3


def test_the_network_itself_is_left_as_it_is():
    network = Detector(DetectorConfig(size=64, width=16, channels=16, compressed=4)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    folded = fold_batch_norms(network)
    assert network.training and not folded.training
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    next(folded.parameters()).data.fill_(7)
    assert torch.equal(next(network.parameters()), before[next(iter(before))])


@pytest.mark.parametrize("apart", [nn.ReLU(), nn.Identity()])
def test_a_batch_norm_with_something_in_between_stays(apart):
    chain = nn.Sequential(nn.Conv2d(3, 4, 1), apart, nn.BatchNorm2d(4)).eval()
    assert norms(fold_batch_norms(chain)) == 1
