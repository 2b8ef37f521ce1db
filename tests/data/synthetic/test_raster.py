import numpy as np
import pytest

from onedheat.data.synthetic.raster import rasterize

SQUARE = np.array([[1.5, 1.5], [9.5, 1.5], [9.5, 7.5], [1.5, 7.5]])
CORNERS = np.array([[0, 1, 2], [0, 2, 3]])


def test_a_square_of_two_triangles_covers_each_of_its_pixels_once():
    surface = rasterize(SQUARE, np.zeros(4), CORNERS, 12)
    y, x = np.divmod(surface.pixels, 12)
    assert len(set(surface.pixels.tolist())) == len(surface.pixels) == 8 * 6
    assert (x.min(), x.max(), y.min(), y.max()) == (2, 9, 2, 7)


def test_what_is_interpolated_over_a_triangle_is_linear_in_the_picture():
    surface = rasterize(SQUARE, np.arange(4.0), CORNERS, 12)
    y, x = np.divmod(surface.pixels, 12)
    found = surface.sample(CORNERS, SQUARE.astype(np.float32))
    np.testing.assert_allclose(found, np.stack([x, y], axis=1), atol=1e-5)
    np.testing.assert_allclose(surface.weights.sum(axis=1), 1, atol=1e-6)


def test_the_nearer_of_two_surfaces_is_seen():
    points = np.concatenate([SQUARE, SQUARE + 3])
    corners = np.concatenate([CORNERS, CORNERS + 4])
    depth = np.repeat([1.0, 2.0], 4)
    surface = rasterize(points, depth, corners, 16)
    near = surface.triangles >= 2
    assert near.sum() == 8 * 6  # the whole of the nearer one
    assert (~near).sum() == 8 * 6 - 5 * 3  # the other without what it covers
    np.testing.assert_allclose(surface.depth[near], 2.0, atol=1e-5)


def test_triangles_seen_from_behind_are_left_out_unless_asked_for():
    turned = CORNERS[:, ::-1]
    assert len(rasterize(SQUARE, np.zeros(4), turned, 12).pixels) == 0
    assert len(rasterize(SQUARE, np.zeros(4), turned, 12, both_sides=True).pixels) == 48


@pytest.mark.parametrize("shift", [-100.0, 100.0])
def test_what_lies_outside_the_picture_is_not_drawn(shift):
    assert len(rasterize(SQUARE + shift, np.zeros(4), CORNERS, 12).pixels) == 0


def test_a_triangle_of_any_size_is_drawn_up_to_the_edge():
    big = np.array([[-2000.0, -2000.0], [4000.0, -2000.0], [-2000.0, 4000.0]])
    surface = rasterize(big, np.zeros(3), np.array([[0, 1, 2]]), 40)
    assert len(surface.pixels) == 1600
