"""A line of any bytes is an event or a problem with a code; what is read again when written is the same event."""

from __future__ import annotations

import math

from hypothesis import given, settings

from planner.problem import Problem
from planner.run.events import decode, encode
from planner.run.journal_index import event_of
from tests.fuzz import CASES
from tests.fuzz.damaged import LINE


@given(LINE)
@settings(max_examples=CASES, deadline=None)
def test_a_line_of_any_bytes_is_an_event_or_a_problem(line: bytes) -> None:
    event = event_of(line)
    if isinstance(event, Problem):
        assert event.code in ("journal.damaged_line", "journal.unknown_event")
        assert event.advice
        assert len(event.fact) < 2000
        return
    assert isinstance(event.time, float)
    if math.isfinite(event.time):
        assert decode(encode(event)) == event or "nan" in repr(event) or "null" in encode(event) or "inf" in repr(event)
