"""The queue on disk: order, what it needs, holding and leaving, and what is left of it when files are damaged or gone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.estimate import Estimate, estimate
from planner.plan_file import load_spec
from planner.problem import ProblemError
from planner.run import layout, lock, queue
from planner.run.lock import State
from planner.run.queue import Queued, Said
from tests.faults import fault
from tests.small_run import small_machine, small_plan
from tests.tiny_model import make_rows


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def small(tiny_model_dir: Path, tmp_path: Path) -> Estimate:
    return estimate(small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8)))


def names() -> list[str]:
    return [entry.run_dir.name for entry in queue.waiting()]


def waits(home: Path, name: str, **changes: object) -> Path:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / layout.SPEC).write_text("{}")
    queue.add(replace(Queued(folder, need_bytes=1), **changes))  # type: ignore[arg-type]
    return folder


def test_a_queued_run_has_its_spec_and_waits_with_what_it_needs(small: Estimate) -> None:
    first, second = queue.enqueue(small), queue.enqueue(small, overnight=True)
    assert [e.run_dir for e in queue.waiting()] == [first, second]
    assert [e.overnight for e in queue.waiting()] == [False, True]
    assert {e.need_bytes for e in queue.waiting()} == {small.tiers[0].high_bytes}
    assert lock.state(first) is State.QUEUED
    assert load_spec(first / layout.SPEC).plan == small.plan


def test_what_never_fits_waits_for_its_turn_only(small: Estimate) -> None:
    tier = small.tiers[0]
    for capacity, need in ((tier.high_bytes - 1, tier.peak_bytes), (tier.peak_bytes - 1, 0)):
        machine = small_machine()
        less = replace(
            machine,
            ram_total_bytes=capacity,
            ram_available_bytes=capacity,
            devices=tuple(replace(d, total_bytes=capacity, free_bytes=capacity) for d in machine.devices),
        )
        assert queue.need_of(estimate(replace(small.plan, machine=less))) == need


def test_runs_are_moved_held_and_taken_out(own_home: Path) -> None:
    a, b, c = (waits(own_home, name) for name in "abc")
    queue.reorder(c, 0)
    assert names() == ["c", "a", "b"]
    queue.reorder(c, 99)
    assert names() == ["a", "b", "c"]
    queue.hold(b)
    assert [e.held for e in queue.waiting()] == [False, True, False]
    queue.hold(b, False)
    queue.leave_queue(a)
    assert names() == ["b", "c"]
    assert lock.state(a) is State.NEVER_STARTED
    queue.add(Queued(a), first=True)
    assert names() == ["a", "b", "c"]
    for act in (lambda: queue.reorder(own_home, 0), lambda: queue.hold(own_home)):
        with pytest.raises(ProblemError, match="does not wait"):
            act()


def test_a_run_that_is_started_waits_no_more_and_an_overnight_one_is_watched(own_home: Path) -> None:
    a, b = waits(own_home, "a", overnight=True), waits(own_home, "b")
    queue.taken(a)
    queue.taken(b)
    assert names() == []
    assert queue.watched() == (a,)
    queue.add(Queued(a, overnight=True), first=True)
    assert queue.watched() == (), "what waits is not watched"
    queue.taken(a)
    queue.dealt_with(a)
    assert queue.watched() == ()


def test_a_run_with_a_worker_cannot_be_queued(own_home: Path) -> None:
    folder = waits(own_home, "a")
    held = lock.Lock(folder)
    with pytest.raises(ProblemError, match="already at work"):
        queue.add(Queued(folder))
    held.release()


@fault(
    "A queued run's folder is deleted",
    injected="The folder is removed while it waits",
    seen="It is no longer in the queue; the others keep their places",
    lost="That run",
)
def test_a_run_whose_folder_has_gone_waits_no_more(own_home: Path) -> None:
    a, _ = waits(own_home, "a"), waits(own_home, "b")
    shutil.rmtree(a)
    assert names() == ["b"]
    queue.reorder(own_home / "runs" / "b", 0)
    assert names() == ["b"]


@fault(
    "The queue's file is damaged",
    injected="Its text is replaced by junk",
    seen="A problem that names the file; the runs' folders are untouched",
    lost="The order",
)
def test_a_damaged_queue_is_a_problem_and_is_not_written_over(own_home: Path) -> None:
    a = waits(own_home, "a")
    queue.queue_file().write_text('{"waiting": 7}')
    for act in (queue.waiting, lambda: queue.leave_queue(a)):
        with pytest.raises(ProblemError) as caught:
            act()
        assert caught.value.problem.code == "queue.damaged"
    assert queue.queue_file().read_text() == '{"waiting": 7}'


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["need_bytes", "device", "overnight", "held", "added", "says", "pid", "time"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(junk=JUNK)
def test_damaged_words_of_a_run_or_of_the_keeper_let_it_wait_and_stop_nobody(own_home: Path, junk: object) -> None:
    folder = own_home / "runs" / "a"
    if not folder.exists():
        waits(own_home, "a")
    (folder / layout.QUEUED).write_text(json.dumps(junk))
    queue.said_file().write_text(json.dumps(junk))
    (entry,) = queue.waiting()
    assert entry.run_dir == folder
    assert entry.need_bytes >= 0
    assert isinstance(queue.keeper_says(), Said)


def test_what_the_keeper_says_stands_beside_the_run(own_home: Path) -> None:
    a = waits(own_home, "a")
    queue.say(Said(1, 2.0, "", {str(a): "Waits."}))
    assert queue.waiting()[0].said == "Waits."
