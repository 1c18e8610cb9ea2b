"""The data drawer in a window: clicks and keys on widgets found by name, files as people have them, undo named by action."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from app import background
from app.document import Document
from app.pages.plan.data import looking as looking_module
from app.pages.plan.data.batch import lines
from app.pages.plan.data.drawer import BATCH, FINDINGS, LENGTHS, ROWS
from app.pages.plan.data.findings import LEAK
from app.pages.plan.data.source import Source
from app.pages.plan.page import PlanPage
from app.pages.plan.picks import Pick
from app.theme import theme
from app.widgets.buttons import Button
from app.widgets.combo import Combo
from app.widgets.cut_chart import CutChart
from app.widgets.marked_text import MarkedText
from app.widgets.tab import Tab
from planner.facts.mapping import Mapping
from planner.plan import Plan
from tests.app.finding import find
from tests.app.test_data_state import BATCH as MADE
from tests.faults import fault

MakePlan = Callable[..., Plan]


@pytest.fixture
def page(qtbot: QtBot, make_plan: MakePlan) -> PlanPage:
    document = Document()
    made = PlanPage(document)
    made.kept = document  # type: ignore[attr-defined] # the page does not own it
    qtbot.addWidget(made)
    made.resize(1400, 860)
    made.show()
    plan = make_plan()
    document.open_plan(plan, plan.stage)
    yield made  # type: ignore[misc]
    made.leave()
    qtbot.waitUntil(lambda: not background.busy())


def document_of(page: PlanPage) -> Document:
    found: Document = page._document
    return found


def data_of(page: PlanPage) -> tuple[str, int, Mapping]:
    plan = document_of(page).plan
    assert plan is not None
    return plan.data.name, plan.data.rows, plan.data.mapping


def odd_table(folder: Path, rows: int = 40) -> Path:
    path = folder / "odd.csv"
    lines = ["nr,frage,antwort", *(f"{n},what is {n},it is {n % 7}" for n in range(rows))]
    path.write_text("\n".join(lines) + "\n")
    return path


def choose(qtbot: QtBot, page: PlanPage, name: str, text: str) -> None:
    """Choose an entry of a menu as a person at the keyboard does."""
    combo = find(page, Combo, name)
    row = combo.findText(text)
    assert row >= 0, (name, text)
    combo.setFocus()
    combo.setCurrentIndex(row - 1)
    qtbot.keyClick(combo, Qt.Key.Key_Down)


def take(qtbot: QtBot, page: PlanPage, path: Path) -> None:
    page.take_data(Pick("file", str(path)))
    qtbot.waitUntil(lambda: page.looking.preview is not None and page.looking.source.path == str(path))


@fault(
    "Columns whose names tell nothing",
    injected="a CSV file with such columns is picked in the window",
    seen="the data drawer asks what the rows are and which column is which; each click can be undone by its name",
    lost="nothing: the plan keeps the data it had until the mapping is complete",
)
def test_a_table_with_odd_columns_is_mapped_by_clicks_and_every_click_is_a_step(
    qtbot: QtBot, page: PlanPage, tmp_path: Path
) -> None:
    take(qtbot, page, odd_table(tmp_path))
    qtbot.waitUntil(page.drawer.isVisible)
    before = data_of(page)
    assert "choose a form" in page.drawer.banner.text.text()
    choose(qtbot, page, "Rows are", "Prompt and completion")
    choose(qtbot, page, "Column of prompt", "frage")
    assert data_of(page) == before  # not complete, so the plan keeps what it had
    choose(qtbot, page, "Column of completion", "antwort")
    mapping = Mapping("prompt_completion", (("prompt", "frage"), ("completion", "antwort")))
    qtbot.waitUntil(lambda: data_of(page) == ("odd", 40, mapping))
    stack = document_of(page).stack
    assert [stack.text(i) for i in range(stack.count())] == [
        "read rows as Prompt and completion",
        "map prompt → frage",
        "map completion → antwort",
    ]
    qtbot.waitUntil(lambda: "what is 0" in find(page, MarkedText, "What the row becomes").toPlainText())
    assert not page.drawer.banner.isVisible()
    stack.undo()
    assert data_of(page) == before
    assert page.looking.mapping.columns == (("prompt", "frage"),)
    stack.redo()
    assert data_of(page) == ("odd", 40, mapping)
    assert page.looking.planned
    stack.undo()
    stack.undo()
    stack.undo()
    assert data_of(page) == before
    assert page.looking.mapping == Mapping()


def test_a_heading_of_the_table_says_what_the_column_is(qtbot: QtBot, page: PlanPage, tmp_path: Path) -> None:
    take(qtbot, page, odd_table(tmp_path))
    table = page.drawer.rows.table
    assert table.menu_of(2) is None  # there is no form yet
    choose(qtbot, page, "Rows are", "Prompt and completion")
    for section, role in ((2, "prompt"), (3, "completion")):
        menu = table.menu_of(section)
        assert menu is not None
        next(a for a in menu.actions() if a.text().endswith(f"the {role}")).trigger()
    qtbot.waitUntil(lambda: data_of(page)[0] == "odd")
    assert data_of(page)[2].columns == (("prompt", "frage"), ("completion", "antwort"))
    menu = table.menu_of(3)
    assert menu is not None
    assert [a.text() for a in menu.actions() if a.isChecked()] == ["“antwort” is the completion"]


def test_a_guess_is_a_banner_until_it_is_confirmed(qtbot: QtBot, page: PlanPage, tmp_path: Path) -> None:
    path = tmp_path / "asked.csv"
    path.write_text("question,answer\nwhy,because\nhow,so\n")
    take(qtbot, page, path)
    qtbot.waitUntil(lambda: data_of(page)[0] == "asked")
    assert data_of(page)[2].guessed
    qtbot.waitUntil(page.drawer.isVisible)
    assert "guessed" in page.drawer.banner.text.text()
    assert "columns guessed" in page.form.what.data_words.text().replace("\xa0", " ")
    qtbot.mouseClick(find(page, Button, "Confirm"), Qt.MouseButton.LeftButton)
    assert not data_of(page)[2].guessed
    assert not page.drawer.banner.isVisible()
    stack = document_of(page).stack
    assert stack.undoText() == "confirm the mapping"
    stack.undo()
    assert data_of(page)[2].guessed
    assert page.drawer.banner.isVisible()


@fault(
    "Rows of a person's file cannot be used",
    injected="a file with two broken lines among 303 is picked in the window",
    seen="the data drawer says how many, which lines and why; a click leads to the line; Look again when it is mended",
    lost="nothing: the plan keeps the data it had until the file is mended",
)
def test_a_file_with_faults_is_told_by_row_and_never_becomes_the_plans_data(
    qtbot: QtBot, page: PlanPage, tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    good = json.dumps({"prompt": "a", "completion": "b"})
    path.write_text("\n".join([*[good] * 300, '{"prompt": 3}', good, "{"]) + "\n")
    before = data_of(page)
    take(qtbot, page, path)
    qtbot.waitUntil(lambda: len(page.looking.known_faults) == 2)
    assert data_of(page) == before
    banner = page.drawer.banner
    assert "2 rows cannot be used" in banner.text.text()
    assert f"keeps {before[0]}" in banner.text.text()
    qtbot.mouseClick(find(page, Button, "Show them"), Qt.MouseButton.LeftButton)
    assert page.drawer.pages.currentIndex() == FINDINGS
    table = page.drawer.found.table
    rows = [table.model().index(i, 1).data() for i in range(table.model().rowCount())]
    assert rows == ["301", "303"]
    table.setCurrentIndex(table.model().index(0, 0))
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.drawer.rows.table.rows[-1].number == 301)
    assert page.drawer.pages.currentIndex() == ROWS
    assert page.drawer.rows.table.currentIndex().row() == 200
    path.write_text("\n".join([good] * 20) + "\n")
    page.looking.look_again()
    qtbot.waitUntil(lambda: data_of(page)[1] == 20)
    assert not banner.isVisible()


def test_the_same_row_twice_and_held_out_rows_that_are_trained_on_are_found(
    qtbot: QtBot, page: PlanPage, tmp_path: Path
) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("prompt,completion\n" + "".join(f"what is {n % 10},it is {n % 10}\n" for n in range(40)))
    take(qtbot, page, path)
    qtbot.waitUntil(lambda: data_of(page)[0] == "twice")
    from app.pages.plan.edits import SCHEDULE, with_option

    document_of(page).edit(lambda p: with_option(p, SCHEDULE, "eval_fraction", 0.25))
    page.open_data(True)
    qtbot.mouseClick(find(page, Tab, "Data: Findings"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(find(page, Button, "Check all rows"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.looking.checks is not None)
    checks = page.looking.checks
    assert checks is not None
    assert checks.n_duplicates == 30
    assert checks.n_leaked > 0
    assert "30 rows are the same as an earlier one" in page.drawer.found.said.text()
    assert page.drawer.found.table.model().index(0, 0).data() == LEAK


def test_a_drag_of_the_cut_off_line_is_one_step_and_says_what_it_costs_meanwhile(qtbot: QtBot, page: PlanPage) -> None:
    page.open_data(True)
    qtbot.mouseClick(find(page, Tab, "Data: Lengths"), Qt.MouseButton.LeftButton)
    assert page.drawer.pages.currentIndex() == LENGTHS
    chart, said = find(page, CutChart, "Cut-off line"), page.drawer.lengths.said
    qtbot.waitUntil(lambda: "No row is cut" in said.text())
    stack, at = document_of(page).stack, chart.height() // 2
    start = round(chart.x_of(chart.length))
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(min(start, chart.width() - 2), at))
    for share in (0.8, 0.6, 0.4):
        qtbot.mouseMove(chart, QPoint(round(chart.width() * share), at))
    assert stack.count() == 0  # it is still held
    qtbot.waitUntil(lambda: f"{chart.length:,} instead of 512" in said.text())
    assert "of rows cut" in said.text()
    assert "saves" in said.text()
    length = chart.length
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(round(chart.width() * 0.4), at))
    assert stack.count() == 1
    assert stack.undoText() == f"change Length 512 → {length}"
    plan = document_of(page).plan
    assert plan is not None
    assert plan.stage.schedule.max_length == length
    stack.undo()
    assert chart.length == 512


def test_the_cut_off_line_goes_by_keys_and_esc_takes_it_back(qtbot: QtBot, page: PlanPage) -> None:
    page.open_data(True)
    page.drawer.see(LENGTHS)
    chart = find(page, CutChart, "Cut-off line")
    chart.setFocus()
    stack = document_of(page).stack
    for _ in range(2):
        qtbot.keyPress(chart, Qt.Key.Key_Left)
    qtbot.keyPress(chart, Qt.Key.Key_Escape)
    assert chart.length == 512
    assert page.drawer.isVisible()  # Esc took the line back, it did not shut the drawer
    qtbot.keyRelease(chart, Qt.Key.Key_Escape)
    assert stack.count() == 0
    qtbot.keyClick(chart, Qt.Key.Key_PageDown)
    assert stack.count() == 1
    qtbot.keyClick(chart, Qt.Key.Key_Escape)
    assert not page.drawer.isVisible()


def test_the_table_of_lengths_cuts_where_it_is_told(qtbot: QtBot, page: PlanPage) -> None:
    page.open_data(True)
    page.drawer.see(LENGTHS)
    view = page.drawer.lengths
    qtbot.waitUntil(lambda: view._found is not None)
    view.card.button.click()
    table = find(page, QTableWidget, "Lengths as table")
    row = next(i for i in range(table.rowCount()) if table.item(i, 0).text() == "128")
    table.setCurrentCell(row, 0)
    table.itemActivated.emit(table.item(row, 0))
    plan = document_of(page).plan
    assert plan is not None
    assert plan.stage.schedule.max_length == 128


def test_masked_tokens_are_marked_by_more_than_colour(qtbot: QtBot, page: PlanPage) -> None:
    page.open_data(True)
    page.drawer.see(BATCH)
    view = page.drawer.batch
    view.show_batch("a batch", lines(MADE), told="", refused="", stale=False)
    text = find(page, MarkedText, "Tokens of the row")
    assert text.toPlainText().startswith("<|im_start|>why so⏎")
    dotted = QTextCharFormat.UnderlineStyle.DotLine
    looks = [
        (f.format.underlineStyle() == dotted, f.format.foreground().color() == theme().colour("text"))
        for f in text.document().firstBlock().textFormats()
    ]
    assert {(True, False), (False, True)} == set(looks)  # dotted and grey, or neither
    view.plain.click()
    assert text.toPlainText().startswith("[masked: <|im_start|>why]")
    assert text.accessibleDescription() == lines(MADE)[0].said


def test_without_a_model_on_this_computer_the_first_batch_says_why_not(page: PlanPage) -> None:
    page.open_data(True)
    page.drawer.see(BATCH)
    assert not page.drawer.batch.button.isEnabled()
    assert "not on this computer" in page.drawer.batch.said.text()


def test_every_control_of_the_drawer_has_a_name(qtbot: QtBot, page: PlanPage, tmp_path: Path) -> None:
    take(qtbot, page, odd_table(tmp_path))
    choose(qtbot, page, "Rows are", "Prompt and completion")
    for number in (ROWS, FINDINGS, LENGTHS, BATCH):
        page.drawer.see(number)
        nameless = [
            w
            for w in page.drawer.findChildren(QWidget)
            if w.isVisible()
            and w.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not w.accessibleName()
            and w.focusProxy() is None
        ]
        assert nameless == []


def test_an_open_drawer_leaves_the_verdict_in_sight_and_the_window_as_wide(page: PlanPage) -> None:
    wide = page.minimumSizeHint().width()
    page.open_data(True)
    assert page.budget.headline.isVisible()
    assert not page.budget.headline.visibleRegion().isEmpty()
    assert page.minimumSizeHint().width() <= wide


def test_files_are_read_on_a_thread_and_what_comes_late_is_dropped(
    qtbot: QtBot, page: PlanPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, let_go, threads = threading.current_thread(), threading.Event(), []
    real = looking_module.look_at

    def slow(path: Path, mapping: Mapping | None = None) -> object:
        threads.append(threading.current_thread())
        if path.name == "slow.csv":
            let_go.wait(10)
        return real(path, mapping)

    monkeypatch.setattr(looking_module, "look_at", slow)
    (tmp_path / "slow.csv").write_text("question,answer\na,b\n")
    page.take_data(Pick("file", str(tmp_path / "slow.csv")))
    take(qtbot, page, odd_table(tmp_path))
    let_go.set()
    qtbot.waitUntil(lambda: not background.busy())
    assert here not in threads
    assert page.looking.source == Source(str(tmp_path / "odd.csv"))
    assert data_of(page)[0] != "slow"


@fault(
    "A file of rows is gone when it is looked at",
    injected="a path with no file is picked in the window",
    seen="a problem, and a notice in the data drawer with the path and Look again",
    lost="nothing: the plan keeps the data it had",
)
def test_a_file_that_is_gone_is_a_notice_in_the_drawer_and_a_problem(
    qtbot: QtBot, page: PlanPage, tmp_path: Path
) -> None:
    with qtbot.waitSignal(page.problem) as told:
        page.take_data(Pick("file", str(tmp_path / "gone.csv")))
    assert told.args[0].code.startswith("data.")  # type: ignore[index]
    page.open_data(True)
    qtbot.waitUntil(lambda: "gone.csv" in page.drawer.banner.text.text())
    assert find(page, Button, "Look again").isVisible()
