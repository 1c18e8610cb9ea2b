"""A journal of any bytes is read to its end, and the page that is folded from it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from app.journal_reader import Known, look
from app.pages.run.fault import fault_of
from app.pages.run.state import RunRecord
from planner.run import layout
from planner.run.journal import read, read_all, tail
from planner.run.lock import State
from tests.fuzz import CASES
from tests.fuzz.damaged import JOURNAL


@given(JOURNAL)
@settings(max_examples=CASES, deadline=None)
def test_a_journal_of_any_bytes_is_read_to_its_end(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    run_dir = folder(tmp_path_factory)
    (run_dir / layout.EVENTS).write_bytes(data)
    over = read_all(run_dir, over=True)
    assert over.offset == len(data)
    assert len(over.events) + len(over.problems) <= data.count(b"\n") + 1
    growing = read(run_dir)
    assert growing.offset == data.rfind(b"\n") + 1
    assert growing.events == over.events[: len(growing.events)] or "nan" in repr(over.events)
    assert len(tail(run_dir)) == len(over.events)


@given(JOURNAL)
@settings(max_examples=CASES, deadline=None)
def test_the_page_of_any_journal_stands(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    run_dir = folder(tmp_path_factory)
    (run_dir / layout.EVENTS).write_bytes(data)
    found = look(run_dir, Known())
    record = found.record
    assert isinstance(record, RunRecord)
    for state in State:
        record.state, record.died = state, found.died
        words = (
            record.state_words(),
            record.time_left_words(),
            record.verdict_words(),
            record.miss_words(),
            record.remark(),
        )
        assert all(isinstance(text, str) for text in words)
        fault_of(record)
    assert {p.code for p in found.problems} <= {
        "journal.damaged_line", "journal.unknown_event", "spec.unreadable", "plan.unreadable", "file.not_found", "plan.not_found",
    }  # fmt: skip


def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all cases."""
    found = tmp_path_factory.getbasetemp() / "fuzzed-journal"
    found.mkdir(exist_ok=True)
    (found / layout.EXIT).write_text('{"returncode": 1}')  # its end was seen: nobody waits for word of it
    return found
