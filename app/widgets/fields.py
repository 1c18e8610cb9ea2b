"""Inputs for numbers and text: native spin boxes and line edits on a quiet ground, with the traps of forms closed.

None changes its value when a page is scrolled over it. Ctrl+Z belongs to the field only while it has typing to undo;
else it is the plan's. Values are handed on when the person is done, not at every key.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QKeySequence,
    QPaintEvent,
    QPalette,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QLineEdit,
    QStyle,
    QStyleOptionSpinBox,
    QToolTip,
    QWidget,
)

from app.icons import tinted
from app.theme import colour, em, font, theme
from app.widgets.surface import field_panel, painter_on
from app.widgets.typed_number import EITHER, number_in

FIELD_HEIGHT = 1.85  # em


def _leaves_undo_to_the_plan(event: QEvent, line: QLineEdit) -> bool:
    """True for the shortcut override of undo or redo where the line has no typing of its own to take back."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    undo = event.matches(QKeySequence.StandardKey.Undo) and not line.isUndoAvailable()
    redo = event.matches(QKeySequence.StandardKey.Redo) and not line.isRedoAvailable()
    return undo or redo


def _clear_ground(line: QLineEdit) -> None:
    """Let the field's own panel show through."""
    p = QPalette(line.palette())
    p.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
    p.setColor(QPalette.ColorRole.Text, colour("text"))
    line.setPalette(p)


class Number(QDoubleSpinBox):
    """A whole or real number with its unit. Whole numbers up to 2**53, where QSpinBox ends at 2**31.

    `refused` carries why what was typed is not taken, when the person is done with it.
    """

    entered = Signal(object)
    refused = Signal(str)

    def __init__(self, *, whole: bool, minimum: float, maximum: float, unit: str = "", parent: QWidget | None = None):
        super().__init__(parent)
        self._whole = whole
        self._unit = unit
        self._shown: float | None = None
        self.setDecimals(0 if whole else 20)
        self.setRange(minimum, maximum)
        self.setKeyboardTracking(False)
        self.setFrame(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        line = self.lineEdit()
        line.setTextMargins(em(0.35), 0, self._unit_width(), 0)
        _clear_ground(line)
        line.textChanged.connect(self._show_taken)
        theme().changed.connect(self._recolour)
        self.valueChanged.connect(self._tell)

    def _recolour(self) -> None:
        _clear_ground(self.lineEdit())
        self._show_taken(self.lineEdit().text())

    def _unit_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._unit) + em(0.2) if self._unit else 0

    def _tell(self, value: float) -> None:
        if value != self._shown:
            self._shown = value
            self.entered.emit(round(value) if self._whole else value)

    def show_value(self, value: float) -> None:
        """Show a value without telling anybody."""
        self._shown = float(value)
        if self.value() != float(value):
            self.setValue(float(value))
        self._show_taken(self.lineEdit().text())

    def textFromValue(self, value: float) -> str:
        return str(round(value)) if self._whole else f"{value:.6g}".replace("e-0", "e-")

    def valueFromText(self, text: str) -> float:
        found = number_in(text, whole=self._whole)
        return self.value() if found is None else found

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Whatever is typed stays to be seen, so that no character is lost between two others; only a number is taken."""
        taken = not self.why_not(text)
        return (QValidator.State.Acceptable if taken else QValidator.State.Intermediate), text, pos

    def fixup(self, text: str) -> str:
        """Nothing: Qt would take separators out and read what is left."""
        return text

    def why_not(self, text: str) -> str:
        """Why the text is not taken, in a sentence; empty where it is."""
        found = number_in(text, whole=self._whole)
        if found is None and not self._whole and EITHER.fullmatch(text.strip()):
            return f"{text.strip()} can be read in two ways: type it without a comma, with a point before decimals."
        if found is None:
            return f"{text.strip() or 'Nothing'} is not {'a whole' if self._whole else 'a'} number."
        if not self.minimum() <= found <= self.maximum():
            return f"{text.strip()} is not between {self.minimum():,.6g} and {self.maximum():,.6g}."
        return ""

    def _show_taken(self, text: str) -> None:
        """Text that would not be taken is red while it is typed."""
        p = QPalette(self.lineEdit().palette())
        p.setColor(QPalette.ColorRole.Text, colour("bad" if self.why_not(text) else "text"))
        self.lineEdit().setPalette(p)

    def _refuse(self) -> None:
        """Before the box goes back to the value it had: say why, under the field."""
        why = self.why_not(self.lineEdit().text())
        if why:
            told = f"{why} It stays {self.textFromValue(self.value())}."
            QToolTip.showText(self.mapToGlobal(self.rect().bottomLeft()), told, self)
            self.refused.emit(told)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._refuse()
        super().keyPressEvent(event)
        self._show_taken(self.lineEdit().text())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._refuse()
        super().focusOutEvent(event)
        self._show_taken(self.lineEdit().text())

    def stepBy(self, steps: int) -> None:
        """Whole numbers step by one; real ones by one unit of their leading digit."""
        if not self._whole:
            mantissa, exponent = f"{abs(self.value()) or 0.1:.6e}".split("e")
            down_from_one = steps < 0 and float(mantissa) == 1.0  # 1e-4 goes down to 9e-5, not to 0
            self.setSingleStep(10.0 ** (int(exponent) - down_from_one))
        super().stepBy(steps)
        self._show_taken(self.lineEdit().text())

    def event(self, event: QEvent) -> bool:
        if _leaves_undo_to_the_plan(event, self.lineEdit()):
            event.ignore()
            return False
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:
        return QSize(em(5.5) + self._unit_width(), em(FIELD_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(4) + self._unit_width(), em(FIELD_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        field_panel(p, self, hovered=self.underMouse())
        option = QStyleOptionSpinBox()
        self.initStyleOption(option)
        style, control = self.style(), QStyle.ComplexControl.CC_SpinBox
        edit = QRectF(style.subControlRect(control, option, QStyle.SubControl.SC_SpinBoxEditField, self))
        if self._unit:
            p.setFont(font(0.88))
            p.setPen(colour("muted"))
            right = edit.adjusted(0, 0, -em(0.15), 0)
            p.drawText(right, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._unit)
        side = em(0.62)
        for part, up in ((QStyle.SubControl.SC_SpinBoxUp, True), (QStyle.SubControl.SC_SpinBoxDown, False)):
            where = style.subControlRect(control, option, part, self)
            p.save()
            p.translate(where.center())
            if up:
                p.rotate(180)
            tinted("chevron_down", colour("muted")).paint(p, -side // 2, -side // 2, side, side)
            p.restore()


class TextField(QLineEdit):
    """A line of text handed on when it is finished."""

    entered = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setFrame(False)
        self.setTextMargins(em(0.6), 0, em(0.6), 0)
        _clear_ground(self)
        theme().changed.connect(self._recolour)
        self.editingFinished.connect(self._tell)

    def _recolour(self) -> None:
        _clear_ground(self)

    def show_value(self, value: Any) -> None:
        self._shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if self.text() != self._shown:
            self.setText(self._shown)
            self.setCursorPosition(0)

    def _tell(self) -> None:
        if self.text() != self._shown:
            self._shown = self.text()
            self.entered.emit(self.text())

    def event(self, event: QEvent) -> bool:
        if _leaves_undo_to_the_plan(event, self):
            event.ignore()
            return False
        return super().event(event)

    def sizeHint(self) -> QSize:
        return QSize(em(8), em(FIELD_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(4), em(FIELD_HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        p = painter_on(self)
        field_panel(p, self, hovered=self.underMouse())
        p.end()
        super().paintEvent(event)
