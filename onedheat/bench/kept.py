"""What `onedheat bench` found on a GPU that most readers do not have."""

import json
from importlib import resources
from typing import Any


def on_an_h100() -> dict[str, Any]:
    """The parts of `onedheat.bench.report.measure` that need a GPU, measured on one H100.

    Returns:
        `device_peak`, see `onedheat.bench.report.device_peak`; `training`, see `training_rates` there.
    """
    return json.loads(
        (resources.files("onedheat") / "bench" / "h100.json").read_text(encoding="utf-8")
    )
