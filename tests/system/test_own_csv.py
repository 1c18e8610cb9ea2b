"""A person's own table with odd column names, through the window: dropped, mapped by clicks, looked at, trained on.

The worker is the real one; what it trained on is read back from the run's own spec.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from app.shell.pages import PLAN
from app.shell.window import MainWindow
from app.widgets.buttons import Button
from app.widgets.combo import Combo
from app.widgets.marked_text import MarkedText
from app.widgets.tab import Tab
from planner.facts.mapping import Mapping
from planner.plan_file import load_spec
from planner.run import journal, layout
from planner.run.lock import State
from tests.app.finding import find
from tests.system.test_window_run import click, home, plan_small_run, wait, windows  # noqa: F401 - fixtures

MAPPED = Mapping("prompt_completion", (("prompt", "frage"), ("completion", "antwort")))


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(QPoint(9, 9)), action, data, button, Qt.KeyboardModifier.NoModifier))


def choose(qtbot: QtBot, window: MainWindow, name: str, text: str) -> None:
    combo = find(window, Combo, name)
    combo.setFocus()
    combo.setCurrentIndex(combo.findText(text) - 1)
    qtbot.keyClick(combo, Qt.Key.Key_Down)


@pytest.mark.usefixtures("warm_workers")
def test_an_own_table_is_mapped_by_clicks_and_trained_on(
    qtbot: QtBot,
    windows: Callable[[], MainWindow],  # noqa: F811
    tiny_model_dir: Path,
    tmp_path: Path,
) -> None:
    table = tmp_path / "support tickets.csv"
    asked = ["how much memory does a step need", "what is the peak of a run", "is one token one byte"] * 4
    lines = [f'{n},"{q}","room for {n % 5}, and more",x' for n, q in enumerate(asked)]
    table.write_text("\n".join(["nr,frage,antwort,art", *lines]) + "\n")
    window = windows()
    plan_small_run(qtbot, window, tiny_model_dir, steps=3, save_every=3)
    drop(window, table)
    drawer, looking = window.plan_page.drawer, window.plan_page.looking
    wait(qtbot, lambda: drawer.isVisible() and looking.preview is not None)
    assert "choose a form" in drawer.banner.text.text()
    choose(qtbot, window, "Rows are", "Prompt and completion")
    choose(qtbot, window, "Column of prompt", "frage")
    choose(qtbot, window, "Column of completion", "antwort")

    def planned() -> bool:
        plan = window.document.plan
        return plan is not None and plan.data.mapping == MAPPED

    wait(qtbot, planned)
    assert window.document.stack.undoText() == "map completion → antwort"
    wait(qtbot, lambda: "room for 0, and more" in find(window, MarkedText, "What the row becomes").toPlainText())

    qtbot.mouseClick(find(window, Tab, "Data: First batch"), Qt.MouseButton.LeftButton)
    click(qtbot, window, "Tokenise the first batch")
    wait(qtbot, lambda: window.plan_page.batching.found is not None)
    batch = window.plan_page.batching.found
    assert batch is not None
    assert len(batch[1]) == 2  # the plan's batch
    assert "room for" in find(window, MarkedText, "Tokens of the row").toPlainText().replace("Ġ", " ")
    assert window.pages.currentIndex() == PLAN

    qtbot.mouseClick(find(window, Button, window.plan_page.start.accessibleName()), Qt.MouseButton.LeftButton)
    wait(qtbot, lambda: window.runner.record.state is State.FINISHED)
    run_dir = window.runner.run_dir
    assert run_dir is not None
    spec = load_spec(run_dir / layout.SPEC)
    assert spec.plan.data.path == str(table)
    assert spec.plan.data.mapping == MAPPED
    assert spec.plan.data.form == "prompt_completion"
    assert [s.step for s in journal.steps(journal.read_all(run_dir).events)] == [1, 2, 3]
