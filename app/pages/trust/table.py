"""The table twin of the trust chart: the same rows, sorted by any column, with the same one selected."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelection, QSize, Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QWidget

from app.pages.trust.rows import TrustRow
from app.pages.trust.state import BAND_PCT, COLUMNS, cells
from app.theme import colour, em, figures, font
from app.widgets.row_table import Index, RowModel, RowTable

FIGURES = 4  # columns from here on are figures


class TrustModel(RowModel[TrustRow]):
    """The rows as the state orders them."""

    def is_figures(self, column: int) -> bool:
        return column >= FIGURES

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}\n{row.model} · {row.card}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.FontRole:
            return figures(0.92) if self.is_figures(column) else font(0.95)
        if role == Qt.ItemDataRole.ForegroundRole:
            under = COLUMNS[column][0].startswith("Miss") and row.miss_pct < -BAND_PCT
            return QBrush(colour("bad" if under else "muted" if 0 < column < FIGURES else "text"))
        return None


class TrustTable(RowTable):
    """`picked` carries a row's key; `ordered` a column and whether it falls."""

    picked = Signal(str)
    ordered = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = TrustModel([heading for heading, *_ in COLUMNS])
        self._quiet = False
        super().__init__("Predicted against measured as table", self._model, parent, sorts=True)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSortIndicatorShown(True)
        header.sectionClicked.connect(self._clicked)

    def show_rows(self, rows: tuple[TrustRow, ...], selected: str, column: int, *, falling: bool) -> None:
        self._quiet = True
        order = Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder
        self.header().setSortIndicator(column, order)
        self._model.show_rows(rows)
        self._quiet = False
        self._share_width()
        self.select(selected)

    def keys(self) -> list[str]:
        """What is in the table, from the top."""
        return [r.key for r in self._model.rows]

    def selected_key(self) -> str:
        chosen = self.selectionModel().selectedRows()
        return self._model.rows[chosen[0].row()].key if chosen else ""

    def select(self, key: str) -> None:
        """The same from outside, without telling anybody."""
        if key == self.selected_key():
            return
        self._quiet = True
        self.clearSelection()
        for i, row in enumerate(self._model.rows):
            if row.key == key:
                self.setCurrentIndex(self._model.index(i, 0))
        self._quiet = False

    def _clicked(self, column: int) -> None:
        # Qt has turned the arrow already
        self.ordered.emit(column, self.header().sortIndicatorOrder() is Qt.SortOrder.DescendingOrder)

    def _share_width(self) -> None:
        """Figures as wide as they are; names share the rest."""
        room = self.viewport().width()
        for column in range(FIGURES, len(COLUMNS)):
            self.setColumnWidth(column, em(5.6))
        rest = max(em(16), room - em(5.6) * (len(COLUMNS) - FIGURES))
        for column, part in enumerate((0.4, 0.22, 0.24, 0.14)):
            self.setColumnWidth(column, round(rest * part))

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._share_width()

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.picked.emit(self.selected_key())

    def sizeHint(self) -> QSize:
        return QSize(em(34), em(20))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(18), em(10))
