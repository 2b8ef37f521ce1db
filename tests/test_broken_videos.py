"""Damaged video files: their frames, then one sentence; never a crash of the process or a hang."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from videos import CODECS, write_numbered

FRAMES = 40
FILES = 500 if os.environ.get("ONEDHEAT_TESTS") == "all" else 15  # of each format

# Decoders are C code: whatever they do to the process happens in one of its own, which may not take
# more than some memory. Lines on standard output say which file it was at.
_READ = """
import sys
from pathlib import Path
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
except ImportError:
    pass
from onedheat.video import VideoError, VideoFrames, read_video

def frames_and_fault(path):
    count = 0
    try:
        for count, _ in enumerate(read_video(path), 1):
            pass
    except VideoError as error:
        assert str(path) in str(error) and len(str(error)) < 400
        return count, "fault"
    return count, "whole"

for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, end=" ", flush=True)
    print(*frames_and_fault(path), end=" ", flush=True)
    try:
        frames = VideoFrames(path)
        for number in (len(frames) - 1, 0, len(frames) // 2):
            if 0 <= number < len(frames):
                frames[number]
    except VideoError:
        pass
    print(flush=True)
"""


def _damaged(whole: bytes, rng: random.Random) -> bytes:
    """Bytes flipped here or in the header, a piece cut out, zeroed or repeated, or the end cut off."""
    raw = bytearray(whole)
    how = rng.choice(["flip", "flip", "header", "header", "drop", "zero", "again", "cut"])
    at = rng.randrange(len(raw))
    length = rng.choice([1, 4, 64, 2000])
    if how in ("flip", "header"):
        for _ in range(rng.choice([1, 3, 30])):
            raw[rng.randrange(len(raw) if how == "flip" else 400)] = rng.randrange(256)
    elif how == "drop":
        del raw[at : at + length]
    elif how == "zero":
        raw[at : at + length] = bytes(len(raw[at : at + length]))
    elif how == "again":
        raw[at:at] = raw[at : at + length]
    else:
        del raw[at:]
    return bytes(raw)


@pytest.mark.timeout(580)
@pytest.mark.parametrize("name", CODECS)
def test_a_damaged_video_gives_its_frames_or_a_sentence(tmp_path, name):
    whole = write_numbered(tmp_path / name, FRAMES).read_bytes()
    rng = random.Random(name)
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:04d}{Path(name).suffix}").write_bytes(_damaged(whole, rng))
    run = subprocess.run(
        [sys.executable, "-c", _READ, str(folder)], capture_output=True, text=True, timeout=540
    )
    last = run.stdout.rpartition("\n")[2] or "the last"
    assert run.returncode == 0, f"file {last}: {run.stderr[-2000:]}"
    read = [line.split() for line in run.stdout.splitlines()]
    assert len(read) == FILES
    counts = [int(count) for _, count, _ in read]
    print(name, sum(state == "fault" for *_, state in read), "faults;", sum(counts), "frames")
    assert max(counts) <= FRAMES + 40 and sum(counts) > FILES  # most frames survive most damage
    assert any(state == "fault" for *_, state in read)
