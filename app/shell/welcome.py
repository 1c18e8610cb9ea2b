"""The thin strip over the first plan: one's own data, one's own model, a plan for what one has. It goes when it was used.

It is shown only while the plan is still the example's, and never again once it was closed. It fetches and opens nothing
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QWidget

from app.shell.remembered import settings
from app.theme import em
from app.widgets.buttons import QuietButton
from app.widgets.flow import Flow
from app.widgets.link import LinkButton
from app.widgets.surface import Words
from planner.plan import Plan

SITUATIONS = (
    ("8gb-card-4bit", "a card of 8 GB"),
    ("cpu-laptop", "a laptop without GPU"),
    ("lab-40gb", "a lab's 40 GB card"),
)
CLOSED = "welcome_closed"
LINE = (
    "A ship's Plimsoll line shows how much it can carry. The line across the bar is what this computer can carry now: "
    "memory of the device less what other programs hold.\n\nThe bar is what the plan needs at its fullest moment, part "
    "by part. Left of the line it fits; beyond it the run would end for want of memory, and the page says which "
    "changes would make it fit."
)


class Welcome(QWidget):
    """`data_wanted`, `model_wanted`: browse for one's own. `situation_wanted` carries a preset's name."""

    data_wanted = Signal()
    model_wanted = Signal()
    situation_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("First steps")
        self._first = False
        self._on_plan_page = True
        self._closed = settings().value(CLOSED, False, type=bool)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        links = QWidget()
        flow = Flow(links)
        row.addWidget(links, 1)
        _say(flow, "This is the example: Start shows a run. Or")
        self._link(flow, "use my data", self.data_wanted.emit)
        _say(flow, "·")
        self._link(flow, "use my model", self.model_wanted.emit)
        _say(flow, "· a plan for")
        for i, (name, words) in enumerate(SITUATIONS):
            if i:
                _say(flow, "·")
            self._link(flow, words, partial(self.situation_wanted.emit, name))
        _say(flow, "·")
        self._link(flow, "what is this line?", self._explain)
        close = QuietButton("", "close")
        close.setAccessibleName("Close the first steps")
        close.setToolTip("Do not show this again; File has plans for a situation")
        close.clicked.connect(self._close)
        row.addWidget(close)
        self.hide()

    def _link(self, flow: Flow, text: str, do: Callable[[], None]) -> None:
        link = LinkButton(text)
        link.setAccessibleName(text)
        link.clicked.connect(lambda _on=False: do())
        flow.addWidget(link)

    def show_plan(self, plan: Plan, start: Plan | None) -> None:
        """Whether the plan is still the example's."""
        self._first = start is not None and (plan.model.name, plan.data.path) == (start.model.name, start.data.path)
        self._look()

    def show_page(self, *, plan: bool) -> None:
        self._on_plan_page = plan
        self._look()

    def _look(self) -> None:
        self.setVisible(self._first and self._on_plan_page and not self._closed)

    def _close(self) -> None:
        self._closed = True
        settings().setValue(CLOSED, True)
        self._look()

    def _explain(self) -> None:
        box = QMessageBox(self.window())
        box.setWindowTitle("The load line")
        box.setText("What is this line?")
        box.setInformativeText(LINE)
        box.setMinimumWidth(em(30))
        box.open()


def _say(flow: Flow, text: str) -> None:
    """Words on the line of the links beside them."""
    words = Words(text, "muted", 0.95)
    words.setMinimumHeight(em(1.5))
    words.setAlignment(Qt.AlignmentFlag.AlignVCenter)
    flow.addWidget(words)
