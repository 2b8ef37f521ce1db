"""Export to ONNX: the same output, checked before it is kept, in a file that can be used alone."""

import json
import re

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from randomnet import random_network
from skimage.data import astronaut

import onedheat
from onedheat.checkpoints import load_detector
from onedheat.engines import EngineError, OnnxEngine, TorchEngine
from onedheat.engines import export as exporting
from onedheat.engines.export import as_onnx, difference, export, sample_pictures, weights_digest
from onedheat.heatmaps import bin_to_coordinate
from onedheat.landmarks import SCHEMES, scheme_from_json
from onedheat.pipeline import Landmarker

FACE = [[160.0, 50, 290, 180]]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_batch_of_any_size_gives_what_pytorch_gives(network, content, batch):
    pictures = torch.rand(batch, 3, 64, 64)
    given = OnnxEngine(content)(pictures)
    with torch.no_grad():
        wanted = network(pictures)
    assert wanted.x.std() > 1e-3
    assert torch.allclose(given.x, wanted.x, atol=1e-5)
    assert torch.allclose(given.y, wanted.y, atol=1e-5)


def test_the_file_says_what_it_finds(network, content):
    written = json.loads(
        {p.key: p.value for p in onnx.load_from_string(content).metadata_props}["onedheat"]
    )
    assert written["config"] == network.config.as_dict() and written["kind"] == "detector"
    assert scheme_from_json(written["scheme"]) == SCHEMES["ibug68"]
    assert written["weights"] == weights_digest(network)
    assert OnnxEngine(content).network.config == network.config


def test_the_file_says_in_words_what_it_takes_and_gives(content):
    graph = onnx.load_from_string(content).graph
    words = {entry.name: entry.doc_string for entry in (*graph.input, *graph.output)}
    assert set(words) == {"images", "x", "y"}
    assert words["images"].startswith("RGB / 255, 64 × 64 pixels")
    expression, size, bins = re.search(
        r"Bin j is at (.* \* (\d+)/(\d+) - 0\.5) in pixels", words["x"]
    ).groups()
    assert eval(expression, {"j": 5}) == bin_to_coordinate(torch.tensor(5.0), int(size), int(bins))


def test_the_lines_in_the_readme_need_nothing_of_the_package(content, network, root, tmp_path):
    readme = (root / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(
        r"```python\n(import numpy as np\nimport onnxruntime\n.*?)```", readme, re.DOTALL
    )
    Image.fromarray(astronaut()).save(tmp_path / "photo.png")
    (tmp_path / "model.onnx").write_bytes(content)
    for name in ("photo.jpg", "model.onnx"):
        lines = lines.replace(f'"{name}"', repr(str(tmp_path / name.replace("jpg", "png"))))
    names: dict = {}
    exec(lines, names)
    left, top, side = names["left"], names["top"], names["side"]
    box = [left - 0.5, top - 0.5, left + side - 0.5, top + side - 0.5]
    (face,) = Landmarker(network, decoder="argmax")(astronaut(), boxes=[box])
    apart = np.abs(names["landmarks"][0] - face.landmarks)
    assert np.median(apart) < 1e-3  # of random weights some vectors have two bins of one height


def test_the_file_can_be_used_alone(content, network, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    landmarker = onedheat.load(tmp_path / "net.onnx")
    (given,) = landmarker(astronaut(), FACE)
    (wanted,) = Landmarker(network)(astronaut(), FACE)
    assert landmarker.scheme == SCHEMES["ibug68"]
    assert np.allclose(given.sigma, wanted.sigma, atol=1e-3)
    assert given.score == pytest.approx(wanted.score, abs=1e-5)


def test_the_file_tells_nothing_of_the_machine_it_was_made_on(content, root):
    assert str(root).encode() not in content and b"site-packages" not in content
    assert b"forward" not in content


def test_batch_norms_are_folded_where_they_can_be(network, content):
    kinds = [node.op_type for node in onnx.load_from_string(content).graph.node]
    left = kinds.count("BatchNormalization")
    blocks = [m for m in network.modules() if type(m).__name__ == "Block"]
    skips = sum(not isinstance(block.skip, torch.nn.Identity) for block in blocks)
    assert left <= 3 * len(blocks) + skips


def test_exporting_says_how_far_the_two_are_apart(network, content, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "exported", lambda *_: content)
    assert 0 <= export(network, tmp_path / "net.onnx") < 1e-5
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert difference(OnnxEngine(content), network) < 1e-5


def test_a_network_that_came_out_different_is_not_kept(content, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "exported", lambda *_: content)
    (tmp_path / "net.onnx").write_bytes(b"what was there")
    with pytest.raises(EngineError, match=r"differs from PyTorch's by \d.*not kept"):
        export(random_network(seed=1), tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").read_bytes() == b"what was there"


def test_weights_that_are_not_finite_are_not_kept(content, monkeypatch):
    broken = random_network()
    broken.second_x.deconvolution.bias.data[3] = torch.nan
    monkeypatch.setattr(exporting, "exported", lambda *_: content)
    with pytest.raises(EngineError, match="differs from PyTorch's by nan"):
        as_onnx(broken)


def test_a_difference_is_a_share_of_the_peaks(network):
    other = random_network()
    with torch.no_grad():
        other.second_y.deconvolution.bias += 0.25
        highest = network(sample_pictures(64)).y.abs().max().clamp(min=1)
    assert difference(TorchEngine(other), network) == pytest.approx(0.25 / highest.item(), rel=0.05)


def test_a_network_in_training_is_exported_as_it_will_be_used(network, content, monkeypatch):
    monkeypatch.setattr(exporting, "exported", lambda *_: content)
    network.train()
    try:
        _, found = as_onnx(network)
        assert found < 1e-5 and network.training
    finally:
        network.eval()


def test_a_digest_tells_weights_and_settings_apart(network):
    assert weights_digest(network) == weights_digest(random_network())
    moved = random_network()
    moved.coattention.p.data[0, 0] += 1e-6
    assert weights_digest(moved) != weights_digest(network)


@pytest.mark.parametrize(
    ("gone", "said"), [("onnx", "onnx, which is"), ("onnxscript", "onnxscript")]
)
def test_a_missing_package_is_one_sentence(network, monkeypatch, tmp_path, gone, said):
    monkeypatch.setattr(
        "onedheat.engines.packages.find_spec", lambda name: None if name == gone else True
    )
    with pytest.raises(EngineError, match=rf"needs {said}.*pip install 'onedheat\[onnx\]'"):
        export(network, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_said(network, content, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "exported", lambda *_: content)
    with pytest.raises(EngineError, match="nowhere.*cannot be written: No such file"):
        export(network, tmp_path / "nowhere" / "net.onnx")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda content: content[:-5000], "no ONNX model that can be run"),
        (lambda content: b"Dear Sir or Madam", "no ONNX model that can be run"),
        (lambda content: b"", "no ONNX model that can be run"),
        (lambda content: _with_metadata(content, None), "does not say what it finds"),
        (lambda content: _with_metadata(content, {"format": 2}), "its format is 2"),
        (
            lambda content: _with_metadata(content, {"kind": "oracle"}),
            "'oracle', known are detector",
        ),
        (lambda content: _with_metadata(content, {"config": {"colour": 1}}), "unknown colour"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_by_its_name(content, tmp_path, damage, says):
    (tmp_path / "net.onnx").write_bytes(damage(content))
    with pytest.raises(EngineError, match=f"net.onnx .*{says}"):
        OnnxEngine(tmp_path / "net.onnx")


def test_a_model_for_another_batch_says_so(content):
    model = onnx.load_from_string(content)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    engine = OnnxEngine(model.SerializeToString())
    with pytest.raises(EngineError, match=r"cannot run pictures of shape \(1, 3, 64, 64\)"):
        engine(torch.rand(1, 3, 64, 64))


def test_a_file_that_is_missing_is_said(tmp_path):
    with pytest.raises(EngineError, match="nothing.onnx cannot be read: No such file"):
        OnnxEngine(tmp_path / "nothing.onnx")


@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        (torch.rand(1, 3, 32, 32), r"\(batch, 3, 64, 64\), got \(1, 3, 32, 32\)"),
        (torch.full((1, 3, 64, 64), 200.0), "values in"),
        (torch.full((1, 3, 64, 64), torch.nan), "values in"),
    ],
)
def test_pictures_that_pytorch_refuses_are_refused(content, pictures, says):
    with pytest.raises(ValueError, match=says):
        OnnxEngine(content)(pictures)


@pytest.mark.timeout(300)
def test_the_shipped_weights_find_the_same_face_by_either_engine():
    network = load_detector("tiny68")
    engine = OnnxEngine(as_onnx(network)[0])
    (wanted,) = Landmarker(network, flip=True)(astronaut(), FACE)
    (given,) = Landmarker(network, flip=True, engine=engine)(astronaut(), FACE)
    assert np.abs(given.landmarks - wanted.landmarks).max() < 0.01
    assert np.abs(given.sigma - wanted.sigma).max() < 0.01
    assert np.ptp(wanted.landmarks, axis=0).min() > 50


def _with_metadata(content: bytes, changes: dict | None) -> bytes:
    model = onnx.load_from_string(content)
    (entry,) = model.metadata_props
    if changes is None:
        del model.metadata_props[:]
    else:
        entry.value = json.dumps(json.loads(entry.value) | changes)
    return model.SerializeToString()
