"""A long journal opened from the lines that are needed gives the page that all of its lines, fed one by one, would give."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pages.run.state import RunRecord
from planner.problem import Problem
from planner.run.events import Event, Failed, Finished, Memory, Note, Started, Step
from planner.run.journal import read_all
from planner.run.journal_index import JournalIndex
from planner.run.journal_look import first_look
from planner.run.lock import State
from tests.app.journals import long_run, write

SETTINGS: dict[str, int] = {"whole_lines": 0, "groups": 6, "in_group": 45, "latest": 256, "readings": 30}
STATES = (State.RUNNING, State.LOST, State.FAILED, State.FINISHED)


def both(run_dir: Path, state: State = State.RUNNING) -> tuple[RunRecord, RunRecord]:
    """(from every line, from those the first look chooses)."""
    whole, quick = RunRecord(state=state), RunRecord(state=state)
    for event in read_all(run_dir).events:
        whole.feed(event)
    index = JournalIndex(run_dir)
    index.extend()
    for told in first_look(index, **SETTINGS).events:
        quick.feed(told)
    return whole, quick


def page(record: RunRecord) -> dict[str, Any]:
    """Everything the page says, in its words and figures."""
    return {
        "figures": (record.step, record.total_steps, record.loss, record.tokens_per_s, record.held_bytes),
        "memory": (record.peak_bytes, record.others_bytes, record.source, record.swapped_bytes),
        "words": (record.time_left_words(), record.state_words(), record.saved_words(), record.verdict_words()),
        "rare": (record.samples, record.checkpoints, record.evaluations, record.notes, record.finished, record.failed),
        "ends": (record.resumable(), record.paused, record.phase, record.device, record.began_at),
    }


@st.composite
def journals(draw: st.DrawFn) -> list[Event]:
    """Sessions of some hundred steps, each going on from a checkpoint of the one before."""
    events: list[Event] = []
    time, at = 1.764e9, 0
    for n in range(draw(st.integers(1, 3))):
        steps, every = draw(st.integers(1, 700)), draw(st.sampled_from((50, 200)))
        part = long_run(at + steps, total=2500, every=every, seed=draw(st.integers(0, 99)), time=time)
        begun = [e for e in part if not isinstance(e, Step) or e.step > at]
        begun[0] = Started(time, 1, at if n else -1, 2500, {}, "cpu")
        if draw(st.booleans()):
            begun = [
                e
                for m in begun
                for e in ((m, Memory(m.time, "swapped", "host", m.step, m.step)) if isinstance(m, Memory) else (m,))
            ]
        events += begun
        at = (at + steps) // every * every
        time = begun[-1].time + draw(st.floats(1, 9000))
    last = events[-1]
    step = max((e.step for e in events if isinstance(e, Step)), default=0)
    word = draw(st.sampled_from(("", "note", "finished", "failed")))
    if word == "note":
        events.append(Note(last.time + 1, "warning", "the loss is not finite"))
    elif word == "finished":
        events.append(Finished(last.time + 1, "done", step, "", "", {"peak_bytes": 5}, "We said 5 B. It took 5 B."))
    elif word == "failed":
        events.append(Failed(last.time + 1, "train", step, Problem("x", "It failed.", "Try.")))
    return events


@given(journals(), st.sampled_from(STATES))
@settings(max_examples=15, deadline=None)
def test_the_page_says_the_same(tmp_path_factory: pytest.TempPathFactory, events: list[Event], state: State) -> None:
    whole, quick = both(write(tmp_path_factory.mktemp("run"), events), state)
    assert page(quick) == page(whole)
    assert quick.seconds == pytest.approx(whole.seconds)
    assert [(s.name, s.start, s.end) for s in quick.spans] == [
        (s.name, pytest.approx(s.start), pytest.approx(s.end)) for s in whole.spans
    ]
    assert quick.smoothed == pytest.approx(whole.smoothed, rel=1e-6)
    drawn = dict(zip(*whole.raw.points(), strict=True))
    for x, y in zip(*quick.raw.points(), strict=True):
        assert x not in drawn or drawn[x] == y
    assert quick.raw.points()[0][-1] <= whole.raw.points()[0][-1] + 1
    smooth = [*zip(*whole.smooth.points(), strict=True)]
    for x, y in zip(*quick.smooth.points(), strict=True):
        near = min(smooth, key=lambda p: abs(p[0] - x))
        assert abs(near[0] - x) > 1 or y == pytest.approx(near[1], abs=0.06), x


def test_a_peak_of_memory_between_two_readings_that_are_drawn_is_drawn(tmp_path: Path) -> None:
    events = long_run(1500)
    at = next(n for n, e in enumerate(events) if isinstance(e, Memory) and e.step == 777)
    for n, e in enumerate(events):
        if isinstance(e, Memory):
            high = 3 * 2**30 if n >= at else e.peak_bytes
            events[n] = Memory(e.time, e.source, e.tier, high if n == at else e.bytes, high, e.step, e.moment, 1)
    whole, quick = both(write(tmp_path, events))
    assert quick.peak_bytes == whole.peak_bytes == 3 * 2**30
    assert max(quick.memory.points()[1]) == 3 * 2**30


def test_what_was_passed_over_is_known_and_nothing_is_drawn_across_it_as_a_mean(tmp_path: Path) -> None:
    whole, quick = both(write(tmp_path, long_run(3000)))
    assert whole.skipped == 0
    assert quick.skipped > 1500
    xs, _ys = quick.smooth.points()
    assert max(b - a for a, b in pairwise(xs)) > 100
    assert math.isfinite(quick.smoothed)


def test_a_session_lasts_until_its_last_line_whatever_that_is(tmp_path: Path) -> None:
    events = long_run(600)
    events.append(Memory(events[-1].time + 500, "allocated", "device", 1, 1))
    events += [
        Started(events[-1].time + 9000, 1, -1, 600, {}, "cpu"),
        Memory(events[-1].time + 9100, "nvml", "device", 1, 1),
    ]
    whole, quick = both(write(tmp_path, events))
    assert quick.seconds == pytest.approx(whole.seconds)
