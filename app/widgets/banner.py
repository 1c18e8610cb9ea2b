"""A line across a panel that says what is to be looked at, with one button. It stays until what it says no longer holds."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from app.theme import colour, em
from app.widgets.buttons import Button
from app.widgets.surface import Words, painter_on


class Said(Protocol):
    """tone: a theme role. action: what the button asks for; empty where there is none."""

    @property
    def tone(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def label(self) -> str: ...


class BannerBar(QFrame):
    """`pressed` carries the action. A screen reader is told when the words change."""

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._action, self._tone = "", "muted"
        self.setAccessibleName("Notice")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        row = QHBoxLayout(self)
        row.setContentsMargins(em(0.7), em(0.3), em(0.4), em(0.3))
        self.text = Words("", "text", 0.95, wrap=True)
        self.text.setAccessibleName("Notice text")
        self.button = Button("", pill=True)
        self.button.clicked.connect(lambda: self.pressed.emit(self._action))
        row.addWidget(self.text, 1)
        row.addWidget(self.button)
        self.hide()

    def show_banner(self, said: Said | None) -> None:
        self.setVisible(said is not None)
        if said is None:
            self.text.setText("")
            return
        new = said.text != self.text.text()
        self._action, self._tone = said.action, said.tone
        self.text.setText(said.text)
        self.button.setText(said.label)
        self.button.setAccessibleName(said.label)
        self.button.setVisible(bool(said.action))
        self.button.updateGeometry()
        self.setAccessibleDescription(said.text)
        if new:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said.text))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        p, rect = painter_on(self), QRectF(self.rect())
        p.setPen(QPen(colour(self._tone if self._tone != "muted" else "border"), 1))
        p.setBrush(colour("problem" if self._tone in ("bad", "warn") else "field"))
        p.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), em(0.4), em(0.4))
        p.setPen(QPen(colour(self._tone), 1))
        p.setBrush(colour(self._tone))
        p.drawRoundedRect(QRectF(0, em(0.3), 4, rect.height() - em(0.6)), 2, 2)
