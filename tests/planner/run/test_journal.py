"""The journal: whole lines are read, a cut at any byte loses at most the cut line, unknown events are refused."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.problem import Problem, ProblemError
from planner.run import layout
from planner.run.events import (
    TYPES,
    Checkpoint,
    Evaluation,
    Event,
    Failed,
    Finished,
    Memory,
    Note,
    Phase,
    Sample,
    Started,
    Step,
    decode,
    encode,
)
from planner.run.journal import Journal, last_word, read, read_all, steps
from tests.faults import fault

EVENTS: tuple[Event, ...] = (
    Started(1.5, 7, -1, 3, {"torch": "2.13.0"}, "cpu"),
    Phase(2.0, "load", "a model called \u201ctiny\u201d\nin two lines"),
    Memory(2.5, "process", "host", 2**40, 2**41, 1, "backward", 3),
    Step(3.0, 1, 3, 6.25, (6.25).hex(), 2e-4, 0.5, 100, 50.0, 32),
    Sample(3.5, "before", 0, "What is memory?", "\u00e9\u4e2d\U0001f4d0 \ud800"),
    Checkpoint(4.0, 1, "/x/step-1", 12, 0.1),
    Note(4.5, "warning", "the loss is not finite"),
    Failed(5.0, "train", 1, Problem("disk.full", "The disk is full.", "Free some space.")),
    Finished(6.0, "done", 3, "/x/result", "ab", {"source": "process", "peak_bytes": 5}, "We said 5 B. It took 5 B."),
    Evaluation(3.2, 1, 6.5, (6.5).hex(), 400, 0.25),
)


def written(run_dir: Path, events: tuple[Event, ...] = EVENTS) -> bytes:
    journal = Journal(run_dir)
    for event in events:
        journal.append(event)
    journal.close()
    return (run_dir / layout.EVENTS).read_bytes()


def test_every_kind_of_event_reads_back_equal(tmp_path: Path) -> None:
    assert {type(e) for e in EVENTS} == set(TYPES.values())
    written(tmp_path)
    reading = read_all(tmp_path)
    assert reading.events == EVENTS
    assert reading.problems == ()


@fault(
    "The journal is cut at any byte",
    injected="A real journal is cut at each of its bytes",
    seen="That a line is damaged",
    lost="That line",
)
def test_a_cut_at_any_byte_loses_only_the_cut_line(tmp_path: Path) -> None:
    whole = written(tmp_path)
    path = tmp_path / layout.EVENTS
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        complete, rest = whole[:cut].count(b"\n"), whole[:cut].rpartition(b"\n")[2]
        growing = read_all(tmp_path)
        assert growing.events == EVENTS[:complete], cut
        assert growing.problems == ()
        assert growing.offset == cut - len(rest)
        over = read_all(tmp_path, over=True)
        last_is_whole = bool(rest) and rest == whole.split(b"\n")[complete]
        assert over.events == EVENTS[: complete + last_is_whole], cut
        assert [p.code for p in over.problems] == (["journal.damaged_line"] if rest and not last_is_whole else []), cut
        assert over.offset == cut


def test_a_worker_that_goes_on_after_a_cut_spoils_no_line(tmp_path: Path) -> None:
    whole = written(tmp_path)
    path = tmp_path / layout.EVENTS
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        journal = Journal(tmp_path)
        journal.append(EVENTS[0])
        journal.close()
        reading = read_all(tmp_path, over=True)
        assert reading.events[-1] == EVENTS[0]
        assert reading.events[: whole[:cut].count(b"\n")] == EVENTS[: whole[:cut].count(b"\n")]
        assert len(reading.problems) <= 1


def test_a_tailing_reader_sees_every_event_once(tmp_path: Path) -> None:
    whole = written(tmp_path)
    path = tmp_path / layout.EVENTS
    seen: list[Event] = []
    offset = 0
    for cut in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:cut])
        part = read(tmp_path, offset)
        seen += part.events
        offset = part.offset
    path.write_bytes(whole)
    assert (*seen, *read(tmp_path, offset).events) == EVENTS


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"event": "teleported", "time": 1.0}', "journal.unknown_event"),
        ('{"event": ["step"]}', "journal.unknown_event"),
        ('{"event": "phase", "time": 1.0, "phase": "load", "mood": "good"}', "journal.unknown_event"),
        ('{"event": "phase", "time": 1.0}', "journal.damaged_line"),
        ('{"event": "phase", "time": "soon", "phase": "load"}', "journal.damaged_line"),
        ('{"event": "step", "time": 1.0, "step": true}', "journal.damaged_line"),
        ('{"event": "failed", "time": 1.0, "phase": "", "step": 0, "problem": "it"}', "journal.damaged_line"),
        ("[1, 2]", "journal.damaged_line"),
        ("3", "journal.damaged_line"),
        ("[" * 100_000, "journal.damaged_line"),
        ("what?", "journal.damaged_line"),
    ],
)
def test_what_is_no_event_is_refused_by_name(line: str, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode(line)
    assert caught.value.problem.code == code


def test_an_unknown_event_is_a_problem_and_hides_no_other(tmp_path: Path) -> None:
    whole = written(tmp_path)
    first, _, rest = whole.partition(b"\n")
    (tmp_path / layout.EVENTS).write_bytes(first + b'\n{"event": "from_the_future"}\n\xff\xfe\n' + rest)
    reading = read_all(tmp_path)
    assert reading.events == EVENTS
    assert [p.code for p in reading.problems] == ["journal.unknown_event", "journal.damaged_line"]
    assert "from_the_future" in reading.problems[0].fact


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / layout.EVENTS).write_bytes(data)
    assert read_all(folder, over=True).offset == len(data)


def test_numbers_that_are_not_finite_stay_valid_json(tmp_path: Path) -> None:
    step = Step(3.0, 1, 3, math.inf, math.inf.hex(), 2e-4, math.nan, 100, 50.0, 32)
    line = encode(step)
    json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    back = decode(line)
    assert isinstance(back, Step)
    assert math.isnan(back.loss)
    assert back.loss_hex == "inf"
    assert math.isnan(back.grad_norm)


def test_threads_never_mix_their_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    threads = [
        threading.Thread(target=lambda i=i: [journal.append(Note(float(n), "info", "x" * i * 50)) for n in range(100)])
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    reading = read_all(tmp_path)
    assert len(reading.events) == 400
    assert not reading.problems


def test_a_closed_journal_writes_into_no_other_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.close()
    with (tmp_path / "somebody's").open("wb+") as other:  # the system gives it the number that has become free
        with pytest.raises(OSError, match="closed"):
            journal.append(Note(1.0, "info", "a thread that comes late"))
        journal.close()
        other.seek(0)
        assert other.read() == b""
    assert read_all(tmp_path).events == ()


def test_no_journal_yet_is_nothing_to_report(tmp_path: Path) -> None:
    assert read_all(tmp_path).events == ()
    assert read_all(tmp_path).problems == ()


def test_a_repeated_step_counts_once_and_the_last_session_has_the_last_word() -> None:
    first = Step(1.0, 1, 3, 6.0, (6.0).hex(), 0.1, 0.5, 10, 5.0, 8)
    second = dataclasses.replace(first, step=2, loss=5.0)
    again = dataclasses.replace(second, time=9.0)
    assert steps([first, second, EVENTS[0], again]) == [first, again]
    released = dataclasses.replace(EVENTS[8], outcome="released")  # type: ignore[type-var]
    assert last_word([EVENTS[0], released]) == released
    assert last_word([EVENTS[0], released, EVENTS[0], first]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="limits of this kind are POSIX's")
def test_a_line_cut_by_a_full_disk_spoils_no_line_after_it(tmp_path: Path) -> None:
    import resource

    journal = Journal(tmp_path)
    journal.append(EVENTS[0])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / layout.EVENTS).stat().st_size + 10, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            journal.append(EVENTS[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    journal.append(EVENTS[2])
    journal.append(EVENTS[3])
    journal.close()
    reading = read_all(tmp_path)
    assert reading.events == (EVENTS[0], EVENTS[2], EVENTS[3])
    assert [p.code for p in reading.problems] == ["journal.damaged_line"]
