"""Exercises that answer in words.

An exercise knows its solution, cases to try, and the mistakes that people make, each as the function
that makes it. A learner's answer is compared with all of them, so the reply can name the mistake.
"""

import inspect
import traceback
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from onedheat.course.show import OPEN, RIGHT, escaped, folded, show_html, told

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that people give, and what helps them on."""

    makes: Answer
    hint: str


@dataclass(frozen=True)
class Verdict:
    """What an exercise has to say about an answer."""

    passed: bool
    message: str

    def _repr_mimebundle_(self, include=None, exclude=None):
        sign, colour = ("✓", RIGHT) if self.passed else ("→", OPEN)
        markup = told(f"<b>{sign}</b> {escaped(self.message)}", colour)
        return {"text/html": markup, "text/plain": f"{sign} {self.message}"}


@dataclass(frozen=True)
class Exercise:
    """A function that the learner writes.

    Calling it with that function gives a `Verdict`.

    Attributes:
        name: the function's name.
        solution: the function itself; its source is what `help` shows.
        cases: arguments to try it with.
        mistakes: wrong answers with a hint each.
        hints: from a nudge to nearly everything.
        tolerance: largest difference that still counts as equal.
        dtype: of the array that is asked for, where that matters, e.g. ``"float32"``.
    """

    name: str
    solution: Answer
    cases: tuple[tuple, ...]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    tolerance: float = field(default=1e-6)
    dtype: str | None = None

    def __call__(self, answer: object) -> Verdict:
        """Says in words whether an answer is right, or what is wrong with it."""
        if not callable(answer):
            return Verdict(
                False, f"Give the function itself: `check.{self.name}({self.name})`, no call."
            )
        results, spoilt = [], False
        for case in self.cases:
            own = deepcopy(case)
            try:
                results.append(answer(*own))  # it may work in place
                spoilt |= any(not _unchanged(*pair) for pair in zip(own, case, strict=True))
            except NotImplementedError:
                return Verdict(
                    False, "Not written yet. Replace the line with `raise`, then run this again."
                )
            except Exception as error:
                return Verdict(
                    False,
                    f"With {self._shown(case)} your function stopped{_line(error, answer)} with "
                    f"{type(error).__name__}: {error}.",
                )
        if any(result is None for result in results):
            return Verdict(False, "Your function gives nothing back. Is a `return` missing?")
        wanted = [self.solution(*case) for case in self.cases]
        wrong = [i for i, result in enumerate(results) if not self._same(result, wanted[i])]
        if not wrong and self.dtype:
            kinds = {str(np.asarray(_plain(result)).dtype) for result in results}
            if kinds != {self.dtype}:
                return Verdict(
                    False,
                    f"The numbers are right, their type is {', '.join(sorted(kinds))}. {self.dtype} is "
                    f"asked for: `.astype(np.{self.dtype})`.",
                )
        if not wrong:
            said = f"Right, in all {len(self.cases)} cases."
            if spoilt:
                said += (
                    " But your function changes the array that it is given; whoever calls it may need "
                    "it again. Work on a new one."
                )
            return Verdict(True, said)
        for mistake in self.mistakes:
            made = (mistake.makes(*case) for case in self.cases)
            if all(map(self._same, results, made)):
                return Verdict(False, mistake.hint)
        case = self.cases[wrong[0]]
        return Verdict(
            False,
            f"Wrong in {len(wrong)} of {len(self.cases)} cases. With {self._shown(case)} the answer is "
            f"{_beside(wanted[wrong[0]], results[wrong[0]])}.",
        )

    def help(self) -> None:
        """Shows the hints and the solution, folded."""
        source = inspect.getsource(self.solution)
        hints = "".join(
            folded(f"Hint {number}", f"<p>{escaped(hint)}</p>")
            for number, hint in enumerate(self.hints, start=1)
        )
        code = folded("Solution", f"<pre>{escaped(source)}</pre>")
        show_html(hints + code, f"{len(self.hints)} hints and the solution of {self.name}, folded.")

    def _same(self, given: Any, wanted: Any) -> bool:
        given, wanted = _array(given), _array(wanted)
        return (
            given is not None
            and wanted is not None
            and given.shape == wanted.shape
            and np.allclose(given, wanted, atol=self.tolerance, rtol=0, equal_nan=True)
        )

    def _shown(self, case: tuple) -> str:
        names = list(inspect.signature(self.solution).parameters)
        return ", ".join(
            f"{name} = {_number(value)}" for name, value in zip(names, case, strict=False)
        )


def _plain(value: Any) -> Any:
    """A tensor without its gradient, and anything else as it is."""
    return value.detach().cpu() if isinstance(value, torch.Tensor) else value


def _array(value: Any) -> np.ndarray | None:
    """A value as an array of float64; None if it is no array of real numbers."""
    try:
        array = np.asarray(_plain(value))
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError):  # ragged, or a list of tensors with gradients
        return None


def _unchanged(given: Any, case: Any) -> bool:
    """Whether an argument still is what it was."""
    now, before = _array(given), _array(case)
    return before is None or (now is not None and np.array_equal(now, before, equal_nan=True))


def _number(value: Any) -> str:
    """A value as a learner reads it: rounded numbers, and of arrays the shape and the beginning."""
    array = _array(value)
    if array is None:
        return repr(value)[:60]
    if array.ndim == 0:
        return f"{float(array):.6g}"
    kind = type(value).__name__ if isinstance(value, (list, tuple)) else "array"
    what = f"{'an' if kind == 'array' else 'a'} {kind} of shape {array.shape}"
    if array.ndim == 1 and array.size > 16 and np.isfinite(array).all():
        return f"{what}, highest at {array.argmax()}"
    first = ", ".join(f"{one:.4g}" for one in array.ravel()[:4])
    return f"{what} ({first}{', …' if array.size > 4 else ''})"


def _beside(wanted: Any, given: Any) -> str:
    """A right answer and another, so that their difference is seen."""
    right, other = _array(wanted), _array(given)
    both = f"{_number(wanted)}, yours is {_number(given)}"
    if other is None or right.shape != other.shape:
        return both
    if np.allclose(right, other, rtol=1e-5, atol=0, equal_nan=True):
        return f"{both}, but only nearly right: compute in float64"
    if right.ndim == 0:
        return both
    differ = ~np.isclose(right, other, rtol=1e-5, atol=0, equal_nan=True)
    place = tuple(int(one) for one in np.argwhere(differ)[0])
    named = "[" + ", ".join(map(str, place)) + "]"
    return (
        f"{_number(wanted)}. Yours differs in {differ.sum()} of {right.size} numbers, first at {named}: "
        f"{other[place]:.4g} instead of {right[place]:.4g}"
    )


def _line(error: Exception, answer: Answer) -> str:
    """Where in the learner's function an error came up, as ` in line 2`; nothing if it has no source."""
    code = getattr(answer, "__code__", None)
    lines = [
        number - code.co_firstlineno + 1
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code is code
    ]
    return f" in its line {lines[-1]}" if lines else ""


class Checks:
    """The exercises of a lesson by name: `check.name(function)`, `check.name.help()`."""

    def __init__(self, *exercises: Exercise):
        self._exercises = {exercise.name: exercise for exercise in exercises}

    def __getattr__(self, name: str) -> Exercise:
        try:
            return self.__dict__["_exercises"][name]
        except KeyError:
            known = ", ".join(self.__dict__.get("_exercises", {}))
            raise AttributeError(f"this lesson has no exercise {name!r}; it has: {known}") from None

    def __iter__(self):
        return iter(self._exercises.values())

    def __dir__(self):
        return list(self._exercises)
