"""The Explore page joined to the open plan: explored anew after a change and a short pause, off the GUI thread, while the page
is in sight; and a plan taken from it becomes the plan, as one step that can be undone.

It holds no figures. What was found for a plan that has changed meanwhile is never shown as if it were of the new one.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from app import background
from app.document import Document, apply_difference
from app.pages.explore.finding import Finder, Found
from app.pages.explore.page import ExplorePage
from app.shell import remembered
from planner.estimate import Estimate
from planner.plan import Plan
from planner.problem import Problem

PAUSE_MS = 200
LOOKING, ANEW = "Exploring …", "Your plan has changed: exploring anew …"


class Exploring(QObject):
    """`acted` carries a sentence for the status bar, `problem` what went wrong."""

    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, page: ExplorePage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self.page = document, page
        self.finder = Finder()
        self.searches = 0  # under way: one at most
        self._shown: Estimate | None = None  # the estimate whose plan is explored on the page, or cannot be
        self._stale = True  # what the page shows is of a plan as it was
        self._left = False
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._search)
        document.changed.connect(self._changed)
        page.seen.connect(self._seen)
        page.taken.connect(self._take)
        page.acted.connect(self.acted.emit)
        page.problem.connect(self.problem.emit)
        page.price_set.connect(remembered.keep_price)
        page.state.price(remembered.price())

    def leave(self) -> None:
        """The window closes."""
        self._left = True
        self._pause.stop()
        self.page.leave()

    @property
    def fresh(self) -> bool:
        """Whether the page shows the plan as it is."""
        now = self._document.estimate
        return not self._stale and now is not None and self._shown is not None and now.plan == self._shown.plan

    def _changed(self, _now: Estimate) -> None:
        if self.fresh:
            return
        self._stale = True
        self.page.show_stale(ANEW if self.page.found else LOOKING)
        if self.page.isVisible():
            self._pause.start()

    def _seen(self) -> None:
        if not self.fresh and not self._pause.isActive():
            self._search()

    def _search(self) -> None:
        now = self._document.estimate
        if now is None or self.searches or self.fresh or self._left:
            return
        self.searches += 1
        wanted = self.page.meaning.wanted()
        background.run(lambda: self.finder.find(now, wanted), self._found, lambda problem: self._failed(now, problem))

    def _found(self, found: Found) -> None:
        self.searches -= 1
        if self._left or self._gone_on(found.estimate):
            return
        self._shown, self._stale = found.estimate, False
        if len(found.explored):
            self.page.show_found(found)
            return
        most = max(found.explored.invalid, key=lambda one: one.plans, default=None)
        fact = most.problem.fact if most else found.estimate.reason
        self.page.show_nothing("Nothing can be explored", fact, "Go to the &plan")

    def _failed(self, now: Estimate, problem: Problem) -> None:
        self.searches -= 1
        if self._left or self._gone_on(now):
            return
        self._shown, self._stale = now, False
        self.page.show_nothing("Cannot tell", f"{problem.fact} {problem.advice}", "Go to the &plan")

    def _gone_on(self, explored: Estimate) -> bool:
        """Whether the plan has changed while it was explored; then the search begins anew."""
        now = self._document.estimate
        if now is None or now.plan == explored.plan:
            return False
        if self.page.isVisible():
            self._pause.start()
        return True

    def _take(self, plan: Plan) -> None:
        """What differs from the plan that was explored is put to the plan as it is."""
        now = self._document.plan
        if now is None or self._shown is None or not self.fresh:
            return
        after = apply_difference(now, self._shown.plan, plan)
        if after == now:
            self.acted.emit("That is your plan already")
        self._document.change(after)
