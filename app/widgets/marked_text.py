"""A text to read, with marks: headings over parts, or tokens of which some do not count. Never by colour alone.

Native reading, selecting and copying; the colours follow the scheme.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.theme import colour, em, figures, font, theme
from app.widgets.marks import Mark
from app.widgets.scroll import ScrollBar

Piece = tuple[str, Mark, bool]
"""A text, how it is marked, and whether it stands on a ground that sets it off from its neighbours."""


class MarkedText(QTextEdit):
    """Pieces of text in a row, each with its mark."""

    def __init__(self, name: str, *, fixed: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces: Sequence[Piece] = ()
        self._fixed = fixed
        self.setReadOnly(True)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setVerticalScrollBar(ScrollBar())
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.viewport().setAutoFillBackground(False)
        theme().changed.connect(self._draw)

    def show_pieces(self, pieces: Sequence[Piece], said: str) -> None:
        """said: the same for assistive programs."""
        self.setAccessibleDescription(said)
        if pieces != self._pieces:
            self._pieces = pieces
            self._draw()

    def _draw(self) -> None:
        self.clear()
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        formats = {(mark, ground): self._format(mark, ground) for mark in Mark for ground in (False, True)}
        for text, mark, ground in self._pieces:
            cursor.insertText(text, formats[mark, ground])
        cursor.endEditBlock()
        self.verticalScrollBar().setValue(0)

    def _format(self, mark: Mark, ground: bool) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setFont(figures(0.95) if self._fixed else font())
        made.setForeground(colour("text"))
        if mark is Mark.HEADING:
            made.setFont(font(0.85, weight=QFont.Weight.DemiBold))
            made.setForeground(colour("muted"))
        if mark in (Mark.MASKED, Mark.MASKED_SPECIAL):
            made.setForeground(colour("muted"))
            made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
        if mark in (Mark.SPECIAL, Mark.MASKED_SPECIAL):
            made.setFontItalic(True)
            made.setFontWeight(QFont.Weight.DemiBold)
        if ground:
            made.setBackground(colour("border"))
        return made

    def sizeHint(self) -> QSize:
        return QSize(em(20), em(12))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(12), em(6))
