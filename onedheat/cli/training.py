"""Commands that train."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from onedheat.cli.asked import looks_at_clips, preset_named, training_set
from onedheat.cli.options import Datasets, Json, Roots, Settings, Splits, StartFrom, Store
from onedheat.cli.speaking import give, options_refused, told, write_picture


def train(
    preset: Annotated[str, typer.Option(help="Which network and recipe.")],
    dataset: Datasets,
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    root: Roots = None,
    split: Splits = None,
    start_from: StartFrom = None,
    store: Store = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    tensorboard: Annotated[
        bool, typer.Option(help="Write for TensorBoard too, into RUN/tensorboard.")
    ] = True,
    settings: Settings = None,
):
    """Train a detector. Ctrl-C saves first; --resume goes on from there.

    Several GPUs or machines: accelerate launch -m onedheat train … on each.
    """
    chosen = preset_named(preset, settings)
    with told(logging.getLogger("onedheat.data")):
        faces = training_set(chosen, dataset, root, split, store)
    from onedheat.checkpoints import load_detector
    from onedheat.training import Run  # takes seconds to import: not before the options are right

    start = load_detector(start_from) if start_from else None
    with told(logging.getLogger("onedheat.training")), told(logging.getLogger("onedheat.data")):
        fitting = chosen.for_scheme(faces.scheme)
        with options_refused():
            how = {"start": start, "resume": resume, "tensorboard": tensorboard}
            run = Run(fitting, faces, out, **how)
        if run.is_main:
            typer.echo(run.about(), err=True)
        report = run.train()
    if report is None:
        typer.echo(f"stopped at step {run.step}; --resume goes on from there", err=True)
        raise typer.Exit(130)
    if run.is_main:
        typer.echo(
            f"validation NRMSE {report.nrmse:.2f} % on {report.faces} faces; weights: {out / 'last'}"
        )


def crossval(
    preset: Annotated[str, typer.Option(help="Which network and recipe.")],
    dataset: Datasets,
    out: Annotated[
        Path, typer.Option(help="The search's folder, which all workers share, over NFS too.")
    ],
    root: Roots = None,
    split: Splits = None,
    start_from: StartFrom = None,
    store: Store = None,
    settings: Settings = None,
    search: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="The setting to choose: any that is a number; by default gamma, of trackers decay.",
        ),
    ] = None,
    values: Annotated[
        str, typer.Option(help="Its values, separated by commas.")
    ] = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0",
    folds: Annotated[
        int, typer.Option(help="Parts of the training photos, or clips, each held out once.")
    ] = 10,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train at once; GPUs are dealt in turn.")
    ] = 1,
    json_to: Json = None,
):
    """Choose γ, a tracker's λ, or any setting by k folds of the training photos, as the paper does.

    The same command goes on where it was stopped or killed, and works along where it is started twice,
    on other machines too: each fold is trained once. OUT/folds.csv has every fold, OUT/KEY.png the plot;
    of clips OUT/KEY-hidden.png and OUT/KEY-jitter.png are beside it.
    """
    chosen = preset_named(preset, settings)
    with told(logging.getLogger("onedheat.data")):
        faces = training_set(chosen, dataset, root, split, store)
    from onedheat.checkpoints import load_detector
    from onedheat.crossval.search import Search  # takes seconds to import, as training does
    from onedheat.crossval.work import run

    setting = search or ("decay" if looks_at_clips(chosen) else "gamma")
    start = load_detector(start_from) if start_from else None
    fitting = chosen.for_scheme(faces.scheme)
    with options_refused():
        asked = Search.of(fitting, faces, setting, values.split(","), folds, start)
    results = run(asked, out, workers=workers)
    if results.best is not None:
        _draw_search(results, out)
        typer.echo(f"every fold: {out / 'folds.csv'}", err=True)
    give(results.as_json(), results.as_text(), json_to)
    if not results.complete:
        typer.echo(
            f"stopped after {results.done} of {len(results.states)} folds; the same command goes on",
            err=True,
        )
        raise typer.Exit(130)
    raise typer.Exit(1 if results.best is None else 0)


def _draw_search(results, out: Path) -> None:
    """The plot of NRMSE, and of what else values are compared by."""
    from onedheat.plots.search import search_curve

    for measure, ending in (("nrmse", ""), ("nrmse_hidden", "-hidden"), ("jitter", "-jitter")):
        view = results.by(measure)
        if view.best is None:
            continue
        picture = out / f"{results.setting}{ending}.png"
        write_picture(picture, search_curve(view).png())
        typer.echo(f"plot: {picture}", err=True)
