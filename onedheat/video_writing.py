"""Frames into video files that a browser plays.

H.264 in MP4 where PyAV is installed, else VP8 in WebM through OpenCV: the MP4 files that OpenCV writes
by itself play in no browser.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from onedheat.video import Picture, VideoError, frame_times, opencv_name

H264 = ("libx264", "libopenh264")  # encoders of FFmpeg, the better first
TICKS = 90_000  # a second; times of frames are whole numbers of them
KEY_SECONDS = 2  # between two pictures from which a player can start, and what a kill may cost


class VideoWriter(ABC):
    """Writes frames one after the other. What was written is a whole video once it is closed.

    Attributes:
        path: the file that is written, which may end otherwise than was asked for.
        fps: frames a second, where frames do not say when they are shown.
        off: seconds by which the file shows a frame too early or too late, at most so far.
    """

    def __init__(self, path: Path, fps: float):
        self.path, self.fps, self.off = path, fps, 0.0
        self._size: tuple[int, int] | None = None

    def write(self, picture: Picture, seconds: float) -> None:
        """Adds a frame; one of another size than the first is brought to its size, on black.

        Args:
            picture: (H, W, 3) uint8 RGB.
            seconds: when it is shown, from the beginning.

        Raises:
            VideoError: the file cannot be written.
        """
        if self._size is None:
            self._open(*picture.shape[:2])
            self._size = picture.shape[:2]
        self._add(_fitted(picture, self._size), seconds)

    def close(self) -> None:
        """Ends the file, also one that could not be written to its end.

        Raises:
            VideoError: it cannot be ended, or nothing came of it.
        """
        if self._size is not None:
            self._close()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    @abstractmethod
    def _open(self, height: int, width: int) -> None: ...

    @abstractmethod
    def _add(self, picture: Picture, seconds: float) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


def open_video(path: str | os.PathLike, fps: float) -> VideoWriter:
    """A writer of the best kind that can be had here.

    Args:
        path: the file, whose ending chooses: ``.mp4`` (also ``.mov`` and ``.m4v``) or ``.webm``. Without
            PyAV an MP4 that plays in a browser cannot be written, and the file ends in ``.webm``:
            see `path` of what is returned.
        fps: frames a second, above 0.

    Raises:
        VideoError: another ending, a folder that is not there, or a name that cannot be had.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in (".mp4", ".m4v", ".mov", ".webm"):
        raise VideoError(
            f"{path}: videos are written as .mp4 or .webm, not {ending or 'without ending'}"
        )
    if not os.path.isdir(path.parent) or os.path.isdir(path):
        raise VideoError(f"{path} cannot be written; give a file in a folder that exists")
    encoder = None if ending == ".webm" else h264_encoder()
    writer = _H264(path, fps, encoder) if encoder else _VP8(path.with_suffix(".webm"), fps)
    try:
        with suppress(FileNotFoundError):
            writer.path.stat()
    except OSError as error:  # a name too long
        raise VideoError(
            f"{writer.path} cannot be written: {error.strerror}; give another name"
        ) from None
    return writer


def h264_encoder() -> str | None:
    """The name of an H.264 encoder that is installed, or None."""
    try:
        import av
    except ImportError:
        return None
    for name in H264:
        try:
            av.codec.Codec(name, "w")
        except ValueError:  # PyAV's UnknownCodecError is one
            continue
        return name
    return None


class _H264(VideoWriter):
    """By PyAV. The file is a row of fragments, so that after a kill all but the last of them plays."""

    def __init__(self, path: Path, fps: float, encoder: str):
        super().__init__(path, fps)
        self._encoder = encoder
        self._failure: VideoError | None = None

    def _open(self, height: int, width: int) -> None:
        import av

        rate = Fraction(self.fps).limit_denominator(1001)
        fragments = {
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "flush_packets": "1",
        }
        with self._failing_in_words():
            # An absolute path, as FFmpeg takes what stands before a colon for a protocol.
            self._container = av.open(
                str(self.path.absolute()), "w", format="mp4", options=fragments
            )
            stream = self._container.add_stream(self._encoder, rate=rate)
            # 4:2:0 has one colour for four pixels: sides must be even.
            stream.width, stream.height = width + width % 2, height + height % 2
            stream.pix_fmt = "yuv420p"
            if self._encoder == "libx264":
                stream.options = {"preset": "veryfast", "crf": "20"}
            stream.codec_context.gop_size = max(1, round(KEY_SECONDS * self.fps))
            stream.codec_context.max_b_frames = 0  # fragments cannot say that they begin late
            stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        self._stream, self._tick = stream, -1

    def _add(self, picture: Picture, seconds: float) -> None:
        import av

        if self._failure:
            raise self._failure
        frame = av.VideoFrame.from_ndarray(_evened(picture), format="rgb24")
        # Each later than the one before, also where a broken file says otherwise.
        self._tick = max(self._tick + 1, round(seconds * TICKS))
        frame.pts, frame.time_base = self._tick, Fraction(1, TICKS)
        with self._failing_in_words():
            self._container.mux(self._stream.encode(frame))

    def _close(self) -> None:
        with self._failing_in_words(), closing(self._container):
            if not self._failure:  # FFmpeg may crash when it is given more afterwards
                self._container.mux(self._stream.encode())

    @contextmanager
    def _failing_in_words(self) -> Iterator[None]:
        """Turns what FFmpeg raises into a `VideoError`, and remembers it."""
        try:
            yield
        except (OSError, ValueError) as error:  # PyAV's own are one of them, often both
            reason = getattr(error, "strerror", None) or error
            advice = "; make room, or give another file" if isinstance(error, OSError) else ""
            self._failure = VideoError(f"{self.path} cannot be written: {reason}{advice}")
            raise self._failure from error


class _VP8(VideoWriter):
    """By OpenCV, at a constant rate.

    Raises:
        VideoError: a name that is not in UTF-8.
    """

    def __init__(self, path: Path, fps: float):
        super().__init__(path, fps)
        opencv_name(path)  # raises before the first frame

    def _open(self, height: int, width: int) -> None:
        import cv2

        codec = cv2.VideoWriter_fourcc(*"VP80")
        self._writer = cv2.VideoWriter(opencv_name(self.path), codec, self.fps, (width, height))
        if not self._writer.isOpened():  # it says nothing by itself, and then writes nothing
            raise VideoError(
                f"{self.path} cannot be written: this OpenCV has no VP8, or the disk is full; "
                "pip install 'onedheat[video]' writes MP4 instead"
            )
        self._frames = 0

    def _add(self, picture: Picture, seconds: float) -> None:
        self._writer.write(np.ascontiguousarray(picture[..., ::-1]))
        self.off = max(self.off, abs(seconds - self._frames / self.fps))
        self._frames += 1

    def _close(self) -> None:
        self._writer.release()
        if not (self.path.is_file() and self.path.stat().st_size):
            raise VideoError(f"nothing could be written to {self.path}; is the disk full?")
        if (there := len(frame_times(self.path))) < self._frames:  # nor does it say this
            raise VideoError(
                f"{self.path} holds {there} of {self._frames} frames, the others could not be written; "
                "make room, or give another file"
            )


def _fitted(picture: Picture, size: tuple[int, int]) -> UInt8[np.ndarray, "_ _ 3"]:
    """A picture in the middle of one of that height and width, as large as it goes."""
    import cv2

    height, width = size
    if picture.shape[:2] == size:
        return picture
    scale = min(height / picture.shape[0], width / picture.shape[1])
    inner = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(
        picture, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    held = np.zeros((height, width, 3), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    held[top : top + inner[1], left : left + inner[0]] = small
    return held


def _evened(picture: Picture) -> UInt8[np.ndarray, "_ _ 3"]:
    """A picture whose sides are even; the last row and column are doubled where they are not."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(picture)
