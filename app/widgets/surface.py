"""What the window is made of: cards, headings and texts in the theme's colours, and the ring that shows the focus.

Only looks live here. A surface knows nothing of plans or runs.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.theme import colour, em, figures, font, theme


def painter_on(widget: QWidget) -> QPainter:
    p = QPainter(widget)
    p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    return p


def focus_ring(p: QPainter, rect: QRectF, radius: float) -> None:
    """Two device-independent pixels of accent just inside `rect`."""
    p.setPen(QPen(colour("accent"), 2))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)


def hatch(p: QPainter, rect: QRectF, ink: QColor, *, rising: bool = True, gap: float = 0.42) -> None:
    """Slanted lines over `rect`, `gap` em apart: the same look at every scale, unlike Qt's patterns of pixels."""
    p.save()
    p.setClipRect(rect)
    p.setPen(QPen(ink, 1.2))
    step, high = max(3.0, em() * gap), rect.height()
    x = rect.left() - high
    while x < rect.right():
        ends = (rect.bottom(), rect.top()) if rising else (rect.top(), rect.bottom())
        p.drawLine(QPointF(x, ends[0]), QPointF(x + high, ends[1]))
        x += step
    p.restore()


def field_panel(p: QPainter, widget: QWidget, *, hovered: bool = False) -> None:
    """The quiet rounded ground of an input, with the focus ring where it has the focus."""
    rect, radius = QRectF(widget.rect()), em(0.4)
    ground = colour("field")
    p.setPen(QPen(colour("muted" if hovered and widget.isEnabled() else "border"), 1))
    p.setBrush(ground)
    p.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    if widget.hasFocus():
        focus_ring(p, rect, radius)


class Card(QFrame):
    """A rounded panel with a vertical layout inside; `body` is that layout."""

    def __init__(self, parent: QWidget | None = None, *, role: str = "card") -> None:
        super().__init__(parent)
        self._role = role
        self.body = QVBoxLayout(self)
        pad = em(0.95)
        self.body.setContentsMargins(pad, round(pad * 0.8), pad, round(pad * 0.8))
        self.body.setSpacing(em(0.45))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("border"), 1))
        p.setBrush(colour(self._role))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em(0.55), em(0.55))


class Words(QLabel):
    """A text in one of the theme's roles that follows the scheme. `fixed` sets figures in the fixed-width font."""

    def __init__(
        self,
        text: str = "",
        role: str = "text",
        size: float = 1.0,
        *,
        bold: bool = False,
        fixed: bool = False,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._role = role
        weight = QFont.Weight.DemiBold if bold else QFont.Weight.Normal
        self.setFont(figures(size, weight=weight) if fixed else font(size, weight=weight))
        self.setWordWrap(wrap)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if wrap:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        theme().changed.connect(self._ink)
        self._ink()

    def minimumSizeHint(self) -> QSize:
        """A wrapped text with one endless word (a path) is cut off rather than make the window wider."""
        least = super().minimumSizeHint()
        return QSize(min(least.width(), em(12)), least.height()) if self.wordWrap() else least

    def set_role(self, role: str) -> None:
        self._role = role
        self._ink()

    def _ink(self) -> None:
        p = QPalette(self.palette())
        p.setColor(QPalette.ColorRole.WindowText, colour(self._role))
        self.setPalette(p)


class Elided(Words):
    """One line of text that gives way with an ellipsis; the whole text is its tool tip."""

    def minimumSizeHint(self) -> QSize:
        return QSize(em(3), super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        room = self.contentsRect()
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        self.setToolTip(self.text() if shown != self.text() else "")
        p.drawText(room, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)


def over(*words: Words) -> QVBoxLayout:
    """A title over what stands under it, without a gap."""
    column = QVBoxLayout()
    column.setSpacing(0)
    for each in words:
        column.addWidget(each)
    return column


def caption(text: str) -> Words:
    """The small heading of a section."""
    label = Words(text.upper(), "muted", 0.82, bold=True)
    label.setAccessibleName(text)
    return label


class Rule(QWidget):
    """A thin line between sections."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(em(0.7))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("border"), 1))
        y = self.height() // 2 + 0.5
        p.drawLine(0, int(y), self.width(), int(y))
