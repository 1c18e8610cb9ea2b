"""The Runs page in its window: opened on the Run page, made the plan again, exported, refused where two would share memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.shell import notices
from app.shell.pages import PLAN, RUN, RUNS
from app.shell.window import MainWindow
from planner.plan_file import load_plan
from planner.run import lock
from planner.run.home import runs_dir
from planner.run.library import RunSummary
from tests.run_folders import BEGAN, a_plan, finished_folder, run_folder, session


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    finished_folder(runs_dir() / "a")
    run_folder(runs_dir() / "b", session(2, at=BEGAN + 9))
    found = MainWindow()
    qtbot.addWidget(found)
    found.resize(1300, 900)
    with qtbot.waitSignal(found.filled, timeout=20_000), qtbot.waitActive(found):
        found.show()
        found.activateWindow()
    qtbot.waitUntil(lambda: len(found.runs.page.state.runs) == 2 and found.runner.run_dir is not None)
    found.show_page(RUNS)
    yield found
    found._closing_decided = True
    found.close()


def run_of(window: MainWindow, key: str) -> RunSummary:
    return next(run for run in window.runs.page.state.runs if run.key == key)


def test_a_run_is_opened_and_one_that_is_deleted_is_shown_no_more(qtbot: QtBot, window: MainWindow) -> None:
    window.runs.page.table.opened.emit("a")
    assert window.pages.currentIndex() == RUN
    qtbot.waitUntil(lambda: window.runner.record.spec is not None and window.runner.record.step == 4)
    assert window.runner.run_dir == runs_dir() / "a"
    window.show_page(RUNS)
    window.problems.drop("")  # what this machine and the lost run have to say
    window.runs.page.table.choose(["a"], "a")
    window.runs.page.delete()
    qtbot.waitUntil(lambda: len(window.runs.page.state.runs) == 1)
    assert window.runner.run_dir is None
    assert window.runner.record.spec is None
    assert window.problems.problem is None


def test_its_settings_become_the_plan_in_one_step_that_can_be_undone(qtbot: QtBot, window: MainWindow) -> None:
    before = window.document.plan
    for copy, name in ((False, "A plan"), (True, "A plan copy")):
        window.show_page(RUNS)
        window.runs.reopen(run_of(window, "a"), copy=copy)
        qtbot.waitUntil(lambda: window.pages.currentIndex() == PLAN)
        plan = window.document.plan
        assert plan is not None
        assert (plan.name, plan.model.name) == (name, a_plan().model.name)
        window.document.stack.undo()
        assert window.document.plan is not None
        assert before is not None
        assert window.document.plan.name == before.name


def test_a_run_is_exported_as_it_was(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    with qtbot.waitSignal(window.runs.acted):
        window.runs.export(run_of(window, "a"), tmp_path / "out")
    assert load_plan(tmp_path / "out" / "plan.json").name == "A plan"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    with qtbot.waitSignal(window.runs.problem) as told:
        window.runs.export(run_of(window, "a"), tmp_path / "mine")
    assert told.args[0].code == "export.folder_in_use"


def test_none_goes_on_while_another_does(qtbot: QtBot, window: MainWindow) -> None:
    other = run_folder(runs_dir() / "c", session(2, at=BEGAN + 20))
    held = lock.Lock(other)
    window.runs.page.shelf.look()
    qtbot.waitUntil(lambda: any(run.state.live for run in window.runs.page.state.runs))
    with qtbot.waitSignal(window.runs.problem) as told:
        window.runs.go_on(run_of(window, "b"))
    held.release()
    assert told.args[0].code == "run.one_at_a_time"


def test_the_menu_turns_desktop_notices_off_and_on(window: MainWindow) -> None:
    switch = window.menus.notices
    assert switch.isChecked()
    switch.trigger()
    assert not notices.wanted()
    switch.trigger()
    assert notices.wanted()
