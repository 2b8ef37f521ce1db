"""`onedheat bench`: one object with everything, and a text."""

import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from onedheat.bench import report
from onedheat.cli import app
from onedheat.models import DetectorConfig
from onedheat.presets import PRESETS, Preset, TrainConfig

SMALL = DetectorConfig(size=64, depth=1, width=16, channels=16, compressed=4, stacks=2)


@pytest.fixture
def small(monkeypatch):
    """Presets that take no time, no real timing, and no GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("tiny", "small", "paper"):
        monkeypatch.setitem(PRESETS, name, Preset(SMALL, TrainConfig(), "small"))
    monkeypatch.setattr(report, "engines_of", lambda network: iter([("torch", network)]))
    monkeypatch.setattr(report, "forward_ms", lambda engine, size: {"1": 8.0, "32": 4.0})
    photo = {8.0: {"1": 9.0, "32": None}}  # by what the network alone takes
    monkeypatch.setattr(report, "photo_ms", lambda network, engine, at_least: photo[at_least])
    monkeypatch.setattr(report, "post_trunk_time", lambda network: 0.11)
    kept = {"detector": lambda bins: 1000 + bins, "heatmaps2d": lambda bins: bins**2}
    monkeypatch.setattr(report, "saved_bytes", lambda config: kept[config.kind](config.bins))
    monkeypatch.setattr(report, "trunk_saved_bytes", lambda config: 1000)
    clips = {"tracker": lambda bins: 5000 + bins, "recurrent2d": lambda bins: 2**20 * bins}
    monkeypatch.setattr(
        report,
        "clip_saved_bytes",
        lambda config, frozen=False: 10 if frozen else clips[config.kind](config.bins),
    )
    step = {"frame_ms": 19.0, "step_ms": 1.0, "share": 0.05}
    tracking = {"state_bytes": 24_576, "torch": step, "onnx": step | {"share": 0.125}}
    monkeypatch.setattr(report, "tracking_cost", lambda config: tracking)


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", *arguments])


def test_json_on_standard_output_is_one_object_and_nothing_else(small):
    result = bench("--json", "-")
    assert result.exit_code == 0, result.output
    parts = result.stderr.splitlines()  # where no bar can be drawn
    assert "a tracker's step" in parts and "saved bytes, 1d, L = 16" in parts
    found = json.loads(result.stdout)
    assert found["ms"]["tiny"] == {"torch": {"1": 8.0, "32": 4.0}}
    assert found["photo_ms"]["2d@64"] == {"torch": {"1": 9.0, "32": None}}
    rivals = ["1d@16", "1d@32", "1d@64", "2d@16", "2d@32", "2d@64"]
    assert list(found["ms"]) == list(found["photo_ms"]) == ["tiny", "small", "paper", *rivals]
    assert list(found["saved_bytes"]) == ["1d", "2d_trunk", "2d_upsampled"]
    assert list(found["saved_bytes"]["1d"]) == ["16", "32", "64", "96", "128", "160", "192"]
    assert found["output_numbers"]["1d"]["192"] == 2 * 68 * 192
    assert found["output_numbers"]["2d_trunk"]["64"] == 68 * 64**2
    assert found["post_trunk_share"]["time"] == 0.11
    assert found["post_trunk_share"]["saved_bytes"] == pytest.approx(192 / 1000)
    assert found["saved_bytes"]["2d_trunk"] == {"16": 256, "32": 1024, "64": 4096}
    assert found["machine"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["machine"]["threads"] == torch.get_num_threads()


def test_the_text_has_a_line_for_each_network_and_way(small):
    lines = bench("--only", "tiny").stdout.splitlines()
    assert [line.split() for line in lines if line.startswith("tiny, torch")] == [
        ["tiny,", "torch", "8.00", "4.00"],
        ["tiny,", "torch", "9.00", "–"],
    ]
    (trunk,) = [line for line in lines if line.startswith("2d_trunk")]
    assert trunk.split()[4:] == ["–"] * 4
    assert lines[-1].endswith("11.0% of the time of a forward pass")


def test_a_trackers_step_stands_beside_the_rest_of_a_frame_for_each_engine(small):
    lines = bench("--only", "tiny").stdout.splitlines()
    found = {line.split()[1]: line.split()[2:] for line in lines if line.startswith("tiny-tracker")}
    assert found == {"torch": ["19.00", "1.00", "5.0%"], "onnx": ["19.00", "1.00", "12.5%"]}
    assert "kept of a face: 24.6 kB" in lines


def test_memory_counts_clips_too_by_way_and_resolution(small):
    found = json.loads(bench("--memory", "--json", "-").stdout)["clip_saved_bytes"]
    assert list(found) == ["1d", "1d_tracker_alone", "2d"]
    assert found["1d"]["192"] == 5192 and found["1d_tracker_alone"]["16"] == 10
    assert found["2d"] == {"16": 16 * 2**20, "32": 32 * 2**20, "64": 64 * 2**20}
    lines = bench("--memory").stdout.splitlines()
    start = lines.index("MiB that autograd keeps of a clip of 16 frames, by L")
    assert lines[start + 4].split() == ["2d", "16.0", "32.0", "64.0", "–", "–", "–", "–"]


def test_memory_alone_measures_no_time(small, tmp_path):
    result = bench("--memory", "--json", str(tmp_path / "memory.json"))
    assert result.exit_code == 0 and "ms a face" not in result.stdout
    found = json.loads((tmp_path / "memory.json").read_text())
    assert "ms" not in found and found["post_trunk_share"]["time"] is None
    assert found["saved_bytes"]["1d"]["192"] == 1192


def test_a_gpu_adds_its_peaks(small, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda _: type("P", (), {"total_memory": 80 * 2**30})
    )
    taken = {"detector": 9 * 2**30, "tracker": 11 * 2**30}
    monkeypatch.setattr(report, "training_peak", lambda config: taken.get(config.kind, "OOM"))
    result = bench("--memory", "--json", "-")
    found = json.loads(result.stdout)["device_peak"]
    assert found["device"] == "A GPU" and found["cap"] == 32 * 2**30 and found["batch"] == 10
    peaks = found["peaks"]
    assert list(peaks) == ["1d", "2d_trunk", "2d_upsampled", "1d_tracker", "2d_tracker"]
    assert set(peaks["1d"].values()) == {9 * 2**30}
    assert set(peaks["1d_tracker"].values()) == {11 * 2**30} and len(peaks["1d_tracker"]) == 7
    assert peaks["2d_trunk"] == peaks["2d_tracker"] == {"16": "OOM", "32": "OOM", "64": "OOM"}
    text = bench("--memory").stdout
    assert "GiB at the peak of a step of 10 pictures, A GPU" in text and "OOM" in text


@pytest.fixture
def gpu(small, monkeypatch):
    """A GPU on which a step of one preset does not fit."""
    rate = {"images_per_second": 557.2, "tflops": 89.04, "tbytes": 0.507, "floor": 0.169}
    rate["convolutions"] = 0.514

    def training_rate(config, peak):
        assert peak == {"tflops": 796.0, "tbytes": 3.0}
        if config.landmarks == 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8.50 GiB.")
        return rate

    fewer = Preset(replace(SMALL, landmarks=5), TrainConfig(), "small")
    monkeypatch.setitem(PRESETS, "small", fewer)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "A GPU")
    monkeypatch.setattr(report, "device_peak", lambda ways, say: None)
    monkeypatch.setattr(report, "ceilings", lambda: {"tflops": 796.0, "tbytes": 3.0})
    monkeypatch.setattr(report, "training_rate", training_rate)


def test_a_gpu_adds_how_fast_it_trains_each_preset(gpu):
    training = json.loads(bench("--json", "-").stdout)["training"]
    assert training["device"] == "A GPU" and training["batch"] == 64
    assert training["ceilings"] == {"tflops": 796.0, "tbytes": 3.0}
    assert list(training["networks"]) == ["tiny", "small", "paper"]
    assert training["networks"]["paper"]["images_per_second"] == 557.2
    assert training["networks"]["small"] == "OOM"


def test_the_text_shows_training_beside_the_gpus_best(gpu):
    lines = bench("--only", "small", "--only", "tiny").stdout.splitlines()
    start = lines.index("a step of training of 64 pictures in bfloat16, A GPU")
    assert [line.split() for line in lines[start + 1 : start + 6]] == [
        ["images/s", "TFLOP/s", "TB/s", "of", "floor", "convs", "alone"],
        ["at", "best", "796.0", "3.00"],
        ["small", "OOM", "–", "–", "–", "–"],
        ["tiny", "557", "89.0", "0.51", "16.9%", "51.4%"],
        [],
    ]
    header, best, out_of_memory, fits = lines[start + 1 : start + 5]
    assert len(header) == len(fits) == len(out_of_memory)
    assert best.index("796.0") + 5 == header.index("TFLOP/s") + 7


def test_without_a_gpu_there_is_no_training(small):
    assert json.loads(bench("--only", "tiny", "--json", "-").stdout)["training"] is None
    assert "a step of training" not in bench("--only", "tiny").stdout


def test_only_what_is_asked_for_is_timed(small):
    found = json.loads(bench("--only", "2d@32", "--only", "tiny", "--json", "-").stdout)
    assert list(found["ms"]) == ["2d@32", "tiny"]


def test_an_unknown_network_is_a_wrong_option(small):
    result = bench("--only", "huge")
    assert result.exit_code == 2 and "no network 'huge'" in result.stderr
