"""A field whose menu is long enough to be searched: models, machines. Closed it looks like a combo box.

The list opens at once; marks that take time to compute are filled in while it is open.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QPushButton,
    QSizePolicy,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.icons import tinted
from app.theme import colour, em, figures, font
from app.widgets.combo import DETAIL, HEADING, TONE, VALUE, EntryDelegate
from app.widgets.fields import FIELD_HEIGHT, TextField
from app.widgets.surface import field_panel, painter_on


@dataclass(frozen=True)
class Entry:
    """One line of the list. heading: a section's title. reason: why it is greyed. value: what `picked` carries. always:
    shown whatever is searched for. tip: beside the pointer, where it says more than the line."""

    label: str
    value: Any = None
    detail: str = ""
    tone: str = "muted"
    reason: str = ""
    heading: bool = False
    always: bool = False
    tip: str = ""


class _LineDelegate(EntryDelegate):
    """A line is as wide as the list, whatever stands in it: what has no room is elided, and the tool tip has it whole."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(em(6), em(1.9))


class PickList(QFrame):
    """The opened list with its search line."""

    picked = Signal(object)

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._entries: list[Entry] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(0.4), em(0.4), em(0.4), em(0.4))
        self.search = TextField()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName(f"Search {name}")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.view = QListView()
        self.view.setAccessibleName(f"{name} list")
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setItemDelegate(_LineDelegate(self.view))
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setUniformItemSizes(True)
        self._model = QStandardItemModel(self)
        self.view.setModel(self._model)
        self.view.clicked.connect(self._take)
        self.view.activated.connect(self._take)
        layout.addWidget(self.search)
        layout.addWidget(self.view)

    def show_entries(self, entries: list[Entry]) -> None:
        self._entries = entries
        self._filter(self.search.text())

    def mark(self, marks: dict[Any, tuple[str, str]]) -> None:
        """Put (detail, tone) to entries by their value, keeping the place in the list."""
        self._entries = [
            replace(e, detail=marks[e.value][0], tone=marks[e.value][1]) if not e.heading and e.value in marks else e
            for e in self._entries
        ]
        for row in range(self._model.rowCount()):
            item = self._model.item(row)
            found = marks.get(item.data(VALUE)) if not item.data(HEADING) else None
            if found:
                item.setData(found[0], DETAIL)
                item.setData(found[1], TONE)

    def _filter(self, text: str) -> None:
        wanted = text.lower().split()
        self._model.clear()
        heading: Entry | None = None
        for entry in self._entries:
            if entry.heading:
                heading = entry
                continue
            if not entry.always and not all(word in f"{entry.label} {entry.detail}".lower() for word in wanted):
                continue
            if heading is not None:
                self._add(heading)
                heading = None
            self._add(entry)
        self._step(1, from_row=-1)

    def _add(self, entry: Entry) -> None:
        item = QStandardItem(entry.label.upper() if entry.heading else entry.label)
        item.setData(entry.value, VALUE)
        item.setData(entry.reason or entry.detail, DETAIL)
        item.setData("muted" if entry.reason else entry.tone, TONE)
        item.setData(entry.heading, HEADING)
        item.setToolTip(entry.reason or entry.tip or f"{entry.label}  {entry.detail}".strip())
        item.setEnabled(not entry.heading and not entry.reason)
        self._model.appendRow(item)

    def _step(self, by: int, from_row: int | None = None) -> None:
        """Move to the next entry that can be chosen."""
        row = self.view.currentIndex().row() if from_row is None else from_row
        while 0 <= (row := row + by) < self._model.rowCount():
            if self._model.item(row).isEnabled():
                self.view.setCurrentIndex(self._model.index(row, 0))
                return

    def _take(self, index: QModelIndex) -> None:
        item = self._model.itemFromIndex(index)
        if item is not None and item.isEnabled():
            self.hide()
            self.picked.emit(item.data(VALUE))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows and Return in the search line work on the list."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self._step(1 if event.key() == Qt.Key.Key_Down else -1)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._take(self.view.currentIndex())
                return True
        return super().eventFilter(watched, event)


class PickField(QPushButton):
    """The closed field. `opening` fires when the list is about to show; fill it with `list.show_entries` then."""

    picked = Signal(object)
    opening = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.detail = ""
        self.list = PickList(self, name)
        self.list.picked.connect(self.picked.emit)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAccessibleName(name)
        self.clicked.connect(self.open_list)

    def say(self, text: str, detail: str) -> None:
        self.setText(text)
        self.detail = detail
        self.setAccessibleDescription(f"{text}, {detail}. Press Space to choose another.")
        self.update()

    def open_list(self) -> None:
        self.list.search.clear()
        self.opening.emit()
        below = self.mapToGlobal(QPoint(0, self.height()))
        screen = (self.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        high = min(em(28), screen.height() // 2)
        top = below.y() if below.y() + high < screen.bottom() else below.y() - self.height() - high
        wide = max(self.width(), em(42))
        self.list.setGeometry(min(below.x(), screen.right() - wide), top, wide, high)
        self.list.show()
        self.list.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_F4, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_list()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(em(12), em(FIELD_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(6), em(FIELD_HEIGHT))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        field_panel(p, self, hovered=self.underMouse())
        inner = QRectF(self.rect()).adjusted(em(0.7), 0, -em(0.6), 0)
        side = em(0.8)
        chevron = tinted("chevron_down", colour("muted"))
        chevron.paint(p, round(inner.right() - side), (self.height() - side) // 2, side, side)
        inner.adjust(0, 0, -side - em(0.4), 0)
        p.setFont(figures(0.9))
        p.setPen(colour("muted"))
        p.drawText(inner, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self.detail)
        inner.adjust(0, 0, -p.fontMetrics().horizontalAdvance(self.detail) - em(0.5), 0)
        p.setFont(font())
        p.setPen(colour("text"))
        shown = p.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, round(inner.width()))
        p.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
