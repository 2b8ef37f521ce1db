import os
import re
from datetime import timedelta

import numpy as np
import pytest
from broken import broken
from hypothesis import given, settings
from hypothesis import strategies as st

from onedheat.data.pts import PtsError, PtsFiles, looks_zero_based, no_places, read_pts
from onedheat.errors import DataError

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
        "\ufeff" + GOOD,
        GOOD.replace("1.0 2.0", "   1.0\t2.0  "),
        GOOD.replace("version", "Version").replace("n_points", "N_Points"),
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
        (("30.5 4e1", "30.5 1e300"), 5, "'1e300' is no pixel coordinate"),
        (("30.5 4e1", "-10000000 1"), 5, "'-10000000' is no pixel coordinate"),
        (("30.5 4e1\n", ""), 3, "3 points are announced, 2"),
        (("n_points:  3", "n_points:  4"), 2, "announces 4"),
        (("n_points:  3", "n_points: many"), 2, "n_points: N"),
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


def test_a_folder_or_a_link_to_nowhere_is_no_pts_file(tmp_path):
    (tmp_path / "a.pts").mkdir()
    (tmp_path / "b.pts").symlink_to(tmp_path / "nowhere")
    for name in ("a.pts", "b.pts"):
        with pytest.raises(PtsError, match=rf"{name}: cannot be read \((Is a d|No such file)"):
            read_pts(tmp_path / name, 3)


def test_an_empty_file_is_refused(write):
    with pytest.raises(PtsError, match="there is no '{'"):
        read_pts(write(""), 3)


def test_any_number_of_points_is_read_where_none_is_demanded(write):
    assert read_pts(write(GOOD), None).shape == (3, 2)


def test_a_file_of_no_points_is_refused(write):
    with pytest.raises(PtsError, match=r":2: announces 0 points; label the face"):
        read_pts(write("version: 1\nn_points: 0\n{\n}\n"), None)


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


_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_GRAMMAR = re.compile(
    rb"((?:[^:\n\r]*:[^\n\r]*[\n\r]\s*)*)"  # header
    rb"\{\s*[\n\r]((?:\s*" + _NUMBER + rb"[ \t]+" + _NUMBER + rb"[ \t]*[\n\r])*)\s*\}\s*"
)


def independent_parse(raw: bytes) -> np.ndarray | None:
    """Three points by one regular expression; None where the bytes do not follow the format."""
    match = _GRAMMAR.fullmatch(raw.lstrip())
    if match is None or not re.search(rb"n_points\s*:\s*0*3\s*[\n\r]", match[1]):
        return None
    found = np.array([float(word) for word in match[2].split()]).reshape(-1, 2)
    return found - 1 if len(found) == 3 and (abs(found) < 10_000_000).all() else None


def check_read(path, raw: bytes) -> bool:
    """Reads bytes as a file: refused with their place, or read as the independent parser reads them."""
    path.write_bytes(raw)
    try:
        found = read_pts(path, 3)
    except PtsError as error:
        assert re.match(rf"{re.escape(str(path))}:\d+: .{{9,200}}$", str(error)), str(error)
        line = int(str(error).removeprefix(f"{path}:").partition(":")[0])
        assert 1 <= line <= 1 + len(re.findall(rb"\r\n|\r|\n", raw))
        return False
    assert np.array_equal(found, independent_parse(raw)), raw
    return True


FUZZ = settings(
    max_examples=1000 if os.environ.get("ONEDHEAT_TESTS") == "all" else 100,
    deadline=timedelta(seconds=5),  # a hang
)


@FUZZ
@given(broken(GOOD.encode(), (b"\0", b"\xff", b"\n", b"\r", b" ", b"{", b"}", b"_", b"1e999 ")))
def test_a_broken_file_is_read_as_it_says_or_refused_with_its_place(tmp_path_factory, raw):
    check_read(tmp_path_factory.getbasetemp() / "broken.pts", raw)


words = st.sampled_from(
    "{ } version: n_points: 3 : 1 2.5 -4e1 .5 5. 1_0 nan inf 1e999 0x1 ٣ x é".split()
)
lines = st.lists(words, max_size=3).map(" ".join)
likely = st.sampled_from(["version: 1", "n_points: 3", "{", "1 2", "3.5 -4e1", "}"])


@FUZZ
@given(
    st.lists(st.one_of(likely, likely, lines), max_size=9),
    st.sampled_from(["\n", "\r\n", "\r", "\x0b", "\x1c"]),
)
def test_lines_in_any_order_are_read_as_they_say_or_refused_with_their_place(
    tmp_path_factory, parts, end
):
    check_read(tmp_path_factory.getbasetemp() / "lines.pts", end.join(parts).encode())


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_their_place(tmp_path_factory, raw):
    assert not check_read(tmp_path_factory.getbasetemp() / "bytes.pts", raw)


def test_every_byte_that_can_be_changed_is_tried(tmp_path):
    """One byte after the other by what tells numbers, words and lines apart."""
    raw, kept = GOOD.encode(), 0
    for at in range(len(raw)):
        for byte in b"0 _{\n\x1c":
            kept += check_read(tmp_path / "f.pts", raw[:at] + bytes([byte]) + raw[at + 1 :])
    assert 30 < kept < 200  # other numbers, other header words


def test_a_large_file_by_that_name_is_refused_at_once(write):
    for raw in (b"version: 1\n" * 10**5, b"a" * 10**7, b"{\n" + b"1 2\n" * 2 * 10**5):
        with pytest.raises(PtsError, match=r":\d+: .{9,200}$"):
            read_pts(write(raw), 3)


@pytest.mark.parametrize("old, new", [("1.0 2.0", "1_0 2.0"), ("n_points:  3", "n_points: 0_3")])
def test_what_only_python_takes_for_a_number_is_refused(write, old, new):
    with pytest.raises(PtsError):
        read_pts(write(GOOD.replace(old, new)), 3)


def test_the_files_of_a_clip_are_read_in_order(tmp_path):
    names = ("2.pts", "10.pts", "1.pts")
    for place, name in enumerate(names):
        (tmp_path / name).write_text(GOOD.replace("30.5", str(place)))
    files = PtsFiles(tmp_path, names, 3)
    assert len(files) == 3 and files.read()[:, 1, 0].tolist() == [-1.0, 0.0, 1.0]
    (tmp_path / "10.pts").write_text("no points")
    with pytest.raises(PtsError, match="10.pts:1"):
        files.read()
    (tmp_path / "10.pts").write_text(GOOD.replace("30.5 4e1", "-1.0 -1"))
    with pytest.raises(
        PtsError, match=r"10\.pts: point 1 is at -1, -1, which looks like 'missing'"
    ):
        files.read()


def test_what_is_wrong_with_a_file_is_a_fault_of_the_data(write):
    with pytest.raises(DataError, match="there is no '{'"):
        read_pts(write(""))


@pytest.mark.parametrize("counts_from_1", [True, False])
def test_missing_points_and_shares_of_a_picture_are_no_places(counts_from_1):
    face = np.array([[10.0, 20], [30, 40], [50, 60]]) - counts_from_1
    assert no_places(face, counts_from_1=counts_from_1) is None
    for mark, said in ((-1, True), (0, not counts_from_1)):
        marked = face.copy()
        marked[2] = mark - counts_from_1
        found = no_places(marked, counts_from_1=counts_from_1)
        assert found is None if not said else found.startswith(f"point 2 is at {mark}, {mark}, ")
        marked[2, 0] += 1  # one coordinate alone may well be
        assert no_places(marked, counts_from_1=counts_from_1) is None
    assert "the whole face is 0.16 px" in no_places(face / 250, counts_from_1=counts_from_1)
    assert no_places(face / 10, counts_from_1=counts_from_1) is None  # 4 px
