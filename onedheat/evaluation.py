"""Protocols: a detector, a set of faces, a box, a decoder → one report.

The literature's figures differ as much by the crop as by the network, so a report names its box.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from onedheat.data.samples import FaceSet, Sample
from onedheat.geometry import Box, paper_box, tight_box
from onedheat.metrics import auc, failure_rate, nrmse, point_errors
from onedheat.models import Detector
from onedheat.pipeline import Image, locate

THRESHOLD = 8.0
NORMALISER = "interocular"

BoxRule = Callable[[Sample, Image, FaceSet], Box | None]
"""Gives the box of a sample's face in its photo, or None where no face was found."""


def _tight(sample: Sample, image: Image, faces: FaceSet) -> Box:
    return tight_box(sample.landmarks, 1.25)


def _paper(sample: Sample, image: Image, faces: FaceSet) -> Box:
    return paper_box(sample.landmarks, float(faces.scheme.normalising_distance(sample.landmarks)))


def _annotation(sample: Sample, image: Image, faces: FaceSet) -> Box:
    if sample.box is None:
        raise ValueError(
            f"{faces.name} has no face boxes of its own ({sample.path}); use --box tight, paper or "
            "detector"
        )
    return sample.box


BOX_RULES: dict[str, BoxRule] = {"tight": _tight, "paper": _paper, "annotation": _annotation}


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
        values = {name: value for name, value in asdict(self).items() if name != "errors"}
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()
        }


def evaluate(
    detector: Detector,
    faces: FaceSet,
    *,
    box: str = "tight",
    box_rule: BoxRule | None = None,
    decoder: str = "dark",
    flip: bool = False,
    weights: str = "",
    progress: bool = False,
) -> Report:
    """Measures a detector on annotated faces.

    Args:
        detector: in eval mode.
        faces: what it is measured on.
        box: name of the box rule: ``"tight"`` (`tight_box` 1.25, the default protocol),
            ``"paper"``, ``"annotation"``, or any name when `box_rule` is given.
        box_rule: finds the box of a sample instead, e.g. a face detector.
        decoder: see `onedheat.heatmaps.DECODERS`.
        flip: average with the mirrored face.
        weights: what the report calls the detector.
        progress: show a bar on standard error.

    Raises:
        ValueError: an unknown box, no box in the data, or a detector of another landmark scheme.
    """
    if detector.config.scheme != faces.scheme.name:
        raise ValueError(
            f"these weights find the {detector.config.scheme} landmarks, {faces.name} is annotated "
            f"with {faces.scheme.name}"
        )
    if box_rule is None:
        if box not in BOX_RULES:
            raise ValueError(f"no box {box!r}; there are: {', '.join(BOX_RULES)}, detector")
        box_rule = BOX_RULES[box]
    predicted = np.full((len(faces), detector.config.landmarks, 2), np.nan)
    with tqdm(total=len(faces), unit="face", disable=not progress) as bar:
        for start in range(0, len(faces), 32):
            batch = range(start, min(start + 32, len(faces)))
            images = [faces.samples[i].image() for i in batch]
            boxes = [
                box_rule(faces.samples[i], image, faces)
                for i, image in zip(batch, images, strict=True)
            ]
            found = [k for k, box in enumerate(boxes) if box is not None]
            if found:
                located = locate(
                    detector,
                    [images[k] for k in found],
                    np.stack([boxes[k] for k in found]),
                    decoder=decoder,
                    flip=flip,
                )
                predicted[[start + k for k in found]] = located.landmarks
            bar.update(len(images))
    return summarize(
        predicted, faces, box=box, decoder=decoder, flip=flip, weights=weights
    )


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
