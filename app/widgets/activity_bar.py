"""The bar above a page for something that takes a while: what, how much, how far; asked before it begins, never modal."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.theme import colour, em
from app.widgets.buttons import Button
from app.widgets.progress_strip import Progress
from app.widgets.surface import Words, painter_on


class ActivityBar(QFrame):
    """`ask` shows a question with a button; `show_progress` the way it goes; `done` hides it. name: of what goes on here,
    where a window has several."""

    def __init__(self, name: str = "Activity", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setAccessibleName(name)
        self._go: Callable[[], None] | None = None
        self._end: Callable[[], None] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(em(0.9), em(0.5), em(0.7), em(0.5))
        row.setSpacing(em(0.7))
        column = QVBoxLayout()
        column.setSpacing(em(0.3))
        self.text = Words("", "text", wrap=True)
        self.text.setAccessibleName(f"{name} text")
        self.bar = Progress()
        self.bar.setAccessibleName(f"{name} progress")
        column.addWidget(self.text)
        column.addWidget(self.bar)
        row.addLayout(column, 1)
        self.go = Button("", primary=True)
        self.go.clicked.connect(self._begin)
        self.later = Button("Not now")
        self.later.setAccessibleName("Not now")
        self.later.clicked.connect(self.done)
        self.cancel = Button("Cancel")
        self.cancel.setAccessibleName(f"Cancel: {name}")
        self.cancel.setToolTip("End it; nothing is kept")
        self.cancel.clicked.connect(self._cancel)
        for button in (self.go, self.later, self.cancel):
            row.addWidget(button)
        self.hide()

    def ask(self, text: str, action: str, go: Callable[[], None]) -> None:
        """Say what would be done and how large it is; nothing happens before the button is pressed."""
        self._go = go
        self.text.setText(text)
        self.go.setText(action)
        self.go.setAccessibleName(action)
        self.bar.hide()
        self.go.show()
        self.later.show()
        self.cancel.hide()
        self.show()

    def show_progress(self, text: str, done: int, of: int, cancel: Callable[[], None] | None = None) -> None:
        """How far it is; of 0: nobody knows. cancel: what ends it, None where it cannot be ended."""
        self._end = cancel
        self.text.setText(text)
        self.bar.setRange(0, of if of < 2**31 else of >> 20)
        self.bar.setValue(done if of < 2**31 else done >> 20)
        self.bar.setVisible(of > 0)
        self.go.hide()
        self.later.hide()
        self.cancel.setVisible(cancel is not None)
        self.show()

    def done(self) -> None:
        self._go = self._end = None
        self.hide()

    def _begin(self) -> None:
        go, self._go = self._go, None
        self.go.hide()
        self.later.hide()
        if go:
            go()

    def _cancel(self) -> None:
        if self._end:
            self._end()

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("accent"), 1))
        p.setBrush(colour("card"))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em(0.45), em(0.45))
