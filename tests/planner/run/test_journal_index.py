"""A journal's lines are found without decoding them, by any path the same, and of a long one a page is told enough."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.problem import Problem
from planner.run import journal_index, layout
from planner.run.events import Memory, Note, Phase, Step, encode
from planner.run.journal import LONGEST_READ_BYTES, read_all
from planner.run.journal_index import JournalIndex, Kind
from planner.run.journal_look import Skipped, first_look
from tests.app.journals import long_run, write
from tests.planner.run.test_journal import EVENTS, written

LINES = (
    *(encode(event).encode("utf-8", "surrogatepass") for event in EVENTS),
    *(encode(Memory(1.0, source, "host", 1, 1)).encode() for source in ("reserved", "swapped", "allocated", "nvml")),
    json.dumps({"time": 1.0, **json.loads(encode(EVENTS[3]))}).encode(),  # by another program: the event is not first
    b'{"event": "step", "time": 17',
    b'{"event": "memory", "time": 2.5, "source": "pro',
    b'{"event": "teleported", "time": 1.0}',
    b'{"event":"phase","time":1.0,"phase":"load"}',
    b"\xff\xfe",
    b"[1, 2]",
    b"",
    b"   ",
)


def index_of(run_dir: Path, *, over: bool = True) -> JournalIndex:
    index = JournalIndex(run_dir)
    assert index.extend(over=over) is None
    return index


@given(st.lists(st.sampled_from(LINES), max_size=30), st.booleans(), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_with_numpy_and_without_it_the_same_lines_are_found_and_read_as_the_journal_reads_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], ended: bool, cut: int
) -> None:
    run_dir = tmp_path_factory.mktemp("run")
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    (run_dir / layout.EVENTS).write_bytes(data[: len(data) - cut] if cut < 40 else data)
    slow = index_of(run_dir)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal_index, "FEW_BYTES", 0)
        patched.setattr(journal_index, "CHUNK_BYTES", 150)
        quick = index_of(run_dir)
    assert (quick.starts, quick.kinds, quick.offset) == (slow.starts, slow.kinds, slow.offset)
    whole = read_all(run_dir, over=True)
    found = slow.events(range(len(slow)))
    assert tuple(e for e in found if not isinstance(e, Problem)) == pytest.approx(whole.events, nan_ok=True)
    assert tuple(e for e in found if isinstance(e, Problem)) == whole.problems
    assert slow.offset == whole.offset


def test_every_kind_of_event_is_told_by_its_beginning(tmp_path: Path) -> None:
    written(tmp_path)
    tags = [event.tag.upper() for event in EVENTS]
    assert [kind.name for kind in map(Kind, index_of(tmp_path).kinds)] == [
        "PROCESS" if tag == "MEMORY" else tag for tag in tags
    ]


def test_a_growing_journal_is_indexed_once_and_a_half_line_waits(tmp_path: Path) -> None:
    whole = written(tmp_path)
    path, index = tmp_path / layout.EVENTS, JournalIndex(tmp_path)
    for cut in range(0, len(whole) + 1, 7):
        path.write_bytes(whole[:cut])
        index.extend()
        assert len(index) == whole[:cut].count(b"\n")
    path.write_bytes(whole)
    index.extend()
    assert tuple(index.events(range(len(index)))) == EVENTS


def test_a_stretch_without_a_line_end_takes_no_more_than_one_read(tmp_path: Path) -> None:
    (tmp_path / layout.EVENTS).write_bytes(
        b"x" * (LONGEST_READ_BYTES + 10) + b"\n" + encode(Note(1.0, "info", "a")).encode()
    )
    index = index_of(tmp_path)
    assert [Kind(k).name for k in index.kinds] == ["UNREADABLE", "UNREADABLE", "NOTE"]
    assert max(map(len, index.read(range(len(index))))) <= journal_index.LONGEST_LINE_BYTES


def test_no_journal_is_no_problem_and_a_journal_that_is_a_folder_is_one(tmp_path: Path) -> None:
    assert JournalIndex(tmp_path / "nothing").extend() is None
    (tmp_path / layout.EVENTS).mkdir()
    problem = JournalIndex(tmp_path).extend()
    assert problem is not None
    assert problem.code == "journal.unreadable"


def test_of_a_hundred_thousand_events_few_are_decoded_and_all_that_is_rare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is counted, not time: what is decoded does not grow with the journal."""
    block = "".join(encode(event) + "\n" for event in long_run(500, total=50_000, every=100)[2:])
    write(tmp_path, long_run(50, total=50_000)[:2])
    with (tmp_path / layout.EVENTS).open("a") as file:
        for _n in range(100):
            file.write(block)
    decoded = 0

    def counting(line: bytes) -> object:
        nonlocal decoded
        decoded += 1
        return real(line)

    real = journal_index.event_of
    monkeypatch.setattr(journal_index, "event_of", counting)
    index = index_of(tmp_path)
    assert len(index) > 100_000
    assert decoded == 0
    found = first_look(index, groups=50, readings=500)
    rare = sum(index.kinds.count(kind) for kind in Kind if kind not in journal_index.MANY)
    assert rare < decoded < 2 * rare + 3500
    assert sum(isinstance(e, Phase) for e in found.events) == index.kinds.count(Kind.PHASE)
    passed_over = sum(e.steps for e in found.events if isinstance(e, Skipped))
    assert found.looked_at + passed_over == found.of == index.kinds.count(Kind.STEP)
    steps = [e.step for e in found.events if isinstance(e, Step)]
    assert steps[0] == 1
    assert steps[-256:] == [*range(245, 501)]
