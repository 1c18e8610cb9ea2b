"""The trust page: what was said against what it took, for published runs and a person's own, and what was learned.

It reads files only through `app.background`, asks the window for what corrections there are, and decides nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from app import background
from app.calibrating import observations
from app.pages.trust.chart import TrustChart
from app.pages.trust.detail import DetailCard
from app.pages.trust.filters import FilterRow
from app.pages.trust.markers import Legend
from app.pages.trust.own import Looked, look_at, proof_rows
from app.pages.trust.rows import TrustRow, published
from app.pages.trust.state import COLUMNS, TrustState
from app.pages.trust.table import TrustTable
from app.pages.trust.taught import TaughtCard
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.combo import Combo
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Elided, Words, caption
from planner.problem import Problem, ProblemError
from planner.run.home import runs_dir


def proofs() -> tuple[TrustRow, ...]:
    """What proofs have shown of today's formulas and libraries. A damaged store stands in the machine's notes already."""
    try:
        return proof_rows(seen for seen, counts_not_because in observations() if not counts_not_because)
    except ProblemError:
        return ()


class TrustPage(QWidget):
    """`problem` carries what could not be read."""

    problem = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = TrustState()
        self._looked = Looked({})
        self.left = False  # the window has closed: what is still under way finds nobody any more
        self._proved: tuple[TrustRow, ...] = ()
        self._looking = self._again = False
        self._told: set[str] = set()  # problems are told once, not at every look
        self.setAccessibleName("Trust page")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.9))
        layout.setSpacing(em(0.7))
        self.sentence = Words("", "text", 1.3, bold=True, wrap=True)
        self.sentence.setAccessibleName("Trust sentence")
        layout.addWidget(self.sentence)
        self.left_out = Words("", "muted", 0.92, wrap=True)
        self.left_out.setAccessibleName("Runs left out")
        self.left_out.hide()
        layout.addWidget(self.left_out)
        self.filters = FilterRow()
        self.filters.asked.connect(self._ask)
        layout.addWidget(self.filters)
        columns = QHBoxLayout()
        columns.setSpacing(em(0.7))
        columns.addWidget(self._chart_card(), 3)
        columns.addWidget(Scrolled(self._side()), 2)
        layout.addLayout(columns, 1)
        self._show()

    def _chart_card(self) -> Card:
        card = Card()
        head = QHBoxLayout()
        self.heading = caption("Said against took")
        head.addWidget(self.heading)
        self.axes = Elided("", "muted", 0.9)
        head.addWidget(self.axes, 1)
        self.sort = Combo()
        self.sort.setAccessibleName("Order of the table")
        for i, (name, _) in enumerate(COLUMNS):
            self.sort.add(f"by {name.lower()}", (i, False), "rising")
            self.sort.add(f"by {name.lower()}", (i, True), "falling")
        self.sort.picked.connect(lambda order: self._order(*order))
        self.sort.hide()
        head.addWidget(self.sort)
        self.misses = QuietButton("Show misses")
        self.misses.setCheckable(True)
        self.misses.setAccessibleName("Show misses in per cent")
        self.misses.setToolTip(
            "By how much each was missed in place of what was said, so that small misses are seen apart"
        )
        self.misses.toggled.connect(self._show_misses)
        head.addWidget(self.misses)
        self.twin = QuietButton("", "table")
        self.twin.setCheckable(True)
        self.twin.setAccessibleName("Said against took: show as table")
        self.twin.setToolTip("Show as table")
        self.twin.toggled.connect(self._show_table)
        head.addWidget(self.twin)
        card.body.addLayout(head)
        self.legend = Legend()
        card.body.addWidget(self.legend)
        self.chart, self.table = TrustChart(), TrustTable()
        self.chart.picked.connect(self.pick)
        self.chart.hovered.connect(lambda key: self.detail.show_row(self.state.row(key) or self.state.selected_row))
        self.chart.step.connect(self._step)
        self.table.picked.connect(self.pick)
        self.table.ordered.connect(lambda column, falling: self._order(column, falling))
        self._stack = QStackedLayout()
        self._stack.addWidget(self.chart)
        self._stack.addWidget(self.table)
        card.body.addLayout(self._stack, 1)
        return card

    def _side(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, em(0.2), 0)
        column.setSpacing(em(0.7))
        self.detail, self.taught = DetailCard(), TaughtCard()
        for card in (self.detail, self.taught):
            card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            column.addWidget(card)
        column.addStretch(1)
        return side

    # reading

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.look()

    def look_if_seen(self) -> None:
        """Something new may be there; a page that nobody sees looks when it is shown."""
        if self.isVisible():
            self.look()

    def leave(self) -> None:
        """The window closes."""
        self.left = True

    def closeEvent(self, event: QCloseEvent) -> None:
        self.leave()
        super().closeEvent(event)

    def look(self) -> None:
        """Read what is new, off the GUI thread; one look at a time."""
        if self._looking:
            self._again = True
            return
        self._looking, self._again = True, False
        if not self.state.published:
            background.run(published, lambda rows: self._take(published=rows), self._blind)
        before, runs = self._looked, runs_dir()
        background.run_with_progress(
            lambda tell: (look_at(runs, before, tell), proofs()),
            self._saw,
            lambda found: self._all_seen(*found),
            self._blind,
        )

    def _all_seen(self, found: Looked, proved: tuple[TrustRow, ...]) -> None:
        if self.left:
            return
        self._looking = False
        if proved != self._proved:
            self._proved = proved
            self._take(own=(*self._looked.rows, *proved))
        self._saw(found)
        if self._again:
            self.look()

    def _saw(self, found: Looked) -> None:
        if self.left:
            return
        changed = found.rows != self._looked.rows
        self._looked = found
        left_out = found.left_out_words()
        self.left_out.setText(left_out)
        self.left_out.setVisible(bool(left_out))
        if changed:
            self._take(own=(*found.rows, *self._proved))
        for problem in found.problems:
            if problem.fact not in self._told:
                self._told.add(problem.fact)
                self.problem.emit(problem)

    def _take(self, **rows: object) -> None:
        if self.left:
            return
        self.state.take(**rows)  # type: ignore[arg-type]
        self._show()

    def _blind(self, problem: Problem) -> None:
        if self.left:
            return
        self._looking = False
        self.problem.emit(problem)

    # showing

    def _show(self) -> None:
        state = self.state
        sentence = state.sentence()
        self.sentence.setText(sentence)
        self.filters.show_state(state)
        self.legend.show_rows(state.shown)
        self.chart.show_rows(state.shown, state.selected, sentence)
        self.table.show_rows(state.shown, state.selected, state.column, falling=state.falling)
        self.sort.show_value((state.column, state.falling))
        self.axes.setText(self._axes_words())
        self.detail.show_row(state.selected_row)

    def _axes_words(self) -> str:
        if self.twin.isChecked():
            return f"{len(self.state.shown):,} runs"
        return "miss in %, by what it took" if self.misses.isChecked() else "both in GiB · shaded: within ±5 %"

    def pick(self, key: str) -> None:
        """Look at a row closely, in chart and table alike."""
        self.state.selected = key
        self.chart.select(key)
        self.table.select(key)
        self.detail.show_row(self.state.selected_row)

    def _step(self, steps: int, along_miss: bool) -> None:
        along = (lambda r: r.miss_pct) if along_miss else (lambda r: r.measured)
        self.pick(self.state.neighbour(steps, along))

    def _ask(self, facet: str, value: str) -> None:
        self.state.ask(facet, value)
        self._show()

    def _order(self, column: int, falling: bool) -> None:
        self.state.order(column, falling=falling)
        self._show()

    def _show_misses(self, misses: bool) -> None:
        self.misses.setText("Show sizes" if misses else "Show misses")
        self.misses.updateGeometry()
        self.chart.show_misses(misses)
        self.axes.setText(self._axes_words())

    def _show_table(self, table: bool) -> None:
        self.twin.set_icon_name("chart" if table else "table")
        self.twin.setToolTip("Show as chart" if table else "Show as table")
        self.sort.setVisible(table)
        self.misses.setVisible(not table)
        self.legend.setVisible(not table)
        self.axes.setText(self._axes_words())
        self._stack.setCurrentIndex(1 if table else 0)
