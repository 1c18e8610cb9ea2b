"""The table twin of the scatter: the same plans in any column's order, with the same one picked, copied as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, QSize, Qt, Signal
from PySide6.QtGui import QAction, QBrush, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from app.pages.explore.columns import Column
from app.theme import colour, em, figures, font
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.scroll import ScrollBar

WIDEST_EM, MEASURED, ROW_EM = 13, 60, 1.6


class _Model(RowModel[int]):
    """Rows are numbers of plans; what their cells say is looked up when they are seen."""

    def __init__(self) -> None:
        super().__init__(())
        self.columns: tuple[Column, ...] = ()
        self.plain, self.figures = font(0.95), figures(0.92)

    def show(self, columns: tuple[Column, ...], rows: Sequence[int]) -> None:
        self.beginResetModel()
        self.columns, self.rows = columns, rows
        self.headings = tuple(self.gap(i) + column.name for i, column in enumerate(columns))
        self.endResetModel()

    def is_figures(self, column: int) -> bool:
        return self.columns[column].figures

    def gap(self, column: int) -> str:
        """Words that follow figures would else touch them."""
        return "\u2003" if column and not self.is_figures(column) and self.is_figures(column - 1) else ""

    def text(self, row: int, column: int) -> str:
        return self.columns[column].words(int(self.rows[row]))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.gap(column) + self.text(index.row(), column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.text(index.row(), column)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(ROW_EM))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.FontRole:
            return self.figures if self.is_figures(column) else self.plain
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("text" if self.is_figures(column) else "muted"))
        return None


class PlanTable(RowTable):
    """`picked` carries a plan's number, `taken` one to make the plan; `ordered` a column and whether it falls."""

    picked = Signal(int)
    taken = Signal(int)
    ordered = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = _Model()
        self._quiet = False
        super().__init__("Explored plans as table", self._model, parent, sorts=True)
        self.setAccessibleDescription("Return makes a plan the plan, Ctrl+C copies, the context menu sorts")
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSortIndicatorShown(True)
        header.sectionClicked.connect(self._clicked)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._copy = QAction("&Copy as text", self)
        self._copy.setShortcut(QKeySequence.StandardKey.Copy)
        self._copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._copy.triggered.connect(self.copy)

    def show_rows(
        self, columns: tuple[Column, ...], rows: Sequence[int], selected: int | None, by: int, *, falling: bool
    ) -> None:
        """Show these plans, which are in the order of column `by` already."""
        self._quiet = True
        same = [column.name for column in self._model.columns] == [column.name for column in columns]
        self._model.show(columns, rows)
        order = Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder
        self.header().setSortIndicator(by, order)
        if not same:
            self._fill_menu()
            self._share_width()
        self._quiet = False
        self.select(selected)

    def rows(self) -> list[int]:
        """The plans in the table, from the top."""
        return [int(i) for i in self._model.rows]

    def selected(self) -> int | None:
        chosen = self.selectionModel().selectedRows()
        return int(self._model.rows[chosen[0].row()]) if chosen else None

    def select(self, row: int | None) -> None:
        """The same from outside, without telling anybody."""
        if row == self.selected():
            return
        self._quiet = True
        self.clearSelection()
        if row is not None and row in (rows := self.rows()):
            self.setCurrentIndex(self._model.index(rows.index(row), 0))
        self._quiet = False

    def text(self) -> str:
        """All that stands in the table, with tabs."""
        columns = range(len(self._model.columns))
        lines = [[self._model.text(row, column) for column in columns] for row in range(len(self.rows()))]
        return "\n".join("\t".join(line) for line in ([of.name for of in self._model.columns], *lines))

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text())

    def _fill_menu(self) -> None:
        for action in self.actions():
            self.removeAction(action)
        self.addAction(self._copy)
        for column, of in enumerate(self._model.columns):
            action = QAction(f"Sort by {of.name.lower()}", self)
            action.triggered.connect(lambda _on=False, column=column: self._sort_by(column))
            self.addAction(action)

    def _sort_by(self, column: int) -> None:
        """By this column, smallest first; the other way round where it is so already."""
        header = self.header()
        rising = header.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder
        self.ordered.emit(column, header.sortIndicatorSection() == column and rising)

    def _clicked(self, column: int) -> None:
        # Qt has turned the arrow already
        self.ordered.emit(column, self.header().sortIndicatorOrder() is Qt.SortOrder.DescendingOrder)

    def _share_width(self) -> None:
        """As wide as the first of its texts, up to a limit."""
        header = self.header()
        for column, of in enumerate(self._model.columns):
            metrics = self.fontMetrics()
            texts = {of.words(int(i)) for i in self._model.rows[:MEASURED]}
            widest = max((metrics.horizontalAdvance(text) for text in texts), default=0)
            header.resizeSection(column, max(min(widest + em(1.4), em(WIDEST_EM)), header.sectionSizeHint(column)))

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._quiet and (row := self.selected()) is not None:
            self.picked.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.selected()
        if row is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self.taken.emit(row)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.selected()
        if row is not None and self.indexAt(event.position().toPoint()).isValid():
            self.taken.emit(row)

    def sizeHint(self) -> QSize:
        return QSize(em(34), em(20))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(14), em(8))
