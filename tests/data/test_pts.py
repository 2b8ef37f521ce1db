import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedheat.data.pts import PtsError, looks_zero_based, read_pts

GOOD = "version: 1\nn_points:  3\n{\n1.0 2.0\n30.5 4e1\n-5 6\n}\n"
EXPECTED = [[0.0, 1.0], [29.5, 39.0], [-6.0, 5.0]]


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes):
        path = tmp_path / "a face.pts"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("n_points:  3", "n_points: 3"),
        GOOD.replace("version: 1", "version: 1.0"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.rstrip("\n"),
        GOOD.replace("1.0 2.0", "   1.0\t2.0  "),
    ],
)
def test_every_published_spelling_is_read_and_counts_from_0(write, text):
    assert read_pts(write(text), 3).tolist() == EXPECTED


@pytest.mark.parametrize(
    "change, line, word",
    [
        (("30.5 4e1", "30.5 x"), 5, "two numbers"),
        (("30.5 4e1", "30.5"), 5, "expected 'x y'"),
        (("30.5 4e1", "30.5 1 2"), 5, "expected 'x y'"),
        (("30.5 4e1", "nan 1"), 5, "finite"),
        (("30.5 4e1", "inf 1"), 5, "finite"),
        (("30.5 4e1\n", ""), 3, "3 points are announced, 2"),
        (("n_points:  3", "n_points:  4"), 1, "announces 4"),
        (("n_points:  3", "n_points: many"), 1, "n_points: N"),
        (("n_points:  3", "three points"), 2, "'{'"),
        (("{", ""), 7, "'{'"),
        (("}", ""), 6, "cut off"),
        (("}", "}\n1 2"), 8, "follows"),
    ],
)
def test_a_fault_is_said_with_file_and_line(write, change, line, word):
    path = write(GOOD.replace(*change))
    with pytest.raises(PtsError) as error:
        read_pts(path, 3)
    said = str(error.value)
    assert word in said
    assert said.startswith(f"{path}:")
    if word not in ("'{'",):
        assert said.startswith(f"{path}:{line}: ")


def test_a_binary_file_is_no_pts_file(write):
    with pytest.raises(PtsError, match=r":2: a byte that is no plain text"):
        read_pts(write(b"version: 1\n\xff\xd8\xff"), 3)


def test_an_empty_file_is_refused(write):
    with pytest.raises(PtsError, match="there is no '{'"):
        read_pts(write(""), 3)


def test_any_number_of_points_is_read_where_none_is_demanded(write):
    assert read_pts(write(GOOD), None).shape == (3, 2)


def test_a_coordinate_of_exactly_0_is_suspicious(write):
    assert looks_zero_based(read_pts(write(GOOD.replace("1.0 2.0", "0 2.0")), 3))
    assert not looks_zero_based(read_pts(write(GOOD), 3))


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=80))
def test_what_was_written_is_read_back(tmp_path_factory, points):
    path = tmp_path_factory.mktemp("pts") / "f.pts"
    rows = "\n".join(f"{x!r} {y!r}" for x, y in points)
    path.write_text(f"version: 1\nn_points: {len(points)}\n{{\n{rows}\n}}")
    assert np.array_equal(read_pts(path, len(points)), np.array(points) - 1)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_flipped_byte_is_read_as_written_or_refused_with_its_place(tmp_path_factory, at, byte):
    raw = bytearray(GOOD.encode())
    raw[at] = byte
    path = tmp_path_factory.mktemp("pts") / "f.pts"
    path.write_bytes(bytes(raw))
    try:
        found = read_pts(path, 3)
    except PtsError as error:
        assert str(error).startswith(f"{path}:")
        return
    body = bytes(raw).decode().split("{")[1].split("}")[0].split()
    independent = np.array([float(word) for word in body]).reshape(-1, 2) - 1
    assert np.array_equal(found, independent) and all(map(math.isfinite, found.ravel()))
