"""A tracker beside what needs no training, on clips whose errors are known by hand."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pictures import assert_fit_to_be_read
from smallruns import SMALL
from typer.testing import CliRunner

from onedheat import evaluation
from onedheat.cli import app
from onedheat.data.clips import Clip, ClipSet
from onedheat.engines import TorchEngine
from onedheat.filters import OneEuro
from onedheat.landmarks import IBUG68
from onedheat.models import Detector, Tracker, TrackerConfig, build
from onedheat.models.compared import recurrent2d
from onedheat.pipeline import Landmarker
from onedheat.pipeline.following import without_memory
from onedheat.plots.steadying import errors_over_time
from onedheat.steadying import AGAIN, AVERAGED, compare, one_euro

FACE = np.random.default_rng(0).uniform(30, 90, (68, 2))
FACE[36], FACE[45] = (40.0, 50.0), (80.0, 50.0)  # 40 pixels apart: 1 pixel is 2.5 %
FRAMES = 40


class Blank:
    """Frames that are all alike, so that optical flow stands still."""

    def __init__(self, frames: int, counted: list[int]):
        self.frames, self.counted = frames, counted

    def __len__(self):
        return self.frames

    def __iter__(self):
        return (self[t] for t in range(self.frames))

    def __getitem__(self, frame):
        self.counted.append(frame)
        return np.full((120, 120, 3), 90, np.uint8)

    def __str__(self):
        return "blank frames"


def clips_of(*speeds: float, counted: list[int] | None = None) -> ClipSet:
    """Faces that go along x for a while and back, at so many pixels a frame; half of them hidden."""
    visible = np.repeat(np.arange(68)[None] % 2 == 0, FRAMES, axis=0)
    way = 5 - np.abs(np.arange(FRAMES) % 20 - 10) / 2
    return ClipSet("made", "all", IBUG68, tuple(
        Clip(
            Blank(FRAMES, [] if counted is None else counted),
            FACE + speed * np.stack([way, np.zeros(FRAMES)], axis=1)[:, None],
            f"clip {number}", "", visible,
        )
        for number, speed in enumerate(speeds)
    ))  # fmt: skip


class Shaking(Landmarker):
    """Finds every landmark 1 pixel to the right of where it is, then 1 to the left, and so on."""

    def __init__(self, clips: ClipSet):
        super().__init__(Detector(SMALL).eval())
        self.clips, self.t = clips, -1

    def locate(self, images, boxes):
        self.t += 1
        located = super().locate(images, boxes)
        true = np.stack([clip.landmarks[self.t] for clip in self.clips.clips])
        return replace(located, landmarks=true + (1.0 - 2 * (self.t % 2), 0.0))


@pytest.fixture(scope="module")
def still():
    """Faces that do not move at all, found by a detector that shakes."""
    clips = clips_of(0.0, 0.0)
    return compare(Shaking(clips), clips, weights="shaking")


def named(comparison, name):
    return next(way for way in comparison.ways if way.name == name)


def test_every_way_has_its_row_and_a_filter_says_how_late_it_is(still):
    names = [way.name for way in still.ways]
    assert names == [
        "shaking",
        "mean of 2 frames", "1€ filter, as late as that",
        "mean of 3 frames", "1€ filter, as late as that",
        "mean of 5 frames", "1€ filter, as late as that",
        "flow from the first frame", f"flow, begun anew after {AGAIN} frames",
    ]  # fmt: skip
    assert [way.lag_at_rest for way in still.ways if way.name.startswith("mean")] == [0.5, 1.0, 2.0]


def test_errors_and_jitter_are_those_worked_by_hand(still):
    """Errors of ±1 px in turn have second differences of 4 px; of 40 px these are 2.5 and 10 %."""
    first = still.ways[0].report
    assert (first.faces, first.clips, first.nrmse) == (80, 2, pytest.approx(2.5))
    assert (first.jitter, first.jitter_of_error) == (pytest.approx(10), pytest.approx(10))
    assert first.jitter_of_labels == pytest.approx(0)
    # The mean of two is right but for the first frame; that shakes once, by 1 px, in 38 differences.
    two = named(still, "mean of 2 frames").report
    assert two.nrmse == pytest.approx(2.5 / 40)
    assert two.jitter_of_error == pytest.approx(2.5 / 38)
    # Of three frames two take each other away: 1/3 px in turn, after 1 and 0.
    three = named(still, "mean of 3 frames").report
    assert three.nrmse == pytest.approx(2.5 * (1 + 0 + 38 / 3) / 40)


def test_flow_keeps_what_it_began_with_until_it_begins_anew(still):
    never, often = still.ways[-2:]
    assert np.allclose(never.tracks[0], FACE + (1.0, 0.0))
    assert never.report.jitter == pytest.approx(0)
    assert np.allclose(often.tracks[1][:AGAIN], FACE + (1.0, 0.0))
    assert np.allclose(often.tracks[1][AGAIN:], FACE + (1.0 - 2 * (AGAIN % 2), 0.0))


def test_hidden_landmarks_have_a_column_and_the_labels_a_line(still):
    lines = still.as_text().splitlines()
    assert lines[0].startswith(
        "made, all: 80 frames in 2 clips, 68 points, per cent of interocular"
    )
    assert "hidden %" in lines[1] and "offset removed" not in lines[1]
    assert lines[3].split() == ["shaking", "2.50", "2.50", "10.00", "10.00", "nan"]
    assert lines[-1].split() == ["the", "labels", "themselves", "0.00"]


def test_where_nothing_moves_a_filter_is_as_late_as_its_formula_says(still):
    euro = [way.lag_at_rest for way in still.ways if way.name.startswith("1€")]
    assert euro == pytest.approx([(frames - 1) / 2 for frames in AVERAGED])


def test_filters_are_compared_at_the_same_measured_lag():
    clips = clips_of(1.0, 2.0)
    comparison = compare(Shaking(clips), clips)
    assert comparison.ways[0].name == "detector network"
    pairs = list(zip(comparison.ways[1:7:2], comparison.ways[2:7:2], strict=True))
    for average, euro in pairs[:2]:
        assert average.report.lag > 0.2
        assert euro.report.lag == pytest.approx(average.report.lag, abs=0.05)
    later = pairs[0][1].lag_at_rest, pairs[1][1].lag_at_rest
    assert later[0] < later[1]


def test_each_frame_is_read_once_however_many_look():
    read: list[int] = []
    clips = clips_of(1.0, counted=read)
    compare(Shaking(clips), clips)
    assert read == list(range(FRAMES))


def test_reports_of_followed_faces_say_whether_the_mirror_was_asked():
    """A detector that follows looks in the mirror too, and finds other landmarks for it."""
    torch.manual_seed(0)
    detector, clips, errors = Detector(SMALL).eval(), clips_of(1.0), []
    for flip in (False, True):
        landmarker = Landmarker(detector, flip=flip)
        comparison = compare(landmarker, clips)
        assert [way.report.flip for way in comparison.ways] == [flip] * len(comparison.ways)
        assert ("; dark + flip, followed" in comparison.as_text()) == flip
        report = evaluation.evaluate_clips(landmarker, clips, follow=True)
        assert report.flip == flip and report.as_json()["flip"] == flip
        errors.append(report.errors)
    assert errors[0] != pytest.approx(errors[1])


def test_a_broken_network_is_refused_before_it_is_measured_on_clips():
    detector = Detector(SMALL)
    torch.nn.init.constant_(next(detector.parameters()), torch.nan)
    for follow in (False, True):
        with pytest.raises(ValueError, match="not finite"):
            evaluation.evaluate_clips(Landmarker(detector), clips_of(1.0), follow=follow)


def test_a_tracker_stands_before_the_detector_inside_it():
    torch.manual_seed(0)
    tracker = Tracker(TrackerConfig(**SMALL.as_dict())).eval()
    for weight in tracker.fourth_x.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    clips = clips_of(1.0)
    comparison = compare(Landmarker(tracker), clips, weights="mine")
    first, second, *others = comparison.ways
    assert (first.name, second.name) == ("mine", "its detector, frame by frame")
    alone = evaluation.evaluate_clips(Landmarker(tracker.detector), clips, follow=True)
    assert second.report.errors == pytest.approx(alone.errors)
    assert first.report.errors != pytest.approx(alone.errors)
    # What is filtered is what the detector found.
    average = next(way for way in others if way.name == "mean of 2 frames")
    assert average.tracks[0][1] == pytest.approx(second.tracks[0][:2].mean(axis=0))


def test_a_tracker_that_is_late_has_a_filter_as_late_beside_it(monkeypatch):
    from onedheat import steadying

    clips = clips_of(1.0, 2.0)
    shaking = Shaking(clips)

    class Late(Shaking):
        """What is found, a frame late."""

        def locate(self, images, boxes):
            located = super().locate(images, boxes)
            before = max(0, self.t - 1)
            true = np.stack([clip.landmarks[before] for clip in clips.clips])
            return replace(located, landmarks=true)

    monkeypatch.setattr(steadying, "without_memory", lambda landmarker: shaking)
    comparison = compare(Late(clips), clips, weights="late")
    beside = comparison.ways[2]
    assert beside.name == "1€ filter, as late as late"
    assert comparison.ways[0].report.lag == pytest.approx(1, abs=0.05)
    assert beside.report.lag == pytest.approx(1, abs=0.1)


def test_the_detector_inside_is_run_as_its_tracker_is_run():
    tracker = Tracker(TrackerConfig(**SMALL.as_dict())).eval()
    by_torch = without_memory(Landmarker(tracker, engine=TorchEngine(tracker)))
    assert by_torch.detector is tracker.detector and isinstance(by_torch.engine, TorchEngine)
    assert without_memory(Landmarker(tracker)).engine is None
    detector = Landmarker(Detector(SMALL))
    assert without_memory(detector) is detector
    with pytest.raises(ValueError, match="recurrent2d network has no detector apart"):
        without_memory(Landmarker(build(recurrent2d(SMALL, 0.5))))


def test_the_1_euro_filter_follows_sooner_in_proportion_to_the_face():
    """Twice as large a face that moves twice as fast is the same face."""
    track = np.cumsum(np.random.default_rng(0).normal(size=(30, 68, 2)), axis=0) + FACE
    small, large = one_euro(2.0)(track).smooth(track), one_euro(2.0)(2 * track).smooth(2 * track)
    assert large == pytest.approx(2 * small)
    assert isinstance(one_euro(2.0)(track), OneEuro) and one_euro(2.0)(track).lag == pytest.approx(
        2
    )


def test_the_figure_shows_a_landmark_of_the_detector_filters_and_flow():
    clips = clips_of(1.0)
    comparison = compare(Shaking(clips), clips, weights="shaking")
    figure = errors_over_time(comparison)
    assert_fit_to_be_read(figure)
    whole, close = figure.axes
    lines = {line.get_label(): line.get_ydata() for line in close.lines}
    assert list(lines) == [
        "shaking", "mean of 3 frames", "1€ filter, as late as that", "flow from the first frame",
    ]  # fmt: skip
    assert np.allclose(np.abs(whole.lines[0].get_ydata()), 1)
    assert "right eye 0" in figure.alt and "shaking 1.00, at most 1.0" in figure.alt


def test_the_command_prints_a_table_and_writes_the_figure(tmp_path, monkeypatch):
    clips = clips_of(1.0)
    fake = SimpleNamespace(watched=lambda root, split, frames: clips, test_split="all")
    monkeypatch.setattr(
        "onedheat.cli.measuring.paired_with_folders", lambda names, roots: [(fake, None)]
    )
    monkeypatch.setattr("onedheat.pipeline.load", lambda *given, **named: Shaking(clips))
    picture = tmp_path / "errors.png"
    asked = ["evaluate", "--dataset", "made", "--follow", "1", "--beside"]
    result = CliRunner().invoke(app, [*asked, "--figure", str(picture)])
    assert result.exit_code == 0, result.output
    assert "flow from the first frame" in result.stdout and picture.read_bytes()[:4] == b"\x89PNG"
    clips_again = clips_of(1.0)
    monkeypatch.setattr("onedheat.pipeline.load", lambda *given, **named: Shaking(clips_again))
    found = json.loads(CliRunner().invoke(app, [*asked, "--json", "-"]).stdout)
    assert found["nrmse"] == pytest.approx(2.5) and len(found["beside"]) == 9
    assert found["beside"][1]["way"] == "mean of 2 frames"
    assert found["beside"][1]["lag_at_rest"] == 0.5


def test_what_stands_beside_is_asked_for_with_follow():
    for asked in (["--beside"], ["--follow", "1", "--figure", "a.png"]):
        result = CliRunner().invoke(app, ["evaluate", "--dataset", "synthetic", *asked])
        assert result.exit_code == 2 and "--beside needs --follow" in result.output.replace(
            "\n", " "
        )
