"""Video files as pictures: one after the other, or any one of them, exactly.

Decoding is OpenCV's. What its containers say about themselves is not trusted: frames are counted by
their packets, of which an edit list may show a part, and a frame that was sought is known by its time,
since seeking by number misses in videos of variable rate.
"""

import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from onedheat.containers import edited_times, is_broken, missing_bytes
from onedheat.errors import VideoError

Picture = UInt8[np.ndarray, "height width 3"]

MAX_OPEN = 4
"""Videos that a thread keeps open for access in any order; each holds a decoder with its frames."""

FORWARD = 32
"""A frame that is at most so many ahead is decoded up to; farther ones are sought."""

TRIES = 2000
"""Packets in a row that fail, after which a video has ended: OpenCV says no more of the end than of one
damaged packet. At the end so many tries take 1 ms, in a transport stream 20 ms."""

MOST_LEFT_OUT = 0.1
"""Share of its frames that may be missing before a video without a damaged packet is called damaged:
decoders leave some out, and containers round their length."""


def read_video(path: str | os.PathLike) -> Iterator[Picture]:
    """The frames of a video in order, one in memory at a time.

    Args:
        path: a file of any format that this OpenCV decodes (AVI, MP4, MOV, WebM, MKV, …).

    Returns:
        (H, W, 3) uint8 RGB frames, each an array of its own.

    Raises:
        VideoError: at once where there is no such file, or no video in it; where the file is cut off
            or damaged, after all frames that can be decoded have been given.
    """
    return (picture for _, picture in read_timed_video(path))


def read_timed_video(path: str | os.PathLike) -> Iterator[tuple[float, Picture]]:
    """The frames of a video in order, each with the seconds from the first at which it is shown.

    Otherwise as `read_video`. Where frames are damaged, the seconds go on behind them as in the file.
    """
    path = Path(path)
    return _until_the_end(_Reader(path), path)


def _until_the_end(reader: "_Reader", path: Path) -> Iterator[tuple[float, Picture]]:
    seconds = step = widest = 0.0
    while reader.grab() or reader.pass_damage():
        milliseconds = reader.milliseconds
        if milliseconds or reader.position == 0:
            now = (milliseconds - reader.first_milliseconds) / 1000
        else:  # AVI files with B frames say no time of their last
            now = seconds + step
        step, seconds = now - seconds, now
        widest = max(widest, step)
        yield seconds, reader.retrieve()
    decoded = reader.position + 1
    if decoded == 0:
        raise VideoError(f"{path} holds no frame that can be decoded; fetch or export it again")
    times, announced = _packets(path)  # first, as it has words for a file that is gone by now
    if missing := missing_bytes(path):
        raise VideoError(
            f"{path} is cut off: after {decoded} frames the last {missing:,} of its bytes are missing; "
            "fetch or export it again"
        )
    held = max(len(times), announced)
    if reader.damaged or decoded < (1 - MOST_LEFT_OUT) * held:
        raise VideoError(
            f"{path} is damaged: {decoded} of its {held} frames could be decoded; fetch or export it "
            "again"
        )
    if widest * (decoded - 1) > 1.5 * seconds and is_broken(path):  # 1.5 frames of a steady rate
        raise VideoError(
            f"{path} is damaged: between the {decoded} frames that could be decoded others are missing; "
            "fetch or export it again"
        )


@dataclass(frozen=True)
class VideoFrames:
    """The frames of a video file, in order or any one of them (see `onedheat.data.clips.Frames`).

    Frame t by number is frame t in order: wherever seeking cannot be trusted, the video is decoded
    from its beginning. Access in rising order costs what decoding in order does. Nothing open is
    held, so an object can be sent to other processes. Frames behind a damaged one are refused, as
    their numbers would be guesses; `read_video` gives them.

    Attributes:
        path: the file.
        count: how many of its frames are used, from the first on; by default as many as it holds.
    """

    path: Path
    count: int | None = None

    def __len__(self) -> int:
        return len(self.times) if self.count is None else self.count

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def times(self) -> Float[np.ndarray, "frames"]:
        """When each frame is shown, in milliseconds, ascending; found without decoding.

        Raises:
            VideoError: no such file, or no video in it.
        """
        return frame_times(self.path)

    def __iter__(self) -> Iterator[Picture]:
        """All frames in order. Raises `VideoError` where the file ends before its time."""
        reader = _Reader(self.path)
        for number in range(len(self)):
            if not reader.grab():
                raise self._cut_off(number)
            yield reader.retrieve()

    def __getitem__(self, frame: int) -> Picture:
        """Frame number `frame`, the first being 0.

        Raises:
            IndexError: there is no such frame.
            VideoError: it cannot be decoded.
        """
        if not 0 <= frame < len(self):
            raise IndexError(f"{self.path} has the frames 0 to {len(self) - 1}, not {frame}")
        reader = _open_readers.get(self.path)
        ahead = frame - reader.position
        if (ahead < 0 or ahead > FORWARD) and not reader.seek(frame, self.times):
            reader.restart()
        while reader.position < frame:
            if reader.grab():
                continue
            decoded, sought = reader.position + 1, reader.sought
            reader.restart()
            if not sought:  # some decoders lose the last frame after a seek
                raise self._cut_off(decoded)
        return reader.retrieve()

    def _cut_off(self, decoded: int) -> VideoError:
        return VideoError(
            f"{self.path} ends after {decoded} frames, and {len(self)} are expected; it is cut off or "
            "damaged there, fetch or export it again"
        )


def frame_times(path: Path) -> Float[np.ndarray, "frames"]:
    """When each frame of a video is shown, in milliseconds, ascending.

    Goes through the packets without decoding them: about a million a second. One that cannot be read
    counts at the time of the one before it, and one that an edit list leaves out does not.

    Raises:
        VideoError: no such file, or no video in it.
    """
    return _packets(path)[0]


def _packets(path: Path) -> tuple[Float[np.ndarray, "frames"], int]:
    """`frame_times`, and how many frames the container announces where its packets end before that; 0
    where they do not.
    """
    import cv2

    capture = _open(path, [cv2.CAP_PROP_FORMAT, -1])
    if (edited := edited_times(path)) is not None:
        return edited, 0
    number = getattr(cv2, "CAP_PROP_PTS", None)  # OpenCV 4.10 has none
    times, last, failed = [], 0.0, 0
    while failed < TRIES:
        if not capture.grab():
            failed += 1
            continue
        if times:
            times += failed * times[-1:]
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
        failed = 0
        if number is not None:  # in frames from the container's zero, as its length is
            last = max(last, capture.get(number))
    announced = capture.get(cv2.CAP_PROP_FRAME_COUNT) if number is not None else 0.0
    is_early = last + 1 < (1 - MOST_LEFT_OUT) * announced
    return np.sort(np.array(times, dtype=float)), int(announced) if is_early else 0


def count_decodable(path: Path) -> int:
    """How many frames a video holds, by decoding them all.

    Raises:
        VideoError: no such file, or no video in it.
    """
    reader = _Reader(path)
    while reader.grab() or reader.pass_damage():
        pass
    return reader.position + 1


class _Reader:
    """A decoder at a place in a video.

    Attributes:
        position: number of the frame it has decoded last, −1 at first.
        sought: whether it has come there by a seek.
        damaged: packets between its frames that could not be decoded.
    """

    def __init__(self, path: Path):
        self.path = path
        self.restart()

    def restart(self) -> None:
        """Back to before the first frame."""
        import cv2

        # One thread: decoders that were opened before a fork can then be dropped in the child, and
        # loaders run one process per core.
        self.capture = _open(self.path, [cv2.CAP_PROP_N_THREADS, 1])
        self.position = -1
        self.sought = False
        self.damaged = 0
        self.first_milliseconds = 0.0

    def grab(self) -> bool:
        """Decodes the next frame; False where there is none, or where it is damaged."""
        if not self.capture.grab():
            return self.position < 0 and self.pass_damage()
        self.position += 1
        if self.position == 0:
            self.first_milliseconds = self.milliseconds
        return True

    def pass_damage(self) -> bool:
        """Decodes the next frame behind those that cannot be; False where there is none."""
        for failed in range(1, TRIES):
            if self.capture.grab():
                self.position += 1
                if self.position == 0:  # recordings may begin between two frames that stand alone
                    self.first_milliseconds = self.milliseconds
                else:
                    self.damaged += failed
                return True
        return False

    def retrieve(self) -> Picture:
        """The frame that was decoded last."""
        import cv2

        try:
            found, picture = self.capture.retrieve()
            if found:
                return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        except cv2.error:  # damaged files announce sizes that no memory holds
            pass
        raise VideoError(
            f"{self.path}: frame {self.position} cannot be decoded; fetch or export the file again"
        )

    @property
    def milliseconds(self) -> float:
        """When the frame that was decoded last is shown."""
        import cv2

        return self.capture.get(cv2.CAP_PROP_POS_MSEC)

    def seek(self, frame: int, times: Float[np.ndarray, "frames"]) -> bool:
        """Decodes `frame` or one shortly before it; False where the place cannot be told.

        OpenCV seeks by time and a rate that is taken to be constant. Where it has landed is read off
        the time of the frame it decodes, which must be that of one packet.

        Args:
            frame: number of the frame wanted.
            times: of all packets, from `frame_times`.
        """
        import cv2

        if frame >= len(times) or len(times) < 2 or np.diff(times).min() <= 0:
            return False
        if self.position < 0 and not self.grab():
            return False
        # AVI files with B frames give the time of decoding, late by a constant.
        late = self.first_milliseconds - times[0]
        tolerance = np.diff(times).min() / 4
        for sooner in (0, 8, 64):
            self.capture.set(cv2.CAP_PROP_POS_MSEC, times[max(0, frame - sooner)])
            if not self.capture.grab():
                return False
            now = self.milliseconds - late
            nearest = int(np.abs(times - now).argmin())
            if abs(times[nearest] - now) > tolerance:
                return False
            if nearest <= frame:
                self.position, self.sought = nearest, True
                return True
        return False


def _open(path: Path, settings: list[int]):
    """OpenCV's handle of a video file. Raises `VideoError` where there is none."""
    import cv2

    name = opencv_name(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise VideoError(f"{path} does not exist; check the path and its spelling") from error
    except (OSError, ValueError) as error:  # a path too long, a NUL in it, no permission
        raise VideoError(f"{path!s} cannot be opened ({error}); check the path") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise VideoError(f"{path} is {kind}; give the path of a video file")
    if not os.access(path, os.R_OK):
        raise VideoError(f"{path} may not be read; give yourself permission to read it")
    # Read once, when FFmpeg is first used: what it says of single packets is said here of the whole.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    with quiet_opencv():
        capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, settings)
    if not capture.isOpened():
        what = (
            "is empty (0 bytes)" if path.stat().st_size == 0 else "holds no video that can be read"
        )
        raise VideoError(
            f"{path} {what}: it is damaged, has sound only, or is in a format that OpenCV lacks; "
            "fetch it again, or convert it to MP4"
        )
    return capture


def opencv_name(path: Path) -> str:
    """A path as OpenCV takes it: absolute, as FFmpeg takes what stands before a colon for a protocol.

    Raises:
        VideoError: it is not in UTF-8.
    """
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError as error:  # OpenCV would end the process
        raise VideoError(
            f"the name {name!a} is not in UTF-8, which OpenCV needs; rename it, or give another"
        ) from error
    return name


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV's own words about what it cannot open are left out: ours say it better.

    Its level is that of the whole process: the first thread that comes lowers it, and the last that
    leaves sets it back.
    """
    import cv2

    logs = getattr(cv2.utils, "logging", None)  # OpenCV 4.10 has none
    if logs is None:
        yield
        return
    with _level_lock:
        _levels.append(logs.setLogLevel(logs.LOG_LEVEL_SILENT))
    try:
        yield
    finally:
        with _level_lock:
            level = _levels.pop()
            if not _levels:
                logs.setLogLevel(level)


_level_lock = threading.Lock()
_levels: list[int] = []
"""Before each thread that is in `quiet_opencv`; the first is the process's own."""


class _OpenReaders(threading.local):
    """The decoders that this thread of this process keeps open, the least used first."""

    def __init__(self):
        self.process = os.getpid()
        self.readers: OrderedDict[tuple, _Reader] = OrderedDict()

    def get(self, path: Path) -> _Reader:
        """The decoder of a video, opened if it is not yet; a file that was replaced is opened anew."""
        if self.process != os.getpid():  # a forked child shares file offsets with its parent
            self.__init__()
        try:
            about = path.stat()
        except OSError:
            return _Reader(path)  # says what is wrong
        key = (path.absolute(), about.st_mtime_ns, about.st_size)
        reader = self.readers.pop(key, None) or _Reader(path)
        self.readers[key] = reader
        while len(self.readers) > MAX_OPEN:
            self.readers.popitem(last=False)
        return reader


_open_readers = _OpenReaders()
