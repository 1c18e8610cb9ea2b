"""The keeper: one run at a time, in order, when memory is free; told why not; alone; and what is left when it is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from planner.problem import ProblemError
from planner.run import journal, keeper, layout, lock, queue
from planner.run.events import Failed
from planner.run.free import Free, free_now
from planner.run.keeper import Keeper, waits_for_memory
from planner.run.lock import State
from planner.run.queue import Queued
from planner.units import GIB, MIB
from tests.faults import fault
from tests.holding import holding

LONGEST_S = 60.0


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "runs").mkdir(parents=True)
    return tmp_path / "home"


def waits(home: Path, name: str, need_bytes: int = 0, *, held: bool = False) -> Path:
    folder = home / "runs" / name
    folder.mkdir()
    (folder / layout.SPEC).write_text("{}")
    queue.add(Queued(folder, need_bytes, held=held))
    return folder


def said() -> list[str]:
    return [entry.said for entry in queue.waiting()]


def until(happened: object) -> None:
    assert callable(happened)
    deadline = time.monotonic() + LONGEST_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_run_at_a_time_and_nobody_overtakes(own_home: Path) -> None:
    going = own_home / "runs" / "going"
    going.mkdir()
    worker = lock.Lock(going)
    waits(own_home, "held", held=True)
    waits(own_home, "first")
    waits(own_home, "second")
    assert Keeper().look()
    assert said() == [
        "Held: it is passed over until it is let go.",
        "Waits for going, which is going on.",
        "Waits for first, which is before it.",
    ]
    assert queue.keeper_says().running == str(going)
    worker.release()


@fault(
    "Another process holds the memory before a queued run starts",
    injected="A real process holds 1.5 GiB",
    seen="“Starts when … are free”, what is free now, and that process by its name and size",
    lost="Nothing: the run starts when the memory is free",
)
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="a process's own memory is read as Linux has it")
def test_a_run_waits_while_another_process_holds_its_memory(own_home: Path) -> None:
    with holding("eater") as eater:
        eater.hold(1536)
        entry = Queued(waits(own_home, "a"), free_now("cpu").bytes + 768 * MIB)
        why = waits_for_memory(entry, free_now("cpu"))
        assert why.startswith("Starts when ")
        assert "Other programs hold: " in why
    until(lambda: waits_for_memory(entry, free_now("cpu")) == "")  # what else is at work here may hold it for a moment


def test_a_device_that_is_not_there_has_nothing_free() -> None:
    assert free_now("cuda:7").bytes == 0
    assert "not there" in waits_for_memory(Queued(Path("a"), GIB, "cuda:7"), free_now("cuda:7"))
    assert waits_for_memory(Queued(Path("a"), 0), Free(0)) == ""


@fault(
    "A queued run cannot be started",
    injected="Its spec asks for a library that is not installed",
    seen="The run has failed, with the command that installs it; the next one starts",
    lost="Nothing",
)
def test_a_run_that_cannot_start_says_so_in_its_own_journal_and_the_queue_goes_on(own_home: Path) -> None:
    a = waits(own_home, "a")
    (a / layout.SPEC).write_text(json.dumps({"versions": {"no_such_library": "1.0"}}))
    held = waits(own_home, "b", held=True)
    assert Keeper().look()
    word = journal.last_event(a)
    assert isinstance(word, Failed)
    assert word.problem.code in ("worker.no_library", "worker.no_train_extra")
    assert lock.state(a) is State.FAILED
    assert [e.run_dir for e in queue.waiting()] == [held]


def test_nothing_to_wait_for_is_the_end(own_home: Path) -> None:
    assert not Keeper().look()
    assert not keeper.ensure()
    assert not keeper.lives()


@fault(
    "Two keepers of the queue are started",
    injected="A second real process beside the first",
    seen="Nothing: the second gives way",
    lost="Nothing",
)
@fault(
    "The queue's keeper is killed",
    injected="SIGKILL to the real process",
    seen="The queue as it was; opening the window or looking at the queue starts another",
    lost="Nothing",
)
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_one_keeper_at_a_time_a_killed_one_is_followed_by_another_which_ends_with_the_queue(own_home: Path) -> None:
    a = waits(own_home, "a", held=True)
    assert keeper.ensure()
    until(lambda: said() == ["Held: it is passed over until it is let go."])
    assert not keeper.ensure()
    assert keeper.main() == 0, "a second one gives way at once"
    first = queue.keeper_says().pid
    assert first not in (0, os.getpid())
    os.kill(first, signal.SIGKILL)
    until(lambda: not keeper.lives())
    assert [e.run_dir for e in queue.waiting()] == [a]
    assert keeper.ensure()
    until(lambda: queue.keeper_says().pid != first and keeper.lives())
    queue.leave_queue(a)
    until(lambda: not keeper.lives())


@fault(
    "Two windows start one run at once",
    injected="Two starters in two threads, two real workers",
    seen="One starts it; the other says that a worker is already at work",
    lost="Nothing",
)
@pytest.mark.usefixtures("warm_workers")
def test_of_two_who_start_one_run_at_once_one_wins_and_the_other_says_so(tiny_model_dir: Path, tmp_path: Path) -> None:
    from planner.run.start import start
    from tests.small_run import small_plan, wait_for_end, write_run
    from tests.tiny_model import make_rows

    run_dir = tmp_path / "run"
    write_run(run_dir, small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8), max_steps=40))
    told: list[str] = []
    gate = threading.Barrier(2)

    def starter() -> None:
        gate.wait()
        try:
            start(run_dir)
            told.append("started")
        except ProblemError as error:
            told.append(error.problem.code)

    both = [threading.Thread(target=starter) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(told) == ["run.already_running", "started"]
    events = wait_for_end(run_dir)
    assert len([e for e in events if e.tag == "started"]) == 1
