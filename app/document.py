"""The open plan: its file, its undo history, its crash-recovery copy, and the one estimate behind every number.

A change goes through `change`; whatever differs is put on the undo stack under its own name. Facts that nobody chose
(memory free now, lengths counted meanwhile) come in through `refresh` and are no step of the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app import background, recent, recovery
from app.pages.plan.edits import difference
from planner import plan_file
from planner.estimate import Estimate, estimate
from planner.facts.machine import MachineFacts
from planner.plan import Plan, Stage
from planner.problem import Problem, ProblemError

_MERGE_ID = 1
Stamp = tuple[int, int] | None  # of a file: when it was written, in nanoseconds, and bytes; None where there is none


def stamp_of(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def apply_difference(now: Plan, before: Plan, after: Plan) -> Plan:
    """`now` with what differs between two plans; what came in otherwise meanwhile stays."""
    changed = now
    for part in ("name", "model", "data", "machine"):
        if getattr(before, part) != getattr(after, part):
            changed = replace(changed, **{part: getattr(after, part)})
    for choice in after.stage.choices:
        if before.stage.choice(choice.slot) != choice:
            changed = changed.with_choice(choice)
    if before.stage.schedule != after.stage.schedule:
        changed = changed.with_schedule(after.stage.schedule)
    return changed


class _Change(QUndoCommand):
    """One change of the plan. Changes with the same `merge` key in a row become one step (dragging, spinning)."""

    def __init__(self, document: Document, before: Plan, after: Plan, merge: str) -> None:
        super().__init__(f"change {difference(before, after)}")
        self._document, self.before, self.after, self.merge = document, before, after, merge

    def id(self) -> int:
        return _MERGE_ID if self.merge else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, _Change) or other.merge != self.merge:
            return False
        self.after = other.after
        self.setText(f"change {difference(self.before, self.after)}")
        self.setObsolete(not difference(self.before, self.after))
        return True

    def redo(self) -> None:
        self._document.take(self.before, self.after)

    def undo(self) -> None:
        self._document.take(self.after, self.before)


class Document(QObject):
    """The plan in the window. `changed` carries the new `Estimate`; `acted` a sentence for the status bar."""

    changed = Signal(object)
    renamed = Signal()
    acted = Signal(str)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.copy = recovery.Copy()
        self.path: Path | None = None
        self.as_read: Stamp = None
        self.estimate: Estimate | None = None
        self.baseline: Stage | None = None
        self._here: MachineFacts | None = None  # as it was seen last, also while the plan is for another
        self._recovery_timer = QTimer(self, singleShot=True, interval=250)
        self._recovery_timer.timeout.connect(self.keep_recovery_copy)
        self._keeping = False
        self.stack.cleanChanged.connect(self._clean_changed)

    @property
    def plan(self) -> Plan | None:
        return self.estimate.plan if self.estimate else None

    @property
    def modified(self) -> bool:
        return not self.stack.isClean()

    def _clean_changed(self, _clean: bool) -> None:
        self.renamed.emit()

    def open_plan(self, plan: Plan, baseline: Stage, path: Path | None = None, *, unsaved: bool = False) -> None:
        """Show another plan; its history starts here. unsaved: it is a recovered one, so it counts as changed."""
        self.path, self.baseline = path, baseline
        self.as_read = stamp_of(path) if path else None
        self.stack.clear()
        if unsaved:
            self.stack.resetClean()
        self._set(plan)
        self.renamed.emit()

    def change(self, after: Plan, *, merge: str = "") -> None:
        """Make `after` the plan, as one step that can be undone."""
        before = self.plan
        if before is None or after == before:
            return
        if not difference(before, after):  # nothing a person would call a change
            self._set(after)
            return
        self.stack.push(_Change(self, before, after, merge))
        self.acted.emit(self.stack.undoText()[:1].upper() + self.stack.undoText()[1:])

    def edit(self, edit: Callable[[Plan], Plan], *, merge: str = "") -> None:
        """Change the plan through a function; what it refuses goes to the problem bar."""
        if self.plan is None:
            return
        try:
            self.change(edit(self.plan), merge=merge)
        except ProblemError as error:
            self.problem.emit(error.problem)
            self.changed.emit(self.estimate)  # show again what is so

    def refresh(self, plan: Plan) -> None:
        """Facts have come in that nobody chose: the same plan with fresher figures, no step of the history."""
        if self.plan is not None and plan != self.plan:
            self._set(plan)

    def refresh_machine(self, machine: MachineFacts) -> None:
        """This computer's figures now, if the plan is for it; else for when an undo brings it back."""
        self._here = machine
        if self.plan is not None and self.plan.machine.name == machine.name:
            self.refresh(replace(self.plan, machine=machine))

    def take(self, before: Plan, after: Plan) -> None:
        """For the undo stack: apply what differs, keep what was refreshed meanwhile."""
        assert self.plan is not None
        plan = apply_difference(self.plan, before, after)
        for fresh in (self.plan.machine, self._here):
            if fresh is not None and plan.machine.name == fresh.name:
                plan = replace(plan, machine=fresh)
        self._set(plan)

    def _set(self, plan: Plan) -> None:
        self.estimate = estimate(plan)
        self.changed.emit(self.estimate)
        self._recovery_timer.start()

    # files

    def save(self, path: Path) -> None:
        """Write the plan here and now. Raises ProblemError `file.not_written`."""
        assert self.plan is not None
        plan_file.save_plan(self.plan, path)
        self._saved(path, self.stack.index())

    def save_soon(self, path: Path) -> None:
        """Write the plan off the GUI thread; a refusal goes to the problem bar."""
        assert self.plan is not None
        plan, at = self.plan, self.stack.index()
        background.run(lambda: plan_file.save_plan(plan, path), lambda _done: self._saved(path, at), self.problem.emit)

    def changed_outside(self) -> bool:
        """Whether somebody else has written the plan's file since it was read or saved here."""
        now = stamp_of(self.path) if self.path else None
        return now is not None and self.as_read is not None and now != self.as_read

    def _saved(self, path: Path, at: int) -> None:
        self.path, self.as_read = path, stamp_of(path)
        if self.stack.index() == at:
            self.stack.setClean()
            self.drop_recovery_copy()
        recent.remember(path)
        self.renamed.emit()
        self.acted.emit(f"Saved {path.name}")

    def keep_recovery_copy(self) -> None:
        """A copy of an unsaved plan, so that a power cut costs nothing. Written off the GUI thread."""
        if self.plan is None or not self.modified:
            return
        if self._keeping:  # a slow disk is not asked for several copies at once
            self._recovery_timer.start()
            return
        plan, path, turn = self.plan, self.path, self.copy.turn()
        self._keeping = True
        background.run(lambda: self.copy.keep(plan, path, turn), lambda _done: self._kept(), self._not_kept)

    def _kept(self) -> None:
        """A plan that was saved while its copy was being written has no use for one."""
        self._keeping = False
        if not self.modified:
            self.copy.drop()

    def _not_kept(self, problem: Problem) -> None:
        self._keeping = False
        self.problem.emit(problem)

    def keep_now(self) -> None:
        """The same at once, for a window that is about to close."""
        self._recovery_timer.stop()
        if self.plan is not None:
            try:
                self.copy.keep(self.plan, self.path)
            except ProblemError as error:
                self.problem.emit(error.problem)

    def drop_recovery_copy(self) -> None:
        self._recovery_timer.stop()
        self.copy.drop()
