"""A progress bar and a strip of phases: how far, and what was going on when. Both are given numbers and add nothing."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QToolTip, QWidget

from app.theme import colour, em, font
from app.widgets.surface import painter_on

PHASE_COLOURS = {
    "load": "#56b4e9",
    "data": "#56b4e9",
    "sample": "#cc79a7",
    "evaluate": "#d55e00",
    "train": "#0072b2",
    "save": "#009e73",
    "paused": "#e69f00",
}


class Progress(QProgressBar):
    """A real progress bar, painted in the window's manner."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setAccessibleName("Progress")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def setValue(self, value: int) -> None:
        """Painted with all else: Qt's own would paint the whole page at once, figures and all, in the middle of a change."""
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)

    def sizeHint(self) -> QSize:
        return QSize(em(12), em(0.9))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect = QRectF(self.rect())
        radius = rect.height() / 2
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("field"))
        p.drawRoundedRect(rect, radius, radius)
        span = self.maximum() - self.minimum()
        share = (self.value() - self.minimum()) / span if span > 0 else 0.0
        if share > 0:
            p.setBrush(colour("accent"))
            p.drawRoundedRect(QRectF(0, 0, max(rect.height(), rect.width() * share), rect.height()), radius, radius)


@dataclass(frozen=True)
class Stretch:
    """A phase from one end to the other, as shares of the axis."""

    name: str
    start: float
    end: float


class PhaseStrip(QWidget):
    """The phases under a time axis; `margins` are those of the figure above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stretches: tuple[Stretch, ...] = ()
        self._left, self._right = em(3.6), em(0.8)
        self.setAccessibleName("Phases over time")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_stretches(self, stretches: tuple[Stretch, ...]) -> None:
        if stretches != self._stretches:
            self._stretches = stretches
            self.setAccessibleDescription(", ".join(s.name for s in stretches))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(20), em(1.25))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(10), em(1.25))

    def _rect(self, stretch: Stretch) -> QRectF:
        wide = self.width() - self._left - self._right
        a, b = max(0.0, stretch.start), min(1.0, stretch.end)
        return QRectF(self._left + a * wide, 1, max(1.5, (b - a) * wide), self.height() - 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setFont(font(0.8))
        for stretch in self._stretches:
            rect = self._rect(stretch)
            fill = QColor(PHASE_COLOURS.get(stretch.name, colour("others").name()))
            fill.setAlphaF(0.30)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(fill)
            p.drawRect(rect)
            if p.fontMetrics().horizontalAdvance(stretch.name) + 4 < rect.width():
                p.setPen(colour("text"))
                p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), stretch.name)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            x = event.pos().x()
            found = next(
                (s for s in reversed(self._stretches) if self._rect(s).left() <= x <= self._rect(s).right()), None
            )
            QToolTip.showText(event.globalPos(), found.name if found else "", self)
            return True
        return super().event(event)
