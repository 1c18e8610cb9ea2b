"""The card of the one run that is chosen: what it was, what came of it, what a person calls it, and what can be done with it.

Every button tells a wish; the window carries it out. What does not go is greyed and says why in its tool tip.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QPalette
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QPlainTextEdit, QSizePolicy, QWidget

from app.pages.runs.curves import Curves
from app.pages.runs.telling import facts_words, known_plan, may_continue, outcome_words
from app.pages.runs.words import MEANINGS, TONES, state_words
from app.theme import colour, em, theme
from app.widgets.buttons import Button
from app.widgets.fields import TextField
from app.widgets.flow import Flow
from app.widgets.surface import Card, Elided, Words
from planner.run import about
from planner.run.about import About
from planner.run.library import RunState, RunSummary

OPEN, CONTINUE, PLAN, COPY, EXPORT, FOLDER, DELETE = "open", "continue", "plan", "copy", "export", "folder", "delete"
ACTIONS = (
    (OPEN, "Open", "Show it on the Run page, live if it goes on (Return)"),
    (CONTINUE, "Continue", "Start a worker on it; it goes on from its last checkpoint"),
    (PLAN, "Reopen as plan", "Its settings become the open plan; Ctrl+Z there takes it back"),
    (COPY, "Duplicate", "The same, as a plan with a name of its own"),
    (EXPORT, "Export…", "Its script, in a folder you choose"),
    (FOLDER, "Open folder", "Where it lies on the disk"),
    (DELETE, "Delete", "Into the trash, until this window closes (Del)"),
)


class NoteField(QPlainTextEdit):
    """`entered` carries the text when the person is done with it."""

    entered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.setTabChangesFocus(True)
        self.setPlaceholderText("A note")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._ground()
        theme().changed.connect(self._ground)
        self.setFixedHeight(em(3.4))

    def _ground(self) -> None:
        p = QPalette(self.palette())
        p.setColor(QPalette.ColorRole.Base, colour("field"))
        p.setColor(QPalette.ColorRole.Text, colour("text"))
        self.setPalette(p)

    def show_value(self, text: str) -> None:
        if not self.hasFocus() or text == self._shown:
            self._shown = text
            if self.toPlainText() != text:
                self.setPlainText(text)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.leave()

    def leave(self) -> None:
        if self.toPlainText() != self._shown:
            self._shown = self.toPlainText()
            self.entered.emit(self._shown)


class OneRun(Card):
    """`wanted` carries one of the actions; `written` an `About`."""

    wanted = Signal(str)
    written = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The chosen run")
        self._run: RunSummary | None = None
        self.title = Elided("", "text", 1.15, bold=True)
        self.title.setAccessibleName("Name of the run")
        self.state = Words("", "text", bold=True, wrap=True)
        self.state.setAccessibleName("State of the run")
        self.sentence = Words("", "text", wrap=True)
        self.sentence.setAccessibleName("What came of it")
        self.facts = Words("", "muted", 0.94, wrap=True)
        self.facts.setAccessibleName("Facts of the run")
        for label in (self.title, self.state, self.sentence, self.facts):
            self.body.addWidget(label)
        self.body.addWidget(self._buttons())
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(em(0.35))
        self.name, self.tags, self.note = TextField(), TextField(), NoteField()
        self.name.setPlaceholderText("The plan's own name")
        self.tags.setPlaceholderText("Words, with commas between them")
        for text, field in (("&Name", self.name), ("&Tags", self.tags), ("N&ote", self.note)):
            field.setAccessibleName(f"{text.replace('&', '')} of the run")
            named = QLabel(text)
            named.setBuddy(field)
            named.setMinimumWidth(em(3))  # its own hint is a hair too narrow for the underlined letter
            form.addRow(named, field)
        for entered in (self.name.entered, self.tags.entered, self.note.entered):
            entered.connect(lambda _value: self._write())
        self.body.addLayout(form)
        self.body.addStretch(1)

    def _buttons(self) -> QWidget:
        holder = QWidget()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        holder.setSizePolicy(policy)
        flow = Flow(holder)
        self.buttons: dict[str, Button] = {}
        for key, text, tip in ACTIONS:
            button = Button(text, pill=True)
            button.setAccessibleName(text.rstrip("…"))
            button.setToolTip(tip)
            button.clicked.connect(lambda _on=False, key=key: self.wanted.emit(key))
            flow.addWidget(button)
            self.buttons[key] = button
        return holder

    # showing

    def show_run(self, run: RunSummary, known: Curves | None) -> None:
        other = self._run is None or run.key != self._run.key
        if other:
            self.leave()
        self._run = run
        self.title.setText(run.name)
        self.state.setText(f"{state_words(run)}: {MEANINGS[run.state]}")
        self.state.set_role(TONES.get(run.state, "text"))
        self.sentence.setText(outcome_words(run, known))
        self.sentence.setVisible(bool(self.sentence.text()))
        self.facts.setText(facts_words(run, known))
        if other or not self.name.hasFocus():
            self.name.show_value(run.name)
        if other or not self.tags.hasFocus():
            self.tags.show_value(run.tags)
        self.note.show_value(run.note)
        self._show_may(run)

    def _show_may(self, run: RunSummary) -> None:
        live, queued = run.state.live, run.state is RunState.QUEUED
        planned = known_plan(run)
        may = {
            OPEN: "",
            CONTINUE: ""
            if may_continue(run)
            else "It waits in the queue"
            if queued
            else "There is nothing to go on with",
            DELETE: "It is running: stop it first" if live else "",
            **dict.fromkeys((PLAN, COPY, EXPORT), "" if planned else "Its plan cannot be read"),
        }
        for key, text, tip in ACTIONS:
            button, why = self.buttons[key], may.get(key, "")
            button.setEnabled(not why)
            button.setToolTip(why or tip)
            if key == OPEN:
                button.setText("Watch it" if live else text)

    # writing

    def _write(self) -> None:
        run = self._run
        if run is not None:
            self.written.emit(
                (run.run_dir, About(self.name.text(), about.tags_of(self.tags.text()), self.note.toPlainText()))
            )

    def leave(self) -> None:
        """Another run is about to be shown: what was typed and not yet handed on is of this one."""
        if self._run is None:
            return
        typed = About(self.name.text(), about.tags_of(self.tags.text()), self.note.toPlainText())
        if about.tidy(typed) != about.tidy(About(self._run.name, self._run.tags, self._run.note)):
            self.written.emit((self._run.run_dir, typed))
        self._run = None

    def ask_name(self) -> None:
        """F2: straight to typing a name."""
        self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.name.selectAll()
