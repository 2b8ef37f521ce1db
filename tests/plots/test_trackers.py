"""What was measured of trackers: every point is a figure that was given."""

import numpy as np
import pytest
from pictures import assert_fit_to_be_read

from onedheat.data.clips import ClipSet
from onedheat.landmarks import IBUG68
from onedheat.plots.trackers import against_decay, against_resolution, kind_of, still_and_late
from onedheat.reports import Report
from onedheat.seed_results import Result
from onedheat.steadying import Comparison, Way


def result(with_memory: float) -> Result:
    """Of two seeds that lie 0.2 apart."""
    seeds = (with_memory - 0.1, with_memory + 0.1)
    nrmse = {
        "with memory": seeds,
        "with memory, covered": tuple(3 * seed for seed in seeds),
        "frame by frame": (6.0, 6.0),
        "frame by frame, covered": (20.0, 20.0),
    }
    jitter = {"with memory": seeds, "frame by frame": (7.0, 7.0), "labels": (1.5, 1.5)}
    return Result(nrmse, 1, (1.0, 1.0), jitter)


MEASURED = {0.0: result(5.8), 0.3: result(5.4), 0.9: result(5.0)}


def points_of(axes) -> list:
    """The first line that has markers, as points."""
    return next(line.get_xydata() for line in axes.lines if line.get_marker() == "o")


def test_means_of_seeds_stand_at_their_decay_with_the_detector_beside_them():
    figure = against_decay(MEASURED)
    assert_fit_to_be_read(figure)
    covered, everywhere, shaking = figure.axes
    assert points_of(covered) == pytest.approx(np.array([(0.0, 17.4), (0.3, 16.2), (0.9, 15.0)]))
    assert points_of(everywhere) == pytest.approx(np.array([(0.0, 5.8), (0.3, 5.4), (0.9, 5.0)]))
    for axes, alone in ((covered, 20.0), (everywhere, 6.0), (shaking, 7.0)):
        assert alone in [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "None"]
    assert (
        "covered landmarks: the detector 20.00, λ 0 17.40, λ 0.3 16.20, λ 0.9 15.00" in figure.alt
    )
    assert figure.alt.endswith("the labels themselves 1.50.")


def test_bars_go_from_the_best_seed_to_the_worst():
    axes = against_decay(MEASURED).axes[1]
    (bars,) = [one for one in axes.collections if hasattr(one, "get_segments")]
    assert bars.get_segments()[0][:, 1] == pytest.approx([5.7, 5.9])


def test_rows_of_resolutions_differ_in_style_and_are_told():
    rows = {"2D detector": {16: (7.0,)}, "1D tracker": {16: (6.0, 6.4), 192: (5.0, 5.0)}}
    figure = against_resolution(rows, {name: {16: (20.0,)} for name in rows})
    assert_fit_to_be_read(figure)
    lines = [line for line in figure.axes[0].lines if line.get_marker() in "s o".split()]
    assert [line.get_xydata().tolist() for line in lines] == [
        [[16, 7.0]], [[16, pytest.approx(6.2)], [192, 5.0]],
    ]  # fmt: skip
    assert len({line.get_linestyle() for line in lines}) == 2
    assert "1D tracker, all landmarks: L 16 6.20, L 192 5.00" in figure.alt
    assert "2D detector, covered landmarks: L 16 20.00" in figure.alt


def way(name: str, lag: float, jitter: float, at_rest: float | None = None) -> Way:
    report = Report(
        dataset="made", split="all", faces=4, missed=0, landmarks=68, nrmse=5 + lag, nrmse_median=5.0,
        auc=0.5, failure_rate=0.0, threshold=8.0, normaliser="interocular", box="followed",
        decoder="dark", flip=False, weights=name, areas={}, errors=(5.0,), nrmse_hidden=12 - lag,
        jitter=jitter, jitter_of_labels=1.25, lag=lag,
    )  # fmt: skip
    return Way(name, [np.zeros((4, 68, 2))], report, at_rest)


WAYS = (
    way("tracker", 0.1, 5.0),
    way("its detector, frame by frame", 0.0, 6.0),
    way("mean of 2 frames", 0.5, 3.0, 0.5),
    way("1€ filter, as late as that", 0.5, 2.5, 1.5),
    way("flow from the first frame", -3.0, 15.0),
)


def test_every_way_but_flow_stands_at_its_lag():
    comparison = Comparison(WAYS, ClipSet("made", "all", IBUG68, ()), [], [])
    figure = still_and_late(comparison)
    assert_fit_to_be_read(figure)
    kinds = [kind_of(one, comparison) for one in WAYS[:4]]
    assert kinds == ["tracker", "detector", "moving average", "1€ filter"]
    for axes, values in zip(
        figure.axes, ([5, 6, 3, 2.5], [11.9, 12, 11.5, 11.5], [5.1, 5, 5.5, 5.5]), strict=True
    ):
        points = [
            line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() != "None"
        ]
        assert points == [
            [pytest.approx(lag), pytest.approx(value)]
            for lag, value in zip((0.1, 0, 0.5, 0.5), values, strict=True)
        ]
    assert figure.axes[0].lines[0].get_ydata()[0] == 1.25
    assert "mean of 2 frames: 0.50 frames late, jitter 3.00" in figure.alt
    assert "flow" not in figure.alt
