"""Which figures of a fold values are compared by, and how they are called."""

from typing import NamedTuple


class Measure(NamedTuple):
    """A figure of a fold; the less of it the better.

    Attributes:
        name: what it is.
        heading: of its column.
        short: what it is, where the value has been called `best` by it.
        best: how the value is called that has least of it.
        worse: how one is that has more.
    """

    name: str
    heading: str
    short: str
    best: str = "best"
    worse: str = "worse"


COMPARED = {
    "nrmse": Measure("NRMSE", "NRMSE %", "NRMSE"),
    "nrmse_hidden": Measure(
        "NRMSE of hidden points", "hidden %", "NRMSE", "best for hidden points"
    ),
    "jitter": Measure("jitter", "jitter %", "jitter", "steadiest", "shakier"),
}
"""By the name that a report has for it; values are chosen by the first."""

HEADINGS = {name: measure.heading for name, measure in COMPARED.items()} | {
    "jitter_of_labels": "of labels %",
    "lag": "lag",
}
"""Of the columns of all figures that a fold may have."""
