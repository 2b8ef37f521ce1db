"""Which engine runs weights: the fastest that can be had, or the one asked for, or a sentence why not."""

import logging
import os
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from randomnet import random_network
from skimage.data import astronaut
from typer.testing import CliRunner

import onedheat
from onedheat.checkpoints import save_detector
from onedheat.cli import app
from onedheat.engines import EngineError, OnnxEngine, TorchEngine, make_engine
from onedheat.engines import cache as caching
from onedheat.engines.cache import cached_engine

FACE = [[160.0, 50, 290, 180]]


def without(monkeypatch, *packages):
    found = {name: None for name in packages}
    monkeypatch.setattr(
        "onedheat.engines.packages.find_spec", lambda name: found.get(name, find_spec(name))
    )


def kept(cache):
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


# The choice ---------------------------------------------------------------------------------------


def test_auto_is_onnx_on_the_processor(weights, cache, exports):
    network, engine = make_engine(weights)
    assert isinstance(engine, OnnxEngine) and network.config == engine.network.config


def test_all_engines_find_the_same(weights, cache, exports):
    found = {
        name: onedheat.load(weights, engine=name, decoder="centroid")(astronaut(), FACE)[0]
        for name in ("auto", "torch", "onnx")
    }
    assert np.abs(found["auto"].landmarks - found["torch"].landmarks).max() < 0.01
    assert np.array_equal(found["auto"].landmarks, found["onnx"].landmarks)


@pytest.mark.parametrize("package", ["onnxruntime", "onnx", "onnxscript"])
def test_auto_is_pytorch_where_a_package_is_missing(weights, cache, monkeypatch, package):
    without(monkeypatch, package)
    assert isinstance(make_engine(weights)[1], TorchEngine)
    assert kept(cache) == []


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_onnx_by_name_is_one_sentence_where_a_package_is_missing(
    weights, cache, monkeypatch, package
):
    without(monkeypatch, package)
    with pytest.raises(EngineError, match=f"needs {package}, which is not installed: pip install"):
        make_engine(weights, "onnx")


def test_auto_is_pytorch_where_the_export_is_wrong_and_says_so(weights, cache, monkeypatch, caplog):
    def failing(network):
        raise EngineError("the exported network differs from PyTorch's by 3")

    monkeypatch.setattr(caching, "as_onnx", failing)
    with caplog.at_level(logging.WARNING):
        assert isinstance(make_engine(weights)[1], TorchEngine)
    assert "PyTorch runs the network: the exported network differs" in caplog.text
    with pytest.raises(EngineError, match="differs"):
        make_engine(weights, "onnx")


def test_engines_that_cannot_be_are_refused(weights, tmp_path):
    with pytest.raises(ValueError, match="no engine 'tensorrt'; there are: auto, torch, onnx"):
        make_engine(weights, "tensorrt")
    with pytest.raises(EngineError, match="on the processor here, not on cuda"):
        make_engine(weights, "onnx", "cuda")
    with pytest.raises(EngineError, match="net.onnx is an exported network"):
        make_engine(tmp_path / "net.onnx", "torch")


def test_a_file_beside_the_weights_is_used_where_it_was_made_from_them(
    weights, cache, content, exports
):
    (weights / "model.onnx").write_bytes(content)
    assert isinstance(make_engine(weights)[1], OnnxEngine)
    assert exports == [] and kept(cache) == []


def test_a_file_of_other_weights_is_not_used(tmp_path, cache, content, monkeypatch):
    asked = []

    def cached_engine(network):
        asked.append(network)
        return OnnxEngine(content)

    monkeypatch.setattr("onedheat.engines.choice.cached_engine", cached_engine)
    save_detector(random_network(seed=1), tmp_path / "net")
    (tmp_path / "net" / "model.onnx").write_bytes(content)
    make_engine(tmp_path / "net", "onnx")
    assert len(asked) == 1


def test_a_damaged_file_beside_the_weights_is_said_and_not_used(
    weights, cache, content, exports, caplog
):
    (weights / "model.onnx").write_bytes(content[:-5000])
    assert isinstance(make_engine(weights, "onnx")[1], OnnxEngine)
    assert len(exports) == 1 and "no ONNX model that can be run" in caplog.text


# The cache ----------------------------------------------------------------------------------------


def test_weights_are_exported_once(network, cache, exports):
    first, second = cached_engine(network), cached_engine(random_network())
    assert len(exports) == 1 and len(kept(cache)) == 1
    pictures = torch.rand(1, 3, 64, 64)
    assert torch.equal(first(pictures).x, second(pictures).x)


def test_other_weights_have_a_file_of_their_own(network, cache, exports):
    cached_engine(network)
    cached_engine(random_network(seed=1))
    assert len(exports) == 2 and len(kept(cache)) == 2


@pytest.mark.parametrize(
    "changed", [("onedheat.__version__", "9.9"), ("torch.__version__", "9.9")], ids=lambda c: c[0]
)
def test_another_version_exports_anew(network, cache, exports, monkeypatch, changed):
    cached_engine(network)
    monkeypatch.setattr(*changed)
    cached_engine(network)
    assert len(exports) == 2


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-1000], lambda c: b"", lambda c: c[:9000] + b"\x01" + c[9001:]]
)
def test_a_damaged_file_is_exported_again(network, cache, exports, caplog, content, damage):
    cached_engine(network)
    (path,) = cache.rglob("*.onnx")
    path.write_bytes(damage(content))
    with caplog.at_level(logging.WARNING):
        cached_engine(network)
    assert len(exports) == 2 and "is damaged" in caplog.text
    assert path.read_bytes() == content


def test_a_write_that_fails_leaves_nothing_and_the_network_runs(
    network, cache, exports, caplog, monkeypatch
):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    engine = cached_engine(network)
    assert torch.isfinite(engine(torch.rand(1, 3, 64, 64)).x).all()
    assert kept(cache) == [] and "cannot be kept in" in caplog.text


def test_a_cache_that_cannot_be_made_is_no_obstacle(network, cache, exports, caplog):
    cache.write_text("a file where the folder should be")
    assert isinstance(cached_engine(network), OnnxEngine)
    assert "cannot be kept in" in caplog.text


def test_what_was_not_used_for_longest_is_forgotten(network, cache, exports, monkeypatch):
    monkeypatch.setattr(caching, "KEPT", 2)
    one, two = random_network(seed=1), random_network(seed=2)
    for age, each in enumerate([network, one]):
        cached_engine(each)
        for path in cache.rglob("*.onnx"):
            os.utime(path, (0, path.stat().st_mtime - 100 + age))
    cached_engine(network)  # used again: `one` is older now
    cached_engine(two)
    assert len(kept(cache)) == 2 and len(exports) == 3
    cached_engine(network)
    assert len(exports) == 3
    cached_engine(one)
    assert len(exports) == 4


# The command line ---------------------------------------------------------------------------------


def test_the_command_writes_a_file_that_load_reads(
    weights, tmp_path, exports, monkeypatch, content
):
    monkeypatch.setattr("onedheat.engines.export.exported", lambda *_: content)
    out = tmp_path / "net.onnx"
    result = CliRunner().invoke(app, ["export", "--weights", str(weights), "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"{out}: 0.") and "differs from PyTorch by" in result.stdout
    assert onedheat.load(out).engine.network.config.size == 64


@pytest.mark.parametrize("name", ["net.pt", "nowhere/net.onnx"])
def test_a_name_that_is_none_is_a_wrong_option(weights, tmp_path, name):
    arguments = ["export", "--weights", str(weights), "--out", str(tmp_path / name)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2 and "--out" in result.stderr


def test_the_command_says_what_is_not_installed(weights, tmp_path, monkeypatch):
    without(monkeypatch, "onnxruntime")
    arguments = ["export", "--weights", str(weights), "--out", str(tmp_path / "net.onnx")]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("onedheat: exporting to ONNX needs onnxruntime")
    assert result.stderr.count("\n") == 1


def test_detect_tells_the_person_who_waits_for_the_export(weights, tmp_path, cache, exports):
    from PIL import Image

    Image.fromarray(astronaut()).save(tmp_path / "photo.png")
    arguments = ["detect", str(tmp_path / "photo.png"), "--face-detector", "cascade"]
    first, second, by_torch = (
        CliRunner().invoke(app, [*arguments, "--weights", str(weights), "--engine", engine])
        for engine in ("auto", "onnx", "torch")
    )
    assert first.stderr == (
        "onedheat: exporting the network to ONNX, once for these weights; it takes some seconds\n"
    )
    assert (second.stderr, by_torch.stderr) == ("", "")
    assert first.stdout == second.stdout == by_torch.stdout
