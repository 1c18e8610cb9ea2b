"""A run's state, read from its folder alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from planner.problem import ProblemError
from planner.run import file_lock, layout, lock
from planner.run.events import Event, Failed, Finished, Started, Step
from planner.run.journal import Journal
from planner.run.lock import Lock, State
from tests.planner.run.test_journal import EVENTS

STARTED, FAILED, FINISHED = EVENTS[0], EVENTS[7], EVENTS[8]
RELEASED = Finished(6.0, "released", 3, "", "", {}, "")
STEP = Step(3.0, 17, 30, 6.25, (6.25).hex(), 2e-4, 0.5, 100, 50.0, 32)


def folder(tmp_path: Path, *events: Event) -> Path:
    journal = Journal(tmp_path)
    for event in events:
        journal.append(event)
    journal.close()
    return tmp_path


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), State.NEVER_STARTED),
        ((STARTED,), State.LOST),
        ((STARTED, STEP), State.LOST),
        ((STARTED, STEP, FINISHED), State.FINISHED),
        ((STARTED, STEP, FAILED), State.FAILED),
        ((FAILED,), State.FAILED),
        ((STARTED, STEP, RELEASED), State.RELEASED),
        ((STARTED, RELEASED, STARTED), State.LOST),
        ((STARTED, FAILED, STARTED, FINISHED), State.FINISHED),
    ],
)
def test_the_last_word_decides_when_nobody_holds_the_lock(
    tmp_path: Path, events: tuple[Event, ...], state: State
) -> None:
    assert lock.state(folder(tmp_path, *events)) is state


def test_a_held_lock_means_running_whatever_the_journal_says(tmp_path: Path) -> None:
    run_dir = folder(tmp_path, STARTED, FINISHED)
    held = Lock(run_dir)
    assert lock.state(run_dir) is State.RUNNING
    assert lock.holder_pid(run_dir) > 0
    with pytest.raises(ProblemError) as caught:
        Lock(run_dir)
    assert caught.value.problem.code == "run.already_running"
    held.release()
    assert lock.state(run_dir) is State.FINISHED
    Lock(run_dir).release()


def test_the_lock_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    run_dir = folder(tmp_path, STARTED, STEP)
    code = f"import sys; from pathlib import Path; from planner.run.lock import Lock; Lock(Path({str(run_dir)!r})); "
    code += "print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        assert lock.state(run_dir) is State.RUNNING
        assert lock.holder_pid(run_dir) == child.pid
        child.kill()
    assert lock.state(run_dir) is State.LOST


def test_looking_at_a_run_never_stops_a_worker_from_taking_it(tmp_path: Path) -> None:
    folder(tmp_path, STARTED)
    Lock(tmp_path).release()
    for _ in range(50):
        assert not lock.is_held(tmp_path)
        Lock(tmp_path).release()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-9, "the system ended it, most likely because memory ran out (SIGKILL)"),
        (-15, "it was asked to end from outside (SIGTERM)"),
        (-11, "a library touched memory that is not its own (SIGSEGV)"),
        (-7, "(SIGBUS)"),
        (-63, "signal"),
        (2, "exit code 2"),
    ],
)
def test_a_lost_run_is_told_with_its_signal_in_words(tmp_path: Path, code: int, said: str) -> None:
    run_dir = folder(tmp_path, STARTED, STEP)
    (run_dir / layout.EXIT).write_text(json.dumps({"pid": 1, "returncode": code}))
    problem = lock.died(run_dir)
    assert problem.code == "worker.died"
    assert said in problem.fact
    assert "after step 17" in problem.fact


def test_a_lost_run_nobody_watched_says_so_and_what_to_do(tmp_path: Path) -> None:
    problem = lock.died(folder(tmp_path, STARTED))
    assert "nobody saw how" in problem.fact
    assert problem.advice.startswith("Start it again")
    (tmp_path / layout.CHECKPOINTS / "step-5").mkdir(parents=True)
    assert lock.died(tmp_path).advice.startswith("Resume goes on from the last checkpoint")


def test_a_failed_journal_keeps_its_problem(tmp_path: Path) -> None:
    assert isinstance(FAILED, Failed)
    assert isinstance(STARTED, Started)
    assert lock.state(folder(tmp_path, STARTED, FAILED)) is State.FAILED


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no shared lock of this kind")
def test_two_who_look_at_once_do_not_take_each_other_for_a_worker(tmp_path: Path) -> None:
    Lock(folder(tmp_path, STARTED)).release()
    (tmp_path / layout.ALIVE).chmod(0o444)
    looking = os.open(tmp_path / layout.ALIVE, os.O_RDONLY)
    assert file_lock.try_lock(looking, shared=True)
    assert not lock.is_held(tmp_path)
    os.close(looking)
