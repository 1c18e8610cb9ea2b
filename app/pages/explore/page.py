"""The Explore page: every combination as a point, the questions above, filters at the left, the plan meant at the right.

It knows no document: it is shown what was found and says which plan a person wants. Figures and sentences are the state's.
"""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from app.pages.explore.answered import Told, asked_of
from app.pages.explore.asking import Asking
from app.pages.explore.chart_card import ChartCard
from app.pages.explore.copying import copy_picture, copy_text
from app.pages.explore.detail import Detail, DetailCard
from app.pages.explore.filters import FilterCard
from app.pages.explore.finding import Found
from app.pages.explore.foot import Foot
from app.pages.explore.head import Head
from app.pages.explore.meaning import Meaning
from app.pages.explore.reasons import ReasonsDialog
from app.pages.explore.shown import marker_counts, scatter_data
from app.pages.explore.state import ExploreState
from app.pages.explore.tabling import Tabling
from app.pages.explore.words import about, time_source
from app.theme import em
from app.widgets.empty_page import EmptyPage
from planner.explore.answer import Question

DRAG_MS, ANSWER_MS = 16, 100  # between two looks at where the load line is, and two answers to that


class ExplorePage(QWidget):
    """`taken` carries a plan that shall be the plan, `acted` a sentence for the status bar; `seen`: it comes into sight."""

    taken = Signal(object)
    seen = Signal()
    plan_page_wanted = Signal()
    price_set = Signal(float)
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = ExploreState()
        self.setAccessibleName("Explore page")
        self.asking = Asking(self)
        self._line = QTimer(self, singleShot=True, interval=DRAG_MS)
        self._line.timeout.connect(self._line_moved)
        self._answer = QTimer(self, singleShot=True, interval=ANSWER_MS)
        self._answer.timeout.connect(self._answer_line)
        self._build()
        self.meaning = Meaning(self.state, self.chart, self.detail, self.foot, self)
        self.table = Tabling(self.state, self.chart, self.meaning, self)
        self._wire()
        self.show_nothing("Looking at your plan …", "", "")

    def _build(self) -> None:
        self._stack = QStackedLayout(self)
        self.empty = EmptyPage("", "", "&Choose a model")
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.5))
        column.setSpacing(em(0.7))
        self.head, self.filters, self.chart = Head(), FilterCard(), ChartCard()
        self.detail, self.foot = Detail(), Foot()
        middle = QHBoxLayout()
        middle.setSpacing(em(0.7))
        middle.addWidget(self.filters)
        middle.addWidget(self.chart, 1)
        middle.addWidget(DetailCard(self.detail))
        column.addWidget(self.head)
        column.addLayout(middle, 1)
        column.addWidget(self.foot)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(whole)

    def _wire(self) -> None:
        self.empty.button.clicked.connect(self.plan_page_wanted.emit)
        self.head.questions.asked.connect(self._ask)
        self.filters.changed.connect(self._show_only)
        self.filters.why_wanted.connect(self.show_reasons)
        self.chart.cost_picked.connect(self._look_at_cost)
        self.chart.price_set.connect(self._set_price)
        self.chart.scatter.line_dragged.connect(
            lambda _bytes: self._line.start() if not self._line.isActive() else None
        )
        self.chart.scatter.line_dropped.connect(lambda _bytes: self._line_stands())
        self.meaning.taken.connect(self.taken.emit)
        self.meaning.acted.connect(self.acted.emit)
        self.asking.told.connect(self._show_told)
        self.asking.failed.connect(self.problem.emit)
        self.foot.view_wanted.connect(self.show_view)
        self.foot.copy_wanted.connect(lambda: self.acted.emit(copy_text(self.state, self.chart)))
        self.foot.picture_wanted.connect(lambda: self.acted.emit(copy_picture(self.chart)))
        self.foot.back_wanted.connect(self.line_back)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.chart.mini.hide()

    def leave(self) -> None:
        """The window closes: answers under way find nobody any more."""
        self.asking.forget()
        self.meaning.mapping.forget()

    # what is found

    @property
    def found(self) -> Found | None:
        return self.meaning.found

    def show_nothing(self, headline: str, sentence: str, button: str) -> None:
        """There is nothing to explore, and why. button: empty for none."""
        self.empty.say(headline, sentence, button)
        self.meaning.found = self.meaning.told = None
        self.meaning.stale = True
        self.state.take(None, None, None)
        self.asking.forget()
        self.chart.show_points(None, ())
        self._stack.setCurrentIndex(0)

    def show_stale(self, words: str) -> None:
        """The plan has changed: what is shown is marked, and nothing of it can be taken, until it is explored anew."""
        self.asking.forget()
        self.meaning.stale = True
        if self.found is None:
            self.show_nothing(words, "", "")
            return
        self.foot.show_stale(words)
        self.head.show_about(words, stale=True)
        self.chart.set_stale(True)
        self.filters.show_sums(self.state.counted(), self.state.invalid_words(), words)
        self.meaning.show()
        self.meaning.show_pins()

    def show_found(self, found: Found) -> None:
        """What was explored around the plan as it is now."""
        self.meaning.found, self.meaning.told, self.meaning.stale = found, None, False
        state = self.state
        state.watts = found.time.watts if found.time else None
        state.take(found.explored, found.facets, found.own)
        state.find_again(found.rows)
        self._stack.setCurrentIndex(1)
        self.foot.show_stale("")
        self.chart.set_stale(False)
        self.head.show_about(about(found.estimate.plan))
        self.detail.times.setText(time_source(found))
        self._show_all()
        self.chart.scatter.set_line(state.budget_bytes)

    # showing

    def _show_all(self) -> None:
        """Filters, chart, table, pins; and the answer anew."""
        state, found = self.state, self.found
        if found is None:
            return
        self.filters.show_facets(found.facets.all, state.hidden, state.counts, state.notes())
        self._show_sums()
        self.chart.show_costs(state.costs, state.cost.key, state.per_hour)
        self.chart.show_points(scatter_data(state, found.columns), marker_counts(state, found.columns))
        self.table.show()
        self.meaning.show_pins()
        self.meaning.show()
        self._ask_anew()

    def _show_sums(self) -> None:
        state, told = self.state, self.meaning.told
        took = f"{state.took_words()} · remembered" if self.found and self.found.again else state.took_words()
        self.filters.show_sums(state.counted(), state.invalid_words(), took)
        self.foot.show_hint(state.what_if_bytes is not None, state.line_sentence(told.short if told else ""))

    def show_view(self, view: int) -> None:
        """Chart, table, or the two pinned plans."""
        self.chart.show_view(view)
        self.foot.show_view(view)
        self.table.show()

    def show_reasons(self) -> None:
        """Why some combinations are no plans."""
        if self.state.explored is not None:
            self.reasons = ReasonsDialog(self.state.explored.invalid, self)
            self.reasons.show()

    # asking

    def _ask(self, question: Question) -> None:
        self.state.ask(question)
        self.meaning.told = None
        self.meaning.show()
        self._ask_anew()

    def _ask_anew(self) -> None:
        if not self.meaning.stale and self.state.explored is not None:
            self.asking.ask(asked_of(self.state))

    def _show_told(self, told: Told) -> None:
        if told.asked.explored is self.state.explored:
            self.meaning.told = told
            self._show_sums()
            self.meaning.show()

    def _show_only(self, question: str, hidden: frozenset[str]) -> None:
        self.state.show_only(question, hidden)
        self._show_all()

    def _look_at_cost(self, key: str) -> None:
        self.state.look_at_cost(key)
        self._show_all()
        if key == "money" and not self.state.per_hour:
            self.chart.price.setFocus()
            self.chart.price.selectAll()

    def _set_price(self, per_hour: float) -> None:
        self.state.price(per_hour)
        self.price_set.emit(per_hour)
        self._show_all()

    # the load line

    def _line_moved(self) -> None:
        """The sums at once; the answer, the map and the table a little later."""
        if self.state.explored is not None:
            self.state.assume(self.chart.scatter.line_bytes)
            self._show_sums()
            if not self._answer.isActive():
                self._answer.start()

    def _answer_line(self) -> None:
        if self.state.explored is not None:
            self.detail.set_budget(self.meaning.map_bytes)
            self.chart.scatter.say(self.state.sentence())
            self.table.show()
            self._ask_anew()

    def _line_stands(self) -> None:
        self._line.stop()
        self._line_moved()
        self._answer.stop()
        self._answer_line()

    def line_back(self) -> None:
        """To what the machine has."""
        if self.found is not None:
            self.chart.scatter.set_line(self.found.explored.budget_bytes)
            self._line_stands()
