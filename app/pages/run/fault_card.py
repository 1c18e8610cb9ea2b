"""The card of a run that a fault has ended: what happened, the figures known of it, and one press to go on.

It decides nothing: the change a retry would make is offered by whoever works it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.pages.run.fault import Fault
from app.theme import em
from app.widgets.buttons import Button
from app.widgets.surface import Card, Elided, Words, caption

LONGEST_ON_BUTTON = 48  # letters


class Figures(QWidget):
    """A small table of names and values; each value carries its name for a screen reader."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.heading = caption(name)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(em(0.8))
        self._grid.setVerticalSpacing(em(0.1))
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self.heading, 0, 0, 1, 2)
        self.rows: tuple[tuple[str, str], ...] = ()

    def show_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        self.setVisible(bool(rows))
        if tuple(rows) == self.rows:
            return
        self.rows = tuple(rows)
        for n in reversed(range(1, self._grid.count())):
            if (item := self._grid.takeAt(n)) and (old := item.widget()):
                old.deleteLater()
        for n, (name, value) in enumerate(rows, 1):
            shown = Elided(value, "text")
            shown.setAccessibleName(f"{name}: {value}")
            self._grid.addWidget(Words(name, "muted"), n, 0)
            self._grid.addWidget(shown, n, 1)
        self._grid.setRowStretch(len(rows) + 1, 1)


class FaultCard(Card):
    """`retry_wanted`: with the change offered. `again_wanted`: as it is, from the last checkpoint."""

    retry_wanted = Signal()
    again_wanted = Signal()

    def __init__(self) -> None:
        super().__init__(role="problem")
        self.fault: Fault | None = None
        self.setAccessibleName("What ended the run")
        self.heading = Words("", "bad", 1.25, bold=True)
        self.fact = Words("", "text", wrap=True)
        self.advice = Words("", "muted", wrap=True)
        columns = QHBoxLayout()
        columns.setSpacing(em(1.4))
        texts = QVBoxLayout()
        texts.setSpacing(em(0.2))
        for each in (self.heading, self.fact, self.advice):
            texts.addWidget(each)
        texts.addStretch(1)
        self.facts, self.holders = Figures("What is known"), Figures("Who held the memory")
        columns.addLayout(texts, 5)
        columns.addWidget(self.facts, 4)
        columns.addWidget(self.holders, 3)
        self.body.addLayout(columns)
        buttons = QHBoxLayout()
        buttons.setSpacing(em(0.6))
        self.retry = Button("", primary=True)
        self.retry.clicked.connect(self.retry_wanted.emit)
        self.again = Button("")
        self.again.clicked.connect(self.again_wanted.emit)
        self.detail = Words("", "muted", 0.92, wrap=True)
        self.detail.setAccessibleName("What a retry changes")
        buttons.addWidget(self.retry, 0, Qt.AlignmentFlag.AlignTop)
        buttons.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        buttons.addWidget(self.detail, 1)
        self.body.addLayout(buttons)
        self._offered = ("", "")
        self.hide()

    def show_fault(self, fault: Fault | None) -> None:
        """None puts the card away."""
        if fault == self.fault:
            return
        self.fault, self._offered = fault, ("", "")
        self.setVisible(fault is not None)
        if fault is None:
            return
        self.heading.setText(fault.heading)
        self.fact.setText(fault.fact)
        self.advice.setText(fault.advice)
        self.facts.show_rows(fault.facts)
        self.holders.show_rows(fault.holders)
        self._show_buttons()
        words = f"{fault.heading}. {fault.fact}"
        self.setAccessibleDescription(words)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))

    def offer(self, title: str, detail: str = "") -> None:
        """The change a retry would make, worked out; without a title none fits, and `detail` says so."""
        if self.fault is not None:
            self._offered = (title, detail)
            self._show_buttons()

    def _show_buttons(self) -> None:
        title, detail = self._offered
        self.retry.setVisible(bool(title))
        short = len(title) <= LONGEST_ON_BUTTON
        self.retry.setText(f"&Retry with {_lower(title) if short else 'the smallest change'}" if title else "")
        self.retry.setAccessibleName(f"Retry with {_lower(title)}")
        again = self.fault.again if self.fault else ""
        self.again.setVisible(bool(again))
        self.again.setText(again)
        self.again.setAccessibleName(again)
        self.detail.setText(detail if short else f"{title}. {detail}")
        for button in (self.retry, self.again):
            button.updateGeometry()


def _lower(title: str) -> str:
    """Within a sentence, but `LoRA` stays as it is."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
