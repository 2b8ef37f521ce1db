"""Protocols: a landmarker, a set of faces, a box → one report.

The literature's figures differ as much by the crop as by the network, so a report names its box.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from onedheat.data import DataError, FaceSet, Sample
from onedheat.geometry import Box, box_overlap, paper_box, tight_box
from onedheat.metrics import auc, failure_rate, nrmse, point_errors
from onedheat.pipeline import Landmarker, locate

THRESHOLD = 8.0
NORMALISER = "interocular"
MIN_OVERLAP = 0.4  # of a found face with the labelled one, to be the same face


def _tight(sample: Sample, faces: FaceSet) -> Box:
    return tight_box(sample.landmarks, 1.25)


def _paper(sample: Sample, faces: FaceSet) -> Box:
    return paper_box(sample.landmarks, float(faces.scheme.normalising_distance(sample.landmarks)))


def _annotation(sample: Sample, faces: FaceSet) -> Box:
    if sample.box is None:
        raise DataError(
            f"{faces.name} has no face boxes of its own ({sample.source}); use the box tight, paper or "
            "detector"
        )
    return sample.box


BOX_RULES: dict[str, Callable[[Sample, FaceSet], Box]] = {
    "tight": _tight,
    "paper": _paper,
    "annotation": _annotation,
}
DETECTOR = "detector"


@dataclass(frozen=True)
class Report:
    """What was measured and how. `nrmse` and `areas` are in per cent of the normaliser.

    A face that no detector found has no error; it counts as a failure and in the AUC, is left out of
    `nrmse` and of `areas`, and is counted in `missed`.
    """

    dataset: str
    split: str
    faces: int
    missed: int
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

    def as_json(self) -> dict:
        """Everything but the errors face by face, with None for what has no value."""

        def plain(value):
            if isinstance(value, dict):
                return {key: plain(part) for key, part in value.items() if key != "errors"}
            return None if isinstance(value, float) and not np.isfinite(value) else value

        return plain(asdict(self))


def evaluate(
    landmarker: Landmarker,
    faces: FaceSet,
    *,
    box: str = "tight",
    weights: str = "",
    progress: bool = False,
) -> Report:
    """Measures a landmarker on annotated faces.

    Args:
        landmarker: the network with its decoder, mirrored or not.
        faces: what it is measured on.
        box: ``"tight"`` (`tight_box` 1.25, the default protocol), ``"paper"``, ``"annotation"``: one
            look at the box made from the labels; ``"detector"``: the landmarker finds the face by
            itself, and one that overlaps the label's box by less than 0.4 is a miss.
        weights: what the report calls the landmarker.
        progress: show a bar on standard error.

    Raises:
        DataError: an unknown box, or no box in the data.
        ValueError: a network of another landmark scheme.
    """
    if landmarker.detector.config.scheme != faces.scheme.name:
        raise DataError(
            f"these weights find the {landmarker.detector.config.scheme} landmarks, {faces.name} is "
            f"annotated with {faces.scheme.name}"
        )
    if box not in {*BOX_RULES, DETECTOR}:
        raise DataError(f"no box {box!r}; there are: {', '.join([*BOX_RULES, DETECTOR])}")
    predicted = []
    with tqdm(total=len(faces), unit="face", disable=not progress) as bar:
        for start in range(0, len(faces), 32):
            samples = faces.samples[start : start + 32]
            if box == DETECTOR:
                predicted += [_find(landmarker, sample) for sample in samples]
            else:
                predicted.extend(
                    _look(landmarker, samples, [BOX_RULES[box](s, faces) for s in samples])
                )
            bar.update(len(samples))
    return summarize(
        np.stack(predicted),
        faces,
        box=box,
        decoder=landmarker.decoder,
        flip=landmarker.flip,
        weights=weights,
    )


def _look(
    landmarker: Landmarker, samples: Sequence[Sample], boxes: Sequence[Box]
) -> Float[np.ndarray, "faces landmarks 2"]:
    """One look at each box, all in one batch."""
    return locate(
        landmarker.detector,
        [sample.image() for sample in samples],
        np.stack(boxes),
        decoder=landmarker.decoder,
        flip=landmarker.flip,
    ).landmarks


def _find(landmarker: Landmarker, sample: Sample) -> Float[np.ndarray, "landmarks 2"]:
    """The found face that overlaps the labelled one most; NaN if none does enough."""
    labelled = tight_box(sample.landmarks, 1.25)
    found = landmarker(sample.image())
    best = max(found, key=lambda face: box_overlap(face.box, labelled), default=None)
    if best is None or box_overlap(best.box, labelled) < MIN_OVERLAP:
        return np.full_like(sample.landmarks, np.nan)
    return best.landmarks


def summarize(
    predicted: Float[np.ndarray, "faces landmarks 2"], faces: FaceSet, **protocol
) -> Report:
    """The report of predicted landmarks; NaN marks a face that was not found."""
    target = faces.landmarks()
    distance = faces.scheme.normalising_distance(target)
    found = np.isfinite(predicted).all(axis=(1, 2))
    errors = np.full(len(faces), np.inf)
    errors[found] = nrmse(predicted[found], target[found], distance[found])
    by_point = point_errors(predicted[found], target[found], distance[found])
    return Report(
        dataset=faces.name,
        split=faces.split,
        faces=len(faces),
        missed=int((~found).sum()),
        nrmse=float(errors[found].mean()) if found.any() else float("nan"),
        nrmse_median=float(np.median(errors[found])) if found.any() else float("nan"),
        auc=auc(errors, THRESHOLD),
        failure_rate=failure_rate(errors, THRESHOLD),
        threshold=THRESHOLD,
        normaliser=NORMALISER,
        areas={
            area: float(by_point[:, list(points)].mean()) if found.any() else float("nan")
            for area, points in faces.scheme.areas.items()
        },
        errors=tuple(errors.tolist()),
        **protocol,
    )


def as_table(reports: Sequence[Report]) -> str:
    """Reports as a plain text table, one line each."""
    areas = list(reports[0].areas)
    head = ["split", "faces", "missed", "decoder", "box", "NRMSE %", "AUC", "failures %", *areas]
    rows = [
        [
            report.split,
            str(report.faces),
            str(report.missed),
            report.decoder + (" + flip" if report.flip else ""),
            report.box,
            f"{report.nrmse:.2f}",
            f"{report.auc:.3f}",
            f"{report.failure_rate:.1f}",
            *(f"{report.areas[area]:.2f}" for area in areas),
        ]
        for report in reports
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, ["─" * width for width in widths], *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)
