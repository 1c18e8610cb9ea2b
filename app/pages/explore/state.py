"""What the Explore page shows of what was found: which plans pass the filters, which cost is looked at, how much memory is
assumed, which plan is meant. Qt-free; every figure and sentence of the page comes from here, so that no two can disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from app.pages.explore.columns import Column, columns_of, in_order
from app.pages.explore.facets import LENGTH, Facets, number, other_lengths
from app.pages.explore.looked import Looked, Meant, look
from planner.explore.answer import Question
from planner.explore.costs import COSTS, Cost, energy, money
from planner.explore.explored import FITS, TIGHT, Explored, Ints, Mask
from planner.explore.frontier import frontier
from planner.explore.worth import own_length
from planner.units import words

MOST_ROWS = 2000  # of the table: nobody reads more, and the rest is counted


FOLLOW = ("among", "counts", "frontier", "verdicts", "columns", "cost")
"""What is kept until a filter, the cost or the budget changes."""


@dataclass
class ExploreState:
    """hidden: answers without a tick, by question. touched: questions whose ticks a person has set. what_if_bytes: the
    budget that is assumed, None for what the machine has. per_hour: price, watts: power, None where nobody knows.
    meant: the plan looked at, None for the question's answer. pins: the
    two to compare. own: the person's plan with its figures."""

    explored: Explored | None = None
    facets: Facets | None = None
    hidden: dict[str, frozenset[str]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    cost_key: str = COSTS[0].key
    per_hour: float = 0.0
    watts: float | None = None
    question: Question = Question.BEST
    what_if_bytes: int | None = None
    meant: Meant | None = None
    pins: list[Meant | None] = field(default_factory=lambda: [None, None])
    own: Looked | None = None
    column: int = 1
    falling: bool = False
    frontier_only: bool = True
    device: tuple[str, int] | None = None  # name and bytes of the one that the budget is of

    # taking in

    def take(self, explored: Explored | None, facets: Facets | None, own: Looked | None) -> None:
        """What was found for the plan as it is now. Ticks that a person has set stay, by their words; a budget that was
        assumed stays with its device."""
        if explored is not None:
            device = explored.place, explored.capacity_bytes
            if device != self.device:
                self.what_if_bytes = None
            self.device = device
        self.explored, self.facets, self.own = explored, facets, own
        self._set_lengths()
        self._changed()

    def ask(self, question: Question) -> None:
        """Another question, whose answer is shown: no single plan is looked at any more."""
        self.question, self.meant = question, None

    def pick(self, row: int) -> None:
        """Look at one of the explored."""
        assert self.explored is not None
        self.meant = Meant(look(self.explored, row), row)

    def pin(self, i: int, meant: Meant | None) -> None:
        """Keep a plan as A (0) or B (1), or drop it."""
        self.pins[i] = meant

    def find_again(self, rows: Sequence[int | None]) -> None:
        """The numbers, in what was explored anew, of the plan looked at and of the pinned ones. A plan that is looked at and
        was not found again is left; a pinned one stays with the figures that it had."""
        meant, *pinned = (row if row is not None else -1 for row in rows)
        self.meant = None
        if meant >= 0:
            self.pick(meant)
        self.pins = [one and one._replace(row=row) for one, row in zip(self.pins, pinned, strict=True)]

    @property
    def pin_rows(self) -> tuple[int, int]:
        a, b = (one.row if one else -1 for one in self.pins)
        return a, b

    def show_only(self, question: str, hidden: frozenset[str]) -> None:
        self.hidden[question] = hidden
        self.touched.add(question)
        self._changed()

    def price(self, per_hour: float) -> None:
        self.per_hour = per_hour
        self._changed(("cost", "frontier"))

    def look_at_cost(self, key: str) -> None:
        self.cost_key = key
        self._changed(("cost", "frontier"))

    def assume(self, budget_bytes: int | None) -> None:
        """What if the device had so much for this run; None, or what it has: back to that."""
        own = self.explored.budget_bytes if self.explored else None
        self.what_if_bytes = None if budget_bytes == own else budget_bytes
        self._changed(("verdicts", "columns"))

    def order(self, column: int, *, falling: bool) -> None:
        self.column, self.falling = column, falling

    def _set_lengths(self) -> None:
        """Rows are not cut more than the person has chosen."""
        if self.explored is None or LENGTH in self.touched:
            return
        self.hidden[LENGTH] = other_lengths(self.explored)

    def _changed(self, what: Sequence[str] = FOLLOW) -> None:
        for name in what:
            self.__dict__.pop(name, None)

    # what follows

    @cached_property
    def among(self) -> Mask:
        """Which plans the filters leave."""
        assert self.facets is not None
        return self.facets.mask(self.hidden)

    @cached_property
    def counts(self) -> dict[str, tuple[int, ...]]:
        """For each question how many plans each answer has beside the other filters."""
        assert self.facets is not None
        return self.facets.counts(self.hidden)

    @cached_property
    def frontier(self) -> Ints:
        assert self.explored is not None
        return frontier(self.explored.peak, self.cost.to_minimise(self.explored), self.among)

    @cached_property
    def verdicts(self) -> Ints:
        assert self.explored is not None
        return self.explored.verdicts(self.budget_bytes)

    @property
    def budget_bytes(self) -> int:
        """What is assumed that the device has for this run."""
        assert self.explored is not None
        return self.explored.budget_bytes if self.what_if_bytes is None else self.what_if_bytes

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What can be looked at on the other axis, with what a person or a sensor says."""
        found = [*COSTS, money(self.per_hour)]
        return tuple([*found, energy(self.watts)] if self.watts else found)

    @cached_property
    def cost(self) -> Cost:
        return next((c for c in self.costs if c.key == self.cost_key), COSTS[0])

    @property
    def fitting(self) -> Mask:
        """Which plans pass the filters and fit."""
        found: Mask = self.among & (self.verdicts == FITS)
        return found

    # the table

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        assert self.explored is not None
        assert self.facets is not None
        return columns_of(self.explored, self.facets, self.verdicts)

    def table_rows(self) -> tuple[Ints, str]:
        """The plans that the table shows, in order, and a sentence that counts them."""
        rows = self.frontier if self.frontier_only else np.flatnonzero(self.among)
        column = self.columns[min(self.column, len(self.columns) - 1)]
        shown = in_order(column, rows, falling=self.falling, most=MOST_ROWS)
        what = "plans that no other beats" if self.frontier_only else "plans"
        more = len(rows) - len(shown)
        return shown, f"{len(rows):,} {what}" if not more else f"{len(shown):,} of {len(rows):,} {what}, {more:,} more"

    def lines_of(self, rows: Ints) -> list[tuple[str, ...]]:
        """Headings and cells of these plans, for copying."""
        cells = [tuple(column.words(int(i)) for column in self.columns) for i in rows]
        return [tuple(column.name for column in self.columns), *cells]

    # sentences

    def counted(self) -> str:
        """`12,480 valid · 4,913 fit`."""
        if self.explored is None:
            return ""
        shown, valid = int(np.count_nonzero(self.among)), len(self.explored)
        fit = int(np.count_nonzero(self.fitting))
        what = f"{valid:,} valid" if shown == valid else f"{shown:,} of {valid:,} valid"
        return f"{what} · {fit:,}\u00a0fit"

    def invalid_words(self) -> str:
        n = sum(one.plans for one in self.explored.invalid) if self.explored else 0
        return f"{n:,} not valid: why?" if n else ""

    def took_words(self) -> str:
        return f"searched in {self.explored.elapsed_s:.2f} s" if self.explored else ""

    def notes(self) -> dict[str, str]:
        """Under a question: why not all of its answers have a tick though nobody took one away."""
        if self.explored is None or LENGTH in self.touched or not self.hidden.get(LENGTH):
            return {}
        return {LENGTH: f"Only {number(own_length(self.explored))}, which cuts no more off rows than your plan."}

    def sentence(self) -> str:
        """The scatter in words."""
        if self.explored is None:
            return ""
        shown, best = int(np.count_nonzero(self.among)), self.frontier
        told = f"{shown:,} plans by peak memory and {self.cost.title.lower()}; {self.count_fit()} {self.line_words()}."
        if not len(best):
            return told
        ends = [f"{words(int(self.explored.peak[i]))} with {self.cost_words(int(i))}" for i in (best[0], best[-1])]
        return f"{told} {len(best):,} are beaten by no other: from {ends[0]} to {ends[1]}."

    def count_fit(self) -> str:
        """`4,913 fit and 120 are tight at`."""
        fit = int(np.count_nonzero(self.fitting))
        tight = int(np.count_nonzero(self.among & (self.verdicts == TIGHT)))
        return f"{fit:,} fit" if not tight else f"{fit:,} fit and {tight:,} are tight"

    def line_words(self) -> str:
        own = self.what_if_bytes is None
        return (
            f"in the {words(self.budget_bytes)} that are free" if own else f"if there were {words(self.budget_bytes)}"
        )

    def line_sentence(self, best: str) -> str:
        """What is so where the load line stands. best: the answer there, empty while it is looked for."""
        if self.explored is None:
            return ""
        if self.cost.key == "money" and not self.per_hour:
            return "Type what an hour of this machine costs, in whatever money, to see what an epoch costs."
        if self.what_if_bytes is None:
            return "Every point is a whole plan: click to look, double-click to take it. Drag the line: what if?"
        told = f"What if there were {words(self.budget_bytes)}: {self.count_fit()}"
        return f"{told}; {best}" if best else told

    def cost_words(self, row: int) -> str:
        assert self.explored is not None
        return self.cost.text(float(self.cost.column(self.explored)[row]))
