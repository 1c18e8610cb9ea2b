"""A table that is sorted by a click on a heading or from the keyboard, and copied as text with tabs.

It is given cells with their order and never reads what their texts say. Rows are a handful to some thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QBrush, QFontMetrics, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from app.theme import colour, em, figures, font
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.scroll import ScrollBar

_WIDEST_EM = 15
_ROW_EM = 1.6
MEASURED = 8
_GAP_EM = 0.5


class SortedCell(Protocol):
    """text is shown; order decides where the row goes. A column is figures when its orders are numbers."""

    @property
    def text(self) -> str: ...
    @property
    def order(self) -> float | str: ...


class _Model(RowModel[Sequence[SortedCell]]):
    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(columns)
        self.plain, self.figures = font(), figures(0.92)  # made once: asked for with every cell

    def is_figures(self, column: int) -> bool:
        return bool(self.rows) and not isinstance(self.rows[0][column].order, str)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if not 0 <= column < len(self.headings):
            return
        self.layoutAboutToBeChanged.emit()
        falling = order is Qt.SortOrder.DescendingOrder
        self.rows = sorted(self.rows, key=lambda row: row[column].order, reverse=falling)
        self.layoutChanged.emit()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.rows[index.row()][column].text
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.FontRole:
            return self.figures if self.is_figures(column) else self.plain
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("muted" if column == len(self.headings) - 1 else "text"))
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(_ROW_EM))
        return None

    def width_of(self, column: int) -> int:
        """As wide as the longest of its texts, up to a limit. Only those with the most letters are measured."""
        longest = sorted((row[column].text for row in self.rows), key=len)[-MEASURED:]
        metrics = QFontMetrics(self.figures if self.is_figures(column) else self.plain)
        widest = max((metrics.horizontalAdvance(text) for text in longest), default=0)
        return min(widest + em(_GAP_EM * 3), em(_WIDEST_EM))


class SortedTable(RowTable):
    """Arrow keys move, Ctrl+C copies the chosen rows (all when none is), the context menu sorts."""

    def __init__(
        self, name: str, columns: Sequence[str], *, rows_shown: int = 6, parent: QWidget | None = None
    ) -> None:
        self._rows_shown = rows_shown
        self._model = _Model(columns)
        super().__init__(name, self._model, parent, sorts=True)
        self.setAccessibleDescription("Ctrl+C copies, the context menu sorts by a column")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.setCornerWidget(QWidget())
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setSortingEnabled(True)
        self._actions(columns)

    def _actions(self, columns: Sequence[str]) -> None:
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        copy = QAction("&Copy", self)
        copy.setShortcut(QKeySequence.StandardKey.Copy)
        copy.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        copy.triggered.connect(self.copy)
        self.addAction(copy)
        for column, name in enumerate(columns):
            action = QAction(f"Sort by {name.lower()}", self)
            action.triggered.connect(lambda _on=False, column=column: self.sort_by(column))
            self.addAction(action)

    def show_rows(self, rows: Sequence[Sequence[SortedCell]], *, by: int, falling: bool = True) -> None:
        """Show these, sorted by one column at first; columns as wide as what stands in them, up to a limit."""
        self._model.show_rows(rows)
        self.sortByColumn(by, Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder)
        header = self.header()
        for column in range(len(self._model.headings) - 1):
            header.resizeSection(column, max(self._model.width_of(column), header.sectionSizeHint(column)))
        if self._model.rows:
            self.setCurrentIndex(self._model.index(0, 0))
            self.clearSelection()
        self.updateGeometry()

    def sort_by(self, column: int) -> None:
        """By this column, largest first; the other way round where it is so already."""
        header = self.header()
        falling = header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder
        again = header.sortIndicatorSection() == column and falling
        self.sortByColumn(column, Qt.SortOrder.AscendingOrder if again else Qt.SortOrder.DescendingOrder)

    def texts(self) -> list[tuple[str, ...]]:
        """What stands in the table, in the order shown."""
        return [tuple(cell.text for cell in row) for row in self._model.rows]

    def copy(self) -> None:
        chosen = sorted(index.row() for index in self.selectionModel().selectedRows())
        rows = self.texts()
        taken = [rows[i] for i in chosen] or rows
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in (self._model.headings, *taken)))

    def sizeHint(self) -> QSize:
        return QSize(em(30), self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        rows = max(1, min(self._rows_shown, self._model.rowCount()))
        bar = self.horizontalScrollBar().sizeHint().height()
        return QSize(em(16), self.header().sizeHint().height() + em(_ROW_EM) * rows + bar)
