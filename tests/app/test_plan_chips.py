"""The chips beside Start: short, priced, one press each and undone by one; nothing that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.document import Document
from app.pages.plan import advice, page
from app.pages.plan.advice import NOTHING_FITS, suggestions
from app.pages.plan.chips import Chips
from app.pages.plan.edits import SCHEDULE, with_option, with_technique
from app.pages.plan.page import PlanPage
from app.screens import crowded_plan
from app.shown import Suggestion
from planner.estimate import Estimate, Verdict, estimate
from planner.plan import Plan
from planner.slots import Slot

MakePlan = Callable[..., Plan]


class Opened:
    """The page with a plan, its chips there."""

    def __init__(self, qtbot: QtBot, plan: Plan, width: int = 1400) -> None:
        self.document = Document()
        self.page = PlanPage(self.document)
        qtbot.addWidget(self.page)
        self.page.resize(width, 800)
        self.page.show()
        self.document.open_plan(plan, plan.stage)
        qtbot.waitUntil(lambda: self.page.chips.ready)

    @property
    def plan(self) -> Plan:
        assert self.document.plan is not None
        return self.document.plan

    def offers(self, count: int) -> bool:
        return self.page.chips.ready and len(self.page.chips.buttons) == count

    def place(self, widget: QWidget) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) on the page."""
        at = widget.mapTo(self.page, QPoint(0, 0))
        return at.x(), at.y(), at.x() + widget.width(), at.y() + widget.height()


def roomy() -> Plan:
    """Fits its card, with rows that are cut."""
    plan = with_technique(with_option(crowded_plan(), SCHEDULE, "micro_batch", 2), Slot.WEIGHTS, "nf4")
    plan = with_option(plan, SCHEDULE, "max_length", 256)
    return replace(plan, data=replace(plan.data, lengths=tuple(n * 8 for n in plan.data.lengths)))


def test_every_chip_is_one_press_to_a_plan_that_fits_and_one_undo_back(qtbot: QtBot) -> None:
    for before in (crowded_plan(), roomy()):
        opened = Opened(qtbot, before)
        count = len(opened.page.chips.buttons)
        assert count >= 3
        for i in range(count):
            qtbot.waitUntil(partial(opened.offers, count))
            qtbot.mouseClick(opened.page.chips.buttons[i], Qt.MouseButton.LeftButton)
            assert opened.plan != before
            assert opened.document.estimate is not None
            assert opened.document.estimate.verdict is Verdict.FITS
            assert opened.document.stack.undoText()
            opened.document.stack.undo()
            assert opened.plan == before


@pytest.mark.parametrize("width", [980, 1400, 2000])
def test_chips_stand_under_the_buttons_and_end_where_start_ends(qtbot: QtBot, width: int) -> None:
    opened = Opened(qtbot, crowded_plan(), width)
    start = opened.place(opened.page.start)
    lefts = []
    for chip in opened.page.chips.buttons:
        left, top, right, bottom = opened.place(chip)
        assert left >= 0
        assert right <= start[2] + 1
        assert top >= start[3]
        assert bottom <= opened.place(opened.page.splitter)[1]
        assert top - start[3] < 4 * chip.height()
        lefts.append(left)
    assert abs(opened.place(opened.page.chips.buttons[-1])[2] - start[2]) <= 1
    assert len(set(lefts)) == len(lefts)


def test_where_there_is_no_room_beside_each_other_chips_go_on_in_further_lines(qtbot: QtBot) -> None:
    chips = Chips()
    qtbot.addWidget(chips)
    long = Suggestion("LoRA + q_proj and v_proj only + checkpointing + fused loss  −12.3 GiB", "", crowded_plan())
    chips.show_suggestions("3 ways to fit:", (long, long, long))
    wide, narrow = chips.heightForWidth(4000), chips.heightForWidth(long_width := chips.buttons[0].sizeHint().width())
    assert narrow > 2.9 * wide
    chips.resize(long_width // 2, chips.heightForWidth(long_width // 2))
    chips.show()
    qtbot.waitExposed(chips)
    for chip in chips.buttons:
        assert chip.width() <= chips.width()  # gives way with an ellipsis, its whole text is its name
        assert chip.accessibleName() == long.text


def test_a_value_that_is_dragged_asks_for_advice_once_it_rests(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Plan] = []

    def counted(now: Estimate) -> tuple[str, tuple[Suggestion, ...]]:
        asked.append(now.plan)
        return suggestions(now)

    monkeypatch.setattr(page, "suggestions", counted)
    opened = Opened(qtbot, crowded_plan())
    asked.clear()
    for rows in range(17, 37):
        opened.document.change(with_option(opened.plan, SCHEDULE, "micro_batch", rows))
        assert not opened.page.chips.ready
    qtbot.waitUntil(lambda: opened.page.chips.ready)
    assert asked == [opened.plan]


def test_a_chip_is_short_and_its_tool_tip_says_bytes_time_and_what_is_given_up() -> None:
    heading, ways = suggestions(estimate(crowded_plan()))
    assert heading == "3 ways to fit:"
    assert [re.sub(r"\s+−[\d.]+ GiB$", "", s.text) for s in ways][1] == "batch 2"
    for s in ways:
        assert re.search(r" {2}−[\d.]+ GiB$", s.text)
        assert len(s.text) < 60
        assert re.search(r"[\d.]+ GiB less\. About [\d.]+ × the time per token\. Gives up nothing else\.", s.detail)
        assert "measured" in s.detail
        assert s.detail.endswith(advice.UNDO)


def test_the_room_left_is_offered_for_longer_rows_more_digits_and_more_to_learn() -> None:
    heading, uses = suggestions(estimate(roomy()))
    assert heading == "With the room left:"
    texts = [s.text for s in uses]
    assert any(re.fullmatch(r"\+\S+ context {2}\+[\d.]+ GiB", t) for t in texts)
    assert any(re.fullmatch(r"bf16 base {2}\+[\d.]+ GiB", t) for t in texts)
    assert any(re.fullmatch(r"rank 64 {2}\+[\d.]+ [GM]iB", t) for t in texts)


def test_a_longer_cut_is_not_offered_for_rows_that_are_not_cut() -> None:
    plan = roomy()
    whole = with_option(plan, SCHEDULE, "max_length", max(plan.data.lengths))
    whole = with_option(whole, SCHEDULE, "micro_batch", 1)
    now = estimate(whole)
    assert now.verdict is Verdict.FITS
    assert not any("context" in s.text for s in suggestions(now)[1])


def test_where_nothing_helps_the_page_says_so(make_plan: MakePlan) -> None:
    heading, ways = suggestions(estimate(make_plan(free_gib=0.01)))
    assert (heading, ways) == (NOTHING_FITS, ())


def test_nothing_is_offered_where_nothing_can_be_told(make_plan: MakePlan) -> None:
    broken = with_technique(make_plan(), Slot.TRAINABLE, "full")
    broken = with_technique(broken, Slot.WEIGHTS, "nf4")
    now = estimate(broken)
    assert now.verdict is Verdict.CANNOT_TELL
    assert suggestions(now) == ("", ())
