"""Menus of answers: a native combo box whose entries carry figures at the right, or the reason why they are greyed.

It does not change when a page is scrolled over it, and tells only what a person picked.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QStandardItem, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.icons import tinted
from app.theme import colour, em, figures, font
from app.widgets.fields import FIELD_HEIGHT
from app.widgets.surface import field_panel, painter_on

VALUE = Qt.ItemDataRole.UserRole
DETAIL = Qt.ItemDataRole.UserRole + 1  # figures at the right of an entry
TONE = Qt.ItemDataRole.UserRole + 2  # theme role the detail is painted in
HEADING = Qt.ItemDataRole.UserRole + 3  # True for a section title, which cannot be chosen


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
