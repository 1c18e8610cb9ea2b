"""What the drawer looks at now: a file, its first rows, what is wrong in it, and how a mapping made by clicks becomes the
plan's data.

Every file is read off the GUI thread, first its beginning, then, where the mapping is complete, all of it. A file with
faults never becomes the plan's data: the plan keeps what it had, and the drawer shows what is to be mended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app import background
from app.document import Document
from app.pages.plan.data.far_row import with_row
from app.pages.plan.data.rows import ShownRow, shown_rows
from app.pages.plan.data.source import (
    Source,
    change_words,
    complete,
    confirmed,
    same_rows,
    source_of,
    with_form,
    with_role,
)
from app.pages.plan.data.steps import MappingStep
from app.pages.plan.fetching import Fetches
from app.pages.plan.state import read_ahead
from planner.estimate import Estimate
from planner.facts.checks import Checks, check
from planner.facts.data import DataFacts
from planner.facts.mapping import Mapping
from planner.facts.preview import Preview, look_at
from planner.facts.read_data import GIVEN_UP, DataProblemError, read_data
from planner.facts.split import held_out
from planner.plan import Plan
from planner.problem import Problem


def read(source: Source, plan: Plan, wanted: Callable[[], bool]) -> DataFacts | tuple[Problem, ...]:
    """All rows of a source as the plan's data, or every fault that was found. Raises ProblemError for what is no fault of rows."""
    try:
        data = read_data(
            source.path, plan.model, mapping=source.mapping if source.mapping.form else None, wanted=wanted
        )
    except DataProblemError as error:
        return error.problems
    if source.mapping.form:
        data = replace(data, mapping=source.mapping)
    read_ahead(replace(plan, data=data))
    return data


Seen = tuple[Preview, tuple[ShownRow, ...]]


def _preview(path: str, mapping: Mapping | None) -> Seen:
    """The beginning of a file, under the path that a plan would have of it, and its rows as they are shown."""
    file = Path(path).resolve()
    found = replace(look_at(file, mapping), path=str(file))
    return found, shown_rows(found)


def _further(before: Preview, mapping: Mapping, number: int) -> Seen:
    after = with_row(before, mapping, number)
    return after, shown_rows(after)


class Looking(QObject):
    """`changed`: something to show is new. `wanted`: a person should look at it. `acted` tells the status bar."""

    changed = Signal()
    wanted = Signal()
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, document: Document, fetches: Fetches, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document, self._fetches = document, fetches
        self.source = Source()
        self.preview: Preview | None = None
        self.rows: tuple[ShownRow, ...] = ()  # of the preview, as they are shown
        self.trouble: Problem | None = None  # why the file cannot be looked at
        self.faults: tuple[Problem, ...] = ()  # of the whole file, once it was read and refused
        self.reading = False
        self.checks: Checks | None = None
        self.checking = False
        self.held_out = 0
        self._planned = Source()  # the plan's own, as last seen
        self._shown = False
        self._look = self._check = self._row = background.Task()
        document.changed.connect(self._follow)

    # what there is to see

    @property
    def mapping(self) -> Mapping:
        """As what the rows are read; for a source that does not say, as what their own names say."""
        if self.source.mapping.form or self.preview is None or self.preview.path != self.source.path:
            return self.source.mapping
        return self.preview.mapping

    @property
    def planned(self) -> bool:
        """Whether this is the plan's data."""
        return bool(self.source.path) and self.source == self._planned

    @property
    def known_faults(self) -> tuple[Problem, ...]:
        """Of the whole file where it was read, else of the rows seen."""
        if self.faults or self.preview is None:
            return self.faults
        unreadable = not self.preview.rows  # whatever the mapping
        return self.preview.faults if unreadable or complete(self.mapping) else ()

    def show(self, shown: bool) -> None:
        """Whether anybody looks: a drawer that is shut reads no file."""
        self._shown = shown
        if shown and self.preview is None and self.trouble is None:
            self.look()

    # a file and its mapping

    def take(self, path: str) -> None:
        """A file that a person picked or dropped: it becomes the plan's data if its rows can be told and have no fault."""
        self._set(Source(path))
        self.look(then=self._first_look)

    def _first_look(self) -> None:
        assert self.preview is not None
        mapping = self.preview.mapping
        self.source = Source(self.preview.path, mapping)
        if not complete(mapping) or self.preview.faults:
            self.wanted.emit()
        elif mapping.guessed:
            self.wanted.emit()
            self._read(lambda p, data: self._document.edit(lambda now: replace(now, data=data)))
        else:
            self._read(lambda p, data: self._document.edit(lambda now: replace(now, data=data)))

    def choose_form(self, form: str) -> None:
        self._change(with_form(self.mapping, form))

    def choose_column(self, role: str, column: str) -> None:
        self._change(with_role(self.mapping, role, column))

    def confirm(self) -> None:
        """The guess is right. The rows stay the same, so nothing is read again."""
        after = Source(self.source.path, confirmed(self.mapping))
        plan = self._document.plan
        if plan is None or after == self.source:
            return
        plans = None
        if self.planned:
            plans = (plan, replace(plan, data=replace(plan.data, mapping=after.mapping)))
        self._step(after, "confirm the mapping", plans)

    def _change(self, mapping: Mapping) -> None:
        before, after = self.mapping, Source(self.source.path, mapping)
        if mapping == before or not self.source.path:
            return
        self._step(after, change_words(before, mapping))
        if complete(mapping):
            self.use()

    def _step(self, after: Source, text: str, plans: tuple[Plan, Plan] | None = None) -> None:
        before = Source(self.source.path, self.mapping)
        self._document.stack.push(MappingStep(self._document, self._set, (before, after), text, plans))
        told = self._document.stack.undoText()
        self.acted.emit(f"{told[:1].upper()}{told[1:]}")

    def use(self) -> None:
        """Read all rows as they are mapped now and make them the plan's data, if none is at fault."""
        self._read(self._join)

    def _join(self, asked: Plan, data: DataFacts) -> None:
        plan = self._document.plan
        if plan is None or plan.data == data:
            return
        text = f"use the rows of {self.source.name}"
        step = MappingStep(
            self._document, self._set, (self.source, self.source), text, (plan, replace(plan, data=data))
        )
        self._document.stack.push(step)

    def _read(self, put: Callable[[Plan, DataFacts], None]) -> None:
        source = self.source
        self.reading, self.faults = True, ()
        self.changed.emit()

        def came(asked: Plan, found: Any) -> None:
            if not same_rows(source, self.source):
                return  # a person has gone on meanwhile
            self.reading = False
            if isinstance(found, DataFacts):
                put(asked, replace(found, mapping=self.source.mapping))
                self.acted.emit(f"{found.name}: {found.rows:,} rows are the plan's data")
            else:
                self.faults = found
                self.wanted.emit()
            self.changed.emit()

        def wanted() -> bool:
            """Asked on the thread: a large file is not read to its end while the one that was picked since waits for it."""
            return same_rows(source, self.source)

        def refused(problem: Problem) -> None:
            if problem.code == GIVEN_UP:
                return
            if wanted():
                self.reading = False
                self.changed.emit()
            self.problem.emit(problem)

        self._fetches.ask(lambda plan: read(source, plan, wanted), came, refused)

    # looking and checking

    def look(self, then: Callable[[], None] | None = None) -> None:
        """The beginning of the file, as the mapping has it."""
        source = self.source
        self._look.cancel()
        if not source.path:
            return
        mapping = source.mapping if source.mapping.form else None

        def came(found: Seen) -> None:
            (self.preview, self.rows), self.trouble = found, None
            if then:
                then()
            self.changed.emit()

        def refused(problem: Problem) -> None:
            self.preview, self.rows, self.trouble = None, (), problem
            if then:
                self.problem.emit(problem)
            self.changed.emit()

        self._look = background.run(lambda: _preview(source.path, mapping), came, refused)

    def fetch_row(self, number: int, found: Callable[[bool], None]) -> None:
        """Show a row from further on in the file behind the first ones; tells whether it could be."""
        before, mapping = self.preview, self.mapping
        if before is None:
            return

        def came(seen: Seen) -> None:
            if self.preview is before:  # else a person has gone on
                self.preview, self.rows = seen
                self.changed.emit()
                found(seen[0] is not before)

        self._row.cancel()
        self._row = background.run(lambda: _further(before, mapping, number), came, self.problem.emit)

    def look_again(self) -> None:
        """The file was mended meanwhile, or is another one now."""
        self.faults, self.checks = (), None
        self.look()
        if complete(self.mapping):
            self.use()

    def check_all(self) -> None:
        """Every row against every other, held-out rows against those trained on."""
        plan, source = self._document.plan, self.source
        if plan is None or not source.path or self.checking:
            return
        n = plan.data.rows if self.planned else 0
        held = held_out(n, plan.stage.schedule) if n else ()
        self.checking, self.held_out = True, len(held)
        mapping = self.mapping if self.mapping.form else None

        def came(found: Checks) -> None:
            self.checking, self.checks = False, found
            self.changed.emit()

        def refused(problem: Problem) -> None:
            self.checking = False
            self.problem.emit(problem)
            self.changed.emit()

        self._check = background.run(lambda: check(source.path, mapping, frozenset(held)), came, refused)
        self.changed.emit()

    def _set(self, source: Source) -> None:
        """Look at something else. What was found of the file as it was read before no longer holds."""
        if source == self.source:
            self.changed.emit()
            return
        if source.path != self.source.path:
            self.preview = self.trouble = None
            self.rows = ()
        same = same_rows(source, self.source)
        self.source = source
        if not same:
            self.reading = False
            self.faults, self.checks, self.checking = (), None, False
            self._check.cancel()
            if self._shown:
                self.look()
        self.changed.emit()

    def _follow(self, now: Estimate) -> None:
        """The plan's data is another: what is looked at is that."""
        source = source_of(now.plan.data)
        if source != self._planned:
            self._planned = source
            self._set(source)
        else:
            self.changed.emit()

    def leave(self) -> None:
        """The window closes."""
        for task in (self._look, self._check, self._row):
            task.cancel()
