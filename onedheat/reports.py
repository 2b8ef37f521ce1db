"""What a measurement says: errors of predicted landmarks, summed up in one report and its table.

Every annotated landmark is measured, hidden ones too, as in the published figures of AFLW
(`compute_nme` in https://github.com/HRNet/HRNet-Facial-Landmark-Detection, lib/core/evaluation.py);
landmarks that are not annotated (NaN) are left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Float

from onedheat.calibration import share_inside
from onedheat.data import DataError, FaceSet
from onedheat.data.clips import Frame, count_clips
from onedheat.landmarks import FACE_SIZE, SCHEMES, Scheme
from onedheat.metrics import (
    auc,
    error_jitter,
    failure_rate,
    jitter,
    lag,
    nrmse,
    offset_removed_errors,
    point_errors,
)

THRESHOLD = 8.0
OFFSET_FRAMES = 250  # on which the offsets between two markups are estimated


@dataclass(frozen=True)
class Report:
    """What was measured and how. `nrmse` and `areas` are in per cent of the normaliser.

    A face that no detector found has no error; it counts as a failure and in the AUC, is left out of
    `nrmse` and of `areas`, and is counted in `missed`.

    Attributes:
        landmarks: how many of each face are measured.
        normaliser: what errors are divided by: ``"interocular"`` (outer eye corners), ``"face_size"``,
            or two landmarks of one's own scheme.
        areas: mean error in each facial area that has landmarks to measure.
        errors: of each face; infinite where it was missed.
        clips: how many the faces come from, of a set of videos.
        nrmse_offset_removed: of a video of one person in another markup: mean error without each
            landmark's constant offset, which is estimated on the first 250 frames, or the first half
            of fewer than 500, on the frames after them.
        jitter: of video, of frames that follow one another: how much the landmarks shake by themselves,
            see `onedheat.metrics.jitter`, in per cent of the normaliser.
        jitter_of_labels: the same of the labels; what a face really does is in both.
        jitter_of_error: the same of the difference of the two, see `onedheat.metrics.error_jitter`.
        lag: frames by which the landmarks' motion comes after the labels', see `onedheat.metrics.lag`.
        nrmse_hidden: mean error of the landmarks that cannot be seen, of faces found, where the data
            set says which these are.
        inside_sigma: per cent of the coordinates whose error is within the σ that the network gave
            for it, of the faces found; 68 would be right. None for a network without σ.
    """

    dataset: str
    split: str
    faces: int
    missed: int
    landmarks: int
    nrmse: float
    nrmse_median: float
    auc: float
    failure_rate: float
    threshold: float
    normaliser: str
    box: str
    decoder: str
    flip: bool
    weights: str
    areas: dict[str, float]
    errors: tuple[float, ...]
    clips: int | None = None
    nrmse_offset_removed: float | None = None
    nrmse_hidden: float | None = None
    inside_sigma: float | None = None
    jitter: float | None = None
    jitter_of_labels: float | None = None
    jitter_of_error: float | None = None
    lag: float | None = None

    @property
    def reading(self) -> str:
        """How landmarks were read off the network's output, in words."""
        return f"{self.decoder} + flip" if self.flip else self.decoder

    def as_json(self) -> dict:
        """Everything that applies, but for the errors face by face, with None for what has no value."""

        def plain(value):
            if isinstance(value, dict):
                return {key: plain(part) for key, part in value.items()}
            return None if isinstance(value, float) and not np.isfinite(value) else value

        values = asdict(self)
        del values["errors"]
        return plain({key: value for key, value in values.items() if value is not None})


def summarize(
    predicted: Float[np.ndarray, "faces points 2"],
    faces: FaceSet,
    *,
    sigma: Float[np.ndarray, "faces points 2"] | None = None,
    points: Sequence[int] | None = None,
    **protocol,
) -> Report:
    """The report of predicted landmarks; NaN marks a face that was not found.

    Args:
        predicted: (B, P, 2) in pixels of each photo.
        faces: the B faces.
        sigma: (B, P, 2) standard deviations in the same pixels; NaN where there is none.
        points: which of the labelled landmarks they are; all by default.
        protocol: `box`, `decoder`, `flip` and `weights` of the report.

    Raises:
        DataError: a face lacks the landmarks, or the box, that errors are divided by.
    """
    points = list(range(len(faces.scheme))) if points is None else list(points)
    distance = normalising_distances(faces)
    target = faces.landmarks()[:, points]
    annotated = np.isfinite(target).all(axis=2)
    empty = np.flatnonzero(~annotated.any(axis=1))
    if empty.size:
        raise DataError(
            f"{faces.samples[empty[0]].source}: none of the {len(points)} landmarks that are measured is "
            "annotated; leave this face out"
        )
    found = np.isfinite(predicted).all(axis=(1, 2))
    errors = np.full(len(faces), np.inf)
    errors[found] = nrmse(predicted[found], target[found], distance[found], annotated[found])
    by_point = np.where(
        annotated[found], point_errors(predicted[found], target[found], distance[found]), np.nan
    )
    return Report(
        dataset=faces.name,
        split=faces.split,
        faces=len(faces),
        missed=int((~found).sum()),
        landmarks=len(points),
        nrmse=_mean(errors[found]),
        nrmse_median=float(np.median(errors[found])) if found.any() else float("nan"),
        auc=auc(errors, THRESHOLD),
        failure_rate=failure_rate(errors, THRESHOLD),
        threshold=THRESHOLD,
        normaliser=normaliser_name(faces.scheme),
        areas={
            area: _mean(by_point[:, [points.index(i) for i in members if i in points]])
            for area, members in faces.scheme.areas.items()
            if not set(members).isdisjoint(points)
        },
        errors=tuple(errors.tolist()),
        clips=count_clips(faces) or None,
        nrmse_offset_removed=_offset_removed(predicted, target, faces),
        nrmse_hidden=_mean_or_none(by_point[_hidden(faces)[found][:, points]]),
        **_steadiness(predicted, target, distance, faces),
        inside_sigma=_inside(predicted - target, sigma),
        **protocol,
    )


def _inside(errors: np.ndarray, sigma: np.ndarray | None) -> float | None:
    """`inside_sigma` of a report; None where there is nothing to count."""
    share = float("nan") if sigma is None else share_inside(errors, sigma)
    return 100 * share if np.isfinite(share) else None


def _mean(values: np.ndarray) -> float:
    """Without NaN; NaN where nothing is left."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _mean_or_none(values: np.ndarray) -> float | None:
    mean = _mean(values)
    return mean if np.isfinite(mean) else None


def _hidden(faces: FaceSet) -> Bool[np.ndarray, "faces landmarks"]:
    """Which landmarks the data set says cannot be seen."""
    nothing = np.zeros(len(faces.scheme), bool)
    return np.stack([
        nothing if sample.visible is None else ~sample.visible for sample in faces.samples
    ])  # fmt: skip


def normaliser_name(scheme: Scheme) -> str:
    """What errors of a scheme are divided by. The published schemes that name two landmarks name the
    outer eye corners.
    """
    if scheme.normaliser == FACE_SIZE:
        return FACE_SIZE
    if SCHEMES.get(scheme.name) == scheme:
        return "interocular"
    first, second = (scheme.points[i] for i in scheme.normaliser)
    return f"distance of {first} and {second}"


def normalising_distances(faces: FaceSet) -> Float[np.ndarray, "faces"]:
    """What the errors of each face are divided by, (B,) in pixels.

    Raises:
        DataError: a face lacks the landmarks, or the box, for that.
    """
    boxes = None
    if faces.scheme.normaliser == FACE_SIZE:
        for sample in faces.samples:
            if sample.box is None:
                raise DataError(
                    f"{sample.source}: errors of {faces.scheme.name} are divided by the size of the "
                    "face, and this one has no annotated box; give its box, or name two landmarks as "
                    "the scheme's normaliser"
                )
        boxes = np.stack([sample.box for sample in faces.samples])
    distances = faces.scheme.normalising_distance(faces.landmarks(), boxes)
    wrong = np.flatnonzero(~(distances > 0))
    if wrong.size:
        raise DataError(
            f"{faces.samples[wrong[0]].source}: errors are divided by {normaliser_name(faces.scheme)}, "
            f"which is {distances[wrong[0]]:g} px in this face; annotate it anew or leave the face out"
        )
    return distances


def _offset_removed(
    predicted: Float[np.ndarray, "faces points 2"],
    target: Float[np.ndarray, "faces points 2"],
    faces: FaceSet,
) -> float | None:
    """`nrmse_offset_removed` of a report; None where it does not apply."""
    other_markup = predicted.shape[1] < len(faces.scheme)
    one_person = len({sample.group for sample in faces.samples}) == 1
    learned = min(OFFSET_FRAMES, len(faces) // 2)
    if not (other_markup and one_person and count_clips(faces) and learned):
        return None
    if faces.scheme.normaliser == FACE_SIZE:  # it has no direction
        return None
    first, second = faces.scheme.normaliser
    landmarks = faces.landmarks()
    axes = landmarks[:, second] - landmarks[:, first]
    return _mean(offset_removed_errors(predicted, target, axes, learned))


def _steadiness(
    predicted: Float[np.ndarray, "faces points 2"],
    target: Float[np.ndarray, "faces points 2"],
    distance: Float[np.ndarray, "faces"],
    faces: FaceSet,
) -> dict[str, float]:
    """What a report says of jitter and lag; nothing where no three frames follow one another."""
    sources = [sample.source for sample in faces.samples]
    if not all(isinstance(source, Frame) for source in sources):
        return {}
    follows = [
        after.frames is before.frames and after.number == before.number + 1
        for before, after in zip(sources, sources[1:], strict=False)
    ]
    if not any(first and second for first, second in zip(follows, follows[1:], strict=False)):
        return {}
    # A frame without landmarks between two clips, so that none is taken for the next of the other.
    cuts = [frame for frame, follow in enumerate(follows, start=1) if not follow]
    found, true, size = (
        np.insert(part, cuts, np.nan, axis=0) for part in (predicted, target, distance)
    )
    return {
        "jitter": jitter(found, size),
        "jitter_of_labels": jitter(true, size),
        "jitter_of_error": error_jitter(found, true, size),
        "lag": lag(found, true),
    }


def as_table(reports: Sequence[Report]) -> str:
    """Reports as a plain text table, one line each."""
    areas = list(reports[0].areas)
    columns: list[tuple[str, Callable[[Report], str]]] = [
        ("split", lambda report: report.split),
        ("faces", lambda report: str(report.faces)),
        ("clips", lambda report: "" if report.clips is None else str(report.clips)),
        ("missed", lambda report: str(report.missed)),
        ("points", lambda report: str(report.landmarks)),
        ("decoder", lambda report: report.reading),
        ("box", lambda report: report.box),
        ("NRMSE %", lambda report: f"{report.nrmse:.2f}"),
        ("offset removed %", lambda report: shown(report.nrmse_offset_removed)),
        ("hidden %", lambda report: shown(report.nrmse_hidden)),
        ("jitter %", lambda report: shown(report.jitter)),
        ("of labels %", lambda report: shown(report.jitter_of_labels)),
        ("of error %", lambda report: shown(report.jitter_of_error)),
        ("lag", lambda report: shown(report.lag)),
        ("AUC", lambda report: f"{report.auc:.3f}"),
        ("failures %", lambda report: f"{report.failure_rate:.1f}"),
        ("in 1 σ %", lambda report: shown(report.inside_sigma)),
        *((area, lambda report, area=area: f"{report.areas[area]:.2f}") for area in areas),
    ]
    columns = [(name, cell) for name, cell in columns if any(map(cell, reports))]
    head = [name for name, _ in columns]
    rows = [[cell(report) for _, cell in columns] for report in reports]
    return laid_out(head, rows)


def laid_out(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain text table: a line of names, one below it, a line for each row."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, ["─" * width for width in widths], *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def shown(value: float | None) -> str:
    """A value in a table; nothing where there is none."""
    return "" if value is None else f"{value:.2f}"
