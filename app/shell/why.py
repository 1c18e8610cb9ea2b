"""The dialog behind "Why did I run out? …": reads what is pasted off the GUI thread, and makes a change the plan's.

Not modal, and made once: closed and opened again it still has the text, which lives here and nowhere else. Nothing of
it is stored or written to any log.
"""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app import background
from app.document import Document, apply_difference
from app.pages.run.state import RunRecord
from app.pages.why.page import WhyPage
from app.pages.why.state import view
from app.theme import em
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.why.explain import FROM_OPEN, Explanation, explain

WAIT_MS = 150  # after the last key
MEMORY_OUT = "memory.out"  # the code of a run of ours whose memory ran out


class WhyDialog(QDialog):
    """`answered` carries each `Explanation`; `taken` after a change has become the plan."""

    answered = Signal(object)
    taken = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Why did I run out?")
        self.setAccessibleName("Why did I run out?")
        self.setModal(False)
        self.here: MachineFacts | None = None
        self._document = document
        self._task: background.Task | None = None
        self._found: Explanation | None = None
        self._own_run: tuple[str, Plan] | None = None  # the text of a run of ours, and its plan
        self.page = WhyPage()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.page)
        self._timer = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._timer.timeout.connect(self._read)
        self.page.edited.connect(self._timer.start)
        self.page.change_wanted.connect(self._change)
        self.page.open_wanted.connect(self._open)
        self.page.close_button.clicked.connect(self.close)
        document.changed.connect(lambda _estimate: self._plan_changed())
        self.page.show_view(view(explain("")))
        self.resize(em(62), em(46))

    def ask(self, here: MachineFacts | None, record: RunRecord) -> None:
        """Show the dialog. A run of ours that just ran out is there already, unless there is a text."""
        self.here = here
        problem, spec = record.problem, record.spec
        if (
            problem is not None
            and problem.code == MEMORY_OUT
            and spec is not None
            and self.page.field.toPlainText() in ("", *(self._own_run or ())[:1])
        ):
            self._own_run = (problem.fact, spec.plan)
            self.page.field.setPlainText(problem.fact)
        self.show()
        self.raise_()
        self.activateWindow()
        self.page.field.setFocus()

    def leave(self) -> None:
        """The window closes: an answer under way finds nobody any more."""
        self._timer.stop()
        self.page.field.leave()
        if self._task is not None:
            self._task.cancel()

    def _plan_changed(self) -> None:
        """An answer by the open plan is one by the plan as it is now."""
        if self.isVisible() and self._found is not None and self._found.plan_from == FROM_OPEN:
            self._timer.start()

    def _read(self) -> None:
        if self._task is not None:
            self._task.cancel()
        text, here, plan = self.page.field.toPlainText(), self.here, self._document.plan
        its_own = self._own_run is not None and self._own_run[0] == text
        if self._own_run is not None and its_own:
            plan = self._own_run[1]
        self._task = background.run(lambda: explain(text, plan, here, its_own=its_own), self._show)

    def _show(self, found: Explanation) -> None:
        self._found = found
        self.page.show_view(view(found))
        self.answered.emit(found)

    def _change(self, before: Plan, after: Plan) -> None:
        """The change as one step that can be undone. On the open plan only what differs is changed: its machine stays."""
        now = self._document.plan
        if now is None:
            return
        by_open = self._found is not None and self._found.plan_from == FROM_OPEN
        self._take(apply_difference(now, before, after) if by_open else after)

    def _open(self, plan: Plan) -> None:
        self._take(plan)

    def _take(self, plan: Plan) -> None:
        self._document.change(plan)
        self.close()
        self.taken.emit()
