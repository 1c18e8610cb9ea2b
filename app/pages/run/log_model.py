"""The log's lines as a model for a view: any number of them, of which only those in sight are read, off the GUI thread.

A row whose line is not read yet is empty for an instant. Blocks of neighbours are kept, few of them.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush

from app import background
from app.pages.run.log_lines import line_words
from app.theme import colour, figures
from planner.problem import Problem
from planner.run.journal_index import MANY, JournalIndex, Kind, event_of

Index = QModelIndex | QPersistentModelIndex
BLOCK_ROWS = 128
KEPT_BLOCKS = 64


class LogModel(QAbstractTableModel):
    """`show_all` has every line of an index, `show_some` those told; both grow."""

    def __init__(self) -> None:
        super().__init__()
        self._index: JournalIndex | None = None
        self._lines: array[int] | None = None
        self._rows = 0
        self._kept: OrderedDict[int, list[str]] = OrderedDict()
        self._asked: list[int] = []  # blocks, the latest wish last
        self._reading: background.Task | None = None
        self._font = figures(0.9)  # made once: asked for with every cell

    # what is shown

    def show_all(self, index: JournalIndex | None) -> None:
        self._begin(index, None)
        self.grow_to(len(index) if index is not None else 0)

    def show_some(self, index: JournalIndex) -> None:
        self._begin(index, array("Q"))

    def _begin(self, index: JournalIndex | None, lines: array[int] | None) -> None:
        self.leave()
        self.beginResetModel()
        self._index, self._lines, self._rows = index, lines, 0
        self._kept.clear()
        self.endResetModel()

    def grow_to(self, rows: int) -> None:
        """Of all lines there are so many now."""
        if rows > self._rows:
            self._forget_last()
            self.beginInsertRows(QModelIndex(), self._rows, rows - 1)
            self._rows = rows
            self.endInsertRows()

    def append(self, lines: array[int]) -> None:
        """These lines match as well."""
        if self._lines is None or not lines:
            return
        self._forget_last()
        self.beginInsertRows(QModelIndex(), self._rows, self._rows + len(lines) - 1)
        self._lines.extend(lines)
        self._rows = len(self._lines)
        self.endInsertRows()

    def _forget_last(self) -> None:
        """The last block was read while it was short."""
        self._kept.pop(self._rows // BLOCK_ROWS, None)

    def leave(self) -> None:
        """Nobody waits for lines any more."""
        self._asked.clear()
        if self._reading:
            self._reading.cancel()
            self._reading = None

    @property
    def source(self) -> JournalIndex | None:
        return self._index

    def line(self, row: int) -> int:
        return row if self._lines is None else self._lines[row]

    def kind(self, row: int) -> Kind:
        return Kind(self._index.kinds[self.line(row)]) if self._index else Kind.UNREADABLE

    # reading

    def text(self, row: int) -> str | None:
        """The line in words; None while it is being read, which is begun."""
        if row >= self._rows:
            return None
        number = row // BLOCK_ROWS
        block = self._kept.get(number)
        if block is not None and row % BLOCK_ROWS < len(block):
            self._kept.move_to_end(number)
            return block[row % BLOCK_ROWS]
        if number in self._asked:
            self._asked.remove(number)
        self._asked = [*self._asked[-3:], number]  # what was scrolled past is wanted no more
        self._read()
        return None

    def _read(self) -> None:
        index = self._index
        if self._reading or not self._asked or index is None:
            return
        number = self._asked[-1]
        lines = self._block(number)

        def read(block: list[str]) -> None:
            self._reading = None
            self._kept[number] = block
            while len(self._kept) > KEPT_BLOCKS:
                self._kept.popitem(last=False)
            if number in self._asked:
                self._asked.remove(number)
            last = min(self._rows, number * BLOCK_ROWS + len(block)) - 1
            self.dataChanged.emit(self.index(number * BLOCK_ROWS, 0), self.index(last, 0))
            self._read()

        def failed(problem: Problem) -> None:
            read([f"--:--:--  cannot be read: {problem.fact}"] * len(lines))

        self._reading = background.run(lambda: in_words(index, lines), read, failed)

    def _block(self, number: int) -> list[int]:
        rows = range(number * BLOCK_ROWS, min(self._rows, (number + 1) * BLOCK_ROWS))
        return [self.line(row) for row in rows]

    # Qt's questions

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else self._rows

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.text(index.row()) or ""
        if role == Qt.ItemDataRole.FontRole:
            return self._font
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour(_role(self.kind(index.row()))))
        return None


def in_words(index: JournalIndex, lines: list[int]) -> list[str]:
    """The lines in words; that the file is gone is said in each. Raises nothing."""
    try:
        return [line_words(event_of(raw)) for raw in index.read(lines)]
    except OSError as error:
        return [f"--:--:--  cannot be read: {error.strerror}"] * len(lines)


def _role(kind: Kind) -> str:
    if kind in (Kind.FAILED, Kind.UNREADABLE):
        return "bad"
    return "muted" if kind in MANY else "text"
