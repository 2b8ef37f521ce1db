"""What a video's container says of it and OpenCV does not: its length in bytes, its parts, its edits.

A file that was cut off plays up to the cut, and a decoder then sees its ordinary end. The containers
of common videos begin with their own length. Behind damage, decoders look for the next part that they
know, and do not say what they passed over. An MP4 that was trimmed without encoding it anew still
holds what was cut away, as frames are decoded from the key frame before them, and lists what is shown.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float, Int

EBML, SEGMENT, CLUSTER = map(bytes.fromhex, ("1a45dfa3", "18538067", "1f43b675"))
PASSED_OVER = {EBML} | {
    bytes.fromhex(kind)
    for kind in "ec bf 114d9b74 1549a966 1654ae6b 1c53bb6b 1941a469 1043a770 1254c367"
    " e7 5854 a7 ab a3 a0 af".split()
}
"""Kinds of elements in a Matroska file, its segments and clusters (RFC 9559), but for these two."""


def missing_bytes(path: Path) -> int:
    """How many bytes a video file lacks at its end; 0 if it is whole or does not say.

    Reads the lengths in AVI (RIFF), MP4 and MOV (ISO base media, ISO/IEC 14496-12), and WebM and
    Matroska (EBML, RFC 8794).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == b"RIFF":
            end = 8 + int.from_bytes(head[4:8], "little")
        elif head[4:8] == b"ftyp":
            end = max((end for *_, end in _boxes(file, 0, size)), default=0)
        elif head[:4] == EBML:
            end = _end_of_segment(file)
        else:
            return 0
    return max(0, end - size)


def is_broken(path: Path) -> bool:
    """Whether the parts of a transport stream, WebM or Matroska file do not all follow one another; what
    stands behind the last of them breaks nothing.

    A transport stream is packets of 188 bytes, each with the same first (ISO/IEC 13818-1), in
    recordings of cameras with 4 bytes before each; Matroska is elements that say how long they are.
    """
    with path.open("rb") as file:
        head = file.read(200)
        file.seek(0)
        if head[:4] == EBML:
            return _is_broken_matroska(file)
        for size, at in ((188, 0), (192, 4)):
            if head[at : at + size + 1 : size] == b"GG":
                return _is_broken_stream(file, size, at)
    return False


def _is_broken_stream(file: BinaryIO, size: int, at: int) -> bool:
    lost = b""  # the first bytes of what no longer are packets; if none is one again, they are the end's
    while packets := file.read(4096 * size):
        lost = (lost + packets[at::size]).lstrip(b"G")
        if b"G" in lost:
            return True
    return False


def _is_broken_matroska(file: BinaryIO) -> bool:
    end = math.inf  # of the segment; whatever stands behind it is none of its elements
    while file.tell() < end and (first := file.read(1)):
        kind = first + file.read(8 - first[0].bit_length())
        length = _variable_length(file)
        if kind in (SEGMENT, CLUSTER):  # goes on with what is in it, as its length may be unknown
            if kind == SEGMENT and length is not None:
                end = file.tell() + length
            continue
        if kind not in PASSED_OVER or length is None:
            return True
        file.seek(length, 1)
    return False


def edited_times(path: Path) -> Float[np.ndarray, "frames"] | None:
    """When each frame of an MP4 or MOV is shown, in milliseconds, ascending, if its edit list leaves
    frames out; None if it does not, or in another container.

    A frame is shown if its time is in an edit, as FFmpeg has it (ISO/IEC 14496-12, 8.6). Fragments
    behind the index are in no edit.
    """
    with path.open("rb") as file:
        movie = _find(file, (0, path.stat().st_size), b"moov")
        if movie is None or _find(file, movie, b"mvex"):
            return None
        for track in _each(file, movie, b"trak"):
            if _content(file, track, b"mdia", b"hdlr")[8:12] == b"vide":
                break
        else:
            return None
        scale = _ticks_a_second(_content(file, movie, b"mvhd"))
        ticks = _ticks_a_second(_content(file, track, b"mdia", b"mdhd"))
        edits = _content(file, track, b"edts", b"elst")
        samples = _sample_times(file, track)
    if not (scale and ticks and edits) or samples is None:
        return None
    decoded, times = samples
    shown, begun = [], 0.0
    for length, start, _ in _rows(edits, ">u8, >i8, >i4" if edits[0] else ">u4, >i4, >i4").tolist():
        length = (2 * length * ticks + scale) // (2 * scale)  # rounded to the track's ticks
        if start >= 0 or shown:  # −1 is a pause, which FFmpeg knows at the beginning only
            inside = (start <= times) & (times < start + length)
            shown.append(begun + times[inside] - decoded[inside][:1])  # FFmpeg's zero of an edit
        begun += length
    together = np.sort(np.concatenate([[], *shown]))
    return None if len(together) in (0, len(times)) else together * 1000 / ticks


def _sample_times(file: BinaryIO, track: tuple[int, int]) -> Int[np.ndarray, "2 samples"] | None:
    """When the samples of an MP4's track are decoded, and would be shown without edits, in its ticks;
    None where its tables disagree.
    """
    table = _find(file, track, b"mdia", b"minf", b"stbl")
    if table is None:
        return None
    samples = len(_rows(_content(file, table, b"stsz")[4:], ">u4"))
    columns = []  # how long each lasts, and how much later than it is decoded it is shown
    for kind in (b"stts", b"ctts"):
        runs = _rows(_content(file, table, kind), ">u4, >i4")
        counts, values = runs["f0"].astype(np.int64), runs["f1"].astype(np.int64)
        if len(runs) == 0:
            counts, values = np.array([samples]), np.array([0])
        if counts.sum() != samples:
            return None
        columns.append(np.repeat(values, counts))
    lasting, delays = columns
    decoded = np.cumsum(lasting) - lasting
    return np.stack([decoded, decoded + delays])


def _rows(table: bytes, row: str) -> np.ndarray:
    """The rows of an MP4's table, behind its version and how many they are."""
    size = np.dtype(row).itemsize
    count = min(int.from_bytes(table[4:8], "big"), len(table[8:]) // size)
    return np.frombuffer(table[8 : 8 + count * size], row)


def _ticks_a_second(header: bytes) -> int:
    """The unit of time that an MP4's movie or track declares; 0 if there is none."""
    at = 20 if header[:1] == b"\1" else 12  # behind two dates
    return int.from_bytes(header[at : at + 4], "big")


def _content(file: BinaryIO, inside: tuple[int, int], *kinds: bytes) -> bytes:
    """The bytes of a box, empty where there is none; see `_find`."""
    found = _find(file, inside, *kinds)
    if found is None:
        return b""
    file.seek(found[0])
    return file.read(found[1] - found[0])


def _find(file: BinaryIO, inside: tuple[int, int], *kinds: bytes) -> tuple[int, int] | None:
    """Where the content of a box begins and ends that lies in boxes of those kinds, the outermost first."""
    for kind in kinds:
        inside = next(_each(file, inside, kind), None)
        if inside is None:
            return None
    return inside


def _each(file: BinaryIO, inside: tuple[int, int], kind: bytes) -> Iterator[tuple[int, int]]:
    """Where the content of each box of a kind begins and ends, no later than what it is in."""
    for its_kind, begin, end in _boxes(file, *inside):
        if its_kind == kind:
            yield begin, min(end, inside[1])


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each of an MP4's boxes between two places, and where its content begins and ends; the
    last may end behind `end`.
    """
    while begin + 8 <= end:
        file.seek(begin)
        head = file.read(16)
        length, content = int.from_bytes(head[:4], "big"), begin + 8
        if length == 1:  # a 64-bit length follows the box's kind
            length, content = int.from_bytes(head[8:16], "big"), begin + 16
        if length < 8:  # 0: up to the end of the file, whatever that is
            return
        begin += length
        yield head[4:8], content, begin


def _end_of_segment(file: BinaryIO) -> int:
    """Where a Matroska file's segment, which holds all of the video, ends; 0 if that is unknown."""
    file.seek(4)
    header = _variable_length(file)
    if header is None:
        return 0
    file.seek(header, 1)
    if file.read(4) != SEGMENT:
        return 0
    length = _variable_length(file)
    return 0 if length is None else file.tell() + length


def _variable_length(file: BinaryIO) -> int | None:
    """An EBML length of 1 to 8 bytes: as many leading zero bits as bytes follow the first. None where
    all bits are one, which says unknown, as in a live recording.
    """
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    width = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(width - 1), "big")
    value &= (1 << 7 * width) - 1
    return None if value == (1 << 7 * width) - 1 else value
