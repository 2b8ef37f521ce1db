"""Commands that use a network: in photos, in video, and in other programs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from onedheat.cli.options import Decoder, EngineName, FaceDetector, Flip, Json, Weights
from onedheat.cli.speaking import write_picture, write_result


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
    from onedheat.pipeline import load

    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"--out {out} cannot be a folder: {error.strerror}") from None
        if not os.access(out, os.W_OK):
            raise typer.BadParameter(f"--out {out} cannot be written; give another folder")
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
        found = as_json(results)
        write_result(Path(json_to), found.encode(), otherwise=found)
    if len(results) < len(files):
        raise typer.Exit(130)
    raise typer.Exit(1 if any(result.error for result in results) else 0)


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
        write_picture(folder / f"{name}.png", figure.png())
        typer.echo(f"{folder / name}.png: {figure.alt}")


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
