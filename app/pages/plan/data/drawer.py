"""The data drawer: under the verdict, never over it. Rows and mapping, findings, lengths with the cut-off, the first batch.

It shows what `Looking` and `Batching` know and tells them what a person chose; it reads nothing itself.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QWidget

from app.pages.plan.data.batch_view import BatchView
from app.pages.plan.data.batching import Batching
from app.pages.plan.data.findings import findings, summary
from app.pages.plan.data.findings_view import FindingsView
from app.pages.plan.data.headline import Banner, banner, title
from app.pages.plan.data.lengths_view import LengthsView
from app.pages.plan.data.looking import Looking
from app.pages.plan.data.rows_view import RowsView
from app.pages.plan.data.source import complete
from app.theme import em
from app.widgets.banner import BannerBar
from app.widgets.buttons import QuietButton
from app.widgets.surface import Card, Elided
from app.widgets.tab import Tab
from planner.estimate import Estimate

ROWS, FINDINGS, LENGTHS, BATCH = range(4)
TABS = ("Rows", "Findings", "Lengths", "First batch")


class DataDrawer(Card):
    """`closed` when a person shuts it; `length_chosen` carries where rows are to be cut."""

    closed = Signal()
    length_chosen = Signal(int)

    def __init__(self, looking: Looking, batching: Batching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._looking, self._batching = looking, batching
        self._now: Estimate | None = None
        self.setAccessibleName("Data drawer")
        self.rows, self.found, self.lengths, self.batch = RowsView(), FindingsView(), LengthsView(), BatchView()
        self.body.addLayout(self._head())
        self.banner = BannerBar()
        self.banner.pressed.connect(self._act)
        self.body.addWidget(self.banner)
        self.pages = QStackedWidget()
        for page in (self.rows, self.found, self.lengths, self.batch):
            self.pages.addWidget(page)
        self.body.addWidget(self.pages, 1)
        self._wire()
        self.see(ROWS)
        self.hide()

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.title = Elided("", "text", 1.1, bold=True)
        self.title.setAccessibleName("What the drawer shows")
        row.addWidget(self.title, 1)
        self._tabs = QButtonGroup(self)
        self.tabs: list[Tab] = []
        for number, name in enumerate(TABS):
            tab = Tab(name)
            tab.setAccessibleName(f"Data: {name}")
            self._tabs.addButton(tab, number)
            self.tabs.append(tab)
            row.addWidget(tab)
        self._tabs.idClicked.connect(self.see)
        self.close_button = QuietButton("", "close")
        self.close_button.setAccessibleName("Close the data drawer")
        self.close_button.setToolTip("Close (Esc)")
        self.close_button.clicked.connect(self.closed.emit)
        row.addWidget(self.close_button)
        return row

    def _wire(self) -> None:
        looking, batching = self._looking, self._batching
        self.rows.form_chosen.connect(looking.choose_form)
        self.rows.column_chosen.connect(looking.choose_column)
        self.found.row_wanted.connect(self._see_row)
        self.found.check_wanted.connect(looking.check_all)
        self.lengths.length_chosen.connect(self.length_chosen.emit)
        self.batch.wanted.connect(batching.ask)
        self.batch.cancelled.connect(batching.cancel)
        looking.changed.connect(self._show)
        batching.changed.connect(self._show_batch)

    def see(self, number: int) -> None:
        """Turn to one of its pages."""
        self.pages.setCurrentIndex(number)
        self.tabs[number].setChecked(True)
        self._show()

    def show_estimate(self, now: Estimate) -> None:
        """The plan as it is."""
        self._now = now
        self.lengths.show_estimate(now)
        if self.isVisible():
            self._show_batch()

    def set_open(self, on: bool) -> None:
        self.setVisible(on)
        self._looking.show(on)
        if on:
            self._show()

    def leave(self) -> None:
        """The window closes."""
        self.lengths.leave()

    # showing

    def _show(self) -> None:
        if not self.isVisible():
            return
        looking, page = self._looking, self.pages.currentIndex()
        self.title.setText(title(looking, self._now.plan.data if self._now else None))
        self.banner.show_banner(banner(looking, self._now.plan.data.name if self._now else ""))
        faults = len(looking.known_faults)
        self.tabs[FINDINGS].setText(f"Findings · {faults}" if faults else "Findings")
        self.tabs[FINDINGS].updateGeometry()
        if page == ROWS:
            self.rows.show_preview(looking.preview, looking.rows, looking.mapping)
        elif page == FINDINGS:
            said = " ".join(summary(looking.checks, held_out=looking.held_out)) if looking.checks else ""
            found = findings(looking.known_faults, looking.checks)
            self.found.show_findings(found, said, checking=looking.checking, may=complete(looking.mapping))
        elif page == LENGTHS:
            self.lengths.refresh()
        else:
            self._show_batch()

    def _show_batch(self) -> None:
        found = self._batching.found
        headline, lines = found if found else ("", ())
        self.batch.show_batch(
            headline, lines, told=self._batching.told, refused=self._batching.refused, stale=self._batching.stale
        )

    def _see_row(self, number: int) -> None:
        """Go to the row a finding is about, wherever in the file it is."""
        self.see(ROWS)
        if not self.rows.see_row(number):
            self.banner.show_banner(Banner("muted", f"Going to row {number:,} …"))
            self._looking.fetch_row(number, lambda found: self._arrive(number, found=found))

    def _arrive(self, number: int, *, found: bool) -> None:
        if not (found and self.rows.see_row(number)):
            self.banner.show_banner(Banner("muted", f"Row {number:,} cannot be shown in columns."))

    def _act(self, action: str) -> None:
        if action == "confirm":
            self._looking.confirm()
        elif action == "again":
            self._looking.look_again()
        elif action == "use":
            self._looking.use()
        else:
            self.see(FINDINGS)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(em(58), em(30))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(30), em(17))
