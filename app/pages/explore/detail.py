"""The right side: the plan that answers the question or is looked at, what is different in the person's own, and how far its
batch and its context could go.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.pages.explore.facts import Facts
from app.pages.explore.heat_map import HeatData, HeatMap
from app.pages.explore.words import Fact
from app.theme import em
from app.widgets.buttons import Button, QuietButton
from app.widgets.link import LinkButton
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Elided, Words, caption

WIDE_EM = 21


class Others(QWidget):
    """Ways beside the answer, or the nearest plans where nothing fits: a press looks at one. `picked` carries its place."""

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(em(0.15))
        self.links: list[LinkButton] = []

    def show_others(self, others: Sequence[str]) -> None:
        if [link.text() for link in self.links] == list(others):
            return
        for link in self.links:
            self._column.removeWidget(link)
            link.hide()
            link.deleteLater()
        self.links = []
        for i, text in enumerate(others):
            link = LinkButton(text)
            link.setAccessibleName(text)
            link.setToolTip(text)
            link.clicked.connect(lambda _on=False, i=i: self.picked.emit(i))
            self._column.addWidget(link)
            self.links.append(link)
        self.setVisible(bool(others))


class Detail(QWidget):
    """`taken` when the plan shown shall be the plan; `pinned` carries 0 for A, 1 for B; `other_picked` a way's place;
    `map_picked` a cell's row and column."""

    taken = Signal()
    pinned = Signal(int)
    other_picked = Signal(int)
    map_picked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, em(0.3), 0)
        self.body.setSpacing(em(0.4))
        self.heading = caption("This plan")
        self.body.addWidget(self.heading)
        self.title = Elided("", "text", 1.5, bold=True)
        self.title.setAccessibleName("Answer")
        self.sentence = Words("", "muted", 0.92, wrap=True)
        self.sentence.setAccessibleName("Answer in a sentence")
        self.others = Others()
        self.others.picked.connect(self.other_picked.emit)
        self.facts = Facts("What the plan is")
        self.learns = Words("", "muted", 0.88, wrap=True)
        self.learns.setAccessibleName("What it can learn")
        self.learns.hide()
        self.take = Button("&Make it the plan", primary=True)
        self.take.setAccessibleName("Make it the plan")
        self.take.setToolTip("One step that can be undone (Return or a double click on its point)")
        self.take.clicked.connect(self.taken.emit)
        for widget in (self.title, self.sentence, self.others, self.facts, self.learns, self.take):
            self.body.addWidget(widget)
        self.body.addLayout(self._pins())
        self.against = caption("Against your plan")
        self.body.addWidget(self.against)
        self.differences = Facts("What is different in it")
        self.body.addWidget(self.differences)
        self.same = Words("", "muted", 0.92, wrap=True)
        self.body.addWidget(self.same)
        self.body.addLayout(self._map())
        self.times = Words("", "muted", 0.85, wrap=True)
        self.times.setAccessibleName("Where times are from")
        self.body.addWidget(self.times)
        self.body.addStretch(1)

    def _pins(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.compare = Words("Compare it:", "muted", 0.88)
        row.addWidget(self.compare)
        self.pins = []
        for i, letter in enumerate("AB"):
            button = QuietButton(f"pin as {letter}")
            button.setAccessibleName(f"Pin as {letter}")
            button.setToolTip(f"Keep this plan as {letter}, to compare two ({letter} on the chart or the table)")
            button.clicked.connect(lambda _on=False, i=i: self.pinned.emit(i))
            row.addWidget(button)
            self.pins.append(button)
        row.addStretch(1)
        return row

    def _map(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(em(0.3))
        self.map_heading = caption("Context × batch, if every row were that long")
        grid.addWidget(self.map_heading, 0, 0)
        self.map = HeatMap()
        self.map.setFixedHeight(em(12.5))
        self.map.picked.connect(self.map_picked.emit)
        grid.addWidget(self.map, 1, 0)
        self._rows = ""
        self.map_words = Words("", "muted", 0.85, wrap=True)
        self.map_words.setAccessibleName("Context against batch in a sentence")
        grid.addWidget(self.map_words, 2, 0)
        return grid

    def show_heading(self, heading: str, title: str, sentence: str, others: Sequence[str] = ()) -> None:
        self.heading.setText(heading.upper())
        self.heading.setAccessibleName(heading)
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.others.show_others(others)

    def show_plan(self, facts: Sequence[Fact], differences: Sequence[Fact], same: str, *, may_take: bool) -> None:
        """Empty where there is no plan to show."""
        for widget in (self.facts, self.take, self.compare, *self.pins):
            widget.setVisible(bool(facts))
        self.facts.show_facts(tuple(facts))
        self.take.setEnabled(may_take)
        self.differences.show_facts(tuple(differences))
        self.differences.setVisible(bool(differences))
        self.same.setText(same)
        self.same.setVisible(bool(same))
        self.against.setVisible(bool(differences or same))

    def show_learns(self, words: str) -> None:
        self.learns.setText(words)
        self.learns.setVisible(bool(words))

    def show_map(self, data: HeatData | None, budget_bytes: int, current: tuple[int, int], rows: str = "") -> None:
        """None: there is none to show. rows: how long the data's own are, as a sentence."""
        self._rows = rows
        self.map.setEnabled(True)
        for widget in (self.map_heading, self.map, self.map_words):
            widget.setVisible(data is not None)
        if data is not None:
            self.map.show_data(data, budget_bytes, current)
            self._say_map()

    def set_budget(self, budget_bytes: int) -> None:
        """The load line has moved."""
        self.map.set_budget(budget_bytes)
        if self.map.isEnabled():
            self._say_map()

    def wait_for_map(self) -> None:
        """What is shown is of another plan: it is not to be read, nor picked from, until the new one comes."""
        self.map.show_data(None, 0)
        self.map.setEnabled(False)
        self.map_words.setText("Working it out …")

    def _say_map(self) -> None:
        self.map_words.setText(" ".join(filter(None, (self.map.sentence(), self._rows))))


class DetailCard(Card):
    """The card round it, in which it scrolls where the window is lower."""

    def __init__(self, detail: Detail, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("The plan looked at")
        self.body.addWidget(Scrolled(detail, clear=True))
        self.setFixedWidth(em(WIDE_EM))
