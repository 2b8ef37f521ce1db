"""A network that tests of engines share."""

import torch

from onedheat.models import Detector, DetectorConfig

CONFIG = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, upsample=4)


def random_network(seed: int = 0) -> Detector:
    """A detector whose batch norms have seen something: folding a fresh one would change nothing."""
    torch.manual_seed(seed)
    network = Detector(CONFIG)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.3)
    return network.eval()
