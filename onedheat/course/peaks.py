"""The memory rows of Table 1 beside those of an H100, as text."""

import math
from collections.abc import Mapping

from onedheat.bench.device_memory import OUT_OF_MEMORY
from onedheat.bench.kept import on_an_h100
from onedheat.reports import laid_out


def beside_table_1(theirs: Mapping[str, Mapping[int, float]], ways: Mapping[str, str]) -> str:
    """GiB of the GPU by L: what the paper reports, and the peak of a training step on an H100.

    Args:
        theirs: ``"1D"``, ``"2D"`` → L → GiB of the paper; NaN for out of memory.
        ways: what the bench calls a way (`onedheat.bench.report.device_peak`) → what it is called here.
    """
    found = on_an_h100()["device_peak"]
    peaks = {name: found["peaks"][way] for way, name in ways.items()}

    def cell(gib: float | None) -> str:
        return "" if gib is None else OUT_OF_MEMORY if math.isnan(gib) else f"{gib:.2f}"

    def ours(value: int | str | None) -> float | None:
        return math.nan if value == OUT_OF_MEMORY else value and value / 2**30

    rows = [
        [
            str(bins),
            *(cell(by_bins.get(bins)) for by_bins in theirs.values()),
            *(cell(ours(by_bins.get(str(bins)))) for by_bins in peaks.values()),
        ]
        for bins in theirs["1D"]
    ]
    title = (
        f"GiB in a training step of {found['batch']} pictures: of the paper's V100, and the peak of what\n"
        f"tensors take on an {found['device']} held to {found['cap'] / 2**30:.0f} GiB, float32\n\n"
    )
    return title + laid_out(["L", *(f"paper, {kind}" for kind in theirs), *peaks], rows)
