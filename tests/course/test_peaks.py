"""The memory of an H100 stands beside Table 1 as it was measured."""

import pytest

from onedheat.bench.device_memory import BATCH, CAP
from onedheat.bench.kept import on_an_h100
from onedheat.bench.saved_bytes import columns, saved_bytes, tracker_columns
from onedheat.course.lessons.detector import PAPERS_GIB
from onedheat.course.lessons.tracking import PAPERS_GIB as TRACKERS_GIB
from onedheat.course.peaks import beside_table_1
from onedheat.presets import PRESETS

PAPER = PRESETS["paper"].detector


def test_what_is_kept_has_every_way_and_resolution_that_the_bench_measures():
    found = on_an_h100()["device_peak"]
    ways = columns(PAPER) | {f"{way}_tracker": c for way, c in tracker_columns(PAPER).items()}
    assert {way: [int(bins) for bins in by] for way, by in found["peaks"].items()} == {
        way: list(configs) for way, configs in ways.items()
    }
    assert (found["batch"], found["cap"]) == (BATCH, CAP)
    assert set(on_an_h100()["training"]["networks"]) == {"tiny", "small", "paper"}


def test_a_peak_is_above_what_must_be_kept_and_fits_under_the_cap():
    peaks = on_an_h100()["device_peak"]["peaks"]
    for bins in (64, 768):
        kept = BATCH * saved_bytes(PAPER.with_bins(bins))
        assert kept < peaks["1d"][str(bins)] < 1.5 * kept
    for by_bins in peaks.values():
        assert all(value == "OOM" or value < CAP for value in by_bins.values())


@pytest.mark.parametrize("theirs", [PAPERS_GIB, TRACKERS_GIB])
def test_the_table_has_a_row_for_each_resolution_of_the_paper(theirs):
    ways = {"1d_tracker": "here, 1D", "2d_tracker": "here, 2D"}
    text = beside_table_1(theirs, ways)
    first = next(line for line in text.splitlines() if line.startswith("64 "))
    assert first.split() == [
        "64",
        f"{theirs['1D'][64]:.2f}",
        f"{theirs['2D'][64]:.2f}",
        "3.23",
        "3.35",
    ]
    assert "held to 32 GiB" in text and text.startswith("GiB in a training step of 10 pictures")
    out = next(line for line in text.splitlines() if line.startswith("256"))
    assert out.split()[2] == out.split()[4] == "OOM"
    assert text.splitlines()[-1].split()[0] == "768"
