"""The Explore page and its join with the open plan: chart, table, filters and answer show one thing, what is of an old plan is
marked and never taken, and a plan taken can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.document import Document
from app.pages.explore import asking as asking_module
from app.pages.explore.answer_box import AnswerBox
from app.pages.explore.chart_card import CHART, PINS, TABLE
from app.pages.explore.finding import Finder
from app.pages.explore.load_line import LoadLine
from app.pages.explore.mini_ledger import MiniLedger
from app.pages.explore.page import ExplorePage
from app.pages.plan.edits import difference
from app.shell import remembered
from app.shell.exploring import Exploring
from app.widgets.buttons import Button
from app.widgets.combo import Combo
from app.widgets.fields import Number
from app.widgets.link import LinkButton
from planner.estimate import estimate
from planner.explore.answer import Question
from planner.explore.explored import FITS, Explored
from planner.plan import Plan
from planner.units import GIB, words
from tests.app.exploring import few
from tests.app.finding import find
from tests.planner.explore.brute import small_plan

LONG_MS = 20_000


class Bench:
    """A document, the page and what joins them, the search being one of a part of the space."""

    def __init__(self, qtbot: QtBot, plan: Plan) -> None:
        self.qtbot, self.searched = qtbot, 0
        self.document, self.page = Document(), ExplorePage()
        self.page.resize(1300, 820)
        qtbot.addWidget(self.page)
        self.exploring = Exploring(self.document, self.page)
        self.exploring.finder = Finder(self.search)
        self.said: list[str] = []
        self.exploring.acted.connect(self.said.append)
        self.document.open_plan(plan, plan.stage)

    def search(self, plan: Plan, _space: object) -> Explored:
        self.searched += 1
        return few(plan)

    def show(self) -> None:
        with self.qtbot.waitExposed(self.page):
            self.page.show()
        self.settle()

    def settle(self) -> None:
        page = self.page
        self.qtbot.waitUntil(
            lambda: (
                self.exploring.fresh
                and not page.asking.under_way
                and page.meaning.told is not None
                and (page.chart.view != CHART or page.chart.scatter.ready)
            ),
            timeout=LONG_MS,
        )

    @property
    def explored(self) -> Explored:
        assert self.page.state.explored is not None
        return self.page.state.explored

    def find(self, kind: type, name: str) -> QWidget:
        found: QWidget = find(self.page, kind, name)
        return found

    def click(self, kind: type, name: str) -> None:
        self.qtbot.mouseClick(self.find(kind, name), Qt.MouseButton.LeftButton)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(qtbot, small_plan(free_bytes=2 * GIB))
    made.show()
    yield made
    made.exploring.leave()


def batch_is(plan: Plan | None, rows: int) -> Plan:
    assert plan is not None
    return plan.with_schedule(replace(plan.stage.schedule, micro_batch=rows))


# what it shows


def test_it_opens_with_the_best_that_fits_and_what_is_different_in_it(bench: Bench) -> None:
    page, meant = bench.page, bench.page.meaning.meant
    assert meant is not None
    assert bench.explored.verdicts()[meant.row] == FITS
    title = bench.find(QLabel, "Answer").text()  # type: ignore[attr-defined]
    assert title.startswith(words(meant.looked.peak))
    assert page.detail.heading.text() == "FASTEST THAT LEARNS AS MUCH"
    told = bench.find(QWidget, "What the plan is").accessibleDescription()
    assert f"Weights: {dict(meant.looked.answers)['Weights']}" in told
    assert "Trainable:" in told
    assert page.chart.scatter.accessibleDescription() == page.state.sentence()
    assert bench.find(QLabel, "Plans shown").text() == page.state.counted()  # type: ignore[attr-defined]


def test_it_explores_only_while_it_is_seen(qtbot: QtBot) -> None:
    bench = Bench(qtbot, small_plan(free_bytes=2 * GIB))
    bench.document.change(batch_is(bench.document.plan, 2))
    assert bench.searched == 0
    assert not bench.exploring._pause.isActive()
    bench.show()
    assert bench.searched == 1
    bench.exploring.leave()


def test_a_filter_reaches_chart_table_and_counts(bench: Bench) -> None:
    page = bench.page
    box = bench.find(AnswerBox, "Weights: bfloat16")
    before = int(page.state.among.sum())
    bench.qtbot.keyClick(box, Qt.Key.Key_Space)
    bench.settle()
    assert 0 < int(page.state.among.sum()) < before
    page.show_view(TABLE)
    page.chart.only.click()
    weights = {bench.explored.facets(i)["Weights"] for i in page.chart.table.rows()}
    assert weights
    assert "bfloat16" not in weights
    assert page.chart.scatter._data is not None
    assert page.chart.scatter._data.among is page.state.among
    bench.qtbot.keyClick(
        bench.find(AnswerBox, "Weights: bfloat16"), Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier
    )
    assert {bench.explored.facets(int(i))["Weights"] for i in page.state.among.nonzero()[0]} == {"bfloat16"}
    bench.click(QToolButton, "Weights: show all")
    assert int(page.state.among.sum()) == before


def test_pointing_at_a_plan_shows_its_ledger_and_picks_nothing(bench: Bench) -> None:
    page, row = bench.page, int(bench.page.state.frontier[0])
    page.chart.scatter.hovered.emit(row)
    mini = find(page, MiniLedger, "Plan pointed at")
    one = estimate(bench.explored.plan(row))
    assert sum(size for _, size, _ in mini.parts) == one.tiers[0].peak_bytes
    assert words(one.tiers[0].peak_bytes) in mini.accessibleDescription()
    assert page.state.meant is None
    page.chart.scatter.hovered.emit(-1)
    assert not mini.isVisible()


def test_a_click_looks_at_a_plan_in_chart_table_and_detail_and_escape_goes_back(bench: Bench) -> None:
    page, row = bench.page, int(bench.page.state.frontier[0])
    page.chart.scatter.picked.emit(row)
    assert page.detail.heading.text() == "THIS PLAN"
    assert bench.find(QLabel, "Answer").text().startswith(words(int(bench.explored.peak[row])))  # type: ignore[attr-defined]
    page.show_view(TABLE)
    assert page.chart.table.selected() == row
    bench.qtbot.keyClick(page.chart.table, Qt.Key.Key_Escape)
    assert page.detail.heading.text() == "FASTEST THAT LEARNS AS MUCH"


@pytest.mark.parametrize("question", list(Question))
def test_every_question_has_an_answer_that_can_be_taken(bench: Bench, question: Question) -> None:
    from planner.explore.answer import ASKED

    bench.find(QWidget, ASKED[question]).click()  # type: ignore[attr-defined]
    bench.settle()
    told = bench.page.meaning.told
    assert told is not None
    assert told.asked.question is question
    assert told.meant is not None
    assert bench.find(QLabel, "Answer").text() == told.title  # type: ignore[attr-defined]
    bench.page.meaning._take(told.meant)
    assert bench.document.plan is not None
    assert difference(bench.document.plan, told.meant.looked.plan) == ""


# becoming the plan


def test_make_it_the_plan_is_one_named_step_that_can_be_undone_and_is_not_searched_again(bench: Bench) -> None:
    before, meant = bench.document.plan, bench.page.meaning.meant
    assert before is not None
    assert meant is not None
    bench.click(Button, "Make it the plan")
    assert bench.document.plan == meant.looked.plan
    assert bench.document.stack.undoText().startswith("change ")
    bench.settle()
    assert bench.page.found is not None
    assert bench.page.found.again
    assert not bench.find(Button, "Make it the plan").isEnabled()
    assert bench.page.detail.same.text() == "This is your plan."
    bench.document.stack.undo()
    assert bench.document.plan == before
    bench.settle()
    assert bench.searched == 1


def test_return_on_a_row_of_the_table_takes_it(bench: Bench) -> None:
    page = bench.page
    bench.click(LinkButton, "Table view")
    table = page.chart.table
    assert table.rows() == page.state.table_rows()[0].tolist()
    table.setCurrentIndex(table.model().index(0, 0))
    bench.qtbot.keyClick(table, Qt.Key.Key_Return)
    assert bench.document.plan is not None
    assert difference(bench.document.plan, bench.explored.plan(table.rows()[0])) in ("", "Length 256 → 232")
    assert bench.document.stack.count() == 1


def test_what_is_of_an_old_plan_is_marked_and_cannot_be_taken(bench: Bench) -> None:
    meant = bench.page.meaning.meant
    bench.document.change(batch_is(bench.document.plan, 3))
    assert "exploring anew" in bench.find(QLabel, "What the load line says").text()  # type: ignore[attr-defined]
    assert not bench.page.chart.scatter.isEnabled()
    assert not bench.find(Button, "Make it the plan").isEnabled()
    bench.page.meaning._take(meant)
    assert bench.said[-1].startswith("Not taken")
    assert bench.document.stack.count() == 1
    bench.settle()
    assert bench.page.chart.scatter.isEnabled()
    assert "exploring anew" not in bench.find(QLabel, "What the load line says").text()  # type: ignore[attr-defined]
    assert bench.searched == 2
    assert 3 in bench.explored.micro_batch


def test_a_plan_that_changed_while_it_was_explored_is_not_shown_as_the_new_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[bool] = []
    show_found = bench.page.show_found
    monkeypatch.setattr(
        bench.page,
        "show_found",
        lambda found: (shown.append(found.estimate.plan == bench.document.plan), show_found(found)),
    )
    bench.document.change(batch_is(bench.document.plan, 3))
    bench.exploring._search()
    bench.document.change(batch_is(bench.document.plan, 5))
    bench.settle()
    assert shown == [True]
    assert bench.page.found is not None
    assert bench.page.found.estimate.plan == bench.document.plan
    assert 5 in bench.explored.micro_batch
    assert 3 not in bench.explored.micro_batch


def test_a_change_taken_back_at_once_leaves_no_mark(bench: Bench) -> None:
    bench.document.change(batch_is(bench.document.plan, 3))
    bench.document.stack.undo()
    bench.qtbot.waitUntil(lambda: not bench.page.meaning.stale, timeout=LONG_MS)
    bench.settle()
    assert bench.page.chart.scatter.isEnabled()
    assert bench.searched == 1


def test_a_length_beyond_the_longest_row_stays_when_a_plan_is_taken(qtbot: QtBot) -> None:
    plan = small_plan(free_bytes=2 * GIB)
    bench = Bench(qtbot, plan.with_schedule(replace(plan.stage.schedule, max_length=2048)))
    bench.show()
    bench.page.chart.scatter.taken.emit(int(bench.page.state.frontier[0]))
    assert bench.document.plan is not None
    assert bench.document.plan.stage.schedule.max_length == 2048
    bench.settle()
    assert bench.searched == 1  # it is one of those explored
    assert bench.page.detail.same.text() == "This is your plan."
    bench.exploring.leave()


# what if


def test_the_load_line_asks_what_if_and_goes_back(bench: Bench) -> None:
    page, line = bench.page, find(bench.page, LoadLine, "Load line")
    own = page.state.counted()
    for _ in range(2):
        bench.qtbot.keyClick(line, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    bench.settle()
    assert page.state.what_if_bytes == line.line_bytes < bench.explored.budget_bytes
    said = bench.find(QLabel, "What the load line says").text()  # type: ignore[attr-defined]
    assert said.startswith(f"What if there were {words(line.line_bytes)}")
    assert "fastest that learns as much:" in said
    meant = page.meaning.meant
    assert meant is not None
    assert meant.looked.high <= line.line_bytes
    bench.qtbot.keyClick(line, Qt.Key.Key_Home)
    bench.settle()
    assert page.state.what_if_bytes is None
    assert page.state.counted() == own


def test_nothing_fits_names_the_nearest_three_and_what_each_misses(bench: Bench) -> None:
    page = bench.page
    page.chart.scatter.set_line(GIB // 16)
    page._line_stands()
    bench.settle()
    assert bench.find(QLabel, "Answer").text() == "Nothing fits"  # type: ignore[attr-defined]
    links = page.detail.others.links
    assert len(links) == 3
    assert all(" over: " in link.text() for link in links)
    assert page.detail.take.isHidden()
    links[0].click()
    assert page.detail.heading.text() == "THIS PLAN"
    assert "Would not fit in" in bench.find(QWidget, "What the plan is").accessibleDescription()


# costs


def test_another_cost_is_another_axis_and_another_answer(bench: Bench) -> None:
    combo = find(bench.page, Combo, "Cost")
    combo.picked.emit("saved")
    bench.settle()
    assert bench.page.detail.heading.text() == "SMALLEST RESULT THAT LEARNS AS MUCH"
    data = bench.page.chart.scatter._data
    assert data is not None
    assert data.y.tolist() == bench.explored.saved.astype(float).tolist()


def test_a_price_is_typed_kept_and_makes_money_a_cost(bench: Bench) -> None:
    find(bench.page, Combo, "Cost").picked.emit("money")
    bench.settle()
    chart = bench.page.chart
    assert chart.no_price.isVisible()
    assert chart.scatter._data is not None
    assert not len(chart.scatter._data.shown)
    price = find(bench.page, Number, "Price per hour")
    price.setValue(2.5)
    bench.settle()
    assert not chart.no_price.isVisible()
    assert remembered.price() == 2.5
    data = bench.page.chart.scatter._data
    assert data is not None
    assert data.y == pytest.approx(bench.explored.seconds * 2.5 / 3600)
    again = ExplorePage()
    bench.qtbot.addWidget(again)
    Exploring(Document(), again)
    assert again.state.per_hour == 2.5


# two plans


def test_two_pinned_plans_are_compared_by_what_is_different_and_can_be_taken(bench: Bench) -> None:
    page, frontier = bench.page, bench.page.state.frontier
    first, last = int(frontier[0]), int(frontier[-1])
    for row, key in ((first, Qt.Key.Key_A), (last, Qt.Key.Key_B)):
        page.meaning.pick(row)
        bench.qtbot.keyClick(page.chart.scatter, key)
    assert page.state.pin_rows == (first, last)
    bench.click(LinkButton, "A against B")
    lines = page.chart.pins.table.text().splitlines()
    peaks = next(line.split("\t") for line in lines if line.startswith("Peak"))
    assert peaks[1:3] == [words(int(bench.explored.peak[first])), words(int(bench.explored.peak[last]))]
    assert peaks[3].startswith("+")
    assert not any(cells[1] == cells[2] for cells in (line.split("\t") for line in lines[1:]))
    page.foot.copy.click()
    assert QGuiApplication.clipboard().text() == page.chart.pins.table.text()
    bench.click(Button, "Make A the plan")
    assert bench.document.plan is not None
    assert bench.document.plan.stage.choices == bench.explored.plan(first).stage.choices
    bench.settle()
    bench.click(QToolButton, "Take pin B away")
    assert page.state.pins[1] is None
    assert page.chart.view == PINS


def test_the_table_is_copied_as_text_and_the_chart_as_a_picture(bench: Bench) -> None:
    page = bench.page
    bench.click(LinkButton, "Copy as text")
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:2] == ["Verdict", "Peak"]
    assert len(lines) == 1 + len(page.state.table_rows()[0])
    bench.click(LinkButton, "Copy picture")
    assert not QGuiApplication.clipboard().image().isNull()
    assert bench.said[-1] == "Copied a picture"


def test_why_some_are_not_valid_is_told_with_counts(bench: Bench) -> None:
    bench.click(LinkButton, "Why are some not valid")
    assert bench.page.reasons is not None
    texts = bench.page.reasons.table.texts()
    assert [row[0] for row in texts] == [f"{one.plans:,}" for one in bench.explored.invalid]
    assert texts[0][1] == bench.explored.invalid[0].problem.fact
    bench.page.reasons.close()


# the map


def test_a_cell_of_the_map_is_a_plan_to_look_at(bench: Bench) -> None:
    page = bench.page
    bench.qtbot.waitUntil(lambda: page.meaning.mapping.map is not None)
    shown = page.meaning.mapping.map
    assert shown is not None
    page.detail.map.picked.emit(0, 1)
    assert page.state.meant is not None
    schedule = page.state.meant.looked.plan.stage.schedule
    assert (schedule.micro_batch, schedule.max_length) == (shown.batches[0], shown.contexts[1])


def test_the_map_says_what_it_assumes_and_how_long_the_rows_are(bench: Bench) -> None:
    bench.qtbot.waitUntil(lambda: bench.page.meaning.mapping.map is not None)
    said = bench.page.detail.map_words.text()
    assert said.startswith("If every row were that long, ")
    assert f"{max(bench.explored.space.plan.data.lengths):,} tokens" in said


def test_a_map_of_other_techniques_is_gone_at_once(bench: Bench) -> None:
    mapping, shown = bench.page.meaning.mapping, bench.page.detail.map
    bench.qtbot.waitUntil(lambda: mapping.map is not None)
    of_answer = bench.explored.structure[bench.page.meaning.meant.row]  # type: ignore[union-attr]
    bench.page.meaning.pick(int((bench.explored.structure != of_answer).nonzero()[0][0]))
    assert mapping.map is None
    assert not shown.isEnabled()
    assert shown.rows() == []
    bench.qtbot.waitUntil(lambda: mapping.map is not None)
    assert shown.isEnabled()
    assert shown.rows()


# nothing to show


def test_a_model_without_formulas_shows_why_and_a_button_to_the_plan(qtbot: QtBot) -> None:
    plan = small_plan()
    strange = replace(plan, model=replace(plan.model, unsupported_because="its blocks are not known."))
    bench = Bench(qtbot, strange)
    with qtbot.waitExposed(bench.page):
        bench.page.show()
    qtbot.waitUntil(lambda: bench.exploring.fresh)
    assert bench.page.empty.headline.text() == "Cannot tell"
    assert "its blocks are not known" in bench.page.empty.sentence.text()
    with qtbot.waitSignal(bench.page.plan_page_wanted):
        bench.page.empty.button.click()
    bench.exploring.leave()


def test_an_answer_for_what_is_no_longer_shown_is_dropped(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    told = bench.page.meaning.told
    assert told is not None
    bench.document.change(batch_is(bench.document.plan, 3))
    bench.settle()
    now = bench.page.meaning.told
    bench.page._show_told(told)
    assert bench.page.meaning.told is now


def test_the_last_of_many_questions_is_answered(qtbot: QtBot) -> None:
    answered: list[int] = []

    def work(asked: int) -> int:
        answered.append(asked)
        return asked

    told: list[int] = []
    asking = asking_module.Asking(None, work)  # type: ignore[arg-type]
    asking.told.connect(told.append)
    for n in range(20):
        asking.ask(n)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: not asking.under_way)
    assert told == [19]
    assert len(answered) <= 3


def test_one_question_at_a_time_even_after_all_were_forgotten(qtbot: QtBot) -> None:
    go = Event()
    begun: list[int] = []
    told: list[int] = []

    def work(asked: int) -> int:
        begun.append(asked)
        go.wait(10)
        return asked

    asking = asking_module.Asking(None, work)  # type: ignore[arg-type]
    asking.told.connect(told.append)
    asking.ask(1)  # type: ignore[arg-type]
    qtbot.waitUntil(lambda: begun == [1])
    asking.forget()
    asking.ask(2)  # type: ignore[arg-type]
    assert begun == [1]
    go.set()
    qtbot.waitUntil(lambda: not asking.under_way)
    assert told == [2]


# for everybody


@pytest.mark.parametrize("view", range(3))
def test_every_control_has_a_name(bench: Bench, view: int) -> None:
    bench.page.show_view(view)
    nameless = [
        w
        for w in bench.page.findChildren(QWidget)
        if w.isVisible()
        and w.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not w.accessibleName()
        and w.focusProxy() is None
    ]
    assert nameless == []


def test_it_fits_a_small_screen(bench: Bench) -> None:
    least = bench.page.minimumSizeHint()
    assert least.width() <= 1000
    assert least.height() <= 640
