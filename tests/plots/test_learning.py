"""The curves of a run: where each point lies, and what is said of them."""

from types import SimpleNamespace

import numpy as np

from onedheat.course.live import LivePlot
from onedheat.plots.learning import learning_curves
from onedheat.training import Measured

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
