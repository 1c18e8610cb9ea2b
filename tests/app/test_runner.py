"""The runner looks off the GUI thread: a long journal is one piece of news, a replaced one is read anew, a standstill told."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app import journal_reader
from app.pages.run.pace import STALLED_AFTER_S
from app.pages.run.state import RunRecord
from app.runner import Runner
from planner.problem import Problem
from planner.run import layout
from planner.run.events import Event, Memory, Step
from planner.run.journal_look import Skipped
from planner.run.lock import Lock, State
from tests.app.journals import long_run, write


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / layout.EXIT).write_text('{"returncode": 1}')
    return tmp_path / "run"


@pytest.fixture
def runner() -> Runner:
    return Runner()


def changes(runner: Runner) -> list[RunRecord]:
    seen: list[RunRecord] = []
    runner.changed.connect(seen.append)
    return seen


def test_a_long_journal_is_folded_on_a_thread_and_told_once(
    qtbot: QtBot, runner: Runner, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[threading.Thread] = set()
    feed = RunRecord.feed

    def seen(self: RunRecord, event: Event | Skipped) -> None:
        threads.add(threading.current_thread())
        feed(self, event)

    monkeypatch.setattr(RunRecord, "feed", seen)
    write(run_dir, long_run(9000))
    told = changes(runner)
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.step == 9000)
    assert len(told) == 1
    assert threading.main_thread() not in threads
    assert runner.index is not None
    assert len(runner.index) == 18_000 + 2 + 9 * 6
    write(run_dir, long_run(9005, total=9005)[-10:])
    runner.look()
    qtbot.waitUntil(lambda: runner.record.step == 9005)
    assert runner.record is told[0], "what is new is fed into the record that is shown"
    runner.detach()


def test_what_comes_while_nobody_looked_is_folded_anew_when_it_is_much(
    qtbot: QtBot, runner: Runner, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_reader, "MUCH_LINES", 100)
    events = long_run(400)
    write(run_dir, events[:42])
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.step == 20)
    first = runner.record
    write(run_dir, events[42:])
    runner.look()
    qtbot.waitUntil(lambda: runner.record.step == 400)
    assert runner.record is not first
    assert runner.record.raw.points()[0] == list(range(1, 401))
    runner.detach()


def test_another_journal_in_the_folder_is_read_from_its_beginning(qtbot: QtBot, runner: Runner, run_dir: Path) -> None:
    write(run_dir, long_run(300))
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.step == 300)
    (run_dir / layout.EVENTS).unlink()
    write(run_dir, long_run(7))
    runner.look()
    qtbot.waitUntil(lambda: runner.record.step == 7)
    runner.detach()


def test_a_folder_that_is_deleted_is_told_and_what_was_read_stays(qtbot: QtBot, runner: Runner, run_dir: Path) -> None:
    write(run_dir, long_run(30))
    problems: list[Problem] = []
    runner.ended_badly.connect(problems.append)
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.step == 30 and runner.record.state is State.LOST)
    shutil.rmtree(run_dir)
    runner.look()
    qtbot.waitUntil(lambda: runner.record.gone)
    assert runner.record.step == 30
    assert not runner.record.resumable()
    assert problems[-1].code == "run.folder_gone"
    assert str(run_dir) in problems[-1].fact
    runner.detach()


def test_what_a_run_did_by_itself_overnight_is_told(qtbot: QtBot, runner: Runner, run_dir: Path) -> None:
    (run_dir / layout.TOLD).write_text('{"sentences": ["It was proved.", "It took 2 GiB.", "It ended."]}')
    write(run_dir, long_run(5))
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.remark() == "It was proved. It took 2 GiB. It ended.")
    runner.detach()


def test_no_step_for_much_longer_than_usual_is_told_and_a_clock_that_is_set_is_not(
    qtbot: QtBot, runner: Runner, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("app.runner.time.monotonic", lambda: now[0])
    lock = Lock(run_dir)
    events = long_run(20)
    write(run_dir, events[:-2])
    runner.attach(run_dir)
    qtbot.waitUntil(lambda: runner.record.step == 19)
    told = changes(runner)

    def look() -> None:
        with qtbot.waitCallback() as done:
            saw = runner._saw
            monkeypatch.setattr(runner, "_saw", lambda *found: (saw(*found), done())[1])
            runner.look()
        monkeypatch.setattr(runner, "_saw", saw)

    runner._timer.stop()
    qtbot.waitUntil(lambda: not runner._looking)
    now[0] += STALLED_AFTER_S - 1
    look()
    assert not runner.record.stalled
    now[0] += 2
    write(run_dir, [Memory(events[-1].time + 1e9, "process", "host", 1, 1)])  # readings go on; the clock was set ahead
    look()
    assert runner.record.stalled
    assert "No step for much longer" in told[-1].remark()
    step = next(e for e in reversed(events) if isinstance(e, Step))
    write(run_dir, [step])
    look()
    assert not told[-1].stalled
    runner.detach()
    lock.release()
