"""The curves of a run and its schedule: where each point lies, and what is said of them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from pictures import assert_fit_to_be_read

from onedheat.course.live import LivePlot
from onedheat.plots.learning import average_shares, learning_curves, round_ticks, schedules
from onedheat.presets import TrainConfig
from onedheat.training import Measured, ema_decay, learning_rate

LOSSES, ERRORS = (8.5, 7.9, 7.6), (61.5, 20.25, 22.0)
ROWS = [
    Measured(4 * n, float(n), 32 * n, 2.5 * n, 12.8, loss, error)
    for n, (loss, error) in enumerate(zip(LOSSES, ERRORS, strict=True), 1)
]


def test_both_curves_go_through_what_was_measured():
    loss, error = learning_curves(ROWS).axes
    for axes, values in ((loss, LOSSES), (error, ERRORS)):
        assert np.array_equal(
            axes.lines[0].get_xydata(), list(zip((32, 64, 96), values, strict=True))
        )
        low, high = axes.get_ylim()
        assert low < min(values) and high > max(values) and axes.get_yscale() == "log"
    assert [text.get_text() for axes in (loss, error) for text in axes.texts] == ["7.6", "22.00 %"]
    assert "%" in error.get_ylabel() and loss.get_xlabel() == "faces seen"


def test_the_words_have_the_figures_of_the_curves():
    said = learning_curves(ROWS, "A run").alt
    assert said.startswith(
        "A run: 3 validations. The loss goes from 8.5 after 32 faces to 7.6 after 96"
    )
    assert "from 61.50 to 22.00 per cent; the lowest is 20.25 per cent after 64 faces" in said


def test_a_run_that_has_measured_nothing_or_no_number_is_drawn_too():
    assert "nothing has been measured yet" in learning_curves([]).alt
    lost = [*ROWS, Measured(16, 4.0, 128, 10.0, 12.8, 7.5, float("nan"))]
    assert learning_curves(lost).drawn().size == learning_curves([]).drawn().size


def test_a_live_plot_is_one_picture_that_changes(monkeypatch):
    shown = []

    class Handle:
        def update(self, content, **how):
            shown.append(("update", content, how))

    def display(content, **how):
        shown.append(("display", content, how))
        return Handle()

    monkeypatch.setattr("onedheat.course.live.display", display)
    live = LivePlot("A run")
    for count in (1, 2, 3):
        live(SimpleNamespace(history=ROWS[:count]))
    assert [kind for kind, _, _ in shown] == ["display", "update", "update"]
    words = [content["text/plain"] for _, content, _ in shown]
    assert words == [learning_curves(ROWS[:count], "A run").alt for count in (1, 2, 3)]
    assert all(how["metadata"]["image/png"]["alt"] == said
               for (_, _, how), said in zip(shown, words, strict=True))  # fmt: skip
    assert len({content["image/png"] for _, content, _ in shown}) == 3
    assert shown[0][2]["display_id"] is True


# Schedules ----------------------------------------------------------------------------------------


def test_the_shares_of_an_average_are_those_that_training_gives():
    config = TrainConfig(ema=0.9)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=31)
    average = weights[0]
    for step in range(1, 31):
        kept = ema_decay(step, config)
        average = kept * average + (1 - kept) * weights[step]
    shares = average_shares(30, config)
    assert shares.sum() == pytest.approx(1)
    assert shares @ weights == pytest.approx(average)
    # Without the warm-up the first, random weights still hold a part of 0.9³⁰.
    cold = average_shares(30, replace(config, ema_warmup=False))
    assert cold[0] == pytest.approx(0.9**30) and shares[0] < 1e-6


def test_schedules_draw_the_rates_that_training_uses():
    config = TrainConfig(warmup_steps=40, learning_rate=3e-3, ema=0.99)
    flat = replace(config, schedule="constant", warmup_steps=0)
    figure = schedules({"cosine": config, "constant": flat}, 320)
    assert_fit_to_be_read(figure)
    rate, share = figure.axes
    assert rate.lines[0].get_ydata() == pytest.approx(
        [learning_rate(step, 320, config) for step in range(320)]
    )
    assert set(rate.lines[1].get_ydata()) == {3e-3}
    assert [len(line.get_ydata()) for line in share.lines] == [21, 101, 320]
    assert "cosine: highest at step 39, 0.0029" in figure.alt
    assert "after step 319 half of it comes from the newest" in figure.alt


def test_the_mean_face_is_a_line_in_the_plot_and_in_its_words():
    _, error = learning_curves(ROWS, constant=30.0).axes
    assert [30.0, 30.0] in [list(line.get_ydata()) for line in error.lines]
    assert error.get_ylim()[1] > 30 and error.get_legend().get_texts()[0].get_text() == "mean face"
    assert "The mean face has 30.0 per cent." in learning_curves(ROWS, constant=30.0).alt


@pytest.mark.parametrize("low, high", [(9.1, 31.4), (0.02, 97.0), (3.03, 3.11), (1e-5, 80.0)])
def test_ticks_are_round_and_few(low, high):
    ticks = round_ticks(low, high)
    assert 2 <= len(ticks) <= 6 and all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks)) and all(float(f"{tick:.3g}") == tick for tick in ticks)
