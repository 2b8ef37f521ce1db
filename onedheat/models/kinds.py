"""Every kind of network by the name that its checkpoints carry."""

from onedheat.models.compared import Dsnt, Heatmaps2d, Integral, Recurrent2d, Regression, Simcc
from onedheat.models.detector import Detector
from onedheat.models.network import LandmarkNetwork, NetworkConfig
from onedheat.models.tracker import Tracker

KINDS: dict[str, type[LandmarkNetwork]] = {
    network.Config.kind: network
    for network in (Detector, Heatmaps2d, Integral, Dsnt, Regression, Simcc, Tracker, Recurrent2d)
}


def build(config: NetworkConfig) -> LandmarkNetwork:
    """The network that a config describes, with fresh weights."""
    return KINDS[config.kind](config)
