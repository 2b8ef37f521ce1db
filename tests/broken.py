"""Files as they come out of broken downloads and disks: a strategy for hypothesis."""

import tracemalloc
from collections.abc import Callable

from hypothesis import strategies as st

SIZES = [b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x40", b"\0\0\0\0", b"\x10\0\0\0"]


@st.composite
def broken(draw, whole: bytes, inserts: tuple[bytes, ...] = (b"\0", b"\xff", b"\n")) -> bytes:
    """`whole` with bytes changed, removed, repeated or inserted, or cut off."""
    raw = bytearray(whole)
    # Small numbers are where hypothesis looks first, and where the headers are.
    place = st.one_of(st.integers(0, len(raw) - 1), st.integers(0, min(len(raw), 700) - 1))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        at = min(draw(place), len(raw))
        how = draw(
            st.sampled_from(["flip", "flip", "flip", "size", "insert", "drop", "again", "cut"])
        )
        length = draw(st.integers(1, 40)) if how in ("drop", "again") else 0
        if how == "flip":
            raw[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif how == "size":
            raw[at // 4 * 4 : at // 4 * 4 + 4] = draw(st.sampled_from(SIZES))
        elif how == "insert":
            raw[at:at] = draw(st.sampled_from(inserts))
        elif how == "drop":
            del raw[at : at + length]
        elif how == "again":
            raw[at:at] = raw[at : at + length]
        else:
            del raw[at:]
    return bytes(raw)


def peak_bytes(work: Callable[[], object]) -> int:
    """The most memory that `work` held at once, of what Python and NumPy give out."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
