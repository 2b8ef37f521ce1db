import math
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onedheat.data.landmark_csv import CsvError, read_landmark_csv

HEAD = "image,x0,y0,x1,y1"
GOOD = f"{HEAD}\na.jpg,1,2.5,-3e1,4\nsub/b c.jpg,5,6,7,8\n"
FULL = (
    "image,eye_x,eye_y,nose_x,nose_y,eye_visible,nose_visible,box_x0,box_y0,box_x1,box_y1,split,group\n"
    "a.jpg,1,2,3,4,1,0,-0.5,0,9.5,10,train,anna\n"
    "b.jpg,5,6,7,8,true,1,,,,,,\n"
)


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes):
        path = tmp_path / "my faces.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\n\n,,,,\n"),
        GOOD.replace("a.jpg", '"a.jpg"').replace(",2.5", ", 2.5 "),
    ],
)
def test_every_usual_spelling_is_read_and_counts_from_0(write, text):
    table = read_landmark_csv(write(text))
    assert (table.points, table.count, table.faults) == (None, 2, ())
    assert [row.image for row in table.rows] == ["a.jpg", "sub/b c.jpg"]
    assert table.rows[0].landmarks.tolist() == [[1, 2.5], [-30, 4]]
    assert table.rows[1].landmarks.tolist() == [[5, 6], [7, 8]]
    assert table.rows[0].visible is table.rows[0].box is table.rows[0].split is None


def test_columns_may_stand_in_any_order(write):
    table = read_landmark_csv(write("y1,x0,image,x1,y0\n4,1,a.jpg,3,2\n"))
    assert table.rows[0].landmarks.tolist() == [[1, 2], [3, 4]]


def test_names_visibility_boxes_splits_and_groups_are_read(write):
    table = read_landmark_csv(write(FULL))
    first, second = table.rows
    assert table.points == ("eye", "nose")
    assert (first.visible.tolist(), second.visible.tolist()) == ([True, False], [True, True])
    pandas = read_landmark_csv(write(FULL.replace(",1,0,-0.5", ",1.0,0.0,-0.5")))
    assert pandas.faults == () and pandas.rows[0].visible.tolist() == [True, False]
    assert (first.box.tolist(), second.box) == ([-0.5, 0, 9.5, 10], None)
    assert (first.split, first.group, second.split, second.group) == ("train", "anna", None, None)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ":1: the file is empty"),
        ("\n\n", ":1: the file is empty|:2: the file"),
        ("image;x0;y0\na;1;2\n", ":1: the columns are not separated by commas"),
        ("file,x0,y0\n", ":1: the header has no column 'image'"),
        ("image\n", ":1: the header names no points"),
        ("image,x0,y0,x0\n", ":1: the header names the column 'x0' twice"),
        ("a.jpg,1,2,1,2\n", ":1: the header has no column 'image', .*; got 'a.jpg'"),
        (",image,x0,y0\n0,a.jpg,1,2\n", r":1: column 1 has no name; leave it out .*index=False"),
        ("Unnamed: 0,image,x0,y0\n", r":1: column 1 has no name; leave it out"),
        ("image,x0,y0,,\na.jpg,1,2,,\n", r":1: column 4 has no name; leave it out"),
        ("image,x0,y0,x2,y2\n", ":1: point 1 has no x column"),
        ("image,x1,y1\n", ":1: point 0 has no x column"),
        ("image,x0,y0,x99999\n", ":1: points must be numbered from 0"),
        ("image,x0,y0,x" + "9" * 5000, ":1: column 'x999"),
        ("image,x0\n", ":1: point 0 has no y column"),
        ("image,eye_x,nose_y\n", ":1: point 'nose' has no x column"),
        ("image,x0,y0,eye_x\n", ":1: column 'eye_x' is not known"),
        ("image,x0,y0,spilt\n", ":1: column 'spilt' is not known"),
        ("image,x0,y0,x1,y1,v0\n", ":1: point 1 has no column that says whether"),
        ("image,x0,y0,box_x0\n", ":1: a box needs all of .* box_y0 is missing"),
        (b"image,x0,y0\na\xff,1,2\n", ":2: a byte that is no UTF-8"),
    ],
)  # fmt: skip
def test_a_header_that_says_nothing_clear_is_refused(write, text, word):
    path = write(text)
    with pytest.raises(CsvError, match=word) as error:
        read_landmark_csv(path)
    assert str(error.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("a.jpg,1,2,3", "4 values, but the header names 5 columns"),
        ("a.jpg,1,2,3,4,5", "6 values"),
        ("a.jpg,1,x,3,4", "column 'y0': 'x' is no pixel coordinate"),
        ("a.jpg,1,,3,4", "column 'y0': '' is no pixel coordinate; give every point a place"),
        ("a.jpg,nan,2,3,4", "column 'x0': 'nan' is no pixel coordinate; give every point a place"),
        (
            "a.jpg,<NA>,2,3,4",
            "column 'x0': '<NA>' is no pixel coordinate; give every point a place",
        ),
        ('a.jpg,"1,5",2,3,4', "column 'x0': '1,5' is no pixel coordinate; write it with a point"),
        ("a.jpg,1e99,2,3,4", "column 'x0': '1e99'"),
        ("a.jpg,1_0,2,3,4", "column 'x0': '1_0'"),
        (",1,2,3,4", "column 'image' is empty"),
    ],
)
def test_a_fault_in_a_line_is_kept_with_its_place_and_the_others_are_read(write, line, word):
    path = write(f"{HEAD}\n{line}\nb.jpg,5,6,7,8\n")
    table = read_landmark_csv(path)
    (fault,) = table.faults
    assert str(fault).startswith(f"{path}:2: ") and word in str(fault)
    assert [row.image for row in table.rows] == ["b.jpg"] and table.rows[0].line == 3


def test_faults_of_visibility_boxes_and_quotes_are_said(write):
    broken = FULL.replace(",1,0,-0.5", ",1,2,-0.5").replace("true", "").replace("b.jpg", '"b"x')
    said = [str(fault) for fault in read_landmark_csv(write(broken)).faults]
    # COCO's 2 is a point that can be seen, and its 1 one that is hidden.
    assert "column 'nose_visible': expected 1 (can be seen) or 0 (hidden), got '2'" in said[0]
    assert ":3: " in said[1]
    turned = read_landmark_csv(write(FULL.replace("9.5", "-9.5")))
    assert "a box needs x0 < x1" in str(turned.faults[0])
    half = read_landmark_csv(write(FULL.replace("0,9.5", ",9.5")))
    assert ":2: a box has all of its four edges, or none" in str(half.faults[0])


@pytest.mark.parametrize("missing", ["nan", "NaN", "<NA>", "None"])
def test_a_word_for_nothing_is_no_group_no_split_and_no_box(write, missing):
    """Else all faces without a group were one, and could not be divided."""
    _, empty = read_landmark_csv(write(FULL.replace(",,,,,,", f",{missing}" * 6))).rows
    assert empty.box is empty.split is empty.group is None


# Fuzz: whatever the bytes, they are refused with their place or read as an independent parser does --


def independent(raw: bytes) -> list[list[str]]:
    """Lines of cells, by one regular expression instead of the csv module."""
    text = raw.decode("utf-8").removeprefix("\ufeff")
    cell = re.compile(r'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\r|\n|$)')
    lines, line, at = [], [], 0
    while at < len(text):
        match = cell.match(text, at)
        if match is None:  # a broken quote
            return [line for line in lines if any(line)]
        word = match[1]
        line.append((word[1:-1].replace('""', '"') if word.startswith('"') else word).strip())
        at = match.end()
        if match[2] != ",":
            lines.append(line)
            line = []
        elif at == len(text):
            line.append("")
    return [line for line in [*lines, line] if any(line)]


def judged(path, raw: bytes) -> None:
    path.write_bytes(raw)
    place = re.compile(re.escape(str(path)) + r":\d+: .", re.DOTALL)
    try:
        table = read_landmark_csv(path)
    except CsvError as error:
        assert place.match(str(error))
        return
    assert all(place.match(str(fault)) for fault in table.faults)
    head, *lines = independent(raw)
    if not any("broken quote" in str(fault) for fault in table.faults):
        assert len(lines) == len(table.rows) + len(table.faults)
    names = table.points or [str(i) for i in range(table.count)]
    columns = [
        head.index(f"{name}_{axis}" if table.points else f"{axis}{name}")
        for name in names
        for axis in "xy"
    ]

    def read_as(line: list[str], row) -> bool:
        try:
            values = [float(line[column]) for column in columns]
        except (ValueError, IndexError):
            return False
        return line[head.index("image")] == row.image and values == row.landmarks.ravel().tolist()

    remaining = iter(lines)
    for row in table.rows:  # each is one of the lines, in their order
        assert any(read_as(line, row) for line in remaining)
        assert all(map(math.isfinite, row.landmarks.ravel()))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "f.csv"


def many(times: int):
    """So many times the inputs that other tests of the same profile have, as each is quick."""
    default = hypothesis.settings()
    return hypothesis.settings(default, max_examples=times * default.max_examples)


@many(5)
@given(
    base=st.sampled_from([GOOD.encode(), FULL.encode()]),
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_flipped_bytes_are_refused_with_their_place_or_read_as_they_stand(scratch, base, flips):
    raw = bytearray(base)
    for at, byte in flips:
        raw[at % len(raw)] = byte
    judged(scratch, bytes(raw))


@many(5)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                ["image", "x0", "y0", "x1", "y1", "v0", "a.jpg", "1", "-2.5", "1e3", "nan", "", " 7",
                 "split", "eye_x", "eye_y", '"q"', '"a,b"', '"', "١", "1_0", "0x1", "\x00", "é"]
            ),
            min_size=1, max_size=7,
        ),
        max_size=5,
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.booleans(),
)  # fmt: skip
def test_tables_of_any_cells_are_refused_with_their_place_or_read_as_they_stand(
    scratch, lines, end, with_head
):
    rows = [HEAD.split(",")] * with_head + lines
    judged(scratch, end.join(",".join(row).encode() for row in rows))


finite = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=80))
def test_what_was_written_is_read_back(scratch, points):
    head = ",".join(f"x{i},y{i}" for i in range(len(points)))
    row = ",".join(f"{x!r},{y!r}" for x, y in points)
    scratch.write_text(f"image,{head}\n√ face.jpg,{row}\n", encoding="utf-8")
    (found,) = read_landmark_csv(scratch).rows
    assert found.image == "√ face.jpg" and np.array_equal(found.landmarks, np.array(points))
