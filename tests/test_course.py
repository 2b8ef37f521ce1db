"""What learners touch: exercises that answer in words, questions, widgets, the footer."""

import ast
import builtins
import inspect
import io
import re
import textwrap
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets
import nbformat
import numpy as np
import pytest
import torch
from boxes import assert_every_control_moves_its_picture, parts
from PIL import Image

from onedheat.course import WIDGET_NOTE, WIDGET_VIEW
from onedheat.course import footer as footer_module
from onedheat.course import show as show_module
from onedheat.course.exercises import Checks, Exercise, Mistake
from onedheat.course.footer import footer, peak_memory
from onedheat.course.lessons import (
    co_attention,
    detector,
    evaluation,
    marginal_heatmaps,
    quantization_error,
    start_here,
    tracking,
    training,
    your_own,
)
from onedheat.course.photos import photographs
from onedheat.course.quiz import Choice, Prediction, Question, Quiz
from onedheat.course.widgets import (
    cell_and_curve_box,
    explore_cell_and_curve,
    explorer,
    slider,
    snapped_face_box,
)
from onedheat.landmarks import IBUG68
from onedheat.plots import FaceView, Figure

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LESSONS = {
    "start_here": start_here,
    "quantization_error": quantization_error,
    "marginal_heatmaps": marginal_heatmaps,
    "detector": detector,
    "co_attention": co_attention,
    "training": training,
    "evaluation": evaluation,
    "tracking": tracking,
    "your_own": your_own,
}
EXERCISES = [
    pytest.param(exercise, id=exercise.name)
    for lesson in LESSONS.values()
    for exercise in lesson.check
]


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as (bundle, metadata)."""
    kept = []

    def display(bundle, metadata=None, raw=False):
        assert raw
        kept.append((bundle, metadata))

    monkeypatch.setattr(show_module, "display", display)
    return kept


# Exercises ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES)
def test_the_solution_passes(exercise):
    verdict = exercise(exercise.solution)
    assert verdict.passed and "Right" in verdict.message


@pytest.mark.parametrize("exercise", EXERCISES)
def test_each_planted_mistake_gets_its_own_hint(exercise):
    assert len(exercise.mistakes) >= 3
    verdicts = [exercise(mistake.makes) for mistake in exercise.mistakes]
    assert [verdict.message for verdict in verdicts] == [
        mistake.hint for mistake in exercise.mistakes
    ]
    assert not any(verdict.passed for verdict in verdicts)
    assert len({verdict.message for verdict in verdicts}) == len(verdicts)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_solution_is_named_as_the_stub_and_documented(exercise):
    assert exercise.solution.__name__ == exercise.name
    assert exercise.solution.__doc__


@pytest.mark.parametrize("name", LESSONS)
def test_a_solution_can_be_pasted_into_its_notebook(name):
    """It uses what the notebook imports, and nothing else."""
    (path,) = NOTEBOOKS.glob(f"*_{name}.ipynb")
    cells = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for cell in cells
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for exercise in LESSONS[name].check:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(exercise.solution)))
        named = [node for node in ast.walk(parsed) if isinstance(node, ast.Name)]
        own = {node.id for node in named if isinstance(node.ctx, ast.Store)}
        own |= {node.arg for node in ast.walk(parsed) if isinstance(node, ast.arg)}
        used = {node.id for node in named} - own - set(dir(builtins))
        assert used <= imported, f"{exercise.name} uses {used - imported}, which is not imported"


def stops(value):
    raise RuntimeError("no bread")


def unwritten(value):
    raise NotImplementedError


double = Exercise(
    "double",
    lambda value: 2 * value,
    cases=((1.0,), (np.array([1.0, 2.0]),)),
    mistakes=(Mistake(lambda value: value, "Twice, not once."),),
    hints=("Multiply.",),
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (unwritten, "Not written yet"),
        (lambda value: None, "gives nothing back"),
        (stops, "With value = 1 your function stopped in its line 2 with RuntimeError: no bread."),
        (lambda: 2, "stopped with TypeError"),
        (lambda value: value, "Twice, not once."),
        (lambda value: 3 * value, "With value = 1 the answer is 2, yours is 3."),
        (lambda value: "two", "the answer is 2, yours is 'two'."),
        (lambda value: [[2.0], [2.0, 2.0]], "the answer is 2, yours is [[2.0], [2.0, 2.0]]."),
        (lambda value: [2.0, 2.0], "the answer is 2, yours is a list of shape (2,) (2, 2)."),
        (2.0, "no call"),
    ],
)
def test_an_answer_that_is_not_right_is_met_with_words(answer, said):
    verdict = double(answer)
    assert not verdict.passed
    assert said in verdict.message


def test_an_answer_may_work_in_place():
    def in_place(value):
        value += value
        return value

    arrays = replace(double, cases=((np.array([1.0, 2.0]),), (np.array([4.0]),)))
    for _ in range(2):  # and spoils nothing for the next one
        assert arrays(in_place).passed
    assert arrays.cases[0][0].tolist() == [1.0, 2.0]


def test_a_type_that_matters_is_asked_for():
    floats = replace(double, cases=((np.array([1.0, 2.0]),),), dtype="float32")
    assert floats(lambda value: np.float32(2 * value)).passed
    said = floats(lambda value: 2 * value).message
    assert "their type is float64" in said and "`.astype(np.float32)`" in said


def test_an_answer_that_differs_in_late_digits_says_so():
    exact = replace(double, tolerance=1e-12)
    said = exact(lambda value: 2 * value * (1 + 1e-9)).message
    assert "the answer is 2, yours is 2, but only nearly right" in said


def test_a_verdict_is_a_sentence_with_and_without_html():
    bundle = double(double.solution)._repr_mimebundle_()
    assert bundle["text/plain"] == "✓ Right, in all 2 cases."
    assert 'role="status"' in bundle["text/html"]


def test_help_folds_every_hint_and_the_source_of_the_solution(shown):
    exercise = quantization_error.check.recover_center
    exercise.help()
    markup = shown[0][0]["text/html"]
    assert markup.count("<details>") == len(exercise.hints) + 1
    assert "return (index + 0.5) * size / bins" in markup
    assert "return" not in shown[0][0]["text/plain"]


def test_an_unknown_exercise_names_those_there_are():
    with pytest.raises(AttributeError, match="no exercise 'triple'; it has: double"):
        Checks(double).triple  # noqa: B018


def test_the_reference_of_the_lesson_is_the_package():
    """The exercise on Eq. 4 and the decoder's frame agree about where a centre is."""
    from onedheat.heatmaps import bin_to_coordinate

    for bins in (64, 384):
        paper_frame = quantization_error.check.recover_center.solution(5, 128, bins)
        assert paper_frame - 0.5 == pytest.approx(
            bin_to_coordinate(torch.tensor(5.0), 128, bins).item()
        )
        vector = np.eye(bins)[5]
        assert start_here.check.read_vector.solution(vector, 128) == pytest.approx(
            paper_frame - 0.5
        )


def test_bins_for_keeps_its_promise():
    count = quantization_error.check.bins_for.solution(0.5, 256, 120.0)
    points = np.random.default_rng(0).uniform(-0.5, 255.5, (200_000, 2))
    from onedheat.plots.rounding import snap

    cost = [
        100 * np.linalg.norm(snap(points, 256, bins, "centre") - points, axis=1).mean() / 120
        for bins in (count, count - 2)
    ]
    assert cost[0] < 0.502 and cost[1] > 0.5


# Questions ----------------------------------------------------------------------------------------


def questions():
    for name, lesson in LESSONS.items():
        yield pytest.param(lesson.prediction.question, id=f"{name} prediction")
        for number, question in enumerate(lesson.quiz.questions, start=1):
            yield pytest.param(question, id=f"{name} quiz {number}")


@pytest.mark.parametrize("question", list(questions()))
def test_every_choice_has_its_own_reason(question):
    assert len(question.choices) >= 3
    assert len({choice.why for choice in question.choices}) == len(question.choices)
    assert len({choice.text for choice in question.choices}) == len(question.choices)


def test_a_quiz_has_three_questions():
    assert {name: len(lesson.quiz.questions) for name, lesson in LESSONS.items()} == dict.fromkeys(
        LESSONS, 3
    )


def test_a_question_needs_one_right_choice():
    with pytest.raises(ValueError, match="exactly one choice must be right"):
        Question("?", (Choice("a", "no"), Choice("b", "no")))


QUESTION = Question(
    "1 + 1?", (Choice("1", "No."), Choice("2", "Count.", right=True), Choice("3", "Too much."))
)


def test_a_prediction_stays_locked_and_is_answered_later(shown):
    prediction = Prediction(QUESTION)
    box = prediction.box()
    (choices,), (lock,) = parts(box, widgets.RadioButtons), parts(box, widgets.Button)
    assert lock.disabled and choices.value is None
    choices.value = QUESTION.choices[2]
    assert not lock.disabled
    lock.click()
    assert choices.disabled and lock.disabled
    assert prediction.locked is QUESTION.choices[2]
    choices.value = QUESTION.choices[1]
    lock.click()
    assert prediction.locked is QUESTION.choices[2]
    prediction.reveal()
    said = shown[-1][0]["text/plain"]
    assert said == "You predicted “3”. Too much. The answer: 2. Count."


def test_a_prediction_does_not_give_itself_away(shown):
    prediction = Prediction(QUESTION)
    prediction.ask()
    bundle = shown[0][0]
    assert "Count." not in bundle["text/html"] + bundle["text/plain"]
    prediction.reveal()
    assert shown[1][0]["text/plain"] == "The answer: 2. Count."


def test_a_quiz_answers_each_choice_in_words_and_lets_one_try_again():
    box = Quiz([QUESTION]).box()
    (choices,), reply = parts(box, widgets.RadioButtons), parts(box, widgets.HTML)[-1]
    choices.value = QUESTION.choices[0]
    assert "Not this. No." in reply.value
    choices.value = QUESTION.choices[1]
    assert "Right. Count." in reply.value


def test_a_quiz_without_widgets_is_text_with_its_answers_folded(shown):
    Quiz([QUESTION]).show()
    bundle = shown[0][0]
    assert "1 + 1?" in bundle["text/plain"] and "Count." not in bundle["text/plain"]
    assert re.search(r"<details>.*Count\..*</details>", bundle["text/html"])


# Widgets ------------------------------------------------------------------------------------------


def test_an_explorer_redraws_and_says_in_words_what_it_shows():
    def draw(height):
        figure = Figure(1, 1, f"a bar of height {height}")
        figure.panel(0, 0, 1, 1).bar([0], [height])
        figure.axes[0].set_ylim(0, 10)
        return figure

    height = slider("height", 0, 10, 3)
    box = explorer(draw, {"height": height})
    (picture,), (words,) = parts(box, widgets.Image), parts(box, widgets.HTML)
    before = picture.value
    assert Image.open(io.BytesIO(before)).size == (100, 100)
    height.value = 4
    assert picture.value != before
    assert "a bar of height 4" in words.value
    assert "onedheat-widget" in box._dom_classes
    assert "onedheat-control" in height._dom_classes
    assert any("onedheat-output" in one._dom_classes for one in parts(box, widgets.VBox))


def test_every_control_of_the_lesson_moves_its_picture():
    view = FaceView(
        "Somebody",
        np.zeros((64, 64, 3), dtype=np.uint8),
        256,
        np.random.default_rng(0).uniform(30, 220, (68, 2)),
        IBUG68,
    )
    other = FaceView("Another", view.picture + 9, 256, view.landmarks[::-1].copy(), IBUG68)
    snapped = snapped_face_box([view, other], [32, 64, 128])
    assert_every_control_moves_its_picture(snapped, 4)
    assert_every_control_moves_its_picture(cell_and_curve_box((142.84, 188.72)), 2)


def test_an_explorer_is_shown_with_a_note_for_where_there_are_no_widgets(shown):
    explore_cell_and_curve((142.84, 188.72), 256)
    bundle, _ = shown[0]
    assert WIDGET_VIEW in bundle and bundle["text/plain"] == WIDGET_NOTE


def test_a_figure_is_shown_with_its_alt_text(shown):
    show_module.show(Figure(1, 1, "a white square of one inch"))
    bundle, metadata = shown[0]
    assert metadata["image/png"]["alt"] == bundle["text/plain"] == "a white square of one inch"


def test_words_are_escaped_and_backticks_become_code():
    assert show_module.escaped("a < b & `c`") == "a &lt; b &amp; <code>c</code>"


# The rest -----------------------------------------------------------------------------------------


def test_the_two_photographs_need_no_network():
    found = photographs()
    assert {name: image.shape for name, image in found.items()} == {
        "Eileen Collins": (512, 512, 3),
        "Grace Hopper": (600, 512, 3),
    }


def test_the_footer_tells_seed_versions_time_and_memory(capsys):
    footer(7)
    said = capsys.readouterr().out
    assert said.startswith("seed 7\nonedheat ")
    assert "torch" in said and "ipywidgets" in said
    assert re.search(r"wall time \d+ s, peak memory \d+ MB", said)
    assert 20 < peak_memory() < 50_000


def test_the_clock_starts_with_the_course():
    assert "perf_counter() - _started" in inspect.getsource(footer_module.footer)


def test_a_look_inside_shows_the_vectors_that_the_landmarks_are_read_from():
    """An untrained network will do: what is shown must be what it put out."""
    from onedheat import DetectorConfig
    from onedheat.course.photos import look_inside
    from onedheat.models import Detector
    from onedheat.pipeline import Face, Landmarker

    detector = Detector(DetectorConfig(width=16, channels=8, upsample=3)).eval()
    landmarker = Landmarker(detector, finder="cascade")
    box = np.array([170.0, 60.0, 290.0, 180.0])
    face = Face(np.zeros((68, 2)), np.ones((68, 2)), box, np.full(68, 0.5))
    photo = photographs()["Eileen Collins"]
    pictures = look_inside(
        landmarker, {"one": photo, "two": photo}, {"one": [face], "two": [face] * 2}
    )
    assert list(pictures) == ["one", "two, face 1", "two, face 2"]
    picture = pictures["one"]
    assert picture.vectors[0].shape == (68, 96)
    located = landmarker(photo, boxes=[box])[0]
    seen = 128 * (located.landmarks - box[:2] + 0.0) / 120 - 0.5
    assert picture.view.landmarks == pytest.approx(seen, abs=0.02)
