"""Two pinned plans beside each other: only what is different, in words and with signed figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QBrush, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QHeaderView, QVBoxLayout, QWidget

from app.pages.explore.differing import Difference, differences
from app.pages.explore.looked import Meant
from app.theme import colour, em, figures, font
from app.widgets.buttons import Button, QuietButton
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.surface import Elided, Words

COLUMNS = ("What", "A", "B", "B against A")


def cells(one: Difference) -> tuple[str, str, str, str]:
    """An answer in words says nothing new in the last column."""
    change = "" if one.change == f"{one.before} → {one.after}" else one.change
    return one.what, one.before, one.after, change


class _Model(RowModel[Difference]):
    def __init__(self) -> None:
        super().__init__(COLUMNS)
        self.plain, self.figures = font(), figures(0.95)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one, column = self.rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return cells(one)[column]
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("muted" if not column else one.tone if column == 3 else "text"))
        if role == Qt.ItemDataRole.FontRole:
            return self.figures if column == 3 else self.plain
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(1.7))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        return None


class PinTable(RowTable):
    """Ctrl+C copies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = _Model()
        super().__init__("What is different in A and B", self._model, parent)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)

    def show_rows(self, rows: Sequence[Difference]) -> None:
        self._model.show_rows(rows)

    def text(self) -> str:
        return "\n".join("\t".join(line) for line in (COLUMNS, *(cells(one) for one in self._model.rows)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.text())
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(em(34), em(16))


class Pins(QWidget):
    """`taken` carries 0 for A and 1 for B, `dropped` the same when a pin is taken away."""

    taken = Signal(int)
    dropped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(0.6))
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        self.names, self.takes, self.drops = [], [], []
        for i, letter in enumerate("AB"):
            name = Elided("", "text")
            name.setAccessibleName(f"Pinned as {letter}")
            take = Button(f"Make {letter} the plan", pill=True)
            take.setAccessibleName(take.text())
            take.clicked.connect(lambda _on=False, i=i: self.taken.emit(i))
            drop = QuietButton("", "close")
            drop.setAccessibleName(f"Take pin {letter} away")
            drop.setToolTip(drop.accessibleName())
            drop.clicked.connect(lambda _on=False, i=i: self.dropped.emit(i))
            for place, widget in enumerate((Words(letter, "accent", 1.1, bold=True), name, take, drop)):
                grid.addWidget(widget, i, place)
            self.names.append(name)
            self.takes.append(take)
            self.drops.append(drop)
        column.addLayout(grid)
        self.words = Words("", "muted", wrap=True)
        self.words.setAccessibleName("A against B in a sentence")
        column.addWidget(self.words)
        self.table = PinTable()
        column.addWidget(self.table, 1)

    def show_pins(self, pins: Sequence[Meant | None], *, may_take: bool) -> None:
        for i, one in enumerate(pins):
            self.names[i].setText(one.looked.name if one else "nothing yet: look at a plan and pin it")
            self.takes[i].setEnabled(one is not None and may_take)
            self.drops[i].setEnabled(one is not None)
        a, b = pins
        found = differences(a.looked, b.looked) if a and b else []
        self.table.show_rows(found)
        self.table.setVisible(bool(found))
        same = "A and B are the same plan." if a and b else "Pin two plans to see what is different in them."
        told = "; ".join(f"{one.what}: {one.change}" for one in found[:3])
        self.words.setText(f"B against A: {told}." if found else same)
