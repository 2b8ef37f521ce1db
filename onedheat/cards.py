"""The tables of a model card: `python -m onedheat.cards WEIGHTS --root 300W [--rows dark flip …]`.

Every figure that a card of shipped weights gives about 300W is printed by this, in Markdown.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import typer
from scipy.stats import spearmanr

from onedheat.calibration import DecoderCalibration, Evidence, share_inside
from onedheat.data import DataError, FaceSet, read
from onedheat.evaluation import DETECTOR, evaluate
from onedheat.pipeline import Landmarker, load
from onedheat.reliability import gather
from onedheat.reports import Report
from onedheat.scripts import in_one_sentence

TEST = "lfpw/testset"


class Look(NamedTuple):
    """A look at a face other than the one of the protocol.

    Attributes:
        box: what is looked at, in words.
        how: settings of the landmarker.
        where: settings of the evaluation.
        also: what the row says behind the decoder.
    """

    box: str
    how: dict[str, Any] = {}
    where: dict[str, Any] = {}
    also: str = ""


TIGHT = "tight, 1.25"
LOOKS = {
    "flip": Look(TIGHT, how={"flip": True}, also=", flip averaged"),
    "jittered": Look("the same, shifted and resized by up to 15 %", where={"box": "jittered"}),
    "redrawn": Look(
        "the same, then a second look around what was found",
        where={"box": "jittered", "redrawn": True},
    ),
    "yunet": Look("YuNet's, second look", {"finder": "yunet"}, {"box": DETECTOR}),
    "cascade": Look("cascade's, second look", {"finder": "cascade"}, {"box": DETECTOR}),
}


def measured(
    weights: str, faces: FaceSet, looks: Sequence[str], *, engine: str = "auto"
) -> Iterator[tuple[str, Report]]:
    """NRMSE and what belongs to it: by each decoder, and by the default one in other looks.

    Args:
        weights: a shipped name or a folder.
        faces: that the network was not trained on.
        looks: some of LOOKS.
        engine: see `onedheat.load`.

    Yields:
        What the row is called, decoder and box, and its report.

    Raises:
        DataError: no such look, or `evaluate` cannot measure it.
    """
    if unknown := set(looks) - set(LOOKS):
        raise DataError(f"no look {', '.join(sorted(unknown))}; there are: {', '.join(LOOKS)}")
    decoders = load(weights, engine=engine).detector.decoders
    for decoder in decoders:
        landmarker = load(weights, decoder=decoder, engine=engine)
        yield f"{decoder} | {TIGHT}", evaluate(landmarker, faces)
    for look in (LOOKS[name] for name in looks):
        landmarker = load(weights, engine=engine, **look.how)
        report = evaluate(landmarker, faces, **look.where)
        yield f"{decoders[0]}{look.also} | {look.box}", report


def as_rows(reports: Iterator[tuple[str, Report]]) -> Iterator[str]:
    """The lines of a Markdown table of them, the heading first."""
    for number, (name, report) in enumerate(reports):
        if number == 0:
            areas = " | ".join(report.areas)
            yield f"| decoder | box | NRMSE | AUC at {report.threshold:g} % | failures | {areas} |"
            yield "|---" * (5 + len(report.areas)) + "|"
        missed = f", {report.missed} missed" if report.missed else ""
        areas = " | ".join(f"{error:.2f}" for error in report.areas.values())
        yield (
            f"| {name}{missed} | {report.nrmse:.2f} | {report.auc:.3f} | "
            f"{report.failure_rate:.1f} % | {areas} |"
        )


def certainty_rows(landmarker: Landmarker, faces: FaceSet) -> Iterator[str]:
    """The lines of a Markdown table of how far σ and confidence hold, before and after calibration.

    Raises:
        DataError: the weights have no calibration.
    """
    own = landmarker.detector.calibration
    if own is None:
        raise DataError("these weights have no calibration.json; `calibrate_folder` makes one")
    yield (
        "| decoder | errors within σ, 2σ, uncalibrated | calibrated | of x, of y | "
        "σ with error (Spearman) | mean confidence | landmarks right |"
    )
    yield "|---" * 7 + "|"
    for decoder, evidence in gather(landmarker, faces, landmarker.detector.decoders).items():
        yield f"| {decoder} | {_certainty(evidence, own.decoders[decoder], own.radius)} |"


def _certainty(evidence: Evidence, calibration: DecoderCalibration, radius: float) -> str:
    known = evidence.annotated
    errors, raw = evidence.errors[known], evidence.sigma[known]
    corrected = calibration.correct(raw)
    shares = [
        [100 * share_inside(errors, sigma, times) for times in (1, 2)] for sigma in (raw, corrected)
    ]
    axes = [100 * share_inside(errors[:, axis], corrected[:, axis]) for axis in (0, 1)]
    told = spearmanr(corrected.ravel(), np.abs(errors).ravel()).statistic
    sure = calibration.confidence(evidence.peak[known]).mean()
    right = 100 * (evidence.relative()[known] <= radius).mean()
    before, after, by_axis = (
        f"{one:.1f}, {two:.1f} %" for one, two in (shares[0], shares[1], axes)
    )
    return f"{before} | {after} | {by_axis} | {told:.2f} | {sure:.2f} | {right:.0f} %"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m onedheat.cards", description=__doc__)
    parser.add_argument("weights", help="a shipped name, or a folder")
    parser.add_argument("--root", required=True, help="where 300W lies")
    parser.add_argument("--split", default=TEST)
    parser.add_argument("--looks", nargs="*", choices=list(LOOKS), default=list(LOOKS))
    parser.add_argument("--engine", default="auto", help="auto, torch or onnx")
    given = parser.parse_args(arguments)
    with in_one_sentence(parser):
        faces = read("300w", given.root, given.split)
        for line in as_rows(measured(given.weights, faces, given.looks, engine=given.engine)):
            typer.echo(line)
        typer.echo()
        for line in certainty_rows(load(given.weights, engine=given.engine), faces):
            typer.echo(line)


if __name__ == "__main__":
    main()
