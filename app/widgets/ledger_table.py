"""Why, byte by byte: the ledger at one instant as a table, and the table twin of the bars above it.

Selecting a row emits `picked` with its key; `select` does the same from outside without telling anybody.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QItemSelection, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHeaderView, QWidget

from app.shown import Row
from app.theme import KIND_COLOURS, colour, em, figures, font
from app.widgets.row_table import Index, RowModel, RowTable
from app.widgets.surface import hatch
from planner.units import words

HEADINGS = ("Part", "Bytes", "Share", "Why")


class LedgerModel(RowModel[Row]):
    """The rows of one instant, largest first."""

    def is_figures(self, column: int) -> bool:
        return column in (1, 2)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.what, words(row.bytes), share_words(row.share), row.why)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.what}: {words(row.bytes)} ({row.bytes:,} bytes)\n{row.why}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(column)
        if role == Qt.ItemDataRole.FontRole:
            return figures(0.95) if self.is_figures(column) else font()
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(colour("muted" if column in (2, 3) else "text"))
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return swatch(row)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(1.7)) if column == 3 else None
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return row.why
        return None


def share_words(share: float) -> str:
    """Whole per cent; what is there but rounds to nothing is `<1 %`."""
    return f"{share * 100:.0f} %" if share >= 0.005 or share == 0 else "<1 %"


def swatch(row: Row) -> QIcon:
    """The row's colour as a small square; hatched where the bar is hatched."""
    side = em(0.85)
    made = QPixmap(side * 3, side * 3)
    made.setDevicePixelRatio(3)
    made.fill(Qt.GlobalColor.transparent)
    p = QPainter(made)
    p.setRenderHint(QPainter.RenderHint.Antialiasing)
    p.setPen(Qt.PenStyle.NoPen)
    if row.kind is None:
        pale = QColor(colour("others"))
        pale.setAlphaF(0.35)
        p.setBrush(pale)
        p.drawRoundedRect(QRectF(0, 0, side, side), 2, 2)
        hatch(p, QRectF(0, 0, side, side), colour("others"), rising=False)
    else:
        p.setBrush(QColor(KIND_COLOURS[row.kind]))
        p.drawRoundedRect(QRectF(0, 0, side, side), 2, 2)
    p.end()
    return QIcon(made)


class LedgerTable(RowTable):
    """The table. `picked` carries a row's key, or None when nothing is selected."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = LedgerModel(HEADINGS)
        self._quiet = False
        super().__init__("Ledger at the chosen moment", self._model, parent)
        self.setAccessibleDescription("What stands in memory, part by part, with a sentence for each")
        self.setIconSize(QSize(em(0.85), em(0.85)))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.header().setStretchLastSection(True)
        for column in (0, 1, 2):
            self.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        """Show these, keeping the selected key selected where it is still there."""
        key = self.selected_key()
        self._quiet = True
        self._model.show_rows(rows)
        self._quiet = False
        self.select(key)
        self.updateGeometry()

    def selected_key(self) -> int | None:
        rows = self.selectionModel().selectedRows()
        return self._model.rows[rows[0].row()].key if rows else None

    def select(self, key: int | None) -> None:
        self._quiet = True
        self.clearSelection()
        for i, row in enumerate(self._model.rows):
            if row.key == key:
                self.setCurrentIndex(self._model.index(i, 0))
        self._quiet = False

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.picked.emit(self.selected_key())

    def sizeHint(self) -> QSize:
        return QSize(em(30), self.minimumSizeHint().height())  # the page gives it what is left

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), self.header().sizeHint().height() + em(1.75) * min(5, max(4, self._model.rowCount())))
