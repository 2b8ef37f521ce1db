"""What steadies landmarks in video, on the same clips: a tracker beside all that is cheaper than it.

A tracker is worth its training only if it does better than what needs none. Measured side by side:

- the landmarker itself, and the detector inside it, which sees each frame for the first time;
- what that detector found, filtered (`onedheat.filters`): by a moving average, and by a 1€ filter that
  is just as late, because a filter that may come later always shakes less;
- the points of a first frame moved by optical flow (`onedheat.flow`), which nothing corrects, or which
  the detector corrects every second.

Landmarker and detector follow the face by their own landmarks. Each frame is read once; filters smooth
what was kept.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from onedheat.data.clips import ClipSet
from onedheat.filters import LandmarkFilter, MovingAverage, OneEuro, Track
from onedheat.flow import FlowTracker
from onedheat.metrics import lag
from onedheat.pipeline import Landmarker
from onedheat.pipeline.following import without_memory
from onedheat.reports import Report, laid_out, shown, summarize
from onedheat.watching import Moment, Watcher, moments

AVERAGED = (2, 3, 5)
"""Frames of the moving averages: they are late by 0.5, 1 and 2 frames."""

BRISK = 0.3
"""Sides of the face a second at which the 1€ filter's cut-off has doubled. Its authors tune β by hand;
what `tiny68` finds in Talking Face shakes alike at equal lag with 0.1, with 0.3 and without β."""

AGAIN = 30  # frames after which the flow that is corrected begins anew
MOST_LATE = 32.0  # frames at rest, of the 1€ filters that are tried
SURELY_LATER = 0.02  # frames by which a tracker must be later than its detector to be told from it

AnyTrack = Float[np.ndarray, "_ landmarks 2"]  # clips differ in length
Tracks = Sequence[AnyTrack]  # of each clip (T, N, 2)
FilterFor = Callable[[Track], LandmarkFilter]  # a fresh filter for a face of that size


@dataclass(frozen=True, eq=False)
class Way:
    """One way to steady landmarks, measured.

    Attributes:
        name: in words.
        tracks: of each clip (T, N, 2) in pixels, all landmarks of the network.
        report: how good they are; its `lag` is measured.
        lag_at_rest: frames by which a filter is late by its formula, of slow motion.
    """

    name: str
    tracks: Tracks
    report: Report
    lag_at_rest: float | None = None

    def as_json(self) -> dict:
        """The report with the name before it."""
        late = {} if self.lag_at_rest is None else {"lag_at_rest": self.lag_at_rest}
        return {"way": self.name, **late, **self.report.as_json()}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Ways to steady landmarks, on the same clips.

    Attributes:
        ways: the first is the landmarker itself.
        clips: what was looked at.
        points: indices of the labelled landmarks that were measured.
        found: indices of the same among those that the network finds.
    """

    ways: tuple[Way, ...]
    clips: ClipSet
    points: list[int]
    found: list[int]

    def errors(self, way: Way, clip: int = 0) -> Track:
        """What a way found minus the labels, (T, P, 2) in pixels, of the landmarks measured."""
        return way.tracks[clip][:, self.found] - self.clips.clips[clip].landmarks[:, self.points]

    def as_json(self) -> dict:
        """The landmarker's report, and all ways under ``beside``."""
        return self.ways[0].report.as_json() | {"beside": [way.as_json() for way in self.ways]}

    def as_text(self) -> str:
        """A table with a line for each way, and one for the labels."""
        columns: dict[str, Callable[[Way], float | None]] = {
            "NRMSE %": lambda way: way.report.nrmse,
            "offset removed %": lambda way: way.report.nrmse_offset_removed,
            "hidden %": lambda way: way.report.nrmse_hidden,
            "jitter of error %": lambda way: way.report.jitter_of_error,
            "jitter %": lambda way: way.report.jitter,
            "lag": lambda way: way.report.lag,
            "lag at rest": lambda way: way.lag_at_rest,
        }
        first = self.ways[0].report
        columns = {name: of for name, of in columns.items() if any(shown(of(w)) for w in self.ways)}
        labels = dict.fromkeys(columns, "") | {"jitter %": shown(first.jitter_of_labels)}
        table = laid_out(
            ["way", *columns],
            [
                *([way.name, *(shown(of(way)) for of in columns.values())] for way in self.ways),
                ["the labels themselves", *labels.values()],
            ],
        )
        return (
            f"{first.dataset}, {first.split}: {first.faces} frames in {first.clips} "
            f"clip{'s' * (first.clips != 1)}, {first.landmarks} points, per cent of "
            f"{first.normaliser}; {first.reading}, {first.box}\n{table}"
        )


def compare(
    landmarker: Landmarker,
    clips: ClipSet,
    *,
    two_pass: bool = False,
    weights: str = "",
    progress: bool = False,
) -> Comparison:
    """Measures a landmarker on annotated clips beside what it has to do better than.

    Args:
        landmarker: a tracker network; or a detector, whose landmarks are then the ones filtered.
        clips: what it is measured on; a first frame is seen in the tight box of its labels.
        two_pass: draw the box anew in each frame, as the paper does.
        weights: what the landmarker is called.
        progress: show a bar on standard error.

    Raises:
        DataError: as `onedheat.evaluation.evaluate_clips`.
        ValueError: as there; or a tracker network that has no detector apart from itself.
    """
    how = {"follow": True, "two_pass": two_pass}
    alone = without_memory(landmarker)
    tracker = Watcher(landmarker, clips, **how)
    detector = tracker if alone is landmarker else Watcher(alone, clips, **how)
    never, often = _Flow(detector), _Flow(detector, AGAIN)  # look after the detector
    looking = tuple(dict.fromkeys((tracker, detector, never, often)))
    for moment in moments(clips, progress=progress):
        for one in looking:
            one.look(moment)
    kept = _Kept(detector)
    name = weights or f"{landmarker.detector.config.kind} network"
    ways = [Way(name, tracker.landmarks, tracker.report(weights=weights))]
    if detector is not tracker:
        ways.append(kept.measured("its detector, frame by frame", detector.landmarks))
    ways = [*ways, *_filtered(kept, ways)]
    ways.append(kept.measured("flow from the first frame", never.landmarks))
    ways.append(kept.measured(f"flow, begun anew after {AGAIN} frames", often.landmarks))
    return Comparison(tuple(ways), clips, detector.points, detector.found)


def _filtered(kept: "_Kept", ways: Sequence[Way]) -> Iterator[Way]:
    """Filters of what was kept: each moving average with a 1€ filter as late as it; and one as late as
    the tracker, where that is later than its detector.
    """
    first, base = ways[0], ways[-1]
    late, least = kept.late(first.tracks), kept.late(base.tracks)
    if late > least + SURELY_LATER:
        yield kept.smoothed(f"1€ filter, as late as {first.name}", kept.as_late_as(late))
    for frames in AVERAGED:
        average = kept.smoothed(f"mean of {frames} frames", lambda _, n=frames: MovingAverage(n))
        yield average
        late = kept.late(average.tracks)
        if math.isnan(late):  # where nothing moves
            late_as_that = one_euro(average.lag_at_rest or 0.5)
        else:
            late_as_that = kept.as_late_as(late)
        yield kept.smoothed("1€ filter, as late as that", late_as_that)


class _Kept:
    """What a detector found in clips, to be steadied."""

    def __init__(self, watcher: Watcher):
        self._watcher = watcher
        self._labels = [clip.landmarks[:, watcher.points] for clip in watcher.clips.clips]

    def measured(self, name: str, tracks: Tracks, lag_at_rest: float | None = None) -> Way:
        watcher = self._watcher
        report = summarize(
            np.concatenate(tracks)[:, watcher.found],
            watcher.clips.faces(),
            points=watcher.points,
            box=watcher.box,
            decoder=watcher.landmarker.decoder,
            flip=watcher.landmarker.flip,
            weights=name,
        )
        return Way(name, tracks, report, lag_at_rest)

    def smoothed(self, name: str, filter_for: FilterFor) -> Way:
        at_rest = filter_for(self._watcher.landmarks[0]).lag
        return self.measured(name, self._smooth(filter_for), at_rest)

    def late(self, tracks: Tracks) -> float:
        """By how many frames tracks come after the labels."""
        return lag(_apart([t[:, self._watcher.found] for t in tracks]), _apart(self._labels))

    def as_late_as(self, wanted: float) -> FilterFor:
        """The 1€ filter that is measured to be late by so many frames, by bisection of its strength."""
        low, high = 1e-3, MOST_LATE
        for _ in range(14):
            middle = math.sqrt(low * high)
            if self.late(self._smooth(one_euro(middle))) < wanted:
                low = middle
            else:
                high = middle
        return one_euro(math.sqrt(low * high))

    def _smooth(self, filter_for: FilterFor) -> list[AnyTrack]:
        return [filter_for(track).smooth(track) for track in self._watcher.landmarks]


def one_euro(lag_at_rest: float) -> FilterFor:
    """The 1€ filter of that lag at rest, whose cut-off doubles where the face moves at `BRISK`."""

    def filter_for(track: Track) -> OneEuro:
        side = float(np.ptp(track[0], axis=0).max())
        cutoff = OneEuro.with_lag(lag_at_rest).min_cutoff
        return OneEuro.with_lag(lag_at_rest, beta=cutoff / (BRISK * max(side, 1e-6)))

    return filter_for


def _apart(tracks: Tracks) -> Track:
    """Tracks one after the other, with a frame without landmarks between two of them."""
    gap = np.full((1, *tracks[0].shape[1:]), np.nan)
    return np.concatenate([part for track in tracks for part in (track, gap)])


class _Flow:
    """Follows each clip by optical flow from what a detector found in its first frame.

    Args:
        detector: which has seen a moment when this one does.
        again: frames after which it begins anew with what the detector found; never by default. It
            begins anew, too, where frames change their size.
    """

    def __init__(self, detector: Watcher, again: int | None = None):
        self._detector, self._again = detector, again
        self.landmarks = [np.full_like(track, np.nan) for track in detector.landmarks]
        self._flows: dict[int, FlowTracker] = {}
        self._sizes: dict[int, tuple[int, ...]] = {}

    def look(self, moment: Moment) -> None:
        if moment.t == 0:
            self._flows, self._sizes = {number: FlowTracker() for number in moment.numbers}, {}
        due = self._again is not None and moment.t % self._again == 0
        for number, image in zip(moment.numbers, moment.images, strict=True):
            flow = self._flows[number]
            if due or self._sizes.get(number) != image.shape:
                found = self._detector.landmarks[number][moment.t]
                flow.start(image, found)
            else:
                found = flow.step(image)
            self._sizes[number] = image.shape
            self.landmarks[number][moment.t] = found
