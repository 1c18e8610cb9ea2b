"""Runs the predictor over rows, gives it nothing but the row, and keeps what it says and how long it took.

What fails inside a destructor is passed over by Python; here it is a bug as well, for the figure may be wrong.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.truth.answer import Answer, Predicted, Refused
from benchmarks.truth.row import Row
from benchmarks.truth.rows import Published
from benchmarks.truth.score import Answered
from planner.problem import ProblemError

Predictor = Callable[[Row], Answer]


class Ran(NamedTuple):
    """cold: the first time through all rows in this process; warm: the second; both of the process's own CPU time.

    bugs: id and traceback of each crash.
    """

    answered: tuple[Answered, ...]
    cold_seconds: float
    warm_seconds: float
    bugs: tuple[tuple[str, str], ...]


def run(rows: Sequence[Published], predict: Predictor) -> Ran:
    """Predict every row twice, in order. A `ProblemError` is a refusal; any other exception is one too, and a bug."""
    bugs: list[tuple[str, str]] = []
    usual = sys.unraisablehook
    sys.unraisablehook = lambda e: bugs.append(("a destructor", repr(e.exc_value)))
    try:
        return _run(rows, predict, bugs)
    finally:
        sys.unraisablehook = usual


def _run(rows: Sequence[Published], predict: Predictor, bugs: list[tuple[str, str]]) -> Ran:
    began = time.process_time()
    answers = [_ask(one, predict, bugs) for one in rows]
    between = time.process_time()
    for one in rows:
        _ask(one, predict, [])
    ended = time.process_time()
    answered = tuple(Answered(one, answer) for one, answer in zip(rows, answers, strict=True))
    return Ran(answered, between - began, ended - between, tuple(bugs))


def _ask(one: Published, predict: Predictor, bugs: list[tuple[str, str]]) -> Answer:
    try:
        answer = predict(one.row)
        if not isinstance(answer, (Predicted, Refused)):
            raise TypeError(f"a prediction should be Predicted or Refused, it is {type(answer).__name__}")
    except ProblemError as error:
        return Refused(str(error))
    except Exception as error:
        bugs.append((one.label.id, traceback.format_exc()))
        return Refused(f"crashed: {type(error).__name__}: {error}")
    return answer
