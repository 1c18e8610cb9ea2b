"""The first rows as a table of the file's own columns. A click on a heading says what the column is.

A row that cannot be used is marked by a sign and told in its tool tip, not by colour alone.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QContextMenuEvent, QPainter, QPen
from PySide6.QtWidgets import QHeaderView, QMenu, QWidget

from app.pages.plan.data.rows import ShownRow
from app.pages.plan.data.source import roles_of
from app.theme import colour, em, font
from app.widgets.row_table import LEFT, Index, RowModel, RowTable, RuledHeader
from app.widgets.scroll import ScrollBar
from planner.facts.mapping import ROLES, Mapping
from planner.facts.preview import Column

NUMBER = 0
_ROW_EM, _WIDE_EM, _LEAST_EM, _NUMBER_EM = 1.6, 17, 7, 4
MEASURED = 12
MEASURED_COLUMNS = 40
FAULT_SIGN = "⚠"


class _Rows(RowModel[ShownRow]):
    def __init__(self) -> None:
        super().__init__(("Row",))

    def show_file(self, columns: tuple[Column, ...], rows: tuple[ShownRow, ...]) -> None:
        self.beginResetModel()
        self.headings = ("Row", *(column.name for column in columns))
        self.rows = rows
        self.endResetModel()

    def is_figures(self, column: int) -> bool:
        return column == NUMBER

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            if index.column() == NUMBER:
                return f"{FAULT_SIGN} {row.number:,}" if row.fault else f"{row.number:,}"
            return row.cells[index.column() - 1]
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.fault or (row.cells[index.column() - 1] if index.column() else None)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.side(index.column())
        if role == Qt.ItemDataRole.ForegroundRole:
            return QBrush(
                colour(
                    "bad" if row.fault and index.column() == NUMBER else "muted" if index.column() == NUMBER else "text"
                )
            )
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, em(_ROW_EM))
        return None


class _Headings(RuledHeader):
    """A column's name, and under it what it is; a column that is nothing asks to be told."""

    def __init__(self, model: _Rows, parent: QWidget) -> None:
        super().__init__(model, parent, sorts=False)
        self.mapping = Mapping()
        self.setSectionsClickable(True)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), em(3.1))

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        if section == NUMBER:
            super().paintSection(painter, rect, section)
            return
        painter.save()
        painter.fillRect(rect, colour("card"))
        painter.setPen(QPen(colour("border"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        inside = rect.adjusted(em(0.25), em(0.1), -em(0.25), 0)
        name = str(self._rows.headings[section])
        roles = roles_of(self.mapping, name)
        painter.setFont(font(0.9))
        painter.setPen(colour("text" if roles else "muted"))
        upper = QRect(inside.left(), inside.top(), inside.width(), em(1.4))
        shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, upper.width())
        painter.drawText(upper, int(LEFT), shown)
        lower = QRect(inside.left(), upper.bottom(), inside.width(), em(1.4))
        painter.setFont(font(0.82))
        if roles:
            text = painter.fontMetrics().elidedText(
                ", ".join(roles), Qt.TextElideMode.ElideRight, lower.width() - em(0.9)
            )
            chip = QRect(lower.left(), lower.top(), painter.fontMetrics().horizontalAdvance(text) + em(0.9), em(1.2))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent"))
            painter.drawRoundedRect(chip, em(0.4), em(0.4))
            painter.setPen(colour("on_accent"))
            painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), text)
        else:
            painter.setPen(colour("muted"))
            painter.drawText(lower, int(LEFT), "is …" if self._rows.rows else "")
        painter.restore()


class RowsTable(RowTable):
    """`row_chosen` carries a place in the preview; `column_chosen(role, column)` what a heading's menu said."""

    row_chosen = Signal(int)
    column_chosen = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._model = _Rows()
        super().__init__("First rows of the file", self._model, parent)
        self.setAccessibleDescription("The context menu says what the column of the current cell is")
        self._headings = _Headings(self._model, self)
        self.setHeader(self._headings)
        self._headings.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self._headings.setStretchLastSection(True)
        self._headings.sectionClicked.connect(self._heading_clicked)
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.setCornerWidget(QWidget())
        self.setHorizontalScrollMode(RowTable.ScrollMode.ScrollPerPixel)
        self._columns: tuple[Column, ...] = ()

    def show_file(self, columns: tuple[Column, ...], rows: tuple[ShownRow, ...], mapping: Mapping) -> None:
        """The rows; the place in them stays where the same file is only mapped otherwise."""
        at, same = self.currentIndex(), columns == self._columns
        self._columns = columns
        self._headings.mapping = mapping
        self._model.show_file(columns, rows)
        if not same:
            self._headings.resizeSection(NUMBER, em(_NUMBER_EM))
            for section in range(1, len(columns) + 1):
                wide = self._width_of(section) if section <= MEASURED_COLUMNS else em(_LEAST_EM)
                self._headings.resizeSection(section, wide)
        row = at.row() if same and 0 <= at.row() < len(rows) else 0
        if rows:
            self.setCurrentIndex(self._model.index(row, max(at.column(), 0) if same else 0))

    def _width_of(self, section: int) -> int:
        """As wide as the longest of the first cells and the heading, up to a limit."""
        texts = [row.cells[section - 1] for row in self.rows[:MEASURED]] + [self._columns[section - 1].name]
        widest = max(self.fontMetrics().horizontalAdvance(text[:80]) for text in texts)
        return min(max(widest + em(1.2), em(_LEAST_EM)), em(_WIDE_EM))

    @property
    def rows(self) -> tuple[ShownRow, ...]:
        return tuple(self._model.rows)

    def see(self, place: int) -> None:
        """Go to this row of the preview."""
        index = self._model.index(place, 0)
        self.setCurrentIndex(index)
        self.scrollTo(index)

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.row_chosen.emit(current.row())

    # what a column is

    def menu_of(self, section: int) -> QMenu | None:
        """What this column can be said to be; None for the numbers of the rows, and before there is a form."""
        roles = ROLES.get(self._headings.mapping.form, ())
        if not 0 < section <= len(self._columns) or not roles:
            return None
        name = self._columns[section - 1].name
        menu = QMenu(self)
        held = roles_of(self._headings.mapping, name)
        for role in roles:
            action = menu.addAction(f"“{name}” is the {role.name}".replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(role.name in held)
            action.triggered.connect(lambda on, role=role.name: self.column_chosen.emit(role, name if on else ""))
        return menu

    def _heading_clicked(self, section: int) -> None:
        at = QPoint(self._headings.sectionViewportPosition(section), self._headings.height())
        self._open_menu(section, self._headings.mapToGlobal(at))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        section = self._headings.logicalIndexAt(event.pos()) if by_mouse else max(self.currentIndex().column(), 1)
        self._open_menu(section, event.globalPos())

    def _open_menu(self, section: int, at: QPoint) -> None:
        menu = self.menu_of(section)
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(at)

    def sizeHint(self) -> QSize:
        return QSize(em(34), em(16))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), em(8))
