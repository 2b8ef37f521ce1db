"""A small network of every kind, which tests of the command line and of measuring share."""

from onedheat.models import DetectorConfig, LandmarkNetwork, NetworkConfig, TrackerConfig, build
from onedheat.models.compared import recurrent2d, systems

SMALL = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, upsample=4)
CONFIGS: dict[str, NetworkConfig] = {
    config.kind: config
    for config in (
        SMALL,
        *(system.config for system in systems(SMALL).values()),
        TrackerConfig(**SMALL.as_dict()),
        recurrent2d(SMALL, 0.5),
    )
}


def network_of(kind: str) -> LandmarkNetwork:
    """One with fresh weights."""
    return build(CONFIGS[kind])
