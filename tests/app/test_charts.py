"""Charts answer to mouse and keys, say themselves in a sentence, and have a table twin with the same figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.pages.plan.budget import BudgetPanel
from app.pages.plan.edits import with_technique
from app.pages.plan.state import data_bins, view
from app.shown import CONTEXT
from app.theme import DARK, KIND_COLOURS, LIGHT, Scheme, theme
from app.widgets.histogram import Histogram
from app.widgets.problem_bar import ProblemBar
from app.widgets.tier_bar import ticks
from planner.estimate import estimate
from planner.ledger import Kind
from planner.plan import Plan
from planner.problem import Problem
from planner.slots import Slot
from planner.techniques.registry import of_slot
from planner.units import GIB, MIB

MakePlan = Callable[..., Plan]


@pytest.fixture
def panel(qtbot: QtBot, make_plan: MakePlan) -> BudgetPanel:
    found = BudgetPanel()
    qtbot.addWidget(found)
    found.resize(900, 760)
    with qtbot.waitExposed(found):
        found.show()
    found.show_view(view(estimate(make_plan())))
    found.grab()  # paint, so that parts know where they are
    return found


def test_a_part_clicked_selects_its_row_and_the_row_its_part(qtbot: QtBot, panel: BudgetPanel) -> None:
    bar = panel._bars[0]
    rect, part = next((r, p) for r, p in bar._hits if p.bytes > 100 * MIB)
    with qtbot.waitSignal(bar.picked) as told:
        qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert told.args == [part.key]
    assert panel.table.selected_key() == part.key
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    assert bar._selected == panel.table.selected_key() != part.key


def test_arrow_keys_go_through_every_part_of_the_bar(qtbot: QtBot, panel: BudgetPanel) -> None:
    bar = panel._bars[0]
    assert bar._bar is not None
    seen = []
    for _part in bar._bar.parts:
        qtbot.keyClick(bar, Qt.Key.Key_Right)
        seen.append(panel.table.selected_key())
    assert seen == [p.key for p in bar._bar.parts]
    assert seen[-1] == CONTEXT


def test_arrow_keys_and_clicks_pick_moments(qtbot: QtBot, panel: BudgetPanel, make_plan: MakePlan) -> None:
    result = estimate(make_plan())
    at = result.tiers[0].peak_at
    assert at is not None
    i = result.timeline.index(at)
    with qtbot.waitSignal(panel.moment_picked) as told:
        qtbot.keyClick(panel.moments, Qt.Key.Key_Left)
    assert told.args == [result.timeline[i - 1]]
    slot = panel.moments._slots()[0]
    with qtbot.waitSignal(panel.moment_picked) as told:
        qtbot.mouseClick(panel.moments, Qt.MouseButton.LeftButton, pos=slot.center().toPoint())
    assert told.args == [result.timeline[0]]


def test_the_table_twin_holds_the_charts_figures(panel: BudgetPanel, make_plan: MakePlan) -> None:
    panel._when.button.click()
    table = panel._when.table
    shown = view(estimate(make_plan()))
    assert table.isVisible()
    assert table.rowCount() == len(shown.moments)
    peak = next(i for i, m in enumerate(shown.moments) if m.peak)
    item = table.item(peak, 2)
    assert item is not None
    assert item.text().endswith("(peak)")


def test_each_chart_says_itself_in_a_sentence(panel: BudgetPanel) -> None:
    assert "this run needs" in panel._bars[0].accessibleDescription()
    assert "The peak is" in panel.moments.accessibleDescription()


def test_other_programs_are_named_in_the_tool_tip(panel: BudgetPanel) -> None:
    bar = panel._bars[0]
    assert bar._bar is not None
    inside = QPoint(bar._left() + 4, bar.height() // 3)
    assert "browser" in bar._tip(inside.toPointF())


def test_a_selected_row_stays_selected_while_the_plan_changes(panel: BudgetPanel, make_plan: MakePlan) -> None:
    panel.table.select(1)
    plan = make_plan()
    other = with_technique(plan, Slot.TRAINABLE, of_slot(Slot.TRAINABLE)[1].name)
    panel.show_view(view(estimate(other)))
    assert panel.table.selected_key() == 1


@pytest.mark.parametrize("axis", [300 * MIB, 2 * GIB, 16 * GIB, 24 * GIB, 80 * GIB, 141 * GIB, 700 * GIB])
def test_axes_have_few_round_marks_inside(axis: int) -> None:
    at, unit = ticks(axis)
    assert 2 <= len(at) <= 9
    assert all(0 <= x <= axis for x in at)
    assert unit == ("MiB" if axis < 2 * GIB else "GiB")


def test_a_histogram_without_lengths_is_not_there(qtbot: QtBot, make_plan: MakePlan) -> None:
    chart = Histogram()
    qtbot.addWidget(chart)
    chart.show_bins(data_bins(make_plan()))
    assert "rows" in chart.accessibleDescription()
    chart.show_bins(None)
    assert not chart.isVisible()


def contrast(a: str, b: str) -> float:
    """WCAG contrast ratio of two colours."""

    def light(name: str) -> float:
        parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(name).getRgbF()[:3]]  # type: ignore[index]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=lambda s: s.name)
def test_text_can_be_read_on_every_ground(scheme: Scheme) -> None:
    for ink in ("text", "muted", "good", "warn", "bad"):
        for ground in ("card", "window", "field", "problem"):
            if ground != "problem" or ink == "text":
                assert contrast(getattr(scheme, ink), getattr(scheme, ground)) >= 4.5, (ink, ground)
    assert contrast(scheme.on_accent, scheme.accent) >= 4.5
    assert contrast(scheme.rail_text, scheme.rail) >= 4.5
    assert contrast(scheme.accent, scheme.card) >= 3.0


def test_every_kind_has_its_own_colour() -> None:
    assert set(KIND_COLOURS) == set(Kind)
    assert len(set(KIND_COLOURS.values())) == len(Kind)


def test_the_scheme_can_be_chosen_and_widgets_follow(qtbot: QtBot, panel: BudgetPanel) -> None:
    before = theme().wish
    try:
        theme().choose("dark")
        dark = panel.grab().toImage().pixelColor(panel.width() // 2, 4)
        theme().choose("light")
        light = panel.grab().toImage().pixelColor(panel.width() // 2, 4)
    finally:
        theme().choose(before)
    assert dark.lightnessF() < 0.3 < 0.7 < light.lightnessF()


def problem(n: int) -> Problem:
    return Problem(f"a.{n}", f"Fact {n}.", f"Advice {n}.")


def test_problems_wait_behind_each_other_and_are_shown_once(qtbot: QtBot) -> None:
    bar = ProblemBar()
    qtbot.addWidget(bar)
    for n in (1, 2, 2, 2):
        bar.show_problem(problem(n))
    assert (bar.fact.text(), bar.advice.text()) == ("Fact 2.", "Advice 2.")
    bar.next()
    assert bar.problem == problem(1)
    bar.next()
    assert not bar.isVisible()


def test_a_problems_button_acts_and_puts_it_aside(qtbot: QtBot) -> None:
    bar, done = ProblemBar(), []
    qtbot.addWidget(bar)
    bar.show_problem(problem(1), "Mend it", lambda: done.append(1))
    qtbot.mouseClick(bar.button, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert bar.problem is None


def test_problems_that_no_longer_hold_go_away_by_their_code(qtbot: QtBot) -> None:
    bar = ProblemBar()
    qtbot.addWidget(bar)
    bar.show_problem(Problem("worker.died", "f", "a"))
    bar.show_problem(problem(1))
    bar.drop("worker.")
    assert bar.problem == problem(1)


def all_controls(widget: QWidget) -> list[QWidget]:
    return [w for w in widget.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible()]


def test_every_control_of_the_panel_has_a_name(panel: BudgetPanel) -> None:
    assert [w for w in all_controls(panel) if not w.accessibleName()] == []
