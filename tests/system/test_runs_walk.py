"""The Runs page through the real window, with real runs: one killed and taken up again, two compared, three in the queue.

What stands on the page at the end is held against the journals.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.pages.runs.page import RunsPage
from app.shell.pages import PLAN, RUN, RUNS
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from planner.run import keeper, lock, queue
from planner.run.events import Finished, Started
from planner.run.file_lock import try_lock
from planner.run.home import HOME_VARIABLE, home, runs_dir
from planner.run.journal import last_word, read_all, steps
from planner.run.lock import State
from planner.run.queue import Queued
from planner.run.start import start
from planner.slots import Slot
from tests.app.finding import find
from tests.faults import fault
from tests.small_run import choose, kill, small_plan, wait_for_end, wait_until, write_run
from tests.tiny_model import make_rows

pytest.importorskip("torch", reason="needs the [train] extra")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's"),
    pytest.mark.usefixtures("warm_workers"),
]

LONG_MS = 120_000
STEPS = 8


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def open_window(qtbot: QtBot) -> Iterator[Callable[[], MainWindow]]:
    opened: list[MainWindow] = []

    def open_one() -> MainWindow:
        window = MainWindow()
        qtbot.addWidget(window)
        window.resize(1380, 900)
        opened.append(window)
        with qtbot.waitSignal(window.filled, timeout=LONG_MS), qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        qtbot.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
        assert window.pages.currentIndex() == RUNS
        return window

    yield open_one
    for window in opened:
        window._closing_decided = True
        window.close()
    for run_dir in runs_dir().iterdir():
        if lock.is_held(run_dir):
            os.kill(lock.holder_pid(run_dir), signal.SIGKILL)


@pytest.fixture
def make(tiny_model_dir: Path, tmp_path: Path) -> Callable[..., Path]:
    """A run's folder, not started."""
    data = make_rows(tmp_path / "rows.jsonl", 20)

    def make_one(name: str, *choices: Any, **schedule: Any) -> Path:
        plan = small_plan(tiny_model_dir, data, *choices, **{"max_steps": STEPS, "save_steps": 2, **schedule})
        write_run(runs_dir() / name, plan, sample_prompt="")
        return runs_dir() / name

    return make_one


def row(page: RunsPage, key: str) -> tuple[str, ...]:
    return page.table.texts()[page.table.keys().index(key)]


def shows(page: RunsPage, key: str, words: str) -> bool:
    there = key in page.table.keys()  # noqa: SIM118 - a method of the table's own
    return there and words in row(page, key)


@fault(
    "The system kills a run while no window is open",
    injected="SIGKILL to a real worker in the middle of its steps",
    seen="The run as lost, by which signal, and Continue, which goes on from the checkpoint",
    lost="The steps since the last checkpoint, which are made again",
)
def test_a_run_that_was_killed_is_found_lost_and_goes_on_from_the_list(
    qtbot: QtBot, make: Callable[..., Path], open_window: Callable[[], MainWindow]
) -> None:
    run_dir = make("a", max_steps=40)
    start(run_dir)
    wait_until(run_dir, lambda events: any(s.step >= 3 for s in steps(events)))
    kill(run_dir)
    window = open_window()
    page = window.runs.page
    qtbot.waitUntil(lambda: shows(page, "a", "? lost"))
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    assert page.table.keys_chosen() == ["a"]
    qtbot.waitUntil(lambda: "SIGKILL" in page.one.sentence.text())
    qtbot.mouseClick(find(page, Button, "Continue"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentIndex() == RUN, timeout=LONG_MS)
    qtbot.waitUntil(lambda: window.runner.record.state is State.FINISHED, timeout=LONG_MS)
    events = wait_for_end(run_dir)
    assert isinstance(last_word(events), Finished)
    sessions = [event.resumed_from for event in events if isinstance(event, Started)]
    assert len(sessions) == 2
    assert sessions[1] >= 2, "it began anew instead of going on from its checkpoint"
    window.show_page(RUNS)
    qtbot.waitUntil(lambda: shows(page, "a", "✓ done"), timeout=LONG_MS)
    assert "40" in row(page, "a")
    assert f"{steps(events)[-1].loss:.4g}" in row(page, "a")


def test_two_runs_are_compared_and_one_becomes_the_plan_again(
    qtbot: QtBot, make: Callable[..., Path], open_window: Callable[[], MainWindow]
) -> None:
    folders = [make("a"), make("b", choose(Slot.TRAINABLE, "lora", rank=2), learning_rate=0.01)]
    for folder in folders:
        start(folder)
        wait_for_end(folder)
    window = open_window()
    page = window.runs.page
    qtbot.waitUntil(lambda: shows(page, "a", "✓ done") and shows(page, "b", "✓ done"))
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page.compare.sentence.text() == "2 settings differ; all others are the same.")
    order = page.table.keys_chosen()
    told = {line[0]: dict(zip(order, line[1:], strict=True)) for line in page.compare.table.lines()}
    assert told["Trained: rank"] == {"a": "8", "b": "2"}
    assert told["Learning rate"] == {"a": "0.0002", "b": "0.01"}
    for key, curve in zip(order, page.charts.loss.curves, strict=True):
        losses = [s.loss for s in steps(read_all(runs_dir() / key).events)]
        assert list(curve.pale[1]) == losses
        word = last_word(read_all(runs_dir() / key).events)
        assert isinstance(word, Finished)
        assert page.shelf.seen is not None
        assert page.shelf.seen.library.by_key[key].peak_bytes == word.measured["peak_bytes"]
    page.table.choose(["b"], "b")
    qtbot.mouseClick(find(page, Button, "Reopen as plan"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.pages.currentIndex() == PLAN)
    plan = window.document.plan
    assert plan is not None
    trained = plan.stage.choice(Slot.TRAINABLE)
    assert trained is not None
    assert trained.options.rank == 2
    window.document.stack.undo()
    assert window.document.plan == window.start_plan


def test_a_queue_of_three_goes_through_in_the_order_it_was_given(
    qtbot: QtBot, make: Callable[..., Path], open_window: Callable[[], MainWindow]
) -> None:
    folders = [make(name, max_steps=2) for name in "abc"]
    home().mkdir(parents=True, exist_ok=True)
    mine = os.open(keeper.lock_file(), os.O_RDWR | os.O_CREAT)  # the keeper of this test: its workers are warm ones
    assert try_lock(mine)
    for folder in folders:
        queue.add(Queued(folder, 1))
    window = open_window()
    page = window.runs.page
    listed = page.queue.list
    qtbot.waitUntil(lambda: [folder.name for folder in listed.folders()] == ["a", "b", "c"])
    assert all(shows(page, name, "○ queued") for name in "abc")
    listed.setCurrentRow(2)
    listed.setFocus()
    for _press in range(2):
        qtbot.keyClick(QApplication.focusWidget() or listed, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: [entry.run_dir.name for entry in queue.waiting()] == ["c", "a", "b"])
    at_work = keeper.Keeper()
    seen: list[int] = []

    def went_on() -> bool:
        at_work.look()
        seen.append(sum(lock.is_held(folder) for folder in folders))
        page.shelf.look()
        return all(shows(page, name, "✓ done") for name in "abc")

    qtbot.waitUntil(went_on, timeout=LONG_MS)
    assert max(seen) == 1, "two runs at once"
    began = {folder.name: read_all(folder).events[0].time for folder in folders}
    assert sorted(began, key=lambda name: began[name]) == ["c", "a", "b"]
    assert not page.queue.isVisible()
    os.close(mine)
