"""Everything that `onedheat bench` measures, as one object and as a text."""

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from onedheat.bench.device_memory import BATCH, CAP, OUT_OF_MEMORY, training_peak
from onedheat.bench.saved_bytes import (
    FRAMES,
    clip_saved_bytes,
    columns,
    output_numbers,
    saved_bytes,
    tracker_columns,
    trunk_saved_bytes,
)
from onedheat.bench.speed import engines_of, forward_ms, photo_ms, post_trunk_time
from onedheat.bench.tracking import tracking_cost
from onedheat.bench.training_rate import BATCH as RATE_BATCH
from onedheat.bench.training_rate import ceilings, training_rate
from onedheat.models import DetectorConfig, NetworkConfig, TrackerConfig, build

Say = Callable[[str], None]
ByWay = dict[str, dict[str, Any]]


def rivals(paper: DetectorConfig) -> dict[str, NetworkConfig]:
    """The detector, ``"1d@L"``, and 2D maps of its trunk, ``"2d@L"``, at the same resolutions."""
    maps = columns(paper)["2d_trunk"]
    vectors = {bins: paper.with_bins(bins) for bins in maps}
    return {f"1d@{bins}": config for bins, config in vectors.items()} | {
        f"2d@{bins}": config for bins, config in maps.items()
    }


def measure(
    networks: Mapping[str, NetworkConfig],
    trained: Mapping[str, NetworkConfig],
    paper: DetectorConfig,
    tracker: TrackerConfig,
    say: Say,
) -> dict:
    """Speed and memory of this machine, 1D against 2D.

    Args:
        networks: whose speed is measured, by name.
        trained: whose step of training is timed on a GPU, by name.
        paper: the detector whose memory is counted, and whose trunk the 2D detectors have.
        tracker: whose step is timed beside its detector.
        say: is told what is measured next.

    Returns:
        Plain values. `ms` and `photo_ms` are milliseconds a face, by network, engine and batch size
        (None: would take too long): of the network alone, and of `landmarker(image, boxes=…)` with
        crop and decoding. `tracking` is what a tracker adds to a frame, by engine, see
        `onedheat.bench.tracking`. `saved_bytes` is by way and L, see `onedheat.bench.saved_bytes`;
        `clip_saved_bytes` likewise, of clips and trackers.
        `post_trunk_share` is what everything after the trunk keeps, of what the trunk keeps, and what
        it takes of the time of a forward pass. `training`, see `training_rates`, and `device_peak` are
        None without a GPU.
    """
    ms: dict[str, dict] = {}
    photos: dict[str, dict] = {}
    for name, config in networks.items():
        ms[name], photos[name] = {}, {}
        for engine_name, engine in _told_engines(name, config, say):
            ms[name][engine_name] = alone = forward_ms(engine, config.size)
            known = {"at_least": alone["1"] or 0.0}
            photos[name][engine_name] = photo_ms(_untrained(config), engine, **known)
    say("a tracker's step")
    tracking = tracking_cost(tracker)
    say("time after the trunk")
    time_share = post_trunk_time(_untrained(paper))
    training = training_rates(trained, say) if torch.cuda.is_available() else None
    return {
        "machine": machine(),
        "ms": ms,
        "photo_ms": photos,
        "tracking": tracking,
        "training": training,
        **memory(paper, say, time_share),
    }


def memory(paper: DetectorConfig, say: Say, time_share: float | None = None) -> dict:
    """The part of `measure` that counts memory."""
    kept: ByWay = {}
    numbers: ByWay = {}
    ways = columns(paper)
    for way, configs in ways.items():
        kept[way], numbers[way] = {}, {}
        for bins, config in configs.items():
            say(f"saved bytes, {way}, L = {bins}")
            kept[way][str(bins)] = saved_bytes(config)
            numbers[way][str(bins)] = output_numbers(config)
    trunk, whole = trunk_saved_bytes(paper), saved_bytes(paper)
    return {
        "saved_bytes": kept,
        "clip_saved_bytes": clip_memory(paper, say),
        "output_numbers": numbers,
        "post_trunk_share": {"saved_bytes": (whole - trunk) / trunk, "time": time_share},
        "device_peak": device_peak(paper, say) if torch.cuda.is_available() else None,
    }


def clip_memory(paper: DetectorConfig, say: Say) -> ByWay:
    """Bytes that autograd keeps of a clip: the lower half of Table 1.

    Returns:
        ``"1d"``, ``"1d_tracker_alone"`` (its detector frozen) and ``"2d"`` → L → bytes.
    """
    kept: ByWay = {"1d": {}, "1d_tracker_alone": {}, "2d": {}}
    for way, configs in tracker_columns(paper).items():
        for bins, config in configs.items():
            say(f"saved bytes of a clip, {way}, L = {bins}")
            kept[way][str(bins)] = clip_saved_bytes(config)
            if way == "1d":
                kept["1d_tracker_alone"][str(bins)] = clip_saved_bytes(config, frozen=True)
    return kept


def device_peak(paper: DetectorConfig, say: Say) -> dict:
    """Peak memory of a GPU in a training step, in bytes or ``"OOM"``: the memory rows of Table 1.

    Returns:
        `device`, `cap`, `batch`, and `peaks`: the ways of `columns`, and ``"1d_tracker"`` and
        ``"2d_tracker"`` of one clip of as many frames → L → bytes.
    """
    trackers = {f"{way}_tracker": configs for way, configs in tracker_columns(paper).items()}
    peaks: ByWay = {}
    for way, configs in (columns(paper) | trackers).items():
        peaks[way] = {}
        for bins, config in configs.items():
            say(f"peak memory of the GPU, {way}, L = {bins}")
            peaks[way][str(bins)] = training_peak(config)
    return {
        "device": torch.cuda.get_device_name(),
        "cap": min(CAP, torch.cuda.get_device_properties(0).total_memory),
        "batch": BATCH,
        "peaks": peaks,
    }


def training_rates(networks: Mapping[str, NetworkConfig], say: Say) -> dict:
    """How near a step of training comes to what a GPU can do, see `onedheat.bench.training_rate`.

    Returns:
        `device`, `batch`, `ceilings`, and `networks`: name → what `training_rate` gives, or ``"OOM"``.
    """
    say("what the GPU reaches at best")
    peak = ceilings()
    rates: dict[str, dict[str, float] | str] = {}
    for name, config in networks.items():
        say(f"a step of training, {name}")
        try:
            rates[name] = training_rate(config, peak)
        except torch.OutOfMemoryError:
            rates[name] = OUT_OF_MEMORY
    return {
        "device": torch.cuda.get_device_name(),
        "batch": RATE_BATCH,
        "ceilings": peak,
        "networks": rates,
    }


def machine() -> dict:
    """What was measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "onnxruntime", "onedheat")},
    }


def as_text(found: dict) -> str:
    """What was measured, to be read."""
    machine = found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores ({machine['threads']} threads, load "
        f"{machine['load']}), torch {machine['torch']}, onnxruntime {machine['onnxruntime']}",
        "",
    ]
    if "ms" in found:
        lines += [
            *_ms_lines("ms a face, the network alone", found["ms"]),
            "",
            *_ms_lines("ms a face, from photo to landmarks", found["photo_ms"]),
            "",
            *_tracking_lines(found["tracking"]),
            "",
        ]
        if training := found["training"]:
            lines += [*_training_lines(training), ""]
    lines += [
        "MiB that autograd keeps of a picture, by L",
        *_byte_lines(found["saved_bytes"], 2**20),
        "",
        f"MiB that autograd keeps of a clip of {FRAMES} frames, by L",
        *_byte_lines(found["clip_saved_bytes"], 2**20),
    ]
    if peaks := found["device_peak"]:
        title = f"GiB at the peak of a step of {peaks['batch']} pictures, {peaks['device']}, by L"
        lines += ["", title, *_byte_lines(peaks["peaks"], 2**30)]
    shares = found["post_trunk_share"]
    lines += ["", f"after the trunk: {shares['saved_bytes']:.1%} of the bytes the trunk keeps"]
    if shares["time"] is not None:
        lines[-1] += f", {shares['time']:.1%} of the time of a forward pass"
    return "\n".join(lines)


def _told_engines(name: str, config: NetworkConfig, say: Say) -> Iterator[tuple]:
    say(f"speed of {name}")
    for engine_name, engine in engines_of(_untrained(config)):
        say(f"speed of {name}, {engine_name}")
        yield engine_name, engine


def _untrained(config: NetworkConfig) -> Any:
    """A network with random weights: what it says does not change how long it takes."""
    return build(config).eval()


def _ms_lines(title: str, by_name: dict) -> list[str]:
    lines = [f"{title:36}{'batch 1':>12}{'batch 32':>12}"]
    for name, by_engine in by_name.items():
        for engine, by_batch in by_engine.items():
            cells = ("–" if value is None else f"{value:.2f}" for value in by_batch.values())
            lines.append(f"{name + ', ' + engine:36}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _tracking_lines(tracking: dict) -> list[str]:
    names = {"frame_ms": "frame, ms", "step_ms": "step, ms", "share": "share"}
    title = "a tracker's step beside the rest"
    lines = [f"{title:36}" + "".join(f"{name:>12}" for name in names.values())]
    for engine, values in tracking.items():
        if engine != "state_bytes":
            cells = (
                f"{values['frame_ms']:.2f}",
                f"{values['step_ms']:.2f}",
                f"{values['share']:.1%}",
            )
            lines.append(f"{'tiny-tracker, ' + engine:36}" + "".join(f"{c:>12}" for c in cells))
    return [*lines, f"kept of a face: {tracking['state_bytes'] / 1000:.1f} kB"]


def _training_lines(training: dict) -> list[str]:
    best = training["ceilings"]
    names = "images/s", "TFLOP/s", "TB/s", "of floor", "convs alone"
    lines = [
        f"a step of training of {training['batch']} pictures in bfloat16, {training['device']}",
        f"{'':36}" + "".join(f"{name:>12}" for name in names),
        f"{'at best':48}{best['tflops']:>12.1f}{best['tbytes']:>12.2f}",
    ]
    for name, rate in training["networks"].items():
        if rate == OUT_OF_MEMORY:
            cells = [rate, *"––––"]
        else:
            cells = [
                f"{rate['images_per_second']:.0f}",
                f"{rate['tflops']:.1f}",
                f"{rate['tbytes']:.2f}",
                f"{rate['floor']:.1%}",
                f"{rate['convolutions']:.1%}",
            ]
        lines.append(f"{name:36}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _byte_lines(ways: dict, unit: int) -> list[str]:
    lines = [f"{'L':16}" + "".join(f"{bins:>9}" for bins in ways["1d"])]
    for way, by_bins in ways.items():
        cells = (by_bins.get(bins, "–") for bins in ways["1d"])
        shown = (cell if isinstance(cell, str) else f"{cell / unit:.1f}" for cell in cells)
        lines.append(f"{way:16}" + "".join(f"{cell:>9}" for cell in shown))
    return lines


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:  # there is none but on Linux
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
