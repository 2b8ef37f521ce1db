"""What the paper's detector is measured against, each system on the same trunk.

| system | source | its output |
|---|---|---|
| `Heatmaps2d` | FAN [2] | an L×L map a landmark; read by ``quarter``, ``dark`` [37] or ``fhr`` [30] |
| `Integral` | [28] | the expectation of a soft-maxed map |
| `Dsnt` | [19] | the same, the map held to a Gaussian |
| `Regression` | – | two numbers a landmark |
| `Simcc` | Li et al. 2022 | F·k classes an axis, from flattened maps |
| `Recurrent2d` | [20] | maps of each frame of a clip, fed back to the next; a tracker |

`systems` makes each of them for the trunk, size and landmarks of a detector, `recurrent2d` the tracker.
"""

from typing import NamedTuple

from onedheat.models.compared.dsnt import Dsnt, DsntConfig
from onedheat.models.compared.heatmaps2d import Heatmaps2d, Heatmaps2dConfig
from onedheat.models.compared.integral import Integral, IntegralConfig
from onedheat.models.compared.recurrent2d import Recurrent2d, Recurrent2dConfig
from onedheat.models.compared.regression import Regression, RegressionConfig
from onedheat.models.compared.simcc import Simcc, SimccConfig
from onedheat.models.detector import DetectorConfig
from onedheat.models.network import NetworkConfig

__all__ = [
    "Dsnt",
    "DsntConfig",
    "Heatmaps2d",
    "Heatmaps2dConfig",
    "Integral",
    "IntegralConfig",
    "Recurrent2d",
    "Recurrent2dConfig",
    "Regression",
    "RegressionConfig",
    "Simcc",
    "SimccConfig",
    "System",
    "recurrent2d",
    "systems",
]


class System(NamedTuple):
    """One line of a comparison: a network, and how landmarks are read off it."""

    config: NetworkConfig
    decoder: str


def systems(detector: DetectorConfig) -> dict[str, System]:
    """Every system the detector is compared with, on its trunk, size and landmarks.

    ``"2d@0.5"`` is the 2D detector at L/F = 0.5 with the trunk run at that size, ``"2d-upsampled@0.5"``
    the one whose maps are upsampled after it; both are read by argmax ± ¼. The sub-pixel repairs run at
    L/F = 0.5, the paper's 128 of 256. ``"dark"`` and ``"fhr"`` are ``"2d@0.5"``, trained no differently,
    and read otherwise.
    """
    size, half = detector.size, detector.size // 2
    same = {
        name: getattr(detector, name)
        for name in ("scheme", "landmarks", "size", "width", "stacks", "depth", "widen")
    }
    supervised = same | {"supervise_all": detector.supervise_all}
    sigma = {"target_sigma": detector.target_sigma}

    def heatmaps2d(ratio: float, way: str = "trunk") -> Heatmaps2dConfig:
        return Heatmaps2dConfig(bins=int(size * ratio), way=way, **supervised, **sigma)

    plain = {f"2d@{ratio:g}": System(heatmaps2d(ratio), "quarter") for ratio in (0.25, 0.5, 1)}
    # At 0.25 there is nothing to upsample.
    upsampled = {
        f"2d-upsampled@{ratio:g}": System(heatmaps2d(ratio, "upsampled"), "quarter")
        for ratio in (0.5, 1)
    }
    return {
        **plain,
        **upsampled,
        "integral": System(IntegralConfig(bins=half, **supervised), "expectation"),
        "dsnt": System(
            DsntConfig(bins=half, target_sigma=size / half, **supervised), "expectation"
        ),
        "dark": System(heatmaps2d(0.5), "dark"),
        "fhr": System(heatmaps2d(0.5), "fhr"),
        "regression": System(RegressionConfig(channels=detector.channels, **same), "regression"),
        "simcc": System(SimccConfig(**supervised, **sigma), "argmax"),
    }


def recurrent2d(detector: DetectorConfig, ratio: float) -> Recurrent2dConfig:
    """The 2D recurrent tracker on the trunk of a detector, at a resolution L/F of 0.25, 0.5 or 1."""
    shared = ("scheme", "landmarks", "size", "width", "stacks", "depth", "widen")
    more = ("supervise_all", "target_sigma")
    same = {name: getattr(detector, name) for name in (*shared, *more)}
    return Recurrent2dConfig(bins=int(detector.size * ratio), **same)
