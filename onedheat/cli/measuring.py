"""Commands that measure."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm import tqdm

from onedheat.cli.asked import paired_with_folders
from onedheat.cli.options import (
    Decoder,
    EngineName,
    FaceDetector,
    Flip,
    Json,
    MinPeak,
    Weights,
    are_one_file,
    png_to_be_written,
)
from onedheat.cli.speaking import give, options_refused, write_picture


def evaluate(
    dataset: Annotated[str, typer.Option(help="A data set's name, or your own folder.")],
    root: Annotated[
        Path | None, typer.Option(help="The folder of a named data set; your own takes none.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Which part, e.g. common, lfpw/testset or train; by default a test split."
        ),
    ] = None,
    weights: Weights = "tiny68",
    decoder: Decoder = None,
    flip: Flip = False,
    box: Annotated[
        Literal["tight", "paper", "annotation", "jittered", "detector"],
        typer.Option(help="Which box the network sees; tight is the protocol."),
    ] = "tight",
    redrawn: Annotated[
        bool, typer.Option("--redrawn", help="Look again, at the box around what was found.")
    ] = False,
    follow: Annotated[
        int,
        typer.Option(
            min=0,
            max=2,
            help="Videos: follow each face from its first frame, in so many passes a frame; 2 draw the "
            "paper's box anew. 0 looks at every frame by itself. Photos move as before a camera.",
        ),
    ] = 0,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="With --follow: the detector frame by frame, filters at equal lag and optical flow too.",
        ),
    ] = False,
    frames: Annotated[
        int | None,
        typer.Option(
            min=3,
            help="With --follow: of each clip that is made, from a photo or drawn; by default 90.",
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="With --beside: one landmark's error over time.",
            callback=png_to_be_written,
        ),
    ] = None,
    face_detector: FaceDetector = "auto",
    min_peak: MinPeak = None,
    engine: EngineName = "auto",
    json_to: Json = None,
):
    """Measure a detector or a tracker: NRMSE, AUC, failure rate, NRMSE by facial area; of video jitter
    and lag.
    """
    if follow and (redrawn or box != "tight"):
        raise typer.BadParameter(
            "--follow draws its boxes by itself; leave --box and --redrawn out"
        )
    if redrawn and box == "detector":
        raise typer.BadParameter(
            "--box detector looks at each face twice already; leave --redrawn out"
        )
    if (face_detector != "auto" or min_peak is not None) and box != "detector":
        raise typer.BadParameter("--face-detector and --min-peak need --box detector")
    if (beside and not follow) or (figure and not beside):
        raise typer.BadParameter("--beside needs --follow 1 or 2, and --figure needs --beside")
    if frames is not None and not follow:
        raise typer.BadParameter("--frames needs --follow 1 or 2: photos by themselves have none")
    if figure and json_to and json_to != "-" and are_one_file(figure, json_to):
        raise typer.BadParameter(f"--figure {figure} is what --json writes; give another name")
    from onedheat.evaluation import evaluate as measure
    from onedheat.evaluation import evaluate_clips
    from onedheat.pipeline import load
    from onedheat.reports import as_table

    ((chosen, folder),) = paired_with_folders([dataset], [root] if root else [])
    read_by = {"decoder": decoder, "flip": flip, "engine": engine, "min_peak": min_peak}
    with options_refused():
        landmarker = load(weights, finder=face_detector, **read_by)
    split = split or chosen.test_split
    if follow:
        clips = chosen.watched(folder, split, frames or 90)
        how = {"two_pass": follow == 2, "weights": weights, "progress": True}
        if beside:
            _give_beside(landmarker, clips, how, figure, json_to)
            return
        with options_refused():
            report = evaluate_clips(landmarker, clips, follow=True, **how)
    else:
        faces = chosen.read(folder, split)
        how = {"box": box, "redrawn": redrawn}
        with options_refused():
            report = measure(landmarker, faces, **how, weights=weights, progress=True)
    values = report.as_json()
    official = None if follow else chosen.official_faces(split)
    if official and report.faces < official:
        values["official_faces"] = official
        typer.echo(
            f"{split} of {chosen.name} has {official} faces, and {report.faces} are here: do not hold this "
            f"against published figures (`onedheat data check {chosen.name} {folder}` says what is missing)",
            err=True,
        )
    if report.missed and not chosen.made:
        typer.echo(
            f"{report.missed} of {report.faces} faces were missed; `onedheat detect PHOTO` shows what it "
            "takes for faces, and says why where it finds none",
            err=True,
        )
    give(values, f"{as_table([report])}\n\nerrors in per cent of: {report.normaliser}", json_to)


def _give_beside(landmarker, clips, how: dict, figure: Path | None, json_to: str | None) -> None:
    """A landmarker beside what needs no training, as a table or JSON, and as a figure."""
    from onedheat.steadying import compare

    with options_refused():
        comparison = compare(landmarker, clips, **how)
    give(comparison.as_json(), comparison.as_text(), json_to)
    if figure is not None:
        from onedheat.plots.steadying import errors_over_time

        drawn = errors_over_time(comparison)
        write_picture(figure, drawn.png())
        typer.echo(f"{figure}: {drawn.alt}", err=True)


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(help="Networks whose speed is measured: tiny, small, paper, 1d@64, 2d@64 …"),
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Count memory only, which takes a minute or two.")
    ] = False,
    json_to: Json = None,
):
    """Measure speed and memory of this machine, 1D against 2D. Let nothing else run meanwhile; with
    --only tiny it takes about a minute on two cores.
    """
    from onedheat.bench import report
    from onedheat.presets import PRESETS

    paper = PRESETS["paper"].detector
    presets = {name: PRESETS[name].detector for name in ("tiny", "small", "paper")}
    networks = presets | report.rivals(paper)
    if unknown := [name for name in only or () if name not in networks]:
        raise typer.BadParameter(f"no network {unknown[0]!r}; there are: {', '.join(networks)}")
    with tqdm(disable=None, bar_format="{desc} [{elapsed}]") as bar:
        # Where there is no terminal to draw a bar on, each part is a line.
        say = bar.set_description_str if not bar.disable else partial(typer.echo, err=True)
        if memory:
            values = report.memory(paper, say)
        else:
            chosen = {name: networks[name] for name in only or networks}
            trained = {name: config for name, config in chosen.items() if name in presets}
            tracker = PRESETS["tiny-tracker"].detector
            values = report.measure(chosen, trained, paper, tracker, say)
    values.setdefault("machine", report.machine())
    give(values, report.as_text(values), json_to)
