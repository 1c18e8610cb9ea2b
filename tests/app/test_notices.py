"""Desktop notices: only when nobody looks, only of an end or a wait, without anything that is nobody else's business."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from app.shell import notices
from app.shell.notices import Notices, harmless, words
from planner.run.library import RunState, RunSummary

RUNNING = RunSummary(Path("/home/somebody/runs/a"), "Answers", RunState.RUNNING, step=3, total_steps=9)
ENDED = replace(RUNNING, state=RunState.FAILED, problem_fact="No file '/home/somebody/secret.jsonl'", note="secret")


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notify-send that writes down what it is asked to show."""
    record = tmp_path / "shown"
    tool = tmp_path / "bin" / "notify-send"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{record}"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    return record


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    found = QWidget()
    qtbot.addWidget(found)
    return found


@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_an_end_is_told_when_no_window_has_the_focus(qtbot: QtBot, window: QWidget, recorder: Path) -> None:
    assert not QSystemTrayIcon.isSystemTrayAvailable(), "the offscreen platform has no tray"
    found = Notices(window)
    with qtbot.waitSignal(found.told) as told:
        found.went(RUNNING, ENDED)
    assert told.args == ["Answers has ended by a problem", "Step 3 of 9.", "notify-send"]
    shown = recorder.read_text()
    assert "Answers has ended by a problem\nStep 3 of 9.\n" in shown
    assert "somebody" not in shown
    assert "secret" not in shown


def test_nothing_is_told_to_somebody_who_looks(qtbot: QtBot, window: QWidget, recorder: Path) -> None:
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is not None)
    found = Notices(window)
    with qtbot.assertNotEmitted(found.told):
        found.went(RUNNING, ENDED)
    assert not recorder.exists()


def test_the_switch_is_kept_and_obeyed(qtbot: QtBot, window: QWidget, recorder: Path) -> None:
    assert notices.wanted()
    notices.keep_wanted(False)
    assert not notices.wanted()
    found = Notices(window)
    with qtbot.assertNotEmitted(found.told):
        found.went(RUNNING, ENDED)
    notices.keep_wanted(True)
    assert notices.wanted()


def test_without_any_means_nothing_happens(
    qtbot: QtBot, window: QWidget, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = Notices(window)
    with qtbot.waitSignal(found.told) as told:
        found.went(RUNNING, ENDED)
    assert told.args[2] == ""


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (RunState.DONE, "Answers is done"),
        (RunState.LOST, "Answers has ended without a last word"),
        (RunState.PAUSED, "Answers waits for you"),
        (RunState.STOPPED, "Answers has stopped and is saved"),
        (RunState.RUNNING, ""),
        (RunState.QUEUED, ""),
    ],
)
def test_only_ends_and_waits_are_told(state: RunState, title: str) -> None:
    found = words(RUNNING, replace(RUNNING, state=state))
    assert (found[0] if found else "") == title


def test_a_run_that_was_not_going_on_is_no_news() -> None:
    assert words(replace(RUNNING, state=RunState.LOST), replace(RUNNING, state=RunState.DONE)) is None


def test_a_name_that_is_a_path_is_not_shown() -> None:
    assert harmless("/home/somebody/plan") == "A run"
    assert harmless("C:\\Users\\somebody") == "A run"
    assert harmless("two\nlines ") == "two lines"
