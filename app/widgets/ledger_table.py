"""Why, byte by byte: the ledger at one instant as a table, and the table twin of the bars above it.

Selecting a row emits `picked` with its key; `select` does the same from outside without telling anybody.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.shown import Row
from app.theme import KIND_COLOURS, colour, em, figures, font, theme
from app.widgets.scroll import ScrollBar
from app.widgets.surface import hatch
from planner.units import words

HEADINGS = ("Part", "Bytes", "Share", "Why")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

Index = QModelIndex | QPersistentModelIndex


class LedgerModel(QAbstractTableModel):
    """The rows of one instant, largest first."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, rows: tuple[Row, ...]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def recolour(self) -> None:
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (1, 2) else _LEFT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (row.what, words(row.bytes), share_words(row.share), row.why)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.what}: {words(row.bytes)} ({row.bytes:,} bytes)\n{row.why}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in (1, 2) else _LEFT
        if role == Qt.ItemDataRole.FontRole:
            return figures(0.95) if column in (1, 2) else font()
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


class QuietHeader(QHeaderView):
    """A header that is a line of small words over a rule."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setDefaultAlignment(_LEFT)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        painter.save()
        painter.fillRect(rect, colour("card"))
        painter.setPen(QPen(colour("border"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.setFont(font(0.85))
        painter.setPen(colour("muted"))
        side = _RIGHT if section in (1, 2) else _LEFT
        painter.drawText(rect.adjusted(em(0.2), 0, -em(0.2), 0), int(side), HEADINGS[section])
        painter.restore()


class LedgerTable(QTreeView):
    """The table. `picked` carries a row's key, or None when nothing is selected."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = LedgerModel()
        self._quiet = False
        self.setModel(self._model)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setIconSize(QSize(em(0.85), em(0.85)))
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Ledger at the chosen moment")
        self.setAccessibleDescription("What stands in memory, part by part, with a sentence for each")
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBar(ScrollBar())
        header = QuietHeader(self)
        self.setHeader(header)
        header.setStretchLastSection(True)
        header.setSectionsMovable(False)
        for column in (0, 1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setFont(font(0.85))
        theme().changed.connect(self._model.recolour)

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
