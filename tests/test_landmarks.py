import numpy as np
import pytest

from onedheat.data.pts import read_pts
from onedheat.landmarks import (
    AFLW19,
    FGNET68,
    IBUG68,
    SCHEMES,
    WFLW98,
    Scheme,
    correspondence,
    scheme,
)

every_scheme = pytest.mark.parametrize("one", SCHEMES.values(), ids=SCHEMES)


def test_every_published_markup_has_its_number_of_points():
    assert {name: len(one) for name, one in SCHEMES.items()} == {
        "ibug68": 68, "aflw19": 19, "wflw98": 98, "fgnet68": 68,
    }  # fmt: skip


@every_scheme
def test_mirroring_twice_gives_the_order_back(one):
    assert [one.mirror[i] for i in one.mirror] == list(range(len(one)))


@every_scheme
def test_every_point_is_in_exactly_one_area(one):
    assert sorted(i for points in one.areas.values() for i in points) == list(range(len(one)))


@every_scheme
def test_mirroring_keeps_every_point_in_its_area(one):
    for points in one.areas.values():
        assert {one.mirror[i] for i in points} == set(points)


@every_scheme
def test_mirroring_swaps_right_and_left_and_nothing_else_that_has_a_side(one):
    for i, name in enumerate(one.points):
        if "right" in name or "left" in name:
            side, other = ("right", "left") if "right" in name else ("left", "right")
            part = name.rstrip("0123456789").replace(side, other)
            assert one.points[one.mirror[i]].rstrip("0123456789") == part


@every_scheme
def test_mirroring_the_normaliser_swaps_its_ends(one):
    if one.normaliser != "face_size":
        assert one.mirror[one.normaliser[0]] == one.normaliser[1]


@every_scheme
def test_names_differ(one):
    assert len(set(one.points)) == len(one)


@every_scheme
def test_mirroring_maps_the_drawn_lines_onto_themselves(one):
    def strokes(lines):
        return {frozenset(ends) for line in lines for ends in zip(line, line[1:], strict=False)}

    mirrored = [[one.mirror[i] for i in line] for line in one.lines]
    assert strokes(mirrored) == strokes(one.lines)


def test_the_flip_of_300w_is_the_published_one():
    # field's usual permutation: 16…0 | 26…17 | 27–30 | 35…31 | 45 44 43 42 47 46 | …
    assert IBUG68.mirror == (
        16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
        26, 25, 24, 23, 22, 21, 20, 19, 18, 17,
        27, 28, 29, 30, 35, 34, 33, 32, 31,
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,
        64, 63, 62, 61, 60, 67, 66, 65,
    )  # fmt: skip


def test_mirror_pairs_of_wflw_and_aflw_are_the_published_ones():
    # HRNet-Facial-Landmark-Detection, lib/utils/transforms.py, MATCHED_PARTS (AFLW counts from 1).
    wflw = {0: 32, 15: 17, 33: 46, 37: 42, 38: 50, 41: 47, 60: 72, 64: 68, 65: 75, 67: 73}
    wflw |= {55: 59, 56: 58, 76: 82, 78: 80, 87: 83, 86: 84, 88: 92, 89: 91, 95: 93, 96: 97}
    wflw |= {16: 16, 51: 51, 54: 54, 57: 57, 79: 79, 85: 85, 90: 90, 94: 94}
    assert {i: WFLW98.mirror[i] for i in wflw} == wflw
    aflw = {1: 6, 2: 5, 3: 4, 7: 12, 8: 11, 9: 10, 13: 15, 16: 18, 14: 14, 17: 17, 19: 19}
    assert {i: AFLW19.mirror[i - 1] + 1 for i in aflw} == aflw


def test_names_say_which_part_a_point_belongs_to():
    assert IBUG68.points[8] == "contour_8"
    assert IBUG68.points[36] == "right_eye_0"
    assert IBUG68.points[67] == "inner_lip_7"
    assert (WFLW98.points[96], WFLW98.points[72]) == ("right_pupil", "left_eye_4")
    assert (FGNET68.points[67], FGNET68.points[31]) == ("nose_tip", "right_pupil")
    assert (AFLW19.points[0], AFLW19.points[18]) == ("right_brow_outer", "chin")


def test_interocular_distance_is_that_of_the_outer_eye_corners():
    faces = np.zeros((2, 68, 2))
    faces[:, 45] = [[3.0, 4.0], [6.0, 8.0]]
    assert IBUG68.normalising_distance(faces).tolist() == [5.0, 10.0]
    assert IBUG68.normalising_distance(faces[1]) == 10.0


def test_aflw_divides_by_the_face_size_and_needs_the_boxes():
    boxes = np.array([[10.0, 20.0, 50.0, 110.0]])
    assert AFLW19.normalising_distance(np.zeros((1, 19, 2)), boxes).tolist() == [60.0]
    with pytest.raises(ValueError, match="no annotated face boxes"):
        AFLW19.normalising_distance(np.zeros((1, 19, 2)))


def misfit(points: np.ndarray, mirror: list[int]) -> float:
    """Mean distance of mirrored, renamed and turned faces from themselves, (T, N, 2) → pixels."""
    centred = points - points.mean(axis=1, keepdims=True)
    mirrored = (centred * (-1, 1))[:, mirror]
    u, _, v = np.linalg.svd(np.swapaxes(mirrored, 1, 2) @ centred)
    return float(np.linalg.norm(mirrored @ u @ v - centred, axis=-1).mean())


def test_every_mirror_pair_of_the_talking_face_makes_its_labels_fit_better(real_data):
    files = sorted((real_data / "talking_face").glob("*.pts"))[::25]
    points = np.stack([read_pts(path) for path in files])
    fit = misfit(points, list(FGNET68.mirror))
    assert fit < 0.1 * FGNET68.normalising_distance(points).mean()
    for i, j in enumerate(FGNET68.mirror):
        if i < j:
            without = list(FGNET68.mirror)
            without[i], without[j] = i, j
            assert misfit(points, without) > fit + 0.3, (i, j)


def test_equal_schemes_share_every_landmark():
    assert correspondence(IBUG68, IBUG68) == (tuple(range(68)), tuple(range(68)))
    own = Scheme("mine", ("a", "b"), (1, 0), {}, (0, 1))
    assert correspondence(own, own) == ((0, 1), (0, 1))


def test_talking_face_and_300w_share_the_seven_common_points():
    shared = dict(zip(*correspondence(FGNET68, IBUG68), strict=True))
    assert shared == {27: 36, 29: 39, 34: 42, 32: 45, 67: 30, 48: 48, 54: 54}


def test_the_98_points_hold_all_68():
    of_98, of_68 = correspondence(WFLW98, IBUG68)
    assert sorted(of_68) == list(range(68))
    assert dict(zip(of_68, of_98, strict=True)) == {
        **{i: 2 * i for i in range(17)},
        **{17: 33, 21: 37, 18: 34, 19: 35, 20: 36, 22: 42, 23: 43, 24: 44, 25: 45, 26: 46},
        **{i: i + 24 for i in range(27, 36)},
        **{36: 60, 37: 61, 38: 63, 39: 64, 40: 65, 41: 67},
        **{42: 68, 43: 69, 44: 71, 45: 72, 46: 73, 47: 75},
        **{i: i + 28 for i in range(48, 68)},
    }


@pytest.mark.parametrize("first", SCHEMES.values(), ids=SCHEMES)
@pytest.mark.parametrize("second", SCHEMES.values(), ids=SCHEMES)
def test_correspondence_is_the_same_both_ways_and_keeps_right_and_left(first, second):
    there, back = correspondence(first, second), correspondence(second, first)
    assert set(zip(*there, strict=True)) == set(zip(*reversed(back), strict=True))
    assert len(there[0]) >= 7
    shared = dict(zip(*there, strict=True))
    for i, j in shared.items():
        if first.mirror[i] in shared:
            assert shared[first.mirror[i]] == second.mirror[j]
    assert all(first.mirror[i] in shared for i in shared)


def test_a_scheme_of_ones_own_shares_nothing_known():
    own = Scheme("mine", ("a", "b"), (1, 0), {}, (0, 1))
    with pytest.raises(ValueError, match="'mine' is none of aflw19, fgnet68, ibug68, wflw98"):
        correspondence(IBUG68, own)
    impostor = Scheme("ibug68", ("a", "b"), (1, 0), {}, (0, 1))
    with pytest.raises(ValueError, match="not known which landmarks"):
        correspondence(impostor, WFLW98)


def test_a_mirror_that_is_not_its_own_inverse_is_refused():
    with pytest.raises(ValueError, match="its own inverse"):
        Scheme("bad", ("a", "b", "c"), (1, 2, 0), {}, (0, 1))


def test_an_index_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"\[7\]"):
        Scheme("bad", ("a", "b"), (0, 1), {"all": (0, 7)}, (0, 1))


def test_an_unknown_scheme_lists_those_there_are():
    with pytest.raises(KeyError, match="aflw19, fgnet68, ibug68, wflw98"):
        scheme("ibug69")
