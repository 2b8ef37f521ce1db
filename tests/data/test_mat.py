"""`.mat` files against SciPy and h5py, whole and broken."""

import os
import struct
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from aflw import annotations, write_mat5, write_mat73
from broken import broken, peak_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from onedheat.data import DataError
from onedheat.data.aflw import Annotations, read_annotations
from onedheat.data.mat import open_mat

EXAMPLES = 700 if os.environ.get("ONEDHEAT_TESTS") == "all" else 40
FUZZ = settings(max_examples=EXAMPLES, deadline=timedelta(seconds=20))  # a hang
FACES = 5
MEMORY = 40 * 2**20  # of a file of 20 kB

pytestmark = pytest.mark.timeout(600)  # for all examples of one test, on a busy machine

scipy_io = pytest.importorskip("scipy.io")
h5py = pytest.importorskip("h5py")


def variables() -> dict:
    rng = np.random.default_rng(0)
    names = [f"{(0, 2, 3)[i % 3]}/image{i:05d}.jpg" for i in range(FACES)]
    return annotations(names, np.round(rng.uniform(0, 500, (FACES, 19, 2)), 2))


def same(read: Annotations, independent: dict) -> None:
    """Whether annotations are what another reader makes of the same bytes."""
    data, box = independent["data"], independent["bbox"]
    assert list(read.photos) == independent["nameList"]
    assert np.array_equal(read.landmarks[..., 0], data[:, :19])
    assert np.array_equal(read.landmarks[..., 1], data[:, 19:])
    assert np.array_equal(read.visible, independent["mask_new"] == 1)
    assert np.array_equal(read.boxes, box[:, [0, 2, 1, 3]])
    assert np.array_equal(read.order + 1, independent["ra"].ravel())


def by_scipy(path: Path) -> dict:
    names = ["data", "bbox", "mask_new", "ra", "nameList"]
    found = scipy_io.loadmat(path, variable_names=names)
    texts = [str(cell.item()) for cell in found["nameList"].ravel(order="F")]
    return {**found, "nameList": texts}


def by_h5py(path: Path) -> dict:
    with h5py.File(path) as file:
        found = {name: file[name][()].T for name in ("data", "bbox", "mask_new", "ra")}
        cells = [file[cell][:, 0] for cell in file["nameList"][()].T.ravel()]
    return {**found, "nameList": ["".join(map(chr, cell)) for cell in cells]}


@pytest.mark.parametrize("compressed", [True, False])
def test_files_of_matlab_5_to_7_are_read_as_scipy_reads_them(tmp_path, compressed):
    path = write_mat5(tmp_path / "a.mat", variables(), compressed=compressed)
    read = read_annotations(path, FACES)
    same(read, by_scipy(path))
    same(read, variables())


def test_files_of_matlab_7_3_are_read(tmp_path):
    path = write_mat73(tmp_path / "a.mat", variables())
    same(read_annotations(path, FACES), variables())


def big_endian(path: Path, values: np.ndarray, name: str) -> Path:
    """A file from a machine of the other byte order, written by hand."""

    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data.ljust(-(-len(data) // 8) * 8, b"\0")

    inner = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", *values.shape))
    inner += element(1, name.encode()) + element(9, values.astype(">f8").tobytes(order="F"))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\1\0MI"
    path.write_bytes(header + element(14, inner))
    return path


def test_the_other_byte_order_is_read(tmp_path):
    values = np.arange(6.0).reshape(2, 3) / 7
    path = big_endian(tmp_path / "a.mat", values, "data")
    assert np.array_equal(open_mat(path).numbers("data"), values)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "i8"])
def test_numbers_stored_in_few_bytes_are_the_same_numbers(tmp_path, dtype):
    values = np.array([[1, 2, 3], [250, 7, 0]], dtype)
    scipy_io.savemat(tmp_path / "a.mat", {"data": values})
    assert np.array_equal(open_mat(tmp_path / "a.mat").numbers("data"), values)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": np.zeros((FACES, 36))}, f"variable 'data': a shape of ({FACES}, 36)"),
        (
            {"data": np.full((FACES, 38), np.nan)},
            "variable 'data': face 1: nan is no finite number",
        ),
        ({"mask_new": np.full((FACES, 19), 2.0)}, "variable 'mask_new': face 1: a mask is neither"),
        (
            {"bbox": np.tile([5.0, 1, 1, 9], (FACES, 1))},
            "variable 'bbox': face 1: the box has no area",
        ),
        ({"ra": np.ones((1, FACES))}, f"variable 'ra': {FACES} numbers that are no order"),
        ({"ra": np.arange(FACES)[None] * 1.0}, f"variable 'ra': {FACES} numbers that are no order"),
        ({"ra": np.arange(1.0, FACES)[None]}, "variable 'ra': 4 numbers"),
        ({"nameList": ["a.jpg"] * 3}, f"variable 'nameList': 3 faces; expected {FACES}"),
        (
            {"nameList": ["a\nb.jpg"] * FACES},
            "variable 'nameList': cell 1: 'a\\nb.jpg' is no plain text",
        ),
        ({"data": np.zeros((FACES, 38)) * 1j}, "complex numbers"),
        ({"data": "text"}, "variable 'data': class 4 is none of numbers"),
        ({"data": np.zeros((2, 3, 4))}, "variable 'data': a shape of (2, 3, 4)"),
    ],
)
def test_what_is_wrong_with_a_variable_is_said(tmp_path, wrong, said):
    path = write_mat5(tmp_path / "a.mat", variables() | wrong)
    with pytest.raises(DataError) as error:
        read_annotations(path, FACES)
    assert str(error.value).startswith(f"{path}: ") and said in str(error.value)


@pytest.mark.parametrize("write", [write_mat5, write_mat73])
@pytest.mark.parametrize("name", ["data", "mask_new", "bbox", "ra"])
def test_a_missing_variable_is_named(tmp_path, write, name):
    path = write(tmp_path / "a.mat", {k: v for k, v in variables().items() if k != name})
    with pytest.raises(DataError, match=f"'{name}'"):
        read_annotations(path, FACES)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"<html>404</html>" * 40, "is no .mat file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "variable 'nameList'"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM", "no variable at all"),
        (
            b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM\x0e\0\0\0\xff\xff\xff\x7f",
            "more than there are",
        ),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM\x0e\0\0", "cut off at byte 131"),
    ],
)
def test_what_is_no_mat_file_or_half_of_one_is_refused(tmp_path, raw, said):
    path = tmp_path / "a.mat"
    path.write_bytes(raw)
    with pytest.raises(DataError) as error:
        read_annotations(path)
    assert str(path) in str(error.value) and said in str(error.value)


def test_a_compressed_variable_that_unpacks_without_end_is_refused(tmp_path):
    path = tmp_path / "a.mat"
    packed = zlib.compress(bytes(2**28), 9)
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    path.write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(DataError, match="unpacks to more than 128 MiB"):
        read_annotations(path)


def test_a_changed_byte_under_compression_is_noticed(tmp_path):
    path = write_mat5(tmp_path / "a.mat", variables())
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 1  # of the last variable's checksum
    path.write_bytes(raw)
    with pytest.raises(DataError, match="cannot be unpacked"):
        read_annotations(path)


def check_broken(path: Path, independent) -> None:
    """Reads a broken file: refused with its name, or read as the independent reader reads it."""
    try:
        read = read_annotations(path)
    except DataError as error:
        assert str(error).startswith(str(path))
        return
    same(read, independent(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mat")
    write_mat5(folder / "plain", variables(), compressed=False)
    write_mat5(folder / "packed", variables())
    write_mat73(folder / "hdf5", variables())
    return folder


def fuzz(folder: Path, raw: bytes, independent) -> None:
    path = folder / "broken.mat"
    path.write_bytes(raw)
    assert peak_bytes(lambda: check_broken(path, independent)) < MEMORY


@FUZZ
@given(data=st.data())
def test_a_broken_file_is_refused_with_its_name_or_read_as_scipy_does(folder, data):
    fuzz(folder, data.draw(broken((folder / "plain").read_bytes())), by_scipy)


@FUZZ
@given(data=st.data())
def test_a_broken_compressed_file_is_refused_with_its_name_or_read_as_scipy_does(folder, data):
    fuzz(folder, data.draw(broken((folder / "packed").read_bytes())), by_scipy)


@FUZZ
@given(data=st.data())
def test_broken_content_under_sound_compression_is_refused_or_read_as_scipy_does(folder, data):
    whole = (folder / "plain").read_bytes()
    header, packed, at = whole[:128], [], 128
    while at < len(whole):
        end = at + 8 + struct.unpack_from("<I", whole, at + 4)[0]
        packed.append(whole[at:end])
        at = end
    spoilt = data.draw(st.integers(0, len(packed) - 1))
    packed[spoilt] = data.draw(broken(packed[spoilt]))
    elements = [zlib.compress(element) for element in packed]
    raw = header + b"".join(struct.pack("<II", 15, len(e)) + e for e in elements)
    fuzz(folder, raw, by_scipy)


@FUZZ
@given(data=st.data())
def test_a_broken_hdf5_file_is_refused_with_its_name_or_read_as_h5py_does(folder, data):
    fuzz(folder, data.draw(broken((folder / "hdf5").read_bytes())), by_h5py)
