"""One video through a tracker: its CSV, its annotated copy, and how steady and how fast it went."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from onedheat.data.images import RGB
from onedheat.drawing import draw_landmarks, draw_number
from onedheat.pipeline import FaceTracker, TrackedFace
from onedheat.tracks.meters import JitterMeter, SpeedMeter
from onedheat.tracks.table import TableError, TrackTable
from onedheat.video import VideoError
from onedheat.video_writing import VideoWriter


@dataclass
class TrackReport:
    """What became of a video.

    Attributes:
        method: how its faces were looked at, in words.
        jitter: how much they shake.
        speed: how long a frame took.
        frames: how many were done.
        with_faces: how many of these show a face.
        identities: numbers of all faces that were seen.
        fault: why the video could not be read further, or its table not written, or None.
        stopped: whether a person stopped it.
    """

    method: str
    jitter: JitterMeter
    speed: SpeedMeter = field(default_factory=SpeedMeter)
    frames: int = 0
    with_faces: int = 0
    identities: set[int] = field(default_factory=set)
    fault: str | None = None
    stopped: bool = False

    def as_text(self) -> str:
        """What a person wants to know, in a line; `STAGES` says what the times of a frame are."""
        count = len(self.identities)
        faces = "no face" if count == 0 else "1 face" if count == 1 else f"{count} faces"
        said = [f"{self.frames} frames, {faces}, {self.method}"]
        if self.frames:
            each = self.speed.milliseconds
            parts = ", ".join(
                f"{name} {stage.mean:.1f}" for name, stage in self.speed.stages.items()
            )
            said.append(f"{each:.1f} ms a frame ({parts}), {1000 / each:.0f} frames a second")
        if self.jitter.faces:
            said.append(f"jitter {self.jitter.mean:.2f} % of the normalising distance")
        return "; ".join(said)


def track_video(
    tracker: FaceTracker,
    frames: Iterable[tuple[float, RGB]],
    *,
    table: TrackTable | None = None,
    video: VideoWriter | None = None,
    progress: Callable[[], object] = lambda: None,
) -> TrackReport:
    """Follows the faces of a video to its end, or as far as it can be read.

    A fault of the video or the table, or Ctrl-C, ends it early: what was done is kept, and the report
    says so.
    Table and video are closed in any case.

    Args:
        tracker: fresh, or reset.
        frames: seconds and (H, W, 3) RGB pictures, which are drawn into.
        table: takes the landmarks of each frame.
        video: takes each frame with its faces drawn.
        progress: called after each frame.

    Raises:
        VideoError: the annotated video cannot be written.
    """
    report = TrackReport(tracker.method, JitterMeter(tracker.landmarker.scheme))
    try:
        with ExitStack() as stack:
            for sink in (table, video):
                if sink is not None:
                    stack.enter_context(sink)
            try:
                _run(tracker, frames, report, table, video, progress)
            except KeyboardInterrupt:
                report.stopped = True
    except TableError as error:
        report.fault = str(error)
    return report


def _run(tracker, frames, report: TrackReport, table, video, progress) -> None:
    lines = tracker.landmarker.scheme.lines
    for read, seconds, image in _timed(frames, report):
        begun = time.perf_counter()
        faces = tracker(image)
        tracked = time.perf_counter()
        if table is not None:
            table.write(report.frames, seconds, faces)
        if video is not None:
            _draw(image, faces, lines)
            video.write(image, seconds)
        written = time.perf_counter()
        report.frames += 1
        report.with_faces += bool(faces)
        report.identities.update(face.identity for face in faces)
        report.jitter.add(seconds, faces)
        report.speed.add(
            seconds,
            read=1000 * read,
            track=1000 * (tracked - begun),
            write=1000 * (written - tracked),
        )
        progress()


def _timed(frames, report: TrackReport) -> Iterator[tuple[float, float, RGB]]:
    """Each frame with the seconds that reading it took; a fault of the video ends them."""
    frames = iter(frames)
    while True:
        begun = time.perf_counter()
        try:
            seconds, image = next(frames)
        except StopIteration:
            return
        except VideoError as error:
            report.fault = str(error)
            return
        yield time.perf_counter() - begun, seconds, image


def _draw(image: RGB, faces: list[TrackedFace], lines) -> None:
    for face in faces:
        draw_landmarks(image, face.landmarks, lines=lines, box=face.box)
        draw_number(image, face.identity, face.box)
