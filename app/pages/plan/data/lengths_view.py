"""The drawer's third page: how long the rows are, and what a cut-off costs in rows and tokens and saves in bytes.

Prices are estimates of the plan at other lengths, made off the GUI thread; while the line is dragged only the last place
that it was at is priced.
"""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app import background
from app.pages.plan.data.cutting import COLUMNS, SHORTEST, Price, Prices, as_rows, price, prices, sentence, step_of
from app.pages.plan.state import data_bins
from app.theme import em
from app.widgets.chart_card import ChartCard
from app.widgets.cut_chart import CutChart
from app.widgets.surface import Words
from planner.estimate import Estimate

SETTLED_MS = 120
UNKNOWN = "The lengths of these rows are not known, so nothing can be said of a cut."
BINS = 80


class LengthsView(QWidget):
    """`length_chosen` carries the tokens after which a person wants rows to be cut: once for each drag."""

    length_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._now: Estimate | None = None
        self._found: Prices | None = None
        self._priced_of: Estimate | None = None
        self._all = self._one = background.Task()
        self._pending = 0
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.3))
        self.said = Words("", "text", wrap=True)
        self.said.setAccessibleName("What the cut-off costs")
        self.chart = CutChart()
        self.chart.dragged.connect(self._dragged)
        self.chart.dropped.connect(self._dropped)
        self.card = ChartCard("Lengths", self.chart, COLUMNS, lambda: as_rows(self._found) if self._found else [])
        self.card.body.setContentsMargins(em(0.7), em(0.4), em(0.5), em(0.3))
        self.card.table.setAccessibleDescription("Return or a double click cuts there")
        self.card.table.itemActivated.connect(lambda item: self._chosen_in_table(item.row()))
        self.chart.setToolTip("Ctrl+Z takes a move of the line back")
        layout.addWidget(self.said)
        layout.addWidget(self.card, 1)
        self._settled = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settled.timeout.connect(self._price_all)

    def show_estimate(self, now: Estimate) -> None:
        """The plan as it is; priced when the page is seen."""
        if now is self._now:
            return
        self._now = now
        if self.isVisible():
            self.refresh()

    def refresh(self) -> None:
        now = self._now
        if now is None or self._priced_of is now:
            return
        lengths = now.plan.data.lengths
        self.card.setVisible(bool(lengths))
        if not lengths:
            self.said.setText(UNKNOWN)
            return
        bins = data_bins(now.plan, BINS)
        # named: the file that is looked at may not be the plan's yet
        self.card.say(f"of {now.plan.data.name} · drag the line, or use the arrow keys")
        self.chart.show_bins(bins, step_of(bins.longest if bins else 0), SHORTEST)
        self._settled.start()

    def leave(self) -> None:
        self._settled.stop()
        self._all.cancel()
        self._one.cancel()

    def _price_all(self) -> None:
        now = self._now
        if now is None:
            return
        self._all.cancel()

        def came(found: Prices | None) -> None:
            self._found, self._priced_of = found, now
            if found is not None:
                self._say(sentence(found.now, found.uncut))
            self.card.refresh_table()

        self._all = background.run(lambda: prices(now), came)

    def _say(self, text: str) -> None:
        self.said.setText(text)
        self.chart.say(text)

    def _dragged(self, length: int) -> None:
        """Price the line's place; of many in a row the last."""
        busy, self._pending = self._pending, length
        if not busy:
            self._price_one()

    def _price_one(self) -> None:
        now, length = self._now, self._pending
        if now is None:
            return

        def came(both: tuple[Price, Price]) -> None:
            if self._pending != length:
                self._price_one()
                return
            self._pending = 0
            self._say(f"{sentence(*both)} {both[0].headline}")

        own = now.plan.stage.schedule.max_length
        self._one = background.run(lambda: (price(now, length), price(now, own)), came, lambda _p: self._forget())

    def _forget(self) -> None:
        self._pending = 0

    def _dropped(self, length: int) -> None:
        self.length_chosen.emit(length)

    def _chosen_in_table(self, row: int) -> None:
        if self._found is not None and 0 <= row < len(self._found.offered):
            self.length_chosen.emit(self._found.offered[row].length)
