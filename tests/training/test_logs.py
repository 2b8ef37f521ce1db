"""What a run tells: a table, TensorBoard, a sheet of faces; and that it trains on where it cannot."""

import builtins
import errno
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from smallruns import run_of

from onedheat.data.samples import Sample
from onedheat.geometry import Crop, tight_box
from onedheat.pipeline import Landmarker
from onedheat.training import Measured, logs, read_metrics
from onedheat.training.logs import Logs
from onedheat.training.sheet import AROUND, HEADING, LABEL, SIDE, draw_sheet

ROW = Measured(4, 1.0, 32, 2.5, 12.8, 8.25, 61.5)
LATER = Measured(8, 2.0, 64, 5.0, 12.8, 7.5, 40.25)


def test_a_table_is_read_as_it_was_written(tmp_path):
    told = Logs(tmp_path, 0)
    told.add(ROW, 0.001)
    told.add(LATER, 0.0005)
    assert read_metrics(tmp_path) == [ROW, LATER]
    assert (tmp_path / "metrics.csv").read_text().splitlines() == [
        "step,passes,images,seconds,images_per_second,loss,validation_nrmse",
        "4,1.0,32,2.5,12.8,8.25,61.5",
        "8,2.0,64,5.0,12.8,7.5,40.25",
    ]
    resumed = Logs(tmp_path, 4)
    assert resumed.history == [ROW] and read_metrics(tmp_path) == [ROW, LATER]
    resumed.begin()
    assert read_metrics(tmp_path) == [ROW] and read_metrics(tmp_path / "nowhere") == []


def test_a_damaged_table_stops_nothing(tmp_path, caplog):
    Logs(tmp_path, 0).add(ROW, 0.001)
    with (tmp_path / "metrics.csv").open("ab") as stream:
        stream.write(b"8,\xff,64\n")
    assert Logs(tmp_path, 9).history == [ROW] and not caplog.text
    (tmp_path / "metrics.csv").unlink()
    (tmp_path / "metrics.csv").mkdir()
    told = Logs(tmp_path, 9)
    told.begin()
    told.add(ROW, 0.001)
    assert told.history == [ROW]
    assert caplog.text.count("training goes on") == 1


def test_a_board_that_cannot_be_opened_stops_nothing(tmp_path, caplog):
    pytest.importorskip("tensorboard")
    (tmp_path / "tensorboard").write_text("not a folder")
    told = Logs(tmp_path, 0, tensorboard=True)
    told.begin()
    told.add(ROW, 0.001)
    assert read_metrics(tmp_path) == [ROW] and "training goes on" in caplog.text


def test_what_cannot_be_written_is_said_once_and_written_later(tmp_path, monkeypatch, caplog):
    told, write, full = Logs(tmp_path, 0), logs.write_atomically, [True]

    def refuse(path: Path, content: bytes):
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(logs, "write_atomically", refuse)
    told.add(ROW, 0.001)
    told.add(LATER, 0.001)
    assert caplog.text.count("No space left on device") == 1 and "training goes on" in caplog.text
    full[0] = False
    told.add(LATER, 0.001)
    assert read_metrics(tmp_path) == [ROW, LATER, LATER]


def test_tensorboard_shows_the_same_figures(faces, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = run_of(faces, tmp_path / "run", how={"tensorboard": True, "samples": 2}, passes=1)
    run.train()
    board = EventAccumulator(str(tmp_path / "run/tensorboard"))
    board.Reload()
    (row,) = read_metrics(tmp_path / "run")
    values = {
        "loss": row.loss,
        "validation/nrmse": row.validation_nrmse,
        "images_per_second": row.images_per_second,
        "learning_rate": 0.0,  # at the end of the cosine
    }
    assert set(board.Tags()["scalars"]) == set(values)
    for name, value in values.items():
        (event,) = board.Scalars(name)
        assert (event.step, event.value) == (4, pytest.approx(value, rel=1e-4, abs=1e-9))
    assert board.Tags()["images"] == ["validation/samples"]


def test_without_tensorboard_there_is_the_table_and_a_sentence(tmp_path, monkeypatch, caplog):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with caplog.at_level(logging.INFO, "onedheat"):
        told = Logs(tmp_path, 0, tensorboard=True)
        told.begin()
    told.add(ROW, 0.001)
    assert "TensorBoard is not installed" in caplog.text and "metrics.csv" in caplog.text
    assert read_metrics(tmp_path) == [ROW]


# The sheet ------------------------------------------------------------------------------------------


class Knows(Landmarker):
    """Finds what is labelled, so many pixels to the right."""

    def __init__(self, faces, off: float):
        self.faces, self.off = faces, off

    def locate(self, images, boxes):
        expected = [tight_box(sample.landmarks, 1.25) for sample in self.faces.samples[:3]]
        assert np.allclose(boxes, expected) and len(images) == 3
        labels = np.stack([sample.landmarks for sample in self.faces.samples[:3]])
        return type("Found", (), {"landmarks": labels + (self.off, 0)})


def share_crossed(picture: np.ndarray, sample: Sample) -> float:
    """Of the first face's labels, how many have the colour of their cross in the middle."""
    crop = Crop.from_box(tight_box(sample.landmarks, AROUND), SIDE)
    x, y = np.round(crop.to_crop(sample.landmarks)).astype(int).T
    return float((np.abs(picture[HEADING + y, x].astype(int) - LABEL).max(axis=-1) < 60).mean())


def test_a_sheet_shows_how_far_what_is_found_is_from_the_labels(faces):
    apart = [0.0, 6.0]
    sheets = [
        draw_sheet(Knows(faces, off), faces.samples[:3], faces.scheme, "Step 4") for off in apart
    ]
    assert sheets[0].picture.shape == (HEADING + SIDE, 4 * SIDE, 3)
    assert "Step 4. 3 validation faces" in sheets[0].words
    assert "0.0 % of the face's size apart" in sheets[0].words
    sides = [tight_box(sample.landmarks, 1.0) for sample in faces.samples[:3]]
    percent = np.mean([600 / (box[2] - box[0]) for box in sides])
    assert f"{percent:.1f} % of the face's size apart" in sheets[1].words
    # Where the two are in one place a dot covers the cross; apart, both can be seen.
    crossed = [share_crossed(sheet.picture, faces.samples[0]) for sheet in sheets]
    assert crossed[0] < 0.1 and crossed[1] > 0.5


def test_a_run_keeps_the_newest_sheet_with_its_words(faces, tmp_path):
    run = run_of(faces, tmp_path / "run", passes=2, how={"samples": 5})
    report = run.train()
    with Image.open(tmp_path / "run/samples.png") as picture:
        assert picture.size == (4 * SIDE, HEADING + 2 * SIDE)
        words = picture.text["Description"]
    assert words.startswith(f"Step 8: validation NRMSE {report.nrmse:.2f} %. 5 validation faces")
