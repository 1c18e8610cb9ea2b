"""The window without a run: it opens filled, every control has a name and a shortcut does what its menu says."""

from __future__ import annotations

import json
import locale
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app import faults, recovery
from app.pages.plan.picks import Pick
from app.pages.run.state import RunRecord
from app.shell import remembered
from app.shell.pages import EXPLORE, PLAN, RUN, RUNS, TRUST, WATCH
from app.shell.window import MainWindow
from app.theme import theme
from app.widgets.buttons import Button, QuietButton
from app.widgets.combo import Combo
from app.widgets.fields import Number
from app.widgets.link import LinkButton
from app.widgets.pick_field import PickField
from planner.assets import asset
from planner.plan import Plan
from planner.plan_file import load_plan, save_plan
from planner.problem import Problem, fail
from planner.run.events import Memory, Phase, Started
from planner.run.lock import State
from planner.units import MIB
from tests.app.finding import find, press_when_open
from tests.faults import fault

MakePlan = Callable[..., Plan]


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    found = open_window(qtbot)
    yield found
    found._closing_decided = True
    found.close()


def open_window(qtbot: QtBot, file: Path | None = None) -> MainWindow:
    """A window that stands and is filled."""
    found = MainWindow(file)
    qtbot.addWidget(found)
    found.resize(1300, 900)
    with qtbot.waitSignal(found.filled, timeout=20_000), qtbot.waitActive(found):
        found.show()
        found.activateWindow()
    return found


def plan_of(window: MainWindow) -> Plan:
    assert window.document.plan is not None
    return window.document.plan


def test_it_opens_with_the_example_filled_in_and_start_ready(window: MainWindow) -> None:
    assert window.pages.currentIndex() == PLAN
    assert plan_of(window).model.source == "embedded"
    assert plan_of(window).data.name == "Sample questions"
    start = find(window, Button, "Start")
    assert start.isEnabled()
    assert start.hasFocus()
    assert find(window, QLabel, "Verdict").text().startswith("Fits")
    assert not window.problems.isVisible()
    assert not window.document.modified


def test_only_pages_that_exist_are_in_the_rail(window: MainWindow) -> None:
    names = [
        w.accessibleName() for w in window.rail.findChildren(QWidget) if w.accessibleName().endswith("page button")
    ]
    assert names == [f"{page} page button" for page in ("Plan", "Explore", "Run", "Runs", "Trust", "Watch")]
    assert window.pages.count() == len(names)


def test_every_control_has_a_name(qtbot: QtBot, window: MainWindow) -> None:
    for page in range(window.pages.count()):
        window.show_page(page)
        qtbot.waitUntil(lambda page=page: window.pages.widget(page).isVisible())
        nameless = [
            w
            for w in window.findChildren(QWidget)
            if w.isVisible()
            and w.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not w.accessibleName()
            and w.focusProxy() is None
            and not w.inherits("QMenuBar")
        ]
        assert nameless == []


def test_tab_reaches_the_form_the_charts_and_the_ledger(qtbot: QtBot, window: MainWindow) -> None:
    seen = set()
    for _press in range(120):
        qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is not None
        seen.add(focused.accessibleName())
    wanted = {"Model", "Data", "Machine", "Weights", "Trained", "Batch", "Memory of RAM", "Memory at each moment"}
    assert wanted <= seen
    assert "Ledger at the chosen moment" in seen


def test_ctrl_z_takes_a_change_back_and_says_which(qtbot: QtBot, window: MainWindow) -> None:
    batch = find(window, Number, "Batch")
    before = batch.value()
    batch.setFocus()
    qtbot.keyClick(batch, Qt.Key.Key_Up)
    assert plan_of(window).stage.schedule.micro_batch == before + 1
    assert window.document.stack.undoText() == f"change Batch {before:.0f} → {before + 1:.0f}"
    assert find(window, QLabel, "Last action").text() == f"Change Batch {before:.0f} → {before + 1:.0f}"
    qtbot.keyClick(batch, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert plan_of(window).stage.schedule.micro_batch == before
    assert batch.value() == before


def test_a_menu_prices_its_entries_only_when_it_opens(qtbot: QtBot, window: MainWindow) -> None:
    from app.widgets.combo import DETAIL

    trained = find(window, Combo, "Trained")
    assert not any(trained.itemData(i, DETAIL) for i in range(trained.count()))
    trained.showPopup()
    details = [trained.itemData(i, DETAIL) for i in range(trained.count())]
    trained.hidePopup()
    assert any(d and d[0] in "+−±" for d in details)


def test_a_changed_choice_moves_every_figure_at_once(qtbot: QtBot, window: MainWindow) -> None:
    trained = find(window, Combo, "Trained")
    before = find(window, QLabel, "Expected memory").text()
    trained.setFocus()
    qtbot.keyClick(trained, Qt.Key.Key_Down)
    after = find(window, QLabel, "Expected memory").text()
    assert after != before
    tier = window.document.estimate.tiers[0]  # type: ignore[union-attr]
    assert window.plan_page.budget.table._model.rows[0].bytes == max(
        int(x.bytes) for x in window.document.estimate.at(tier.place, tier.peak_at)
    )  # type: ignore[union-attr,arg-type]
    back = find(window, QWidget, "Trained back to default")
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert find(window, QLabel, "Expected memory").text() == before


def test_another_card_can_be_searched_and_planned_for(qtbot: QtBot, window: MainWindow) -> None:
    machine = find(window, PickField, "Machine")
    qtbot.keyClick(machine, Qt.Key.Key_Down)
    qtbot.keyClicks(machine.list.search, "4090")
    with qtbot.waitSignal(window.document.changed):
        qtbot.keyClick(machine.list.search, Qt.Key.Key_Return)
    assert "4090" in plan_of(window).machine.name
    assert "4090" in find(window, QLabel, "Plan title").text()
    find(window, Button, window.plan_page.start.accessibleName()).click()
    assert window.problems.problem is not None
    assert window.problems.problem.code == "run.other_machine"
    with qtbot.waitSignal(window.document.changed):
        window.problems.button.click()
    assert window.here is not None
    assert plan_of(window).machine.name == window.here.name


def test_a_catalogue_model_can_be_planned_by_its_shape(qtbot: QtBot, window: MainWindow) -> None:
    model = find(window, PickField, "Model")
    model.setFocus()
    qtbot.keyClick(model, Qt.Key.Key_Space)
    qtbot.keyClicks(model.list.search, "Llama-3.1-8B")
    with qtbot.waitSignal(window.document.changed):
        qtbot.keyClick(model.list.search, Qt.Key.Key_Return)
    assert "Llama-3.1-8B" in plan_of(window).model.name
    assert find(window, Button, window.plan_page.start.text().replace("&", "")).isEnabled()


def test_start_without_the_model_says_its_size_first_and_fetches_nothing(qtbot: QtBot, window: MainWindow) -> None:
    find(window, Button, "Start").click()
    qtbot.waitUntil(window.activity.isVisible)
    assert "MiB" in window.activity.text.text()
    assert find(window, Button, "Fetch and start").isVisible()
    find(window, Button, "Not now").click()
    assert not window.activity.isVisible()
    assert window.runner.run_dir is None


def test_saving_opening_and_the_title(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    find(window, Number, "Length").stepUp()
    assert window.isWindowModified()
    path = tmp_path / "mine.json"
    with qtbot.waitSignal(window.document.renamed):
        window.document.save_soon(path)
    assert load_plan(path) == plan_of(window)
    assert not window.isWindowModified()
    assert window.windowTitle() == "mine[*] – Plimsoll"
    window.menus.recent.aboutToShow.emit()
    assert window.menus.recent.actions()[0].text().startswith("mine.json")


@fault(
    "Another window saves the same plan file",
    injected="The file is written between opening and saving",
    seen="“It was changed by another window”, with Write over it",
    lost="Nothing",
)
def test_a_file_that_another_window_wrote_meanwhile_is_not_written_over_unasked(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "shared.json"
    save_plan(plan_of(window), path)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path)
    theirs = replace(plan_of(window), name="what the other window saved")
    save_plan(theirs, path)
    find(window, Number, "Batch").stepUp()
    window.files.save()
    qtbot.waitUntil(window.problems.isVisible)
    assert window.problems.problem is not None
    assert window.problems.problem.code == "plan.file_changed"
    assert load_plan(path) == theirs
    with qtbot.waitSignal(window.document.renamed):
        find(window, Button, "Write over it").click()
    assert load_plan(path) == plan_of(window)


@fault(
    "A plan file cannot be read",
    injected="A file of another schema is opened",
    seen="What is wrong with it, above the page",
    lost="Nothing: the open plan stays",
)
def test_a_plan_file_that_cannot_be_read_is_a_problem_above_the_page(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"schema": 99}))
    before = window.document.plan
    window.files.open(bad)
    qtbot.waitUntil(window.problems.isVisible)
    assert window.problems.problem is not None
    assert "bad.json" in window.problems.fact.text()
    assert window.document.plan == before


def test_a_given_file_that_is_missing_opens_the_example_and_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    found = open_window(qtbot, tmp_path / "absent.json")
    assert found.problems.problem is not None
    assert plan_of(found).model.source == "embedded"
    found.close()


def test_an_unsaved_plan_is_there_again(qtbot: QtBot, window: MainWindow) -> None:
    find(window, Number, "Batch").stepUp()
    changed = plan_of(window).stage
    window.close()
    again = open_window(qtbot)
    assert plan_of(again).stage == changed
    assert again.document.modified
    again.close()


def test_a_plan_another_window_left_is_in_the_menu_and_stays_unsaved(qtbot: QtBot, window: MainWindow) -> None:
    left = replace(plan_of(window), name="left by another")
    other = recovery.Copy()
    other.keep(left, None)
    other.close()
    window.menus.recent.aboutToShow.emit()
    action = window.menus.recent.actions()[-1]
    assert action.text().startswith("Unsaved plan of")
    action.trigger()
    qtbot.waitUntil(lambda: plan_of(window).name == "left by another")
    assert window.document.modified
    assert recovery.waiting() == []


def test_the_first_plan_offers_ones_own_until_the_strip_was_used_or_closed(qtbot: QtBot, window: MainWindow) -> None:
    assert window.welcome.isVisible()
    find(window, LinkButton, "a laptop without GPU").click()
    qtbot.waitUntil(lambda: plan_of(window).name.startswith("Laptop without GPU"))
    assert not window.welcome.isVisible(), "the plan is the example's no more"
    window.files.new()
    qtbot.waitUntil(window.welcome.isVisible)
    find(window, QuietButton, "Close the first steps").click()
    window.close()
    again = open_window(qtbot)
    assert not again.welcome.isVisible()
    again.close()


def test_a_situation_becomes_the_plan_and_can_be_estimated(qtbot: QtBot, window: MainWindow) -> None:
    window.menus.situations.aboutToShow.emit()
    titles = [action.text() for action in window.menus.situations.actions()]
    assert titles[0] == "First run"
    assert {"8 GB card, 7B in 4 bits", "Laptop without GPU, 360M", "40 GB lab card, 14B"} <= set(titles)
    next(a for a in window.menus.situations.actions() if a.text().startswith("8 GB card, 7B")).trigger()
    qtbot.waitUntil(lambda: plan_of(window).model.name == "Qwen/Qwen2.5-7B")
    estimate = window.document.estimate
    assert estimate is not None
    assert estimate.verdict.value in ("fits", "tight")


def test_a_chip_changes_the_plan_and_ctrl_z_takes_it_back(qtbot: QtBot, window: MainWindow) -> None:
    chips = window.plan_page.chips
    qtbot.waitUntil(lambda: chips.ready)
    chip = chips.buttons[0]
    before = plan_of(window)
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert plan_of(window) != before
    assert window.document.stack.count() == 1
    window.document.stack.undo()
    assert plan_of(window).stage == before.stage


def test_chips_priced_against_an_old_plan_cannot_be_pressed(qtbot: QtBot, window: MainWindow) -> None:
    chips = window.plan_page.chips
    qtbot.waitUntil(lambda: chips.ready)
    find(window, Number, "Batch").stepUp()
    assert not any(chip.isEnabled() for chip in chips.buttons)
    qtbot.waitUntil(lambda: chips.ready)


def test_a_model_known_by_shape_only_cannot_be_exported_and_the_bar_says_so(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.files.export_to(tmp_path / "out")
    qtbot.waitUntil(window.problems.isVisible)
    assert window.problems.problem is not None
    assert window.problems.problem.code == "model.not_on_disk"
    assert not (tmp_path / "out").exists()


def test_a_dropped_file_of_rows_is_taken_as_data(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    rows = tmp_path / "mine.jsonl"
    rows.write_text(asset("sample", "questions.jsonl").read_text().splitlines()[0] + "\n")
    drop(window, rows)
    qtbot.waitUntil(lambda: plan_of(window).data.rows == 1)
    rows.write_text("not json\n")
    drop(window, rows)
    qtbot.waitUntil(window.plan_page.drawer.isVisible)
    qtbot.waitUntil(lambda: "not JSON" in window.plan_page.drawer.banner.text.text())
    assert plan_of(window).data.rows == 1
    assert plan_of(window).data.rows == 1
    drop(window, tmp_path / "x.png")
    assert window.problems.problem is not None
    assert window.problems.problem.code == "window.unknown_drop"


def drop(window: MainWindow, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(QPoint(9, 9)), action, data, button, Qt.KeyboardModifier.NoModifier))


def test_f1_lists_the_shortcuts_and_escape_stops_nothing(qtbot: QtBot, window: MainWindow) -> None:
    next(a for _m, actions in window.menus.all for a in actions if "Keyboard" in a.text()).trigger()
    tree = window.shortcuts_page.tree
    texts = []
    for i in range(tree.topLevelItemCount()):
        top = tree.topLevelItem(i)
        assert top is not None
        texts += [top.child(j).text(0) for j in range(top.childCount())]
    keys = {key for text in texts for key in text.split(", ")}
    assert {"Ctrl+Return", "Ctrl+1", "Ctrl+2", "Ctrl+Z", "Ctrl+S"} <= keys
    window.shortcuts_page.close()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.isVisible()


def test_shortcuts_are_not_given_twice(window: MainWindow) -> None:
    keys = [k.toString() for _m, actions in window.menus.all for a in actions for k in a.shortcuts() if k.toString()]
    assert len(keys) == len(set(keys))


def test_no_button_of_a_page_takes_a_menus_letter(window: MainWindow) -> None:
    menus = [QKeySequence.mnemonic(a.text()).toString() for a in window.menuBar().actions()]
    for page in (window.pages.widget(n) for n in range(window.pages.count())):
        letters = {w.text(): QKeySequence.mnemonic(w.text()).toString() for w in page.findChildren(QAbstractButton)}
        assert {text: letter for text, letter in letters.items() if letter in menus} == {}


def test_no_two_entries_of_a_menu_share_a_letter(window: MainWindow) -> None:
    for menu in (action.menu() for action in window.menuBar().actions()):
        letters = [QKeySequence.mnemonic(action.text()).toString() for action in menu.actions()]
        found = [letter for letter in letters if letter]
        assert len(found) == len(set(found)), (menu.title(), letters)


def test_questions_with_one_answer_are_folded_and_can_be_unfolded(qtbot: QtBot, window: MainWindow) -> None:
    how = window.plan_page.form.how
    assert not any(how.rows[slot].isVisible() for slot in how._settled)
    fold = find(window, QWidget, "Questions with one answer")
    qtbot.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert how._settled
    assert all(how.rows[slot].isVisible() for slot in how._settled)


def test_the_window_fits_a_small_screen_and_comes_back_where_it_was(qtbot: QtBot, window: MainWindow) -> None:
    least = window.minimumSizeHint()
    assert least.width() <= 1000
    assert least.height() <= 700
    window.resize(960, 720)  # within the offscreen screen
    window.document.stack.setClean()
    window.close()
    again = open_window(qtbot)
    remembered.restore(again, again.plan_page.splitter)
    assert again.height() == 720
    again.close()


def test_ctrl_2_explores_the_open_plan_and_what_is_taken_there_is_undone_here(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.pages.currentIndex() == EXPLORE
    page, before = window.explore.page, plan_of(window)
    qtbot.waitUntil(lambda: page.meaning.meant is not None, timeout=20_000)
    assert page.found is not None
    assert page.found.estimate.plan == before
    row = next(i for i in page.state.frontier if page.found.explored.plan(int(i)).stage.choices != before.stage.choices)
    page.chart.scatter.taken.emit(int(row))
    assert plan_of(window).stage.choices == page.found.explored.plan(int(row)).stage.choices
    assert find(window, QLabel, "Last action").text().startswith("Change ")
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert plan_of(window) == before


def test_ctrl_3_shows_the_run_page_with_its_one_button(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    assert window.pages.currentIndex() == RUN
    assert find(window, Button, "Start the example").isEnabled()


def test_an_unexpected_error_becomes_a_problem_and_a_log_line(qtbot: QtBot, own_home: Path) -> None:
    shown = []
    hooks = sys.excepthook, threading.excepthook
    try:
        faults.open_log()
        faults.catch_all(shown.append)
        try:
            raise ZeroDivisionError("made for this test")
        except ZeroDivisionError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        expected = fail("a.code", "A fact.", "An advice.")
        sys.excepthook(type(expected), expected, None)
    finally:
        sys.excepthook, threading.excepthook = hooks
        for handler in list(faults.log.handlers):
            handler.close()
            faults.log.removeHandler(handler)
    assert [p.code for p in shown] == ["window.internal", "a.code"]
    assert "made for this test" in (own_home / faults.LOG_NAME).read_text()


def test_closing_with_changes_to_a_file_asks_and_cancel_stays(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    save_plan(plan_of(window), path)
    window.files.open(path)
    qtbot.waitUntil(lambda: window.document.path == path)
    find(window, Number, "Batch").stepUp()
    press_when_open(qtbot, "Cancel")
    event = QCloseEvent()
    window.closeEvent(event)
    assert not event.isAccepted()
    press_when_open(qtbot, "Discard")
    window.closeEvent(event := QCloseEvent())
    assert event.isAccepted()
    assert recovery.waiting() == []


def test_the_c_library_reads_numbers_with_a_point() -> None:
    from app.shell.application import make_application

    assert make_application.__doc__
    assert locale.localeconv()["decimal_point"] == "."


def test_the_look_is_kept_for_the_next_time(window: MainWindow) -> None:
    before = theme().wish
    try:
        window.choose_look("dark")
        assert theme().scheme.name == "dark"
        assert remembered.look() == "dark"
    finally:
        theme().choose(before)


def test_a_paused_run_and_a_long_problem_make_no_window_wider_than_a_small_screen(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.resize(1024, 700)
    window.show_page(RUN)
    record = RunRecord(state=State.RUNNING)
    for event in (Started(0.0, 1, -1, 5000, {}, "cpu"), Phase(1.0, "paused", "")):
        record.feed(event)
    record.feed(Memory(2.0, "process", "host", 753 * MIB, 753 * MIB, others_bytes=0))
    window.run_page.show_run(Path("/tmp"))
    window.run_page.show_record(record)
    window.problems.show_problem(Problem("a.b", f"The folder '/{'x' * 200}' is odd.", "Look."), "Resume from step 10")
    qtbot.waitUntil(window.problems.isVisible)
    assert window.minimumSizeHint().width() <= 1024
    assert window.minimumSizeHint().height() <= 700
    assert (window.width(), window.height()) == (1024, 700)


def test_a_model_of_the_catalogue_says_that_it_can_be_planned_and_start_asks_for_its_folder(
    qtbot: QtBot, window: MainWindow
) -> None:
    with qtbot.waitSignal(window.document.changed):
        window.plan_page.take_model(Pick("catalogue", "meta-llama/Llama-3.2-1B"))
    assert "known by its shape" in find(window, QLabel, "About the model").text()
    window.start()
    assert window.problems.problem is not None
    assert window.problems.problem.code == "run.shape_only"
    assert "--set" not in window.problems.problem.advice
    assert find(window, Button, "Choose a folder…").isVisible()
    window.document.stack.undo()
    assert window.problems.problem is None


def test_the_last_action_keeps_its_margin(window: MainWindow) -> None:
    window.status.say("x" * 500)
    picture = window.status.action.grab().toImage()
    ground = picture.pixelColor(0, 0)
    assert all(picture.pixelColor(x, y) == ground for x in range(4) for y in range(picture.height()))


def test_a_run_can_be_stopped_while_its_model_is_loaded(window: MainWindow) -> None:
    head = window.run_page.head
    record = RunRecord(state=State.RUNNING)
    head.show_record(record, "A run", "")
    assert not head.stop.isEnabled()  # the worker has not said a word yet
    record.feed(Phase(1.0, "load", "libraries"))
    head.show_record(record, "A run", "")
    assert head.stop.isEnabled()
    assert not head.pause.isEnabled()


def test_trust_and_watch_are_reached_by_keys_and_a_process_is_asked_for(qtbot: QtBot, window: MainWindow) -> None:
    for key, page in ((Qt.Key.Key_4, RUNS), (Qt.Key.Key_5, TRUST), (Qt.Key.Key_6, WATCH)):
        qtbot.keyClick(window, key, Qt.KeyboardModifier.ControlModifier)
        assert window.pages.currentIndex() == page
    find(window, Button, "Watch a process").click()
    dialog = window.watching.dialog
    assert dialog is not None
    assert dialog.isVisible()
    find(dialog, Button, "Cancel").click()
