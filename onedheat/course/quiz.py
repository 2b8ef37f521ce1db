"""Questions: some to predict before the lesson answers them, some to see what has stayed.

Where no widget can be, a question is plain text with its answer folded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from onedheat.course.show import OPEN, RIGHT, escaped, folded, show_html, show_widget, told


@dataclass(frozen=True)
class Choice:
    """One option of a question, and what to say to who takes it."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with a few options, one of them right.

    Raises:
        ValueError: not exactly one option is right.
    """

    text: str
    choices: tuple[Choice, ...]

    def __post_init__(self):
        if sum(choice.right for choice in self.choices) != 1:
            raise ValueError(f"exactly one choice must be right in the question {self.text!r}")

    @property
    def answer(self) -> Choice:
        """The right one."""
        return next(choice for choice in self.choices if choice.right)

    def plain(self) -> str:
        """The question as text."""
        return "\n".join([self.text, *(f"- {choice.text}" for choice in self.choices)])

    def markup(self, after: str, head: str = "") -> str:
        """The question as HTML without widgets, with something after its options."""
        options = "".join(f"<li>{escaped(choice.text)}</li>" for choice in self.choices)
        return f"<p>{head}{escaped(self.text)}</p><ol>{options}</ol>{after}"

    def folded_answer(self) -> str:
        """The right option and why, as HTML to be opened."""
        return folded("Answer", f"<p>{escaped(self.answer.text)}: {escaped(self.answer.why)}</p>")


def _choices(question: Question) -> widgets.RadioButtons:
    return widgets.RadioButtons(
        options=[(choice.text.replace("`", ""), choice) for choice in question.choices],
        value=None,
        layout=widgets.Layout(width="auto"),
    )


def _asked(text: str) -> widgets.HTML:
    return widgets.HTML(f'<div style="max-width: 48em; line-height: 1.4">{text}</div>')


class Quiz:
    """Questions after a lesson. Each choice is answered in words, and another may be tried."""

    def __init__(self, questions: Sequence[Question]):
        self.questions = list(questions)

    def box(self) -> widgets.VBox:
        """The widget."""
        parts = []
        for number, question in enumerate(self.questions, start=1):
            choices, reply = _choices(question), widgets.HTML()
            choices.observe(lambda change, reply=reply: self._answer(change["new"], reply), "value")
            asked = _asked(f"<b>Question {number}.</b> {escaped(question.text)}")
            parts.append(
                widgets.VBox([asked, choices, reply], layout=widgets.Layout(margin="0 0 1em 0"))
            )
        return widgets.VBox(parts)

    def _answer(self, choice: Choice | None, reply: widgets.HTML) -> None:
        if choice is not None:
            sign = "✓ Right." if choice.right else "→ Not this."
            words = escaped(f"{sign} {choice.why}")
            reply.value = told(words, RIGHT if choice.right else OPEN)

    def show(self) -> None:
        """Displays the questions."""
        numbered = list(enumerate(self.questions, start=1))
        plain = "\n\n".join(f"Question {number}. {one.plain()}" for number, one in numbered)
        markup = "".join(
            one.markup(one.folded_answer(), f"<b>Question {number}.</b> ")
            for number, one in numbered
        )
        show_widget(self.box(), plain, markup)


class Prediction:
    """A question asked before the lesson answers it. The first locked answer stays.

    Attributes:
        question: what is asked.
        locked: what the learner settled on; None before that.
    """

    def __init__(self, question: Question):
        self.question = question
        self.locked: Choice | None = None

    def box(self) -> widgets.VBox:
        """The widget: choices, and a button that locks the one taken."""
        choices = _choices(self.question)
        lock = widgets.Button(description="Lock my answer", disabled=True)
        reply = widgets.HTML()

        def taken(change) -> None:
            lock.disabled = change["new"] is None

        def settle() -> None:
            choices.value = self.locked
            choices.disabled = lock.disabled = True
            lock.description = "Locked"
            reply.value = told(escaped(f"Locked: {self.locked.text}. Go on and find out."), OPEN)

        def pressed(_button) -> None:
            self.locked = self.locked or choices.value
            settle()

        choices.observe(taken, "value")
        lock.on_click(pressed)
        if self.locked is not None:  # the cell was run again
            settle()
        return widgets.VBox([_asked(escaped(self.question.text)), choices, lock, reply])

    def ask(self) -> None:
        """Displays the question."""
        markup = self.question.markup("<p>(The answer comes below.)</p>")
        show_widget(self.box(), self.question.plain(), markup)

    def reveal(self) -> None:
        """Displays the answer beside what was locked."""
        answer = self.question.answer
        if self.locked is None:
            before = ""
        elif self.locked.right:
            before = "You predicted it. "
        else:
            before = f"You predicted “{self.locked.text}”. {self.locked.why} "
        said = f"{before}The answer: {answer.text}. {answer.why}"
        show_html(told(escaped(said), RIGHT), said)
