"""Whether a video file is whole, as far as its container says how long it should be.

A file that was cut off plays up to the cut, and a decoder then sees its ordinary end. The containers
of common videos begin with their own length.
"""

from pathlib import Path
from typing import BinaryIO


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
            end = _end_of_boxes(file, size)
        elif head[:4] == b"\x1a\x45\xdf\xa3":
            end = _end_of_segment(file)
        else:
            return 0
    return max(0, end - size)


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Where the last of an MP4's outermost boxes ends."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # a 64-bit length follows the box's type
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: up to the end of the file, whatever that is
            return end
        end += length
    return end


def _end_of_segment(file: BinaryIO) -> int:
    """Where a Matroska file's segment, which holds all of the video, ends; 0 if that is unknown."""
    file.seek(4)
    header = _variable_length(file)
    if header is None:
        return 0
    file.seek(header, 1)
    if file.read(4) != b"\x18\x53\x80\x67":
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
