"""Occluders: what they cover is what is seen of them, and training's are not those of testing."""

import numpy as np
import pytest

from onedheat.data.occluders import SHAPES, TEXTURES, draw_shape, overlay, paint, place
from onedheat.data.occluders.passing import Passing, PassingConfig
from onedheat.data.occluders.shapes import Shape, of_family
from onedheat.geometry import transform

WHITE, BLACK = (np.full((96, 128, 3), value, np.uint8) for value in (255, 0))
ALWAYS = PassingConfig(share=1.0)
both_families = pytest.mark.parametrize("family", ["train", "test"])


def opacity_of(on_white, on_black):
    """How opaque each pixel is, from what is seen of white and of black behind it."""
    return 1 - (on_white.astype(float) - on_black).mean(axis=2) / 255


def every_pixel(picture):
    height, width = picture.shape[:2]
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(float)


def test_the_families_share_neither_shape_nor_texture():
    for kinds in (SHAPES, TEXTURES):
        assert set(kinds) == {"train", "test"}
        assert kinds["train"] and kinds["test"] and not set(kinds["train"]) & set(kinds["test"])
        assert not set(kinds["train"].values()) & set(kinds["test"].values())


@both_families
def test_only_shapes_and_textures_of_the_family_are_drawn(family, monkeypatch):
    used = set()
    for name, texture in TEXTURES[family].items():
        recorded = lambda *given, name=name, texture=texture: used.add(name) or texture(*given)  # noqa: E731
        monkeypatch.setitem(TEXTURES[family], name, recorded)
    other = "test" if family == "train" else "train"
    monkeypatch.setitem(TEXTURES, other, {})
    monkeypatch.setitem(SHAPES, other, {})
    shapes = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        shape = draw_shape(rng, family)
        shapes.add(shape.name)
        paint(shape, rng, family, side=16)
    assert shapes == set(SHAPES[family])
    assert used == set(TEXTURES[family]) - {"photo"}  # without a photo no patch can be cut


def test_no_star_is_a_rectangle():
    """A star's outline bends inwards at every second corner; no rectangle's, ellipse's or bar's does."""
    for seed in range(200):
        shape = SHAPES["test"]["star"](np.random.default_rng(seed), "star", 0.05)
        corners = shape.polygon
        before, after = corners - np.roll(corners, 1, 0), np.roll(corners, -1, 0) - corners
        bend = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        assert (bend[1::2] < -0.01).all() and (bend[::2] > 0.01).all()


@both_families
def test_a_shape_fits_into_its_square_with_its_soft_edge(family):
    for seed in range(100):
        rng = np.random.default_rng(seed)
        layer = paint(draw_shape(rng, family), rng, family, side=64)
        border = np.concatenate([layer[0], layer[-1], layer[:, 0], layer[:, -1]])
        assert border.max() <= 8
        assert layer[..., 3].max() > 200  # and there is something of it
        assert (layer[..., :3] <= layer[..., 3:]).all()  # colours are multiplied by alpha


def test_distances_of_a_rectangle_are_the_true_ones():
    corners = np.array([[-0.6, -0.3], [0.6, -0.3], [0.6, 0.3], [-0.6, 0.3]])
    box = Shape("box", 0.1, polygon=corners)
    points = np.array([[0.0, 0.0], [0.0, 0.25], [0.9, 0.0], [0.9, 0.7], [-0.6, 0.1]])
    assert box.distance(points) == pytest.approx([-0.3, -0.05, 0.3, 0.5, 0.0])


def test_distances_of_capsules_are_the_true_ones():
    segments = np.array([[[0.0, 0.0], [0.5, 0.0]], [[0.0, 0.8], [0.0, 0.8]]])
    two = Shape("two", 0.1, segments=segments, radii=np.array([0.2, 0.1]))
    points = np.array([[0.2, 0.3], [1.0, 0.0], [0.0, 0.8], [0.25, 0.0]])
    assert two.distance(points) == pytest.approx([0.1, 0.3, -0.1, -0.2], abs=1e-4)


@both_families
def test_the_pixels_it_covers_are_those_it_says(family):
    """Everywhere but within a pixel of the outline, where a pixel is half covered."""
    points, seen = every_pixel(WHITE), 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        shape = draw_shape(rng, family)
        layer = paint(shape, rng, family)
        radius = rng.uniform(15, 60)
        to_picture = place(rng.uniform(10, 90, 2), radius, rng.uniform(0, 6.3))
        opacity = opacity_of(overlay(WHITE, layer, to_picture), overlay(BLACK, layer, to_picture))
        covered = shape.covers(to_picture, points)
        away = shape.distance(transform(np.linalg.inv(to_picture), points))
        clear = np.abs(away) * radius > 1.0
        assert ((opacity > 0.5) == covered)[clear].all()
        seen += covered.sum()
    assert seen > 20_000


def test_a_layer_beside_the_picture_changes_nothing():
    rng = np.random.default_rng(0)
    layer = paint(draw_shape(rng, "train"), rng, "train")
    for center in [(-200.0, 40.0), (40.0, 300.0), (5000.0, 5000.0)]:
        assert np.array_equal(overlay(WHITE, layer, place(center, 30.0, 0.3)), WHITE)


def test_a_covered_picture_is_a_new_one():
    rng = np.random.default_rng(0)
    layer, picture = paint(draw_shape(rng, "train"), rng, "train"), WHITE.copy()
    assert overlay(picture, layer, place((60.0, 50.0), 30.0, 0.0)).min() < 250
    assert np.array_equal(picture, WHITE)


@both_families
def test_things_enter_pass_the_middle_and_leave(family):
    passing, covered_middle = Passing((1, 2), family, 128, 96, ALWAYS), 0
    for stretch in range(12):
        start = stretch * ALWAYS.every
        seconds = start + np.linspace(0, ALWAYS.every, 200, endpoint=False)
        present = [moment for moment in seconds if passing.at(moment)]
        passage = passing.at(present[0])
        assert ALWAYS.lasting[0] <= passage.lasting <= ALWAYS.lasting[1]
        ends = (passage.begins, passage.begins + passage.lasting)
        assert start <= ends[0] and ends[1] <= start + ALWAYS.every + 1e-9
        for end in ends:  # there it is outside
            assert not passage.shape.covers(passage.pose(end), every_pixel(WHITE)).any()
        middle = passage.pose(sum(ends) / 2)[:2, 2]
        assert np.abs(middle - (63.5, 47.5)).max() <= 0.4 * 96
        covered_middle += np.any([passing.covers(m, np.array([[63.5, 47.5]])) for m in present])
    assert covered_middle >= 5


def test_things_move_without_jumps():
    passing = Passing((3, 4), "train", 128, 128, ALWAYS)
    passage = passing.at(passing.config.every / 2)
    moments = passage.begins + np.linspace(0, passage.lasting, 1000)
    centers = np.stack([passage.pose(moment)[:2, 2] for moment in moments])
    steps = np.linalg.norm(np.diff(centers, axis=0), axis=1)
    assert 0 < steps.min() and steps.max() < 1.5
    assert np.linalg.norm(np.diff(centers, n=2, axis=0), axis=1).max() < 0.01


def test_a_moment_is_the_same_whatever_was_asked_for_before():
    seconds = np.linspace(0, 12, 60)
    forwards, backwards = (Passing((5, 6), "test", 128, 96, ALWAYS) for _ in range(2))
    first = [forwards.cover(WHITE, float(moment)) for moment in seconds]
    last = [backwards.cover(WHITE, float(moment)) for moment in seconds[::-1]]
    assert all(np.array_equal(a, b) for a, b in zip(first, last[::-1], strict=True))
    assert not np.array_equal(np.stack(first), np.stack([WHITE] * 60))
    other = Passing((5, 7), "test", 128, 96, ALWAYS)
    assert not np.array_equal(np.stack(first), [other.cover(WHITE, float(m)) for m in seconds])


def test_as_many_things_pass_as_asked_for():
    for share in (0.0, 0.3, 1.0):
        config = PassingConfig(share=share, lasting=(2.4, 2.4))
        passing = Passing((7,), "train", 128, 128, config)
        present = [passing.at((stretch + 0.5) * config.every) is not None for stretch in range(400)]
        assert np.mean(present) == pytest.approx(share, abs=0.07)


def test_a_family_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no family of occluders 'real'; there are: train, test"):
        of_family("real", SHAPES)


def test_things_that_pass_longer_than_there_is_between_them_are_refused():
    with pytest.raises(
        ValueError, match=r"no more than the 1 s between them; got lasting=\(0.5, 2"
    ):
        PassingConfig(every=1.0, lasting=(0.5, 2.0))
