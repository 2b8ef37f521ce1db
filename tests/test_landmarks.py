import numpy as np
import pytest

from onedheat.landmarks import IBUG68, Scheme, scheme


def test_mirroring_twice_gives_the_order_back():
    assert [IBUG68.mirror[i] for i in IBUG68.mirror] == list(range(68))


def test_mirror_pairs_of_300w_are_the_published_ones():
    pairs = {0: 16, 17: 26, 36: 45, 37: 44, 39: 42, 41: 46, 31: 35, 48: 54, 60: 64, 67: 65}
    pairs |= {8: 8, 27: 27, 30: 30, 33: 33, 51: 51, 57: 57, 62: 62, 66: 66}
    assert {i: IBUG68.mirror[i] for i in pairs} == pairs


def test_areas_share_out_the_points():
    assert sorted(i for points in IBUG68.areas.values() for i in points) == list(range(68))


def test_names_say_which_part_a_point_belongs_to():
    assert IBUG68.points[8] == "contour_8"
    assert IBUG68.points[36] == "right_eye_0"
    assert IBUG68.points[67] == "inner_lip_7"


def test_interocular_distance_is_that_of_the_outer_eye_corners():
    faces = np.zeros((2, 68, 2))
    faces[:, 45] = [[3.0, 4.0], [6.0, 8.0]]
    assert IBUG68.normalising_distance(faces).tolist() == [5.0, 10.0]


def test_a_mirror_that_is_not_its_own_inverse_is_refused():
    with pytest.raises(ValueError, match="its own inverse"):
        Scheme("bad", ("a", "b", "c"), (1, 2, 0), {}, (0, 1))


def test_an_index_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"\[7\]"):
        Scheme("bad", ("a", "b"), (0, 1), {"all": (0, 7)}, (0, 1))


def test_an_unknown_scheme_lists_those_there_are():
    with pytest.raises(KeyError, match="ibug68"):
        scheme("ibug69")
