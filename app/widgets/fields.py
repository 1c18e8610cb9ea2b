"""Inputs: native combo boxes, spin boxes and line edits on a quiet ground, with the traps of scrolling forms closed.

None changes its value when a page is scrolled over it. Ctrl+Z belongs to the field only while it has typing to undo;
else it is the plan's. Values are handed on when the person is done, not at every key.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPalette,
    QStandardItem,
    QStandardItemModel,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionSpinBox,
    QStyleOptionViewItem,
    QWidget,
)

from app.icons import tinted
from app.theme import colour, em, figures, font, theme
from app.widgets.surface import field_panel, painter_on

VALUE = Qt.ItemDataRole.UserRole
DETAIL = Qt.ItemDataRole.UserRole + 1  # figures at the right of an entry
TONE = Qt.ItemDataRole.UserRole + 2  # theme role the detail is painted in
HEADING = Qt.ItemDataRole.UserRole + 3  # True for a section title, which cannot be chosen

FIELD_HEIGHT = 1.95  # em


def _leaves_undo_to_the_plan(event: QEvent, line: QLineEdit) -> bool:
    """True for the shortcut override of undo or redo where the line has no typing of its own to take back."""
    if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
        return False
    undo = event.matches(QKeySequence.StandardKey.Undo) and not line.isUndoAvailable()
    redo = event.matches(QKeySequence.StandardKey.Redo) and not line.isRedoAvailable()
    return undo or redo


class EntryDelegate(QStyledItemDelegate):
    """One entry of a menu or list: the name at the left, its difference in bytes (or the reason) at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        wide = option.fontMetrics.horizontalAdvance(str(index.data() or ""))
        wide += option.fontMetrics.horizontalAdvance(str(index.data(DETAIL) or ""))
        return QSize(wide + em(3), em(1.9))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        rect: Any = option.rect
        state: Any = option.state
        enabled = bool(state & QStyle.StateFlag.State_Enabled)
        selected = bool(state & QStyle.StateFlag.State_Selected) and enabled
        heading = bool(index.data(HEADING))
        painter.fillRect(rect, colour("accent") if selected else colour("card"))
        inner = QRectF(rect).adjusted(em(0.7), 0, -em(0.7), 0)
        detail = str(index.data(DETAIL) or "")
        painter.setFont(figures(0.9) if enabled else font(0.88))
        tone = "on_accent" if selected else str(index.data(TONE) or "muted")
        painter.setPen(colour(tone))
        detail_wide = painter.fontMetrics().horizontalAdvance(detail)
        room = inner.width() * (0.6 if not enabled else 0.5)
        shown = painter.fontMetrics().elidedText(detail, Qt.TextElideMode.ElideRight, round(room))
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), shown)
        painter.setFont(font(0.82) if heading else font())
        painter.setPen(colour("on_accent" if selected else "muted" if heading or not enabled else "text"))
        left = inner.adjusted(0 if heading else em(0.2), 0, -min(detail_wide, room) - em(0.6), 0)
        name = painter.fontMetrics().elidedText(
            str(index.data() or ""), Qt.TextElideMode.ElideRight, round(left.width())
        )
        painter.drawText(left, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), name)
        painter.restore()


class Combo(QComboBox):
    """A combo box whose entries carry a detail at the right. `picked` fires only for a person's choice.

    `opening` fires before the menu shows, so that differences in bytes are computed only then.
    """

    picked = Signal(object)
    opening = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setItemDelegate(EntryDelegate(self))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setMaxVisibleItems(24)
        self.detail = ""
        self.detail_tone = "muted"
        self.activated.connect(lambda row: self.picked.emit(self.itemData(row)))

    def entry(self, row: int) -> QStandardItem:
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        return model.item(row)

    def add(self, text: str, value: Any, detail: str = "", tone: str = "muted") -> None:
        self.addItem(text, value)
        self.setItemData(self.count() - 1, detail, DETAIL)
        self.setItemData(self.count() - 1, tone, TONE)

    def describe(self, row: int, detail: str, tone: str = "muted", reason: str = "") -> None:
        """Set an entry's detail; with a reason it is greyed, cannot be chosen, and says why."""
        self.setItemData(row, reason or detail, DETAIL)
        self.setItemData(row, "muted" if reason else tone, TONE)
        self.setItemData(row, reason or self.itemText(row), Qt.ItemDataRole.ToolTipRole)
        self.entry(row).setEnabled(not reason)

    def show_value(self, value: Any) -> None:
        """Show an entry without telling anybody."""
        for row in range(self.count()):
            if self.itemData(row) == value:
                self.setCurrentIndex(row)
                return
        self.setCurrentIndex(-1)

    def say(self, detail: str, tone: str = "muted") -> None:
        """The figures painted at the right of the closed box."""
        self.detail, self.detail_tone = detail, tone
        self.update()

    def showPopup(self) -> None:
        self.opening.emit()
        self.view().setMinimumWidth(max(self.width(), self.view().sizeHintForColumn(0) + em(1)))
        super().showPopup()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # arrows change a closed box at once; the reasons must be known before they land on an impossible entry
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End):
            self.opening.emit()
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), em(FIELD_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(6), em(FIELD_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        field_panel(p, self, hovered=self.underMouse())
        inner = QRectF(self.rect()).adjusted(em(0.7), 0, -em(0.6), 0)
        side = em(0.8)
        if self.isEnabled():
            tinted("chevron_down", colour("muted")).paint(
                p, round(inner.right() - side), (self.height() - side) // 2, side, side
            )
        inner.adjust(0, 0, -side - em(0.4), 0)
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if self.detail:
            p.setFont(figures(0.9))
            p.setPen(colour(self.detail_tone))
            p.drawText(inner, flags, self.detail)
            inner.adjust(0, 0, -p.fontMetrics().horizontalAdvance(self.detail) - em(0.5), 0)
        p.setFont(font())
        p.setPen(colour("text" if self.isEnabled() else "muted"))
        shown = p.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, round(inner.width()))
        p.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


def _clear_ground(line: QLineEdit) -> None:
    """Let the field's own panel show through."""
    p = QPalette(line.palette())
    p.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
    p.setColor(QPalette.ColorRole.Text, colour("text"))
    line.setPalette(p)


class Number(QDoubleSpinBox):
    """A whole or real number with its unit. Whole numbers up to 2**53, where QSpinBox ends at 2**31."""

    entered = Signal(object)

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
        theme().changed.connect(self._recolour)
        self.valueChanged.connect(self._tell)

    def _recolour(self) -> None:
        _clear_ground(self.lineEdit())

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

    def textFromValue(self, value: float) -> str:
        return str(round(value)) if self._whole else f"{value:.6g}".replace("e-0", "e-")

    def valueFromText(self, text: str) -> float:
        try:
            return float(text.strip().replace(",", "").replace("−", "-"))
        except ValueError:
            return self.value()

    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        """Typing like `2e-4` passes through unfinished states; letters that can never be a number do not."""
        plain = text.strip().replace(",", "").replace("−", "-")
        allowed = "0123456789-" if self._whole else "0123456789.eE+-"
        if any(c not in allowed for c in plain):
            return QValidator.State.Invalid, text, pos
        try:
            inside = self.minimum() <= float(plain) <= self.maximum()
        except ValueError:
            inside = False
        return (QValidator.State.Acceptable if inside else QValidator.State.Intermediate), text, pos

    def stepBy(self, steps: int) -> None:
        """Whole numbers step by one; real ones by one unit of their leading digit."""
        if not self._whole:
            mantissa, exponent = f"{abs(self.value()) or 0.1:.6e}".split("e")
            down_from_one = steps < 0 and float(mantissa) == 1.0  # 1e-4 goes down to 9e-5, not to 0
            self.setSingleStep(10.0 ** (int(exponent) - down_from_one))
        super().stepBy(steps)

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
