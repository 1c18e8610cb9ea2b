"""The left card: which plans are shown, question by question, how many there are, and why the others are none."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.explore.answer_box import AnswerBox
from app.pages.explore.facets import Facet
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.link import LinkButton
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Words, caption

WIDE_EM = 15.5


class Question(QWidget):
    """One question with its answers. `changed` carries the answers without a tick."""

    changed = Signal(object)

    def __init__(self, facet: Facet, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = facet.name
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, em(0.2), 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        heading = Words(facet.name, "text", 0.98, bold=True)
        head.addWidget(heading, 1)
        self.all = QuietButton("all")
        self.all.setAccessibleName(f"{facet.name}: show all")
        self.all.setToolTip("Show all")
        self.all.clicked.connect(lambda: self.changed.emit(frozenset()))
        head.addWidget(self.all)
        column.addLayout(head)
        self.note = Words("", "muted", 0.85, wrap=True)
        self.note.hide()
        column.addWidget(self.note)
        self.boxes: dict[str, AnswerBox] = {}
        for answer in facet.answers:
            box = AnswerBox(facet.name, answer)
            box.clicked.connect(self._tell)
            box.only.connect(lambda answer=answer: self.changed.emit(frozenset(self.boxes) - {answer}))
            column.addWidget(box)
            self.boxes[answer] = box

    def _tell(self) -> None:
        self.changed.emit(frozenset(answer for answer, box in self.boxes.items() if not box.isChecked()))

    def show_counts(self, hidden: frozenset[str], counts: Iterable[int], note: str) -> None:
        for (answer, box), count in zip(self.boxes.items(), counts, strict=True):
            box.setChecked(answer not in hidden)
            box.show_count(count)
        kept = self.all.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.all.setSizePolicy(kept)
        self.all.setVisible(not hidden.isdisjoint(self.boxes))
        self.note.setText(note)
        self.note.setVisible(bool(note))


class FilterCard(Card):
    """`changed` carries (question, answers without a tick); `why_wanted` when a person asks for what is not valid."""

    changed = Signal(str, object)
    why_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Show only")
        self.setFixedWidth(em(WIDE_EM))
        self.body.addWidget(caption("Show only"))
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(em(0.5))
        self._column.addStretch(1)
        self.questions: dict[str, Question] = {}
        self.scrolled = Scrolled(inside, clear=True)
        self.body.addWidget(self.scrolled, 1)
        self.counted = Words("", "text", bold=True, wrap=True)
        self.counted.setAccessibleName("Plans shown")
        self.why = LinkButton("")
        self.why.setAccessibleName("Why are some not valid")
        self.why.clicked.connect(self.why_wanted.emit)
        self.took = Words("", "muted", 0.88, wrap=True)
        self.took.setAccessibleName("How long the search took")
        for widget in (self.counted, self.why, self.took):
            self.body.addWidget(widget, 0, Qt.AlignmentFlag.AlignLeft if widget is self.why else Qt.AlignmentFlag(0))

    def show_facets(
        self,
        facets: tuple[Facet, ...],
        hidden: dict[str, frozenset[str]],
        counts: dict[str, tuple[int, ...]],
        notes: dict[str, str],
    ) -> None:
        """The questions as they are now; boxes stay where the questions are the same, and with them the focus."""
        if [(q.name, tuple(q.boxes)) for q in self.questions.values()] != [(f.name, f.answers) for f in facets]:
            self._rebuild(facets)
        for facet in facets:
            off = hidden.get(facet.name, frozenset())
            self.questions[facet.name].show_counts(off, counts[facet.name], notes.get(facet.name, ""))

    def _rebuild(self, facets: tuple[Facet, ...]) -> None:
        for question in self.questions.values():
            self._column.removeWidget(question)
            question.hide()
            question.deleteLater()
        self.questions = {facet.name: Question(facet) for facet in facets}
        for i, (name, question) in enumerate(self.questions.items()):
            question.changed.connect(lambda off, name=name: self.changed.emit(name, off))
            self._column.insertWidget(i, question)

    def show_sums(self, counted: str, why: str, took: str) -> None:
        self.counted.setText(counted)
        self.why.setText(why)
        self.why.setVisible(bool(why))
        self.why.updateGeometry()
        self.took.setText(took)
        self.took.setVisible(bool(took))
