"""A face's way through a detector: the steps, what they are said to hold, and how they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pictures import assert_all_different, assert_fit_to_be_read, assert_moved_is_fresh

from onedheat import DetectorConfig
from onedheat.course.stations import outputs_of, stations
from onedheat.landmarks import IBUG68
from onedheat.models import Detector
from onedheat.plots import FaceView
from onedheat.plots.inside import WayThrough
from onedheat.plots.stations import Station, stations_sheet

# No two lengths are alike, so that a turned axis is seen: 16 positions, h = 4, L = 48.
CONFIG = DetectorConfig(size=64, width=32, depth=3, channels=24, compressed=4, upsample=3)


def network(config=CONFIG):
    torch.manual_seed(0)
    detector = Detector(config).eval()
    for module in detector.modules():  # fresh weights say nearly nothing
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return detector


@pytest.fixture(scope="module")
def detector():
    return network()


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def ways(detector, picture):
    return stations(detector, picture)


@pytest.fixture(scope="module")
def view(ways):
    face = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return FaceView("Somebody", face, 64, ways["x"][-1].values, IBUG68)


def by_name(way):
    return {station.name: station for station in way}


def test_the_steps_are_those_of_fig_2a_in_their_order(ways):
    assert [(step.name, step.shape) for step in ways["x"]] == [
        ("picture", "3 × 64 × 64"),
        ("first convolution", "8 × 32 × 32"),
        ("first block", "16 × 32 × 32"),
        ("end of the stem", "32 × 16 × 16"),
        ("hourglass, down 8", "32 × 8 × 8"),
        ("hourglass, down 4", "32 × 4 × 4"),
        ("hourglass, bottom 2", "32 × 2 × 2"),
        ("hourglass, up 4", "32 × 4 × 4"),
        ("hourglass, up 8", "32 × 8 × 8"),
        ("hourglass, up 16", "32 × 16 × 16"),
        ("features", "32 × 16 × 16"),
        ("CNN₁, y to 8", "24 × 16 × 8"),
        ("CNN₁, y to 4", "24 × 16 × 4"),
        ("co-attention", "24 × 16 × 4"),
        ("CNN₂, y to 2", "24 × 16 × 2"),
        ("CNN₂, y to 1", "24 × 16 × 1"),
        ("deconvolution", "68 × 48"),
        ("landmarks", "68 × 2"),
    ]


def test_every_weight_is_counted_in_one_step(ways, detector):
    parted = sum(step.weights for step in ways["y"] if step.axis)
    counted = sum(step.weights for step in ways["x"]) + parted
    assert counted == sum(weight.numel() for weight in detector.parameters())


def test_every_weight_of_several_stacks_is_counted_too(picture):
    deep = network(replace(CONFIG, stacks=2, supervise_all=False))
    ways = stations(deep, picture)
    parted = sum(step.weights for step in ways["y"] if step.axis)
    assert sum(step.weights for step in ways["x"]) + parted == sum(
        weight.numel() for weight in deep.parameters()
    )
    names = [step.name for step in ways["x"]]
    assert "hourglass 1, bottom 2" in names and "hourglass 2, bottom 2" in names
    assert names.index("features 1") < names.index("hourglass 2, down 8") < names.index("features")


def test_what_is_shown_is_what_the_network_computed(ways, detector, picture):
    with torch.inference_mode():
        features = detector.trunk(picture - 0.5)
        dx = detector.first_x(features.mT)
        dy = detector.first_y(features)
        mixed = detector.coattention(dx, dy)
        heatmaps = detector(picture)
    for axis, own, joined, vectors in zip("xy", (dx, dy), mixed, heatmaps, strict=True):
        steps = by_name(ways[axis])
        assert np.allclose(steps["features"].values, features[0])
        assert np.allclose(steps[f"CNN₁, {'y' if axis == 'x' else 'x'} to 4"].values, own[0])
        assert np.allclose(steps["co-attention"].values, joined[0])
        assert np.allclose(steps["deconvolution"].values, vectors[0])
        assert np.allclose(steps["landmarks"].values, detector.read(heatmaps).landmarks[0])


def test_looking_inside_leaves_no_hook_behind(detector, picture):
    inside = detector.trunk.heads[0]
    with pytest.raises(RuntimeError, match="no bread"), outputs_of([inside]) as kept:
        detector(picture)
        assert kept[inside].shape == (1, 32, 16, 16)
        raise RuntimeError("no bread")
    assert not inside._forward_hooks


def test_a_summary_counts_numbers_bytes_and_weights():
    station = Station("a", "b", "features", np.zeros((64, 32, 16)), 1234)
    assert station.summary == "64 × 32 × 16 = 32,768 numbers, 128.0 KiB; 1,234 weights"
    assert Station("a", "b", "landmarks", np.zeros((68, 2)), 0).bytes == 544


@pytest.mark.parametrize(("axis", "rows", "columns"), [("x", 4, 16), ("y", 16, 4)])
def test_features_of_an_axis_lie_as_it_runs_on_the_face(axis, rows, columns):
    values = np.zeros((5, 16, 4))  # 16 positions of the axis, 4 of what is left of the other
    values[:, 3] = 1
    station = Station("a", "b", "features", values, 0, axis)
    assert station.overview().shape == (rows, columns)
    lit = station.overview()[:, 3] if axis == "x" else station.overview()[3]
    assert (lit == 1).all() and station.overview().sum() == 4
    assert station.grid() == ((16, 4) if axis == "x" else (4, 16))


def test_vectors_of_y_are_columns():
    vectors = Station("a", "b", "vectors", np.zeros((68, 48)), 0, "y")
    assert vectors.overview().shape == (48, 68)


def test_the_channels_shown_are_those_that_vary_most():
    values = np.zeros((10, 4, 4))
    values[7, 0, 0], values[2, 0, 0] = 5, 3
    tiles = Station("a", "b", "features", values, 0).tiles()
    assert len(tiles) == 6
    assert {tile.max() for tile in tiles} == {0, 3, 5}


def test_every_step_of_both_ways_is_fit_to_be_read(view, ways):
    picture = WayThrough(view, ways)
    for step in range(len(ways["x"])):
        for axis in "xy":
            assert_fit_to_be_read(picture.move(step, axis))
            assert ways[axis][step].summary in picture.alt


def test_each_step_axis_and_move_changes_the_picture(view, ways):
    picture = WayThrough(view, ways)
    assert_all_different([picture.move(step).png() for step in range(len(ways["x"]))])
    for step in range(11, len(ways["x"])):
        assert_all_different([picture.move(step, axis).png() for axis in "xy"])
    assert_moved_is_fresh(picture.move(12, "y"), WayThrough(view, ways).move(12, "y"))
    assert_moved_is_fresh(picture.move(17, "x"), WayThrough(view, ways).move(17, "x"))


def test_the_sheet_shows_every_step_once_until_the_axes_part(ways):
    sheet = stations_sheet(ways)
    assert_fit_to_be_read(sheet)
    shared = sum(not step.axis for step in ways["x"])
    parted = sum(bool(step.axis) for step in ways["x"]) - 1  # landmarks are no picture
    assert len(sheet.axes) == shared + 2 * parted
    assert "features 32 × 16 × 16" in sheet.alt and "deconvolution 68 × 48" in sheet.alt
