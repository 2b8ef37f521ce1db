import numpy as np
import pytest

from onedheat.data.synthetic import head
from onedheat.data.synthetic.anatomy import CONTROLS, EXPRESSION, EYE_RADIUS, IDENTITY
from onedheat.landmarks import IBUG68

AT_REST = head.Expression({})


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(0)
    return [head.draw_person(rng) for _ in range(20)]


def test_the_average_head_has_two_equal_sides():
    mirrored = CONTROLS[:68][list(IBUG68.mirror)] * (-1, 1, 1)
    np.testing.assert_allclose(mirrored, CONTROLS[:68], atol=1e-12)


def test_the_surface_goes_through_every_control():
    way = head.directions(CONTROLS)
    follow = head.follow_weights(way)
    np.testing.assert_allclose(follow, np.eye(len(CONTROLS)), atol=1e-6)


def test_the_whole_surface_follows_when_all_controls_move_alike():
    moved = head.surface(CONTROLS + (3.0, -2.0, 1.0))
    np.testing.assert_allclose(
        moved - head.template().vertices, np.broadcast_to((3.0, -2.0, 1.0), moved.shape), atol=1e-8
    )


def test_texture_coordinates_and_angles_are_each_others_inverse():
    uv = head.uv_of(CONTROLS)
    azimuth, elevation = head.angles_of(uv).T
    way = head.directions(CONTROLS)
    np.testing.assert_allclose(azimuth, np.degrees(np.arctan2(way[:, 0], way[:, 2])), atol=0.02)
    np.testing.assert_allclose(elevation, np.degrees(np.arcsin(way[:, 1])), atol=0.02)


def test_normals_point_outward():
    grid = head.template()
    normal = head.normals(grid.vertices, grid.rows, grid.columns)
    outward = (normal * head.directions(grid.vertices)).sum(axis=1)
    inner = slice(2 * grid.columns, -2 * grid.columns)  # the poles have none
    assert (outward[inner] > 0).mean() > 0.98  # the sides of nose and lips may lean over


def test_people_differ_and_keep_the_order_of_their_features(people):
    shapes = np.stack([person.controls[:68] for person in people])
    spread = shapes.std(axis=0).mean()
    assert 1.0 < spread < 6.0  # mm
    for shape in shapes:
        assert shape[45, 0] > shape[42, 0] > shape[39, 0] > shape[36, 0]
        assert (
            shape[19, 1] < shape[37, 1] < shape[33, 1] < shape[51, 1] < shape[57, 1] < shape[8, 1]
        )
        assert shape[30, 2] == shape[:, 2].max()  # the tip of the nose is foremost


def test_a_dropped_jaw_opens_the_mouth_and_leaves_the_upper_face_alone(people):
    for person in people:
        closed = head.express(person, AT_REST)
        opened = head.express(person, head.Expression({}, jaw=14.0))
        gap = opened[66, 1] - opened[62, 1] - (closed[66, 1] - closed[62, 1])
        assert 15 < gap < 40  # mm
        np.testing.assert_array_equal(opened[17:48], closed[17:48])


def test_closed_lids_meet_without_cutting_through_the_eyeball(people):
    for person in people:
        closed = head.express(person, head.Expression({}, lids=(1.0, 0.0)))
        for upper, lower in ((37, 41), (38, 40)):
            assert np.linalg.norm(closed[upper] - closed[lower]) < 2.5
            assert np.linalg.norm(closed[upper] - person.eyes[0]) > EYE_RADIUS
        open_eye = np.linalg.norm(closed[43] - closed[47])
        assert open_eye > 5  # the other eye stays open


@pytest.mark.parametrize("name", EXPRESSION)
def test_every_expression_moves_something_and_none_the_skull(name, people):
    person = people[0]
    moved = head.express(person, head.Expression({name: 1.0})) - head.express(person, AT_REST)
    assert np.abs(moved[:68]).max() > 2  # mm
    behind = CONTROLS[:, 2] < -20
    assert np.abs(moved[behind]).max() < 0.2


def test_every_way_to_differ_moves_something():
    for name, pushes in IDENTITY.items():
        moved = sum(push.on(CONTROLS) for push in pushes)
        assert np.abs(moved).max() > 0.5, name
