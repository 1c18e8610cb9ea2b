"""What every table of the window has in common: rows under a line of small words, one row chosen at a time by mouse or key.

The tables beside the charts say what stands in their cells, and nothing else. A heading that orders carries an arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.theme import colour, em, font, theme
from app.widgets.scroll import ScrollBar

Index = QModelIndex | QPersistentModelIndex
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_BESIDE_EM = 0.25

R = TypeVar("R")


class RowModel(QAbstractTableModel, Generic[R]):
    """Rows of one kind. A subclass says what `data` a cell has, and which columns are figures."""

    def __init__(self, headings: Sequence[str]) -> None:
        super().__init__()
        self.headings = tuple(headings)
        self.rows: Sequence[R] = ()

    def show_rows(self, rows: Sequence[R]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def is_figures(self, column: int) -> bool:
        """Whether a column stands at the right."""
        return False

    def side(self, column: int) -> Qt.AlignmentFlag:
        return RIGHT if self.is_figures(column) else LEFT

    def recolour(self) -> None:
        self.layoutChanged.emit()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, _parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.headings[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(section)
        return None


class RuledHeader(QHeaderView):
    """Small words over a rule. Where it sorts, the column that decides carries an arrow, and there is room for it."""

    def __init__(self, model: RowModel[Any], parent: QWidget, *, sorts: bool) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._rows = model
        self._sorts = sorts
        self.setDefaultAlignment(LEFT)
        self.setSectionsClickable(sorts)
        self.setHighlightSections(False)
        self.setSectionsMovable(False)
        self.setFont(font(0.85))

    def sectionSizeFromContents(self, section: int) -> QSize:
        size = super().sectionSizeFromContents(section)
        return QSize(size.width() + em(1), size.height()) if self._sorts else size

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        painter.save()
        painter.fillRect(rect, colour("card"))
        painter.setPen(QPen(colour("border"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        decides = self._sorts and section == self.sortIndicatorSection()
        falling = self.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder
        arrow = "" if not decides else " ▾" if falling else " ▴"
        painter.setFont(font(0.85))
        painter.setPen(colour("text" if decides else "muted"))
        inside = rect.adjusted(em(_BESIDE_EM), 0, -em(_BESIDE_EM), 0)
        painter.drawText(inside, int(self._rows.side(section)), f"{self._rows.headings[section]}{arrow}")
        painter.restore()


class RowTable(QTreeView):
    """The view: rows of one height, striped, without a frame; Tab leaves it, arrow keys move in it."""

    def __init__(self, name: str, model: RowModel[Any], parent: QWidget | None = None, *, sorts: bool = False) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setAccessibleName(name)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setAllColumnsShowFocus(True)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollBar(ScrollBar())
        self.setHeader(RuledHeader(model, self, sorts=sorts))
        theme().changed.connect(self._recolour)

    def _recolour(self) -> None:
        self.model().layoutChanged.emit()
        self.header().viewport().update()
