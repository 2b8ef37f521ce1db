"""Every kind of network by the name that its checkpoints carry."""

from onedheat.models.compared import Dsnt, Heatmaps2d, Integral, Regression, Simcc
from onedheat.models.detector import Detector
from onedheat.models.network import LandmarkNetwork, NetworkConfig

KINDS: dict[str, type[LandmarkNetwork]] = {
    network.Config.kind: network
    for network in (Detector, Heatmaps2d, Integral, Dsnt, Regression, Simcc)
}


def build(config: NetworkConfig) -> LandmarkNetwork:
    """The network that a config describes, with fresh weights."""
    return KINDS[config.kind](config)
