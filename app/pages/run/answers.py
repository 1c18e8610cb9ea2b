"""The same question before, during and after: what the model answered as it learned. Any two answers stand side by side;
the table twin lists all of them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.pages.run.state import RunRecord
from app.theme import em
from app.widgets.chart_card import ChartCard
from app.widgets.combo import Combo
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Elided
from planner.run.events import Sample

NEWEST = -1


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
    """One answer on a quiet ground, with a menu of which. `chosen` after a person has picked one."""

    chosen = Signal()

    def __init__(self, name: str) -> None:
        super().__init__(role="field")
        self.which = Combo()
        self.which.setAccessibleName(f"Which answer: {name.lower()}")
        self.which.activated.connect(lambda _n: self.chosen.emit())
        self.text = Text(name)
        self.text.viewport().setAutoFillBackground(False)
        self.text.document().setDocumentMargin(0)
        self.body.setSpacing(em(0.2))
        self.body.addWidget(self.which)
        self.body.addWidget(self.text, 1)

    def show_choices(self, labels: list[str], at: int) -> None:
        if [self.which.itemText(n) for n in range(self.which.count())] != labels:
            self.which.clear()
            self.which.addItems(labels)
        self.which.setCurrentIndex(at)

    def say(self, text: str) -> None:
        if self.text.toPlainText() != text:
            self.text.setPlainText(text)


class AnswersCard(ChartCard):
    """The first answer and the newest one, until a person picks others."""

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._record: object = None
        self._first, self._second = 0, NEWEST
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(0.45))
        self.question = Elided("", "text", 1.05)
        self.question.setAccessibleName("Sample question")
        column.addWidget(self.question)
        row = QHBoxLayout()
        row.setSpacing(em(0.7))
        self.before, self.now = Answer("First answer"), Answer("Second answer")
        self.before.chosen.connect(self._picked)
        self.now.chosen.connect(self._picked)
        row.addWidget(self.before, 1)
        row.addWidget(self.now, 1)
        column.addLayout(row, 1)
        super().__init__("The same question over time", page, ("Step", "When", "Answer"), self._rows_of_all)
        self.table.horizontalHeader().setSectionResizeMode(self.table.horizontalHeader().ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)

    def show_record(self, record: RunRecord) -> None:
        if record is not self._record and not (self._samples and self._samples == record.samples[: len(self._samples)]):
            self._first, self._second = 0, NEWEST  # another run
        self._record, new = record, len(record.samples) != len(self._samples)
        self._samples = list(record.samples)
        waiting = "writing …" if record.phase == "sample" and record.live else ""
        planned = record.spec.sample_prompt if record.spec else ""
        self._show(waiting, planned)
        if new:
            self.refresh_table()

    def _show(self, waiting: str, planned: str) -> None:
        samples = self._samples
        labels = [label_of(sample) for sample in samples]
        first = min(self._first, len(samples) - 1)
        follows = self._second == NEWEST
        second = len(samples) - 1 if follows else self._second
        pending = len(samples) < 2 and follows
        self.before.show_choices(labels or ["before"], max(0, first))
        self.before.say(samples[first].text.strip() if samples else waiting)
        later = "after: comes at the end, or with Take a sample"
        self.now.show_choices([*labels, later] if pending else labels, len(samples) if pending else second)
        self.now.say((waiting if samples else "") if pending else samples[second].text.strip())
        prompts = [samples[n].prompt for n in ((first,) if pending else (first, second))] if samples else [planned]
        different = list(dict.fromkeys(filter(None, prompts)))
        self.question.setText("  ·  ".join(f"“{prompt}”" for prompt in different))
        self.say(f"{len(samples)} answers" if len(samples) > 2 else "")

    def _picked(self) -> None:
        first, second = self.before.which.currentIndex(), self.now.which.currentIndex()
        self._first = max(0, min(first, len(self._samples) - 1))
        self._second = NEWEST if second >= len(self._samples) - 1 else second
        self._show("", "")

    def _rows_of_all(self) -> list[tuple[str, ...]]:
        return [(f"{s.step:,}", _when(s), " ".join(s.text.split())) for s in self._samples]


def label_of(sample: Sample) -> str:
    """`before`, `step 300`, `after, step 900`."""
    when = _when(sample)
    return (
        "before"
        if when == "before"
        else f"step {sample.step:,}"
        if when == "during"
        else f"{when}, step {sample.step:,}"
    )


def _when(sample: Sample) -> str:
    return sample.when or "during"
