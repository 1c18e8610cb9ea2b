"""What a page shows while it has nothing to show: what is missing, what to do, and one button that does it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.theme import em
from app.widgets.buttons import Button
from app.widgets.surface import Words


class EmptyPage(QWidget):
    """`button` is the one to press. label: with its mnemonic."""

    def __init__(self, headline: str, sentence: str, label: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        self.headline, self.sentence = Words(headline, "text", 1.6, bold=True), Words(sentence, "muted", wrap=True)
        for words in (self.headline, self.sentence):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            layout.addWidget(words)
        layout.addSpacing(em(0.8))
        self.button = Button(label, primary=True)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)

    def say(self, headline: str, sentence: str, label: str) -> None:
        """Other words; without a label there is no button."""
        self.headline.setText(headline)
        self.sentence.setText(sentence)
        self.button.setText(label)
        self.button.setVisible(bool(label))
        self.button.updateGeometry()
