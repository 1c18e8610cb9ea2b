"""The field that a log is pasted into. What is pasted loses its tokens and keys, and its middle where it is very long,
before it is in the field: off the GUI thread, so that a log of megabytes does not stop the window.
"""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QRectF, QSize, Signal
from PySide6.QtGui import QFocusEvent, QPaintEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app import background
from app.theme import em, figures
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, focus_ring, painter_on
from planner.why.text import in_lines, without_secrets

FIRST, LAST = 60_000, 240_000  # characters that are kept: commands stand first, errors last
LEFT_OUT = "\n[… the middle of a very long text was left out …]\n"


def harmless(pasted: str) -> str:
    """As it may be shown: without secrets, of a length that a field can hold, and in lines that it can lay out."""
    if len(pasted) > FIRST + LAST:
        pasted = pasted[:FIRST] + LEFT_OUT + pasted[-LAST:]
    return "\n".join(in_lines(without_secrets(pasted)))


class PasteField(QPlainTextEdit):
    """Plain text in the fixed-width font. `came` after something pasted or dropped has arrived."""

    came = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._arriving: background.Task | None = None
        self.setAccessibleName(name)
        self.setFont(figures(0.92))
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setVerticalScrollBar(ScrollBar())
        self.setHorizontalScrollBar(ScrollBar(lying=True))
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = source.text()

        def arrived(found: str) -> None:
            self.insertPlainText(found)
            self.ensureCursorVisible()
            self.came.emit()

        self._arriving = background.run(lambda: harmless(text), arrived)

    def leave(self) -> None:
        """The window closes: what was pasted and has not arrived goes nowhere."""
        if self._arriving is not None:
            self._arriving.cancel()

    def sizeHint(self) -> QSize:
        return QSize(em(40), em(9))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(12), em(4))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring()

    def _ring(self) -> None:
        if isinstance(parent := self.parentWidget(), QWidget):
            parent.update()


class PasteCard(Card):
    """The field on a quiet ground, with the focus ring around it."""

    def __init__(self, field: PasteField) -> None:
        super().__init__(role="field")
        self._field = field
        self.body.addWidget(field)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._field.hasFocus():
            focus_ring(painter_on(self), QRectF(self.rect()), em(0.55))
