"""Commands that measure."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm import tqdm

from onedheat.cli.asked import paired_with_folders
from onedheat.cli.options import Decoder, EngineName, FaceDetector, Flip, Json, Weights
from onedheat.cli.speaking import give


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
    decoder: Decoder = "dark",
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
            "paper's box anew. 0 looks at every frame by itself.",
        ),
    ] = 0,
    face_detector: FaceDetector = "auto",
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
    from onedheat.evaluation import evaluate as measure
    from onedheat.evaluation import evaluate_clips
    from onedheat.pipeline import load
    from onedheat.reports import as_table

    ((chosen, folder),) = paired_with_folders([dataset], [root] if root else [])
    landmarker = load(weights, decoder=decoder, flip=flip, finder=face_detector, engine=engine)
    split = split or chosen.test_split
    if follow:
        clips = chosen.clips(folder, split)
        how = {"follow": True, "two_pass": follow == 2}
        report = evaluate_clips(landmarker, clips, **how, weights=weights, progress=True)
    else:
        faces = chosen.read(folder, split)
        how = {"box": box, "redrawn": redrawn}
        report = measure(landmarker, faces, **how, weights=weights, progress=True)
    give(report.as_json(), as_table([report]), json_to)


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(help="Networks whose speed is measured: tiny, small, paper, 1d@64, 2d@64 …"),
    ] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Count memory only, which takes a minute.")
    ] = False,
    json_to: Json = None,
):
    """Measure speed and memory of this machine, 1D against 2D. Let nothing else run meanwhile."""
    from onedheat.bench import report
    from onedheat.presets import PRESETS

    paper = PRESETS["paper"].detector
    networks = {name: PRESETS[name].detector for name in ("tiny", "small", "paper")}
    networks |= report.rivals(paper)
    if unknown := [name for name in only or () if name not in networks]:
        raise typer.BadParameter(f"no network {unknown[0]!r}; there are: {', '.join(networks)}")
    with tqdm(disable=None, bar_format="{desc} [{elapsed}]") as bar:
        if memory:
            values = report.memory(paper, bar.set_description_str)
        else:
            chosen = {name: networks[name] for name in only or networks}
            values = report.measure(chosen, paper, bar.set_description_str)
    values.setdefault("machine", report.machine())
    give(values, report.as_text(values), json_to)
