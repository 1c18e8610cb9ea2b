"""The same question before and after, and what the run wrote into its log."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QSizePolicy

from app.pages.run.state import LOG_LINES, RunRecord
from app.theme import em, figures
from app.widgets.fields import TextField
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Elided, Words, caption
from planner.run.events import Sample


class Text(QPlainTextEdit):
    """Read-only text that takes the room it is given and asks for little."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setAccessibleName(name)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        return QSize(em(12), em(4))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(6), em(3))


class Answer(Card):
    """One answer on a quiet ground."""

    def __init__(self, name: str) -> None:
        super().__init__(role="field")
        self.when = Words("", "muted", 0.88, bold=True)
        self.text = Text(name)
        self.text.viewport().setAutoFillBackground(False)
        self.text.document().setDocumentMargin(0)
        self.body.setSpacing(em(0.2))
        self.body.addWidget(self.when)
        self.body.addWidget(self.text, 1)

    def show_answer(self, when: str, role: str, text: str) -> None:
        self.when.setText(when)
        self.when.set_role(role)
        if self.text.toPlainText() != text:
            self.text.setPlainText(text)


class AnswersCard(Card):
    """The sample question, the first answer and the newest one."""

    def __init__(self) -> None:
        super().__init__()
        self.body.addWidget(caption("The same question, before and now"))
        self.question = Elided("", "text", 1.05)
        self.question.setAccessibleName("Sample question")
        self.body.addWidget(self.question)
        row = QHBoxLayout()
        row.setSpacing(em(0.7))
        self.before, self.now = Answer("Answer before"), Answer("Answer now")
        row.addWidget(self.before)
        row.addWidget(self.now)
        self.body.addLayout(row, 1)

    def show_record(self, record: RunRecord) -> None:
        first = next((s for s in record.samples if s.when == "before"), None)
        later = [s for s in record.samples if s.when != "before"]
        newest = later[-1] if later else None
        sample = newest or first
        question = sample.prompt if sample else record.spec.sample_prompt if record.spec else ""
        self.question.setText(f"“{question}”" if question else "")
        waiting = "writing …" if record.phase == "sample" and record.live else ""
        self.before.show_answer("before", "muted", first.text.strip() if first else waiting)
        nothing_yet = waiting if first else ""
        self.now.show_answer(
            _when(newest), "accent" if newest else "muted", newest.text.strip() if newest else nothing_yet
        )


def _when(sample: Sample | None) -> str:
    if sample is None:
        return "after: comes at the end, or with Take a sample"
    return f"after step {sample.step}"


class LogCard(Card):
    """The run's log with a filter."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._shown = 0
        self._source: object = None
        head = QHBoxLayout()
        head.addWidget(caption("Log"))
        head.addStretch(1)
        self.filter = TextField()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the log")
        self.filter.setMaximumWidth(em(12))
        self.filter.textChanged.connect(lambda _text: self._refill())
        head.addWidget(self.filter)
        self.body.addLayout(head)
        self.text = Text("Log")
        self.text.setFont(figures(0.9))
        self.text.setMaximumBlockCount(LOG_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.body.addWidget(self.text, 1)
        self._follow = True  # the newest line stays in sight until a person scrolls up
        bar = self.text.verticalScrollBar()
        bar.valueChanged.connect(lambda value: setattr(self, "_follow", value >= bar.maximum()))
        bar.rangeChanged.connect(lambda _low, high: bar.setValue(high) if self._follow else None)

    def show_record(self, record: RunRecord) -> None:
        """Append what is new; start over for another run."""
        if record is not self._source:
            self._source, self._shown = record, 0
            self._lines = []
            self.text.clear()
        new = record.logged - self._shown
        if new <= 0:
            return
        lines = list(record.log)[-min(new, len(record.log)) :]
        self._shown = record.logged
        self._lines = [*self._lines, *lines][-LOG_LINES:]
        wanted = self.filter.text().lower()
        for line in lines:
            if wanted in line.lower():
                self.text.appendPlainText(line)

    def _refill(self) -> None:
        wanted = self.filter.text().lower()
        self.text.setPlainText("\n".join(line for line in self._lines if wanted in line.lower()))
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())
