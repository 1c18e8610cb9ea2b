"""Whatever stands in the small files of the queue, of a night and of a run's end: it is read or passed over, and nobody is stopped."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.problem import ProblemError
from planner.run import layout, lock, overnight, queue, retry, shortage
from planner.run.free import Free
from planner.run.keeper import waits_for_memory
from planner.run.overnight import Story
from planner.run.queue import Queued, Said
from planner.run.small_file import LARGEST_BYTES, mapping_of, text_of
from tests.fuzz import CASES

FUZZED = settings(
    max_examples=CASES,
    deadline=5_000,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WHOLE: dict[str, Any] = {
    "waiting": ["a"], "watched": ["a"], "schema": 1,
    "need_bytes": 1, "device": "cpu", "overnight": True, "held": False, "added": 1.5,
    "pid": 1, "time": 2.5, "running": "", "problem": "", "says": {"a": "Waits."},
    "began": 1.0, "proof": "", "proved": "", "proofs_cut_off": 0, "changes": ["x"], "resumes": 1,
    "sentences": ["one", "two", "three"], "note": "A change.", "returncode": -9, "oom_kills": 1,
}  # fmt: skip
OF = (
    ("waiting", "watched", "schema"),
    ("need_bytes", "device", "overnight", "held", "added"),
    ("pid", "time", "running", "problem", "says"),
    ("began", "proof", "proved", "proofs_cut_off", "changes", "resumes"),
    ("time", "sentences"),
    ("note",),
    ("pid", "returncode", "oom_kills"),
)
ODD: st.SearchStrategy[Any] = st.sampled_from(
    ["\0", "\ud800", 10**400, -1, 1e300, -1e300, float("nan"), float("inf"), "x" * 5000, True, None, {}, [[]]]
)
ANY = st.recursive(
    ODD | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(WHOLE)), inner, max_size=4),
    max_leaves=6,
)


@st.composite
def nearly_whole(draw: st.DrawFn) -> bytes:
    """One of the files, with some of its fields of another kind or gone."""
    fields = {name: WHOLE[name] for name in draw(st.sampled_from(OF))}
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=2)):
        fields[name] = draw(ANY)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
        fields.pop(name, None)
    return json.dumps(fields).encode()


FILE = st.one_of(
    nearly_whole(), st.binary(max_size=80), ANY.map(lambda v: json.dumps(v).encode()), st.just(b"[" * 100_000)
)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("PLIMSOLL_HOME", folder)
        yield Path(folder)


@FUZZED
@given(FILE)
def test_the_queues_own_file_is_read_or_is_a_problem(home: Path, data: bytes) -> None:
    queue.queue_file().write_bytes(data)
    found, code = opened()
    assert code in ("", "queue.damaged")
    assert not any(lock.is_held(folder) for folder in found), "no worker holds these"


def opened() -> tuple[tuple[Path, ...], str]:
    try:
        return (*(entry.run_dir for entry in queue.waiting()), *queue.watched()), ""
    except ProblemError as error:
        return (), error.problem.code


@FUZZED
@given(FILE, FILE)
def test_a_runs_place_and_the_keepers_word_let_it_wait(home: Path, place: bytes, word: bytes) -> None:
    run_dir = home / "runs" / "a"
    run_dir.mkdir(parents=True, exist_ok=True)
    queue.add(Queued(run_dir))
    (run_dir / layout.QUEUED).write_bytes(place)
    queue.said_file().write_bytes(word)
    (entry,) = queue.waiting()
    assert [type(x) for x in (entry.need_bytes, entry.device, entry.overnight, entry.held, entry.added)] == [
        int, str, bool, bool, float,
    ]  # fmt: skip
    assert 0 <= entry.need_bytes < 2**63
    assert waits_for_memory(entry, Free(2**63)) == ""
    assert isinstance(waits_for_memory(entry, Free(-1)), str)
    assert isinstance(queue.keeper_says(), Said)


@FUZZED
@given(FILE, FILE, FILE, FILE)
def test_a_nights_story_is_told_whatever_was_left_of_it(
    home: Path, story: bytes, told: bytes, ended: bytes, changed: bytes
) -> None:
    run_dir = home / "a"
    run_dir.mkdir(exist_ok=True)
    for name, data in (
        (layout.OVERNIGHT, story),
        (layout.TOLD, told),
        (layout.EXIT, ended),
        (layout.CHANGED, changed),
        (layout.ALIVE, ended),
    ):
        (run_dir / name).write_bytes(data)
    assert all(isinstance(sentence, str) for sentence in overnight.told(run_dir))
    assert isinstance(shortage.ended_for_memory(run_dir), bool)
    assert isinstance(retry.pending_note(run_dir), str)
    assert 0 <= lock.holder_pid(run_dir) < 2**31
    found = overnight.read(run_dir)
    assert isinstance(found, Story)
    assert not lock.is_held(Path(found.proof))
    sentences = overnight.tell(run_dir, found)
    assert len(sentences) == 3
    assert overnight.told(run_dir) == sentences


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_pipe_and_an_endless_file_are_passed_over(home: Path) -> None:
    run_dir = home / "runs" / "a"
    run_dir.mkdir(parents=True)
    queue.add(Queued(run_dir))
    for name in (layout.QUEUED, layout.OVERNIGHT, layout.TOLD, layout.EXIT):
        (run_dir / name).unlink(missing_ok=True)
        os.mkfifo(run_dir / name)
    assert [entry.held for entry in queue.waiting()] == [True]
    assert overnight.told(run_dir) == ()
    assert overnight.read(run_dir) == Story()
    assert not shortage.ended_by_kill(run_dir)
    with (home / "long").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    assert mapping_of(home / "long") == {}
    with pytest.raises(ValueError, match="longer"):
        text_of(home / "long")
