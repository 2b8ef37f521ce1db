"""The command line: `onedheat …`. Each command reads its options, calls the package, shows the result.

Results go to standard output, progress and errors to standard error. An error that a person can mend
ends in one sentence and exit code 1, a wrong option in exit code 2.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from tqdm import tqdm
from typer.core import TyperGroup


class _Commands(TyperGroup):
    """Turns the package's own errors into one sentence instead of a traceback."""

    def invoke(self, ctx):
        from onedheat.checkpoints import CheckpointError
        from onedheat.crossval.errors import SearchError
        from onedheat.data.errors import DataError
        from onedheat.data.images import ImageError
        from onedheat.data.pts import PtsError
        from onedheat.engines import EngineError
        from onedheat.faces import FinderError
        from onedheat.video import VideoError

        try:
            with _told(logging.getLogger("onedheat.engines")):
                return super().invoke(ctx)
        except (
            CheckpointError,
            DataError,
            EngineError,
            FinderError,
            ImageError,
            PtsError,
            SearchError,
            VideoError,
            FloatingPointError,
        ) as error:
            typer.echo(f"onedheat: {error}", err=True)
            raise typer.Exit(1) from None


class _Echo(logging.Handler):
    """Log messages as sentences on standard error, above a progress bar if there is one."""

    def emit(self, record):
        tqdm.write(f"onedheat: {record.getMessage()}", file=sys.stderr)


@contextmanager
def _told(logger: logging.Logger) -> Iterator[None]:
    """What a logger says is told to the person who waits."""
    echo, level = _Echo(), logger.level
    logger.addHandler(echo)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(echo)
        logger.setLevel(level)


_OPTIONS = {"no_args_is_help": True, "pretty_exceptions_enable": False, "add_completion": False}
app = typer.Typer(cls=_Commands, help="Facial landmarks by one-dimensional heatmaps.", **_OPTIONS)
data = typer.Typer(help="Look after data sets.", **_OPTIONS)
app.add_typer(data, name="data")

Json = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the result as JSON; - is standard output."),
]
Weights = Annotated[
    str, typer.Option(help="A shipped name, a checkpoint's folder, or a hub id user/repository.")
]
Decoder = Annotated[
    Literal["dark", "centroid", "argmax"],
    typer.Option(help="How a coordinate is read off a vector."),
]
Flip = Annotated[bool, typer.Option("--flip", help="Average with the mirrored face.")]
EngineName = Annotated[
    Literal["auto", "torch", "onnx"],
    typer.Option(help="What runs the network; auto is the fastest that can be had."),
]
FaceDetector = Annotated[
    Literal["auto", "yunet", "cascade"],
    typer.Option(help="What looks for faces; auto is yunet where its model can be had."),
]


Datasets = Annotated[
    list[str],
    typer.Option(help="A data set's name, or your own folder. Several are trained on together."),
]
Roots = Annotated[
    list[Path] | None,
    typer.Option(
        help="The folder of a named data set; one for each of these, in their order. Your own "
        "folders and synthetic take none."
    ),
]
Splits = Annotated[
    list[str] | None,
    typer.Option(help="Part to train on: one for all data sets, or one for each, in order."),
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting.")
]


@app.command()
def detect(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO…", help="Image files, or folders.")
    ],
    weights: Weights = "tiny68",
    face_detector: FaceDetector = "auto",
    decoder: Decoder = "dark",
    flip: Flip = False,
    engine: EngineName = "auto",
    json_to: Json = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for annotated pictures.")
    ] = None,
):
    """Find the landmarks of every face. Exit 1 if a file failed; the others are done all the same."""
    from onedheat.detection import as_json, detect_files, photos_in
    from onedheat.faces import Cascade
    from onedheat.files import write_atomically
    from onedheat.pipeline import load

    if json_to not in (None, "-") and (Path(json_to).is_dir() or not Path(json_to).parent.is_dir()):
        raise typer.BadParameter(f"--json {json_to}: give a file in a folder that exists")
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"--out {out} cannot be a folder: {error.strerror}") from None
    landmarker = load(weights, decoder=decoder, flip=flip, finder=face_detector, engine=engine)
    if isinstance(landmarker.finder, Cascade) and face_detector == "auto":
        typer.echo(
            "YuNet could not be fetched; the cascade looks for faces and finds fewer", err=True
        )
    files = photos_in(photos, leave_out=out)
    results, quiet = [], json_to is not None or out is not None
    progress = tqdm(files, unit="photo", disable=None if quiet and len(files) > 1 else True)
    try:
        for result in detect_files(landmarker, files, out=out):
            results.append(result)
            progress.update()
            if result.error or not quiet:
                progress.write(result.as_text(), file=sys.stderr if result.error else sys.stdout)
    except KeyboardInterrupt:
        typer.echo(f"stopped after {len(results)} of {len(files)} files; these are kept", err=True)
    progress.close()
    if json_to == "-":
        sys.stdout.write(as_json(results))
    elif json_to:
        write_atomically(Path(json_to), as_json(results).encode())
    if len(results) < len(files):
        raise typer.Exit(130)
    raise typer.Exit(1 if any(result.error for result in results) else 0)


@app.command()
def track(
    video: Annotated[
        str, typer.Argument(metavar="VIDEO", help="A video file, or the number of a camera.")
    ],
    weights: Weights = "tiny68",
    face_detector: FaceDetector = "auto",
    decoder: Decoder = "dark",
    engine: EngineName = "auto",
    two_pass: Annotated[
        bool,
        typer.Option("--two-pass", help="Draw the box anew in each frame, the paper's protocol."),
    ] = False,
    csv_to: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Landmarks of every frame.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.mp4", help="Annotated video; .webm where H.264 is not there."),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for jitter.png and speed.png.")
    ] = None,
):
    """Follow the faces of a video. Ctrl-C, or a fault in the video, keeps what was done until then."""
    from onedheat.pipeline import load
    from onedheat.tracks import TrackTable, track_video
    from onedheat.video_writing import open_video

    given = {"--csv": csv_to, "--out": out}
    for option, path in given.items():
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise typer.BadParameter(f"{option} {path}: give a file in a folder that exists")
    frames, count, fps = _footage(video)
    landmarker = load(weights, decoder=decoder, finder=face_detector, engine=engine)
    try:
        tracker = landmarker.tracker(two_pass=two_pass, patience=max(1, round(fps)))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    drawn = open_video(out, fps) if out else None
    for option, path in given.items():
        path = drawn.path if option == "--out" and drawn else path
        if path is not None and path.exists() and Path(video).exists() and path.samefile(video):
            raise typer.BadParameter(f"{option} {path} is the video itself; give another name")
    count_of = len(landmarker.scheme)
    table = TrackTable(csv_to, count_of, tracker.follower.passes) if csv_to else None
    if drawn and drawn.path != out:
        typer.echo(f"no H.264 here (pip install 'onedheat[video]'): writing {drawn.path}", err=True)
    with tqdm(total=count, unit="frame", disable=None) as bar:
        report = track_video(tracker, frames, table=table, video=drawn, progress=bar.update)
    if report.fault and not report.frames:
        typer.echo(f"onedheat: {report.fault}", err=True)
        raise typer.Exit(1)
    typer.echo(report.as_text())
    for path in (csv_to, drawn and drawn.path):
        if path:
            typer.echo(f"written: {path}")
    if figures is not None:
        _draw_tracking(report, figures)
    if report.fault:
        typer.echo(f"onedheat: {report.fault}", err=True)
        typer.echo(f"the {report.frames} frames before that are kept", err=True)
        raise typer.Exit(1)
    if report.stopped:
        typer.echo(f"stopped after {report.frames} frames; these are kept", err=True)
        raise typer.Exit(130)


def _footage(video: str) -> tuple:
    """Frames with their seconds, how many there are (None of a camera), and frames a second."""
    from onedheat.cameras import read_camera
    from onedheat.video import frame_times, read_timed_video

    if video.isdecimal() and not Path(video).exists():
        return read_camera(int(video)), None, 30.0
    frames = read_timed_video(video)
    times = frame_times(Path(video))
    lasting = (times[-1] - times[0]) / 1000 if len(times) > 1 else 0.0
    fps = (len(times) - 1) / lasting if lasting > 0 else 30.0
    return frames, len(times), min(max(fps, 1.0), 240.0)


def _draw_tracking(report, folder: Path) -> None:
    """The figures of a video, and their alt text."""
    from onedheat.plots.tracks import jitter_over_time, time_of_frames

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"--figures {folder} cannot be a folder: {error}") from None
    faces, stages = report.jitter.faces, report.speed.stages
    jitter = jitter_over_time(
        {face: means.by_second() for face, means in faces.items()},
        {face: means.mean for face, means in faces.items()},
        report.method,
    )
    speed = time_of_frames(
        {name: means.by_second() for name, means in stages.items()},
        {name: means.mean for name, means in stages.items()},
        report.method,
    )
    for name, figure in (("jitter", jitter), ("speed", speed)):
        _write_picture(folder / f"{name}.png", figure.png())
        typer.echo(f"{folder / name}.png: {figure.alt}")


@app.command()
def train(
    preset: Annotated[str, typer.Option(help="Which network and recipe.")],
    dataset: Datasets,
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    root: Roots = None,
    split: Splits = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHTS",
            help="Start from these weights: a shipped name, a folder, or a hub id with the same trunk.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Trackers: keep the frames of moving photos here, made once."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    tensorboard: Annotated[
        bool, typer.Option(help="Write for TensorBoard too, into RUN/tensorboard.")
    ] = True,
    settings: Settings = None,
):
    """Train a detector. Ctrl-C saves first; --resume goes on from there.

    Several GPUs or machines: accelerate launch -m onedheat.cli train … on each.
    """
    from onedheat.data.errors import DataError

    chosen = _preset(preset, settings)
    from onedheat.models import KINDS, ClipNetwork

    if issubclass(KINDS[chosen.detector.kind], ClipNetwork):
        faces = _training_clips(dataset, root, split, chosen.train.frames)
        if store is not None:
            from onedheat.data.clip_store import stored

            faces = stored(faces, store, workers=os.cpu_count() or 1, progress=True)
    else:
        faces = _training_faces(dataset, root, split)
    from onedheat.checkpoints import load_detector
    from onedheat.training import Run  # takes seconds to import: not before the options are right

    start = load_detector(start_from) if start_from else None
    with _told(logging.getLogger("onedheat.training")), _told(logging.getLogger("onedheat.data")):
        fitting = chosen.for_scheme(faces.scheme)
        try:
            how = {"start": start, "resume": resume, "tensorboard": tensorboard}
            run = Run(fitting, faces, out, **how)
        except DataError:
            raise
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
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


@app.command()
def crossval(
    preset: Annotated[str, typer.Option(help="Which network and recipe.")],
    dataset: Datasets,
    out: Annotated[
        Path, typer.Option(help="The search's folder, which all workers share, over NFS too.")
    ],
    root: Roots = None,
    split: Splits = None,
    settings: Settings = None,
    search: Annotated[
        str, typer.Option(metavar="KEY", help="The setting to choose: any that is a number.")
    ] = "gamma",
    values: Annotated[
        str, typer.Option(help="Its values, separated by commas.")
    ] = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0",
    folds: Annotated[
        int, typer.Option(help="Parts of the training photos, each held out once.")
    ] = 10,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that train at once; GPUs are dealt in turn.")
    ] = 1,
    json_to: Json = None,
):
    """Choose γ (or any setting) by k folds of the training photos, as the paper does.

    The same command goes on where it was stopped or killed, and works along where it is started twice,
    on other machines too: each fold is trained once. OUT/folds.csv has every fold, OUT/KEY.png the plot.
    """
    from onedheat.data.errors import DataError

    chosen = _preset(preset, settings)
    faces = _training_faces(dataset, root, split)
    from onedheat.crossval.search import Search  # takes seconds to import, as training does
    from onedheat.crossval.work import run
    from onedheat.plots.search import search_curve

    try:
        asked = Search.of(chosen.for_scheme(faces.scheme), faces, search, values.split(","), folds)
    except DataError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    results = run(asked, out, workers=workers)
    if results.best is not None:
        picture = out / f"{search}.png"
        _write_picture(picture, search_curve(results).png())
        typer.echo(f"plot: {picture}; every fold: {out / 'folds.csv'}", err=True)
    _give(results.as_json(), results.as_text(), json_to)
    if not results.complete:
        typer.echo(
            f"stopped after {results.done} of {len(results.states)} folds; the same command goes on",
            err=True,
        )
        raise typer.Exit(130)
    raise typer.Exit(1 if results.best is None else 0)


@app.command()
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
        int,
        typer.Option(
            min=3, help="With --follow: of each clip that is made, from a photo or drawn."
        ),
    ] = 90,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="With --beside: one landmark's error over time."),
    ] = None,
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
    if (beside and not follow) or (figure and not beside):
        raise typer.BadParameter("--beside needs --follow 1 or 2, and --figure needs --beside")
    from onedheat.evaluation import evaluate as measure
    from onedheat.evaluation import evaluate_clips
    from onedheat.pipeline import load
    from onedheat.reports import as_table

    ((chosen, folder),) = _paired([dataset], [root] if root else [])
    landmarker = load(weights, decoder=decoder, flip=flip, finder=face_detector, engine=engine)
    split = split or chosen.test_split
    if follow:
        clips = chosen.watched(folder, split, frames)
        how = {"two_pass": follow == 2, "weights": weights, "progress": True}
        if beside:
            _give_beside(landmarker, clips, how, figure, json_to)
            return
        report = evaluate_clips(landmarker, clips, follow=True, **how)
    else:
        faces = chosen.read(folder, split)
        how = {"box": box, "redrawn": redrawn}
        report = measure(landmarker, faces, **how, weights=weights, progress=True)
    _give(report.as_json(), as_table([report]), json_to)


def _give_beside(landmarker, clips, how: dict, figure: Path | None, json_to: str | None) -> None:
    """A landmarker beside what needs no training, as a table or JSON, and as a figure."""
    from onedheat.data.errors import DataError
    from onedheat.steadying import compare

    try:
        comparison = compare(landmarker, clips, **how)
    except DataError:
        raise
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if figure is not None:
        from onedheat.plots.steadying import errors_over_time

        drawn = errors_over_time(comparison)
        _write_picture(figure, drawn.png())
        typer.echo(f"{figure}: {drawn.alt}", err=True)
    _give(comparison.as_json(), comparison.as_text(), json_to)


@app.command()
def export(
    weights: Weights = "tiny68",
    out: Annotated[
        Path, typer.Option(metavar="FILE.onnx", help="The file, which can be used alone.")
    ] = Path("model.onnx"),
):
    """Write a network as an ONNX file, after checking that it gives what PyTorch gives."""
    from onedheat.checkpoints import load_detector
    from onedheat.engines.export import export as write

    if out.suffix != ".onnx" or not out.parent.is_dir():
        raise typer.BadParameter(f"--out {out}: give a file ….onnx in a folder that exists")
    difference = write(load_detector(weights), out)
    size = out.stat().st_size / 1e6
    typer.echo(
        f"{out}: {size:.1f} MB; differs from PyTorch by {difference:.1g} of its peaks at most"
    )


@app.command()
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
            tracker = PRESETS["tiny-tracker"].detector
            values = report.measure(chosen, paper, tracker, bar.set_description_str)
    values.setdefault("machine", report.machine())
    _give(values, report.as_text(values), json_to)


Named = Annotated[
    str, typer.Argument(metavar="DATASET", help="A data set's name, or your own folder.")
]
Folder = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="Where a named data set lies.")
]


@data.command("check")
def data_check(dataset: Named, folder: Folder = None, json_to: Json = None):
    """Say everything that is wrong with a data set's folder; exit 1 if it cannot be used."""
    ((chosen, root),) = _paired([dataset], [folder] if folder else [])
    report = chosen.check(root, progress=True)
    _give(report.as_json(), report.as_text(), json_to)
    raise typer.Exit(0 if report.usable else 1)


@data.command("show")
def data_show(
    dataset: Named,
    folder: Folder = None,
    split: Annotated[str | None, typer.Option(help="By default the training split.")] = None,
    count: Annotated[int, typer.Option(min=1, max=200, help="How many faces.")] = 24,
    seed: Annotated[int, typer.Option(help="Another seed, other faces.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE.png", help="The picture.")] = Path("sheet.png"),
):
    """Draw a sheet of annotated faces, chosen at random, to be looked at."""
    from onedheat.plots.sheets import Cutout, face_sheet

    ((chosen, root),) = _paired([dataset], [folder] if folder else [])
    faces = chosen.drawn(root, split, count, seed)
    cutouts = [Cutout.of(sample) for sample in faces.samples]
    sheet = face_sheet(cutouts, faces.scheme, f"{faces.name}, {faces.split}")
    _write_picture(out, sheet.png())
    typer.echo(f"{out}: {len(cutouts)} faces of {faces.name}, {faces.split}")


@data.command("scheme")
def data_scheme(
    folder: Annotated[Path, typer.Argument(help="Your own photos and labels.")],
    like: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The points are those of a published scheme: ibug68, …"),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Propose again, over a scheme.json that is there.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="The drawing; FOLDER/scheme.png.")
    ] = None,
):
    """Propose what your own points are (scheme.json) and draw it; a scheme that is there is drawn."""
    from onedheat.data.images import read_image
    from onedheat.data.own_scheme import own_scheme
    from onedheat.data.scheme_file import SCHEME
    from onedheat.landmarks import SCHEMES
    from onedheat.plots import FaceView
    from onedheat.plots.sheets import scheme_sheet

    if like is not None and like not in SCHEMES:
        raise typer.BadParameter(f"--like {like}: there are {', '.join(SCHEMES)}")
    found = own_scheme(folder, like=SCHEMES[like] if like else None, anew=anew)
    face, out = found.typical, out or (folder / SCHEME).with_suffix(".png")
    view = FaceView.from_photo(
        face.photo.name, read_image(face.photo), face.landmarks, 256, scheme=found.scheme
    )
    _write_picture(out, scheme_sheet(found.scheme, found.shape, view).png())
    for fault in found.faults:
        typer.echo(f"left out: {fault}", err=True)
    if found.written:
        typer.echo(f"{folder / SCHEME}: proposed from {found.faces} faces" if like is None
                   else f"{folder / SCHEME}: the points of {like}")  # fmt: skip
        typer.echo(f"{out}: look whether pairs and numbers are right, and correct {SCHEME}; the same "
                   "command draws it again")  # fmt: skip
    else:
        typer.echo(f"{out}: {folder / SCHEME} as it is; --anew proposes another")
    if found.doubtful:
        points = ", ".join(found.scheme.points[i] for i in found.doubtful)
        typer.echo(f"no clear place in the mirror, taken to lie on the middle line: {points}")


@data.command("get")
def data_get(
    dataset: Annotated[str, typer.Argument(metavar="DATASET")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Where downloads go.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree to the terms without being asked.")
    ] = False,
):
    """Download what its owners let anyone download; for the rest, say where to ask for it."""
    from onedheat.data import dataset as named
    from onedheat.data.download import fetch

    chosen = named(dataset)
    if not chosen.needs_root:
        typer.echo(f"{chosen.name} is here already: {chosen.title}")
        return
    typer.echo(f"{chosen.title}\nterms: {chosen.terms}\npage: {chosen.page}")
    if not chosen.downloads:
        typer.echo(
            "There is no public address with a published checksum, so nothing is fetched. Get it from "
            f"the page above and unpack it to a folder such as:\n\n{chosen.layout}\n\nThen: "
            f"onedheat data check {chosen.name} FOLDER"
        )
        return
    if folder is None:
        raise typer.BadParameter("say into which FOLDER")
    if not yes and not typer.confirm("Do you agree to these terms?"):
        raise typer.Exit(1)
    for download in chosen.downloads:
        typer.echo(f"{fetch(download, folder, progress=True)}: whole, checksum as published")
    typer.echo(f"Unpack it so that the folder looks like:\n\n{chosen.layout}")


def _preset(name: str, settings: list[str] | None):
    """A preset with its settings changed; what it does not know is a wrong option."""
    from onedheat.presets import PRESETS, with_settings

    if name not in PRESETS:
        names = "; ".join(f"{known}: {preset.about}" for known, preset in PRESETS.items())
        raise typer.BadParameter(f"there is no preset {name!r}. There are: {names}")
    try:
        return with_settings(PRESETS[name], settings or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _training_faces(datasets: list[str], roots: list[Path] | None, splits: list[str] | None):
    """The faces of all data sets together."""
    from onedheat.data.samples import union

    asked = _parts_asked_for(datasets, roots, splits)
    return union(*(one.read(path, split) for one, path, split in asked))


def _training_clips(
    datasets: list[str], roots: list[Path] | None, splits: list[str] | None, frames: int
):
    """The clips of all data sets together; photos move for twice as long as a training clip lasts."""
    from onedheat.data.clips import joined

    asked = _parts_asked_for(datasets, roots, splits)
    return joined(*(one.moving(path, split, 2 * frames) for one, path, split in asked))


def _parts_asked_for(datasets: list[str], roots: list[Path] | None, splits: list[str] | None):
    """Each data set with its folder and split."""
    pairs = _paired(datasets, roots or [])
    splits = splits or [one.splits[0] for one, _ in pairs]
    if len(splits) not in (1, len(pairs)):
        raise typer.BadParameter(
            f"{len(splits)} --split for {len(pairs)} --dataset; give one for all, or one for each"
        )
    if len(splits) == 1:
        splits = splits * len(pairs)
    return [(one, path, part) for (one, path), part in zip(pairs, splits, strict=True)]


def _paired(names: list[str], roots: list[Path]) -> list:
    """Data sets with their folders; what does not fit is a wrong option."""
    from onedheat.data.datasets import paired
    from onedheat.data.errors import DataError

    try:
        return paired(names, roots)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


def _write_picture(path: Path, png: bytes) -> None:
    """A picture in a file; a folder that is not there is a wrong option."""
    from onedheat.files import write_atomically

    try:
        write_atomically(path, png)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}") from None


def _give(values: dict, text: str, json_to: str | None) -> None:
    """A result as text, or as JSON where it was asked for."""
    from onedheat.files import write_atomically

    if json_to is None:
        typer.echo(text)
        return
    written = json.dumps(values, indent=2, allow_nan=False) + "\n"
    if json_to == "-":
        sys.stdout.write(written)
    else:
        write_atomically(Path(json_to), written.encode())
        typer.echo(text)


if __name__ == "__main__":
    app()
