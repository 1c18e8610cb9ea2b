"""The same question before, during and after: what the model answered as it learned."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit

from app.pages.run.state import RunRecord
from app.theme import em
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
