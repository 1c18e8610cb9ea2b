"""The watch page: the memory of a process that was started elsewhere, drawn against the open plan.

It shows a record and asks the window to choose another process or to look no more; it can stop nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.pages.run.plots import MemoryPlot
from app.pages.run.state import duration
from app.pages.watch.state import WatchRecord
from app.shown import Part
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.chart_card import ChartCard
from app.widgets.empty_page import EmptyPage
from app.widgets.said_took import SaidTook
from app.widgets.scroll import Scrolled
from app.widgets.surface import Card, Elided, Words, caption, over
from planner.units import words


class WatchPage(QWidget):
    """`choose_wanted` asks for the list of processes, `detach_wanted` for the end of the watch."""

    choose_wanted = Signal()
    detach_wanted = Signal()
    children_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record = WatchRecord()
        self.setAccessibleName("Watch page")
        self._stack = QStackedWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(em(1.3), em(0.9), em(1.3), em(0.9))
        outer.addWidget(self._stack)
        self._stack.addWidget(self._empty())
        self._stack.addWidget(Scrolled(self._full()))

    def _empty(self) -> QWidget:
        sentence = "A training run that was started elsewhere can be drawn against the open plan."
        page = EmptyPage("No process is watched", sentence, "&Watch a process…")
        self.choose = page.button
        self.choose.setAccessibleName("Watch a process")
        self.choose.clicked.connect(self.choose_wanted.emit)
        return page

    def _full(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.7))
        layout.addLayout(self._head())
        self.plot = MemoryPlot()
        self.card = ChartCard("Memory", self.plot, ("Time", "This process"), self._rows)
        layout.addWidget(self.card, 1)
        layout.addWidget(self._verdict())
        return page

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(em(0.6))
        self.title = Elided("", "text", 1.5, bold=True)
        self.title.setAccessibleName("Watched process")
        self.command = Elided("", "muted", 0.92)
        self.command.setAccessibleName("Command line")
        head.addLayout(over(self.title, self.command), 1)
        self.children_box = QCheckBox("With &its children")
        self.children_box.setAccessibleName("Add up the processes that it started")
        self.children_box.setToolTip("Add up the processes that it started: workers that load data, other ranks")
        self.children_box.toggled.connect(self.children_wanted.emit)
        self.another = Button("Watch a&nother…")
        self.another.setAccessibleName("Watch another process")
        self.another.clicked.connect(self.choose_wanted.emit)
        self.detach = Button("&Detach")
        self.detach.setAccessibleName("Detach")
        self.detach.setToolTip("Look no more; the process goes on")
        self.detach.clicked.connect(self.detach_wanted.emit)
        for widget in (self.children_box, self.another, self.detach):
            head.addWidget(widget)
        return head

    def _verdict(self) -> Card:
        card = Card()
        card.body.addWidget(caption("This plan says · it takes"))
        self.sentence = Words("", "text", 1.3, bold=True, wrap=True)
        self.sentence.setAccessibleName("Watch sentence")
        self.remark = Words("", "muted", wrap=True)
        self.remark.setAccessibleName("Watch remark")
        self.bars = SaidTook()
        for widget in (self.sentence, self.remark, self.bars):
            card.body.addWidget(widget)
        return card

    # showing

    def show_nothing(self) -> None:
        """Nothing is watched any more."""
        self._stack.setCurrentIndex(0)

    def show_record(self, record: WatchRecord) -> None:
        """All of the page from one record; the figure is drawn later, by its own timer."""
        self._record = record
        self._stack.setCurrentIndex(1)
        self.title.setText(record.title())
        self.command.setText(record.command)
        self.plot.record = record
        self.plot.changed()
        now = f"now {words(record.held_bytes)} · " if record.live else ""
        self.card.say(f"{now}highest {words(record.peak_bytes)} · axis in {self.plot.unit_words()}")
        self.card.refresh_table()
        self.sentence.setText(record.sentence())
        self.remark.setText(record.remark())
        said = record.said
        self.bars.setVisible(record.comparable)
        self.bars.show_figures(
            (said.low, said.expected, said.high),
            (Part(0, "said", None, said.expected),),
            record.peak_bytes,
            over=not record.live,
        )
        self.detach.setText("&Detach" if record.live else "&Close")
        self.detach.setAccessibleName("Detach" if record.live else "Close")

    def _rows(self) -> list[tuple[str, ...]]:
        return [(duration(x), words(round(y))) for x, y in zip(*self._record.memory.points(), strict=True)]
