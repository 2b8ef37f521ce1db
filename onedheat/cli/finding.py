"""Commands that use a network: in photos, in video, and in other programs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from onedheat.cli.options import (
    Decoder,
    EngineName,
    FaceDetector,
    Flip,
    Json,
    MinPeak,
    Weights,
    are_one_file,
    to_be_written,
)
from onedheat.cli.speaking import (
    options_refused,
    write_picture,
    write_result,
)
from onedheat.processes import terminated_like_interrupted

JITTER, SPEED = "jitter.png", "speed.png"
"""The figures of a video."""


def detect(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO…", help="Image files, or folders.")
    ],
    weights: Weights = "tiny68",
    face_detector: FaceDetector = "auto",
    min_peak: MinPeak = None,
    decoder: Decoder = None,
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

    files = photos_in(photos, leave_out=out)
    _demand_no_picture(json_to, files)
    _make_folder("--out", out)
    read_by = {"decoder": decoder, "flip": flip, "engine": engine, "min_peak": min_peak}
    with options_refused():
        landmarker = load(weights, finder=face_detector, **read_by)
    if isinstance(landmarker.finder, Cascade) and face_detector == "auto":
        typer.echo(
            "YuNet could not be fetched; the cascade looks for faces and finds fewer", err=True
        )
    results, quiet = [], json_to == "-"
    progress = tqdm(files, unit="photo", disable=None if quiet and len(files) > 1 else True)
    try:
        with terminated_like_interrupted():
            for result in detect_files(landmarker, files, out=out):
                results.append(result)
                progress.update()
                if result.error or not quiet:
                    to = sys.stderr if result.error else sys.stdout
                    progress.write(result.as_text(), file=to)
    except KeyboardInterrupt:
        typer.echo(f"stopped after {len(results)} of {len(files)} files; these are kept", err=True)
    progress.close()
    if json_to:
        found = as_json(results)
        if quiet:
            sys.stdout.write(found)
        else:
            write_result(Path(json_to), found.encode(), otherwise=found)
    if out and not quiet:
        drawn = sum(result.error is None for result in results)
        typer.echo(f"written: {out} ({drawn} picture{'' if drawn == 1 else 's'})")
    if len(results) < len(files):
        raise typer.Exit(130)
    raise typer.Exit(1 if any(result.error for result in results) else 0)


def _demand_no_picture(json_to: str | None, photos: list[Path]) -> None:
    """Refuses to write JSON over a photo, or where a drawing may lie."""
    from onedheat.data.images import SUFFIXES

    if json_to is None or json_to == "-":
        return
    if any(are_one_file(json_to, photo) for photo in photos):
        raise typer.BadParameter(f"--json {json_to} is one of the photos; give another name")
    if Path(json_to).suffix.lower() in SUFFIXES:
        raise typer.BadParameter(
            f"--json {json_to} is called as a picture is; give a name that ends in .json"
        )


def _make_folder(option: str, folder: Path | None) -> None:
    """Makes a folder for pictures, if one is asked for."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"{option} {folder} cannot be a folder: {error.strerror}"
        ) from None
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"{option} {folder} cannot be written; give another folder")


def track(
    video: Annotated[
        str, typer.Argument(metavar="VIDEO", help="A video file, or the number of a camera.")
    ],
    weights: Weights = "tiny68",
    face_detector: FaceDetector = "auto",
    min_peak: MinPeak = None,
    decoder: Decoder = None,
    engine: EngineName = "auto",
    two_pass: Annotated[
        bool,
        typer.Option("--two-pass", help="Draw the box anew in each frame, the paper's protocol."),
    ] = False,
    csv_to: Annotated[
        Path | None,
        typer.Option(
            "--csv", metavar="FILE", help="Landmarks of every frame.", callback=to_be_written
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.mp4",
            help="Annotated video; .webm where H.264 is not there.",
            callback=to_be_written,
        ),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for jitter.png and speed.png.")
    ] = None,
):
    """Follow the faces of a video. Ctrl-C, or a fault in the video, keeps what was done until then."""
    from onedheat.pipeline import load
    from onedheat.tracks import TrackTable, track_video
    from onedheat.video_writing import open_video

    if csv_to == Path("-"):
        raise typer.BadParameter(
            "--csv - is no file, and standard output has the summary; name one"
        )
    frames, count, fps = _footage(video)
    with options_refused():
        landmarker = load(
            weights, decoder=decoder, finder=face_detector, engine=engine, min_peak=min_peak
        )
        tracker = landmarker.tracker(two_pass=two_pass, patience=max(1, round(fps)))
    drawn = open_video(out, fps) if out else None
    outputs = [("--csv", csv_to), ("--out", drawn and drawn.path)]
    outputs += [("--figures", figures / name) for name in (JITTER, SPEED) if figures]
    _demand_apart(video, outputs)
    _make_folder("--figures", figures)
    count_of = len(landmarker.scheme)
    table = TrackTable(csv_to, count_of, tracker.follower.passes) if csv_to else None
    if drawn and drawn.path != out:
        typer.echo(f"no H.264 here (pip install 'onedheat[video]'): writing {drawn.path}", err=True)
    with (
        tqdm(total=count, unit="frame", disable=None) as bar,
        options_refused(),
        terminated_like_interrupted(),
    ):
        report = track_video(tracker, frames, table=table, video=drawn, progress=bar.update)
    if report.fault and not report.frames:
        typer.echo(f"onedheat: {report.fault}", err=True)
        raise typer.Exit(1)
    typer.echo(report.as_text())
    if not report.identities and tracker.nearest:
        typer.echo(f"no face, {tracker.nearest.why_none()}", err=True)
    for path in (csv_to, drawn and report.frames and drawn.path):
        if path and path.exists():
            typer.echo(f"written: {path}")
    if drawn and drawn.off > 1 / fps:
        typer.echo(
            f"{drawn.path} is at a steady rate, which puts frames up to {drawn.off:.2f} s from their "
            "times; pip install 'onedheat[video]' and a name that ends in .mp4 keep them",
            err=True,
        )
    code = 0
    if report.fault:
        typer.echo(f"onedheat: {report.fault}", err=True)
        typer.echo(f"what was found in {report.frames} frames is kept", err=True)
        code = 1
    elif report.stopped:
        typer.echo(f"stopped after {report.frames} frames; these are kept", err=True)
        code = 130
    if figures is not None and report.frames:
        try:
            _draw_tracking(report, figures)
        except typer.Exit as failed:
            code = code or failed.exit_code
    raise typer.Exit(code)


def _demand_apart(video: str, outputs: list[tuple[str, Path | None]]) -> None:
    """Refuses to write over the video, or two results into one file."""
    taken = {"the video itself": Path(video)}
    for option, path in outputs:
        if path is None:
            continue
        for what, other in taken.items():
            if are_one_file(path, other):
                raise typer.BadParameter(f"{option} {path} is {what}; give another name")
        taken[f"what {option} writes"] = path


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
    for name, figure in ((JITTER, jitter), (SPEED, speed)):
        write_picture(folder / name, figure.png())
        typer.echo(f"{folder / name}: {figure.alt}")


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
