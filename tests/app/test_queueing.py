"""Queueing from the window: Start offers it where a run goes on, two commands of the menu do it, and nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell import overnight
from app.shell.window import MainWindow
from planner.plan import Plan
from planner.run import lock, queue
from planner.run.lock import State
from tests.small_run import small_plan
from tests.tiny_model import make_rows


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often somebody was asked to look after the queue; the keeper itself has its own tests."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "home"))
    found: list[str] = []
    monkeypatch.setattr(overnight.keeper, "ensure", lambda: bool(found.append("asked")))
    return found


@pytest.fixture
def plan(tiny_model_dir: Path, tmp_path: Path) -> Plan:
    return small_plan(tiny_model_dir, make_rows(tmp_path / "rows.jsonl", 8))


@pytest.fixture
def window(qtbot: QtBot, asked: list[str], plan: Plan) -> Iterator[MainWindow]:
    found = MainWindow()
    qtbot.addWidget(found)
    with qtbot.waitSignal(found.filled, timeout=20_000):
        found.show()
    found.starter.here = plan.machine
    found.document.open_plan(plan, plan.stage, None)
    yield found
    found._closing_decided = True
    found.close()


def test_opening_the_window_sees_to_the_queue(qtbot: QtBot, window: MainWindow, asked: list[str]) -> None:
    qtbot.waitUntil(lambda: bool(asked))


def test_start_offers_the_queue_while_a_run_goes_on(qtbot: QtBot, window: MainWindow, plan: Plan) -> None:
    window.runner.record.state = State.RUNNING
    window.start()
    qtbot.waitUntil(lambda: "Queue it" in [b.text() for b in buttons(window)])
    assert queue.waiting() == ()
    with qtbot.waitSignal(window.queueing.queued) as told:
        next(b for b in buttons(window) if b.text() == "Queue it").click()
    (entry,) = queue.waiting()
    assert entry.run_dir == told.args[0]
    assert lock.state(entry.run_dir) is State.QUEUED
    assert not entry.overnight
    qtbot.waitUntil(lambda: not window.problems.isVisible())
    window.runner.record.state = State.NEVER_STARTED


def test_the_menu_queues_a_run_that_looks_after_itself(qtbot: QtBot, window: MainWindow, asked: list[str]) -> None:
    keys = {a.text().replace("&", ""): a for _, actions in window.menus.all for a in actions}
    before = len(asked)
    with qtbot.waitSignal(window.queueing.queued):
        keys["Leave it to run overnight"].trigger()
    with qtbot.waitSignal(window.queueing.queued):
        keys["Add to the queue"].trigger()
    assert [e.overnight for e in queue.waiting()] == [True, False]
    assert len(asked) >= before + 2, "each time somebody is asked to look after the queue"
    shortcuts = [a.shortcut().toString() for _, actions in window.menus.all for a in actions if a.shortcut().toString()]
    assert len(set(shortcuts)) == len(shortcuts), "no two commands share a shortcut"


def buttons(window: MainWindow) -> list[object]:
    from PySide6.QtWidgets import QAbstractButton

    return [b for b in window.problems.findChildren(QAbstractButton) if b.isVisible()]
