"""Inputs that scrolling cannot change, that take numbers as people write them, and that leave Ctrl+Z to the plan."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.theme import colour
from app.widgets.combo import Combo
from app.widgets.fields import Number, TextField
from app.widgets.typed_number import number_in


def wheel(widget: QWidget) -> QWheelEvent:
    """One notch down over the middle of a widget."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        widget.mapToGlobal(middle),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event


def shown(qtbot: QtBot, *fields: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    for field in fields:
        layout.addWidget(field)
    qtbot.addWidget(page)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    return page


def combo() -> Combo:
    box = Combo()
    for name in ("one", "two", "three"):
        box.add(name, name)
    return box


def test_scrolling_over_a_field_changes_nothing_and_scrolls_the_page(qtbot: QtBot) -> None:
    box, number, other = combo(), Number(whole=True, minimum=0, maximum=9), TextField()
    _page = shown(qtbot, other, box, number)
    number.show_value(5)
    other.setFocus()
    for field in (box, number):
        assert not wheel(field).isAccepted()
    assert (box.currentIndex(), number.value()) == (0, 5)


def test_with_the_focus_the_wheel_works(qtbot: QtBot) -> None:
    box = combo()
    _page = shown(qtbot, box)
    box.setFocus()
    with qtbot.waitSignal(box.picked):
        wheel(box)
    assert box.currentData() == "two"


def test_showing_a_value_tells_nobody(qtbot: QtBot) -> None:
    box, number, line = combo(), Number(whole=False, minimum=0, maximum=9), TextField()
    _page = shown(qtbot, box, number, line)
    with (
        qtbot.assertNotEmitted(box.picked),
        qtbot.assertNotEmitted(number.entered),
        qtbot.assertNotEmitted(line.entered),
    ):
        box.show_value("three")
        number.show_value(0.25)
        line.show_value(("a", "b"))
    assert line.text() == "a, b"


@pytest.mark.parametrize(
    ("typed", "value"), [("2e-4", 2e-4), ("0.0002", 2e-4), ("1", 1.0), (".5", 0.5), ("0.25", 0.25)]
)
def test_real_numbers_are_taken_as_people_write_them(qtbot: QtBot, typed: str, value: float) -> None:
    number = Number(whole=False, minimum=0, maximum=10)
    _page = shown(qtbot, number)
    number.setFocus()
    number.selectAll()
    with qtbot.waitSignal(number.entered) as told:
        qtbot.keyClicks(number, typed)
        qtbot.keyClick(number, Qt.Key.Key_Return)
    assert told.args == [pytest.approx(value)]


def test_whole_numbers_go_beyond_32_bits(qtbot: QtBot) -> None:
    number = Number(whole=True, minimum=0, maximum=2**32 - 1)
    _page = shown(qtbot, number)
    number.selectAll()
    with qtbot.waitSignal(number.entered) as told:
        qtbot.keyClicks(number, str(2**32 - 1))
        qtbot.keyClick(number, Qt.Key.Key_Return)
    assert told.args == [2**32 - 1]


@pytest.mark.parametrize(("typed", "value"), [("0,35", 0.35), ("0,125", 0.125), ("1,5e-1", 0.15), ("2,", 2.0)])
def test_a_comma_is_the_point_of_a_real_number(qtbot: QtBot, typed: str, value: float) -> None:
    number = Number(whole=False, minimum=0, maximum=1e6)
    _page = shown(qtbot, number)
    number.setFocus()
    number.selectAll()
    with qtbot.waitSignal(number.entered) as told:
        qtbot.keyClicks(number, typed)
        qtbot.keyClick(number, Qt.Key.Key_Return)
    assert told.args == [pytest.approx(value)]


def test_thousands_with_commas_are_a_whole_number() -> None:
    assert number_in("1,024", whole=True) == 1024
    assert [number_in(text, whole=True) for text in ("1,5", "10,24", "1.5", "1,024.5")] == [None] * 4


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("typed", ["abc", "1.5x", "--", "1.000,50", "1,000.50", "1,2,3", "1.0.0", "1 0", "20"])
def test_what_is_no_number_or_could_be_two_stays_to_be_seen_and_is_refused_with_a_sentence(
    qtbot: QtBot, typed: str, whole: bool
) -> None:
    number = Number(whole=whole, minimum=0, maximum=9)
    _page = shown(qtbot, number)
    number.show_value(7)
    number.setFocus()
    number.selectAll()
    qtbot.keyClicks(number, typed)
    assert number.lineEdit().text() == typed
    assert number.lineEdit().palette().color(QPalette.ColorRole.Text) == colour("bad")
    with qtbot.assertNotEmitted(number.entered), qtbot.waitSignal(number.refused) as told:
        qtbot.keyClick(number, Qt.Key.Key_Return)
    assert told.args[0].startswith(typed)
    assert (number.value(), number.text()) == (7, "7")
    assert number.lineEdit().palette().color(QPalette.ColorRole.Text) == colour("text")


def test_a_comma_that_could_stand_between_thousands_is_refused(qtbot: QtBot) -> None:
    number = Number(whole=False, minimum=0, maximum=1e6)
    assert "two ways" in number.why_not("1,000")
    assert not number.why_not("1000")


def test_real_numbers_step_by_their_leading_digit(qtbot: QtBot) -> None:
    number = Number(whole=False, minimum=0, maximum=10)
    number.show_value(2e-4)
    number.stepBy(1)
    assert number.value() == pytest.approx(3e-4)
    number.stepBy(-1)
    number.stepBy(-1)
    assert number.value() == pytest.approx(1e-4)
    number.stepBy(-1)
    assert number.value() == pytest.approx(9e-5)


def override(key: Qt.Key) -> QKeyEvent:
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.ControlModifier)
    event.ignore()
    return event


def test_undo_belongs_to_a_field_only_while_it_has_typing_to_take_back(qtbot: QtBot) -> None:
    line = TextField()
    _page = shown(qtbot, line)
    line.show_value("plain")
    fresh = override(Qt.Key.Key_Z)
    QApplication.sendEvent(line, fresh)
    assert not fresh.isAccepted()
    line.setFocus()
    qtbot.keyClicks(line, "x")
    typed = override(Qt.Key.Key_Z)
    QApplication.sendEvent(line, typed)
    assert typed.isAccepted()


def test_an_impossible_entry_is_greyed_with_its_reason_and_skipped_by_keys(qtbot: QtBot) -> None:
    box = combo()
    _page = shown(qtbot, box)
    box.opening.connect(lambda: box.describe(1, "+1 GiB", reason="needs a card that this computer lacks"))
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    assert box.currentData() == "three"
    assert "lacks" in str(box.itemData(1, Qt.ItemDataRole.ToolTipRole))
