"""Outcomes instead of figures: runs that died on a card, that lived on one, or whose need is known from one side only.

A run's need on a card is its process's: the predicted process where there is one, else the predicted figure. Rows of one
GPU only, nothing unverified. A scored row that ran and names its card must be predicted to fit there; one that ran out of
memory must not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from benchmarks.truth.answer import Predicted
from benchmarks.truth.score import Answered


class Outcome(NamedTuple):
    """expected_right: the expected figure is on the right side. interval_right: at least one end of the interval is,
    that is, the prediction does not promise the opposite of what happened."""

    id: str
    kind: str
    bound_bytes: int
    need_bytes: int | None
    expected_right: bool
    interval_right: bool


def outcomes(rows: Iterable[Answered]) -> list[Outcome]:
    """One for each row that says something about a bound; `ran` for the scored ones measured on a card of known size."""
    found = []
    for one in rows:
        row, label, measured = one.published
        if row.sharding.n_gpus != 1 or row.task in ("component", "context") or label.confidence == "unverified":
            continue
        if label.bound == "equal":
            if label.scored and measured.peak_bytes and row.card_bytes:
                found.append(_outcome(one, "ran", row.card_bytes))
        elif bound := measured.bound_bytes or row.card_bytes:
            found.append(_outcome(one, label.bound, bound))
    return found


def _outcome(one: Answered, kind: str, bound: int) -> Outcome:
    label, answer = one.published.label, one.answer
    if not isinstance(answer, Predicted):
        return Outcome(label.id, kind, bound, None, False, False)
    # figures of the run itself where the bound is of its metric, else of the whole process on the card
    need = answer.expected if kind == "at_least" else answer.expected_process or answer.expected
    low, high = need - (answer.expected - answer.low), need + (answer.high - answer.expected)
    if kind in ("ran", "at_most"):
        return Outcome(label.id, kind, bound, need, need <= bound, low <= bound)
    if kind == "at_least":
        return Outcome(label.id, kind, bound, need, need >= bound, high >= bound)
    return Outcome(label.id, kind, bound, need, need > bound, high > bound)


def counts(found: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    """By kind: rows, predicted, and how many are right by the expected figure and by the interval."""
    table: dict[str, dict[str, int]] = {}
    for one in found:
        line = table.setdefault(one.kind, {"rows": 0, "predicted": 0, "expected_right": 0, "interval_right": 0})
        line["rows"] += 1
        line["predicted"] += one.need_bytes is not None
        line["expected_right"] += one.expected_right
        line["interval_right"] += one.interval_right
    return dict(sorted(table.items()))
