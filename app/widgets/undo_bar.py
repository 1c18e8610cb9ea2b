"""The bar that says what has just been done and takes it back: never a question before, always a way back after."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.theme import colour, em
from app.widgets.buttons import Button, QuietButton
from app.widgets.surface import Words, painter_on


class UndoBar(QFrame):
    """`undo_wanted` when its button is pressed."""

    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("What was done")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        row = QHBoxLayout(self)
        row.setContentsMargins(em(0.9), em(0.4), em(0.5), em(0.4))
        self.words = Words("", "text", wrap=True)
        self.words.setAccessibleName("What was done in words")
        self.button = Button("Undo", pill=True)
        self.button.setAccessibleName("Undo")
        self.button.setToolTip("Take it back (Ctrl+Z)")
        self.button.clicked.connect(self.undo_wanted.emit)
        self.close_button = QuietButton("", "close")
        self.close_button.setAccessibleName("Put this aside")
        self.close_button.setToolTip("It can still be taken back with Ctrl+Z")
        self.close_button.clicked.connect(self.hide)
        row.addWidget(self.words, 1)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self.hide()

    def say(self, text: str) -> None:
        """Show it, and tell a screen reader."""
        self.words.setText(text)
        self.show()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("accent"), 1))
        p.setBrush(colour("card"))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em(0.45), em(0.45))
