"""The table twin of the trust chart: the same rows, sorted by any column, with the same one selected."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.pages.trust.rows import TrustRow
from app.pages.trust.state import BAND_PCT, COLUMNS, cells
from app.theme import colour, em, figures, font, theme
from app.widgets.scroll import ScrollBar

FIGURES = 4  # columns from here on are figures
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

Index = QModelIndex | QPersistentModelIndex


class TrustModel(QAbstractTableModel):
    """The rows as the state orders them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[TrustRow, ...] = ()

    def show_rows(self, rows: tuple[TrustRow, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def recolour(self) -> None:
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section][0]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return cells(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}\n{row.model} · {row.card}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column >= FIGURES else _LEFT
        if role == Qt.ItemDataRole.FontRole:
            return figures(0.92) if column >= FIGURES else font(0.95)
        if role == Qt.ItemDataRole.ForegroundRole:
            under = COLUMNS[column][0].startswith("Miss") and row.miss_pct < -BAND_PCT
            return QBrush(colour("bad" if under else "muted" if 0 < column < FIGURES else "text"))
        return None


class SortHeader(QHeaderView):
    """A line of small words over a rule; the column that orders carries an arrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        painter.save()
        painter.fillRect(rect, colour("card"))
        painter.setPen(QPen(colour("border"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        sorts = section == self.sortIndicatorSection()
        painter.setFont(font(0.85))
        painter.setPen(colour("text" if sorts else "muted"))
        arrow = "" if not sorts else " ↑" if self.sortIndicatorOrder() is Qt.SortOrder.AscendingOrder else " ↓"
        side = _RIGHT if section >= FIGURES else _LEFT
        painter.drawText(rect.adjusted(em(0.25), 0, -em(0.25), 0), int(side), f"{COLUMNS[section][0]}{arrow}")
        painter.restore()

    def sectionSizeFromContents(self, section: int) -> QSize:
        size = super().sectionSizeFromContents(section)
        return QSize(size.width() + em(1), size.height())


class TrustTable(QTreeView):
    """`picked` carries a row's key; `ordered` a column and whether it falls."""

    picked = Signal(str)
    ordered = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = TrustModel()
        self._quiet = False
        self.setModel(self._model)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setAccessibleName("Predicted against measured as table")
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBar(ScrollBar())
        header = SortHeader(self)
        self.setHeader(header)
        header.setStretchLastSection(False)
        header.setSortIndicatorShown(True)
        header.sectionClicked.connect(self._clicked)
        header.setFont(font(0.85))
        theme().changed.connect(self._model.recolour)

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
