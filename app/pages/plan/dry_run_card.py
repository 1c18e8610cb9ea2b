"""The card of a dry run: what it found in a line, folded out the facts and two tables. It paints one `DryRunView`."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.plan.dry_run import DIFFERENCE_COLUMNS, TENSOR_COLUMNS, DryRunView
from app.widgets.buttons import QuietButton
from app.widgets.sorted_table import SortedTable
from app.widgets.surface import Card, Elided, Words

TOGETHER, DIFFERENCE = TENSOR_COLUMNS.index("Together"), DIFFERENCE_COLUMNS.index("Difference")


class DryRunCard(Card):
    """Hidden until there is a result. `closed` asks that it be forgotten."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Dry run")
        self._shown: DryRunView | None = None
        head = QHBoxLayout()
        self.fold = QuietButton("DRY RUN", "chevron_down")
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.setAccessibleName("Dry run: fold")
        self.fold.setToolTip("Fold or unfold what the dry run found")
        self.fold.toggled.connect(self._fold)
        self.headline = Elided("", "text", 1.0, bold=True)
        self.headline.setAccessibleName("Dry run headline")
        self.copy = QuietButton("Copy")
        self.copy.setAccessibleName("Copy the dry run")
        self.copy.setToolTip("Copy everything the dry run found, tables with tabs")
        self.copy.clicked.connect(self._copy)
        self.close_button = QuietButton("", "close")
        self.close_button.setAccessibleName("Close the dry run")
        self.close_button.setToolTip("Forget this result")
        self.close_button.clicked.connect(self.closed.emit)
        head.addWidget(self.fold)
        head.addWidget(self.headline, 1)
        head.addWidget(self.copy)
        head.addWidget(self.close_button)
        self.body.addLayout(head)
        self.inside = QWidget()
        column = QVBoxLayout(self.inside)
        column.setContentsMargins(0, 0, 0, 0)
        self.lines = Words("", "muted", wrap=True)
        self.lines.setAccessibleName("Dry run facts")
        self.tensors_heading = Words("", "text", bold=True)
        self.tensors = SortedTable("Tensors alive at the peak", TENSOR_COLUMNS, rows_shown=7)
        self.differences_heading = Words("", "text", bold=True)
        self.differences = SortedTable("Formulas against dry run", DIFFERENCE_COLUMNS, rows_shown=5)
        for widget in (self.lines, self.tensors_heading, self.tensors, self.differences_heading, self.differences):
            column.addWidget(widget)
        self.body.addWidget(self.inside)
        self.hide()

    def show_view(self, view: DryRunView | None) -> None:
        """Show this result, or nothing."""
        before, self._shown = self._shown, view
        if view is before:
            return
        self.setVisible(view is not None)
        if view is None:
            return
        self.headline.setText(view.headline)
        self.headline.set_role(view.tone)
        self.lines.setText("\n".join(view.lines))
        if before is not None and (before.tensors, before.differences) == (view.tensors, view.differences):
            return  # only older than it was: the person's sorting and place in the tables stay
        for heading, text, table, rows, by in (
            (self.tensors_heading, view.tensors_heading, self.tensors, view.tensors, TOGETHER),
            (self.differences_heading, view.differences_heading, self.differences, view.differences, DIFFERENCE),
        ):
            heading.setText(text)
            heading.setVisible(bool(text))
            table.setVisible(bool(rows))
            table.show_rows(rows, by=by)
        self.fold.setChecked(True)

    def _fold(self, open_now: bool) -> None:
        self.fold.set_icon_name("chevron_down" if open_now else "chevron_right")
        self.inside.setVisible(open_now)

    def _copy(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(self._shown.as_text())
