"""Schemes as plain values: what was written is read, and what is wrong is said by its key."""

import json

import pytest
import torch

import onedheat
from onedheat.checkpoints import CheckpointError, load_detector, save_detector
from onedheat.landmarks import SCHEMES, Scheme, scheme, scheme_as_json, scheme_from_json
from onedheat.models import Detector, DetectorConfig
from onedheat.pipeline import read_pictures
from onedheat.presets import PRESETS, with_settings

FIVE = Scheme(
    name="five",
    points=("right_eye", "left_eye", "nose", "mouth_right", "mouth_left"),
    mirror=(1, 0, 2, 4, 3),
    areas={"eyes": (0, 1), "mouth": (3, 4)},
    normaliser=(0, 1),
    lines=((3, 4),),
)
SMALL = DetectorConfig(width=16, channels=16, size=64, compressed=4, upsample=2)


@pytest.mark.parametrize("which", [FIVE, *SCHEMES.values()], ids=lambda one: one.name)
def test_what_was_written_is_read_back_the_same(which):
    assert scheme_from_json(json.loads(json.dumps(scheme_as_json(which)))) == which


def test_a_name_alone_is_the_published_scheme():
    assert scheme_from_json({"name": "ibug68"}) is SCHEMES["ibug68"]
    assert scheme(FIVE) is FIVE


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"mirror": [[0, 1]]}, "unknown key 'mirror'"),
        ({"name": 5}, "key 'name': expected a name"),
        ({"points": "p0 p1"}, "key 'points': expected a list"),
        ({"points": []}, "key 'points': expected a list of names"),
        ({"points": ["a", "b", "a", "c", "d"]}, "key 'points': 'a' stands there twice"),
        ({"mirror_pairs": [[0, 5]]}, "key 'mirror_pairs': expected a list of 2 of indices from 0 to 4"),
        ({"mirror_pairs": [[0, True]]}, "key 'mirror_pairs'"),
        ({"mirror_pairs": [[0, 1], [1, 2]]}, r"key 'mirror_pairs': \[1, 2\] names a point for the sec"),
        ({"mirror_pairs": [[2, 2]]}, r"key 'mirror_pairs': \[2, 2\]"),
        ({"mirror_pairs": None}, "key 'mirror_pairs': expected a list, got None"),
        ({"normaliser": "eyes"}, "key 'normaliser': expected a list of 2"),
        ({"normaliser": [1, 1]}, "key 'normaliser': expected two different points"),
        ({"areas": [[0, 1]]}, "key 'areas': expected names with lists"),
        ({"areas": {"eyes": []}}, "key 'areas': 'eyes' has no points"),
        ({"areas": {"eyes": [0, 9]}}, r"key 'areas': expected a list of indices from 0 to 4, got \[0, 9"),
        ({"lines": [0, 1]}, "key 'lines'"),
    ],
)  # fmt: skip
def test_a_fault_is_said_by_its_key(change, word):
    with pytest.raises(ValueError, match=word):
        scheme_from_json({**scheme_as_json(FIVE), **change})


def test_what_is_no_scheme_at_all_is_refused():
    with pytest.raises(ValueError, match=r"expected an object .* got \[1, 2\]"):
        scheme_from_json([1, 2])
    with pytest.raises(ValueError, match="'mine' is none of the published schemes"):
        scheme_from_json({"name": "mine"})


def test_a_checkpoint_of_ones_own_points_needs_nothing_beside_it(tmp_path):
    detector = Detector(SMALL.for_scheme(FIVE)).eval()
    save_detector(detector, tmp_path / "net")
    loaded = onedheat.load(tmp_path / "net", flip=True, engine="torch")
    assert loaded.scheme == FIVE and loaded.detector.config == detector.config
    pictures = torch.rand(1, 3, 64, 64)
    expected = read_pictures(detector, pictures, flip=True)
    assert (
        read_pictures(loaded.detector, pictures, flip=True).landmarks == expected.landmarks
    ).all()
    # Looking in the mirror gives the mirrored answer: points in the order that the scheme says.
    mirrored = read_pictures(detector, pictures.flip(-1), flip=True).landmarks[:, list(FIVE.mirror)]
    mirrored[..., 0] = 63 - mirrored[..., 0]
    assert mirrored == pytest.approx(expected.landmarks, abs=1e-4)


def test_a_checkpoint_of_a_published_scheme_holds_its_name_alone(tmp_path):
    save_detector(Detector(SMALL.for_scheme(SCHEMES["wflw98"])), tmp_path / "net")
    written = json.loads((tmp_path / "net/config.json").read_text())["detector"]
    assert (written["scheme"], written["landmarks"]) == ("wflw98", 98)
    assert load_detector(tmp_path / "net").config.scheme == "wflw98"


def test_a_scheme_damaged_in_a_checkpoint_is_said_with_file_and_key(tmp_path):
    save_detector(Detector(SMALL.for_scheme(FIVE)), tmp_path / "net")
    path = tmp_path / "net/config.json"
    path.write_text(path.read_text().replace('"mirror_pairs"', '"mirror_pears"'))
    with pytest.raises(CheckpointError, match=r"config\.json cannot be used: .*'mirror_pears'"):
        load_detector(tmp_path / "net")
    with pytest.raises(ValueError, match="as many as its scheme has points, got 6"):
        DetectorConfig(scheme=FIVE, landmarks=6)


def test_the_number_of_points_comes_with_the_faces_and_is_no_setting():
    fitted = PRESETS["tiny"].for_scheme(FIVE)
    assert (fitted.detector.landmarks, fitted.detector.scheme) == (5, FIVE)
    assert fitted.train == PRESETS["tiny"].train
    with pytest.raises(ValueError, match="expected key=value with one of these keys"):
        with_settings(PRESETS["tiny"], ["landmarks=5"])
