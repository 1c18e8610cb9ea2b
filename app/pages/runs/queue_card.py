"""The queue above the list: which run starts next, what it needs, why it waits; ordered by dragging or by Alt and arrow keys.

It tells wishes and shows what is on the disk; the keeper starts the runs, whether this window is open or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.theme import colour, em, font
from app.widgets.buttons import Button
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Elided, caption
from planner.run.library import RunSummary
from planner.run.queue import Queued
from planner.units import words

FOLDER = Qt.ItemDataRole.UserRole
WHY = Qt.ItemDataRole.UserRole + 1
ROWS_SHOWN = 4
_ROW_EM = 1.8


@dataclass(frozen=True)
class Waiting:
    """One line: name and model, and why it waits."""

    run_dir: Path
    name: str
    why: str
    held: bool


def waiting_of(queued: Sequence[Queued], runs: Mapping[str, RunSummary]) -> tuple[Waiting, ...]:
    """The queue in words; runs: by folder name."""
    found = []
    for entry in queued:
        run = runs.get(entry.run_dir.name)
        name = run.name if run else entry.run_dir.name
        model = f" · {run.model.rsplit('/', 1)[-1]}" if run and run.model else ""
        found.append(Waiting(entry.run_dir, f"{name}{model}", why_words(entry), entry.held))
    return tuple(found)


def why_words(entry: Queued) -> str:
    """`starts when 6.20 GiB are free`, and what the keeper says of it."""
    if entry.held:
        return "held: passed over until you let it go"
    when = f"starts when {words(entry.need_bytes)} are free" if entry.need_bytes else "starts when no other run goes on"
    night = ", overnight" if entry.overnight else ""
    return f"{when}{night}" + (f" – {entry.said}" if entry.said else "")


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(em(20), em(_ROW_EM))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        rect, state = QRectF(option.rect), option.state
        selected = bool(state & QStyle.StateFlag.State_Selected)
        painter.fillRect(rect, colour("accent") if selected else colour("card"))
        inner = rect.adjusted(em(0.5), 0, -em(0.5), 0)
        painter.setFont(font(0.96))
        painter.setPen(colour("on_accent" if selected else "text"))
        name = f"{index.row() + 1}.  {index.data()}"
        wide = min(painter.fontMetrics().horizontalAdvance(name) + em(1), round(inner.width() * 0.5))
        sides = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(inner, sides, painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, wide))
        painter.setPen(colour("on_accent" if selected else "muted"))
        why = inner.adjusted(wide + em(0.5), 0, 0, 0)
        text = painter.fontMetrics().elidedText(str(index.data(WHY)), Qt.TextElideMode.ElideRight, round(why.width()))
        painter.drawText(why, sides, text)
        painter.restore()


class QueueList(QListWidget):
    """`moved` carries (folder, new place); `out_wanted` and `hold_wanted` of the chosen line."""

    moved = Signal(object, int)
    out_wanted = Signal()
    hold_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Queue")
        self.setAccessibleDescription("Alt with an arrow key moves a run, Delete takes it out, H holds it")
        self.setItemDelegate(_Delegate(self))
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setVerticalScrollBar(ScrollBar())
        self.setTabKeyNavigation(False)
        self.setUniformItemSizes(True)

    def folders(self) -> list[Path]:
        return [self.item(i).data(FOLDER) for i in range(self.count())]

    def chosen(self) -> Path | None:
        item = self.currentItem()
        return item.data(FOLDER) if item else None

    def move(self, steps: int) -> None:  # type: ignore[override] # the widget's own place is its layout's
        row = self.currentRow()
        to = row + steps
        if row >= 0 and 0 <= to < self.count():
            item = self.takeItem(row)
            self.insertItem(to, item)
            self.setCurrentRow(to)
            self.moved.emit(item.data(FOLDER), to)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move(-1 if event.key() == Qt.Key.Key_Up else 1)
        elif event.key() == Qt.Key.Key_Delete:
            self.out_wanted.emit()
        elif event.key() == Qt.Key.Key_H and not event.modifiers():
            self.hold_wanted.emit()
        else:
            super().keyPressEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        before = self.folders()
        super().dropEvent(event)
        after = self.folders()
        if after != before and len(after) == len(before):
            folder = self.currentItem().data(FOLDER)
            self.moved.emit(folder, after.index(folder))


class QueueCard(Card):
    """`moved`, `taken_out` (folder) and `held` (folder, whether)."""

    moved = Signal(object, int)
    taken_out = Signal(object)
    held = Signal(object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._waiting: tuple[Waiting, ...] = ()
        head = QHBoxLayout()
        head.addWidget(caption("Queue"))
        self.sentence = Elided("", "muted", 0.92)
        self.sentence.setAccessibleName("Queue in a sentence")
        head.addWidget(self.sentence, 1)
        self.hold, self.out = Button("Hold", pill=True), Button("Take out", pill=True)
        self.hold.setToolTip("Pass it over until you let it go (H)")
        self.out.setToolTip("It stays in the list below (Del)")
        for button, does in ((self.hold, self._hold), (self.out, self._take_out)):
            button.setAccessibleName(button.text())
            button.clicked.connect(does)
            head.addWidget(button)
        self.body.addLayout(head)
        self.list = QueueList()
        self.list.moved.connect(self.moved.emit)
        self.list.out_wanted.connect(self._take_out)
        self.list.hold_wanted.connect(self._hold)
        self.list.currentRowChanged.connect(lambda _row: self._show_may())
        self.body.addWidget(self.list)
        self.hide()

    def show_waiting(self, waiting: tuple[Waiting, ...], going_on: str) -> None:
        """going_on: the name of the run that goes on, empty for none."""
        self.setVisible(bool(waiting))
        n = len(waiting)
        now = f"{going_on} goes on now; " if going_on else ""
        self.sentence.setText(f"{now}{n:,} wait{'s' if n == 1 else ''}. It goes on without this window.")
        if waiting != self._waiting:
            self._waiting = waiting
            chosen = self.list.chosen()
            self.list.clear()
            for entry in waiting:
                item = QListWidgetItem(entry.name)
                item.setData(FOLDER, entry.run_dir)
                item.setData(WHY, entry.why)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.name}: {entry.why}")
                item.setToolTip(f"{entry.name}\n{entry.why}")
                self.list.addItem(item)
                if entry.run_dir == chosen:
                    self.list.setCurrentItem(item)
            self.list.setFixedHeight(em(_ROW_EM) * max(1, min(ROWS_SHOWN, len(waiting))) + 2)
        self._show_may()

    def _entry(self) -> Waiting | None:
        return next((entry for entry in self._waiting if entry.run_dir == self.list.chosen()), None)

    def _show_may(self) -> None:
        entry = self._entry()
        self.hold.setEnabled(entry is not None)
        self.out.setEnabled(entry is not None)
        self.hold.setText("Let go" if entry is not None and entry.held else "Hold")

    def _hold(self) -> None:
        if (entry := self._entry()) is not None:
            self.held.emit(entry.run_dir, not entry.held)

    def _take_out(self) -> None:
        if (entry := self._entry()) is not None:
            self.taken_out.emit(entry.run_dir)
