"""The drawer's fourth page: the first batch as tokenised. What does not count is grey and dotted under, and bracketed as text."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QSplitter, QVBoxLayout, QWidget

from app.pages.plan.data.batch import BatchLine
from app.theme import em
from app.widgets.buttons import Button, QuietButton
from app.widgets.marked_text import MarkedText
from app.widgets.marks import Mark
from app.widgets.surface import Words

ASK = "Shows the first rows that a run trains on, as the model's own tokenizer and the trainer make them. Some seconds."
LEGEND = (
    "Every second token is shaded. Grey and dotted under: masked, does not count in the loss. "
    "Bold and slanted: a special token."
)
OLD = "Of the plan as it was."


class BatchView(QWidget):
    """`wanted` asks for the batch, `cancelled` that it be given up."""

    wanted = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: tuple[BatchLine, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(em(0.4))
        self.list = QListWidget()
        head = QHBoxLayout()
        self.said = Words(ASK, "text", wrap=True)
        self.said.setAccessibleName("About the first batch")
        self.plain = QuietButton("As text")
        self.plain.setCheckable(True)
        self.plain.setAccessibleName("First batch as text")
        self.plain.setToolTip("Masked tokens in [brackets], for reading aloud and for copying")
        self.plain.toggled.connect(lambda _on: self._show_line(self.list.currentRow()))
        self.button = Button("Tokenise the first batch")
        self.button.setAccessibleName("Tokenise the first batch")
        self.button.clicked.connect(self._pressed)
        self._going_on = False
        head.addWidget(self.said, 1)
        head.addWidget(self.plain, 0, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(head)
        self.legend = Words("", "muted", 0.88, wrap=True)
        self.legend.setText(LEGEND)  # a wrapped label learns its height from a text that is set
        layout.addWidget(self.legend)
        self.list.setAccessibleName("Rows of the first batch")
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setWordWrap(True)
        self.list.setSpacing(em(0.15))
        self.list.currentRowChanged.connect(self._show_line)
        self.text = MarkedText("Tokens of the row", fixed=True)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(self.text)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 5)
        layout.addWidget(self.splitter, 1)
        self._nothing = QWidget()
        layout.addWidget(self._nothing, 1)
        self.show_batch("", (), told="", refused="", stale=False)

    def show_batch(self, headline: str, lines: tuple[BatchLine, ...], *, told: str, refused: str, stale: bool) -> None:
        """told: what goes on. refused: why it cannot be asked for."""
        said = headline or ASK
        if stale:
            said = f"{OLD} {said}"
        self.said.setText(told or (f"{said} {refused}" if refused else said))
        self._going_on = bool(told)
        self.button.setText("Cancel" if told else "Tokenise again" if headline else "Tokenise the first batch")
        self.button.setAccessibleName(self.button.text())
        self.button.setEnabled(bool(told) or not refused)
        self.button.updateGeometry()
        for widget in (self.legend, self.splitter, self.plain):
            widget.setVisible(bool(lines))
        self._nothing.setVisible(not lines)
        if lines is not self._lines:
            self._lines = lines
            self.list.clear()
            self.list.addItems([line.words for line in lines])
            self.list.setCurrentRow(0)

    def _pressed(self) -> None:
        (self.cancelled if self._going_on else self.wanted).emit()

    def _show_line(self, place: int) -> None:
        if not 0 <= place < len(self._lines):
            self.text.show_pieces((), "")
            return
        line = self._lines[place]
        pieces = ((line.said, Mark.PLAIN, False),) if self.plain.isChecked() else line.pieces
        self.text.show_pieces(pieces, line.said)
