"""When the memory is needed: one bar for each instant of the timeline, the peak in its own colour, bold and marked.

A click or an arrow key picks an instant; the ledger then shows what is alive at it. The table twin is `as_rows`.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.shown import Moment
from app.theme import KIND_COLOURS, colour, em, figures, font
from app.widgets.surface import focus_ring, painter_on
from planner.ledger import At, Kind
from planner.units import GIB, words


def short_figure(n: int) -> str:
    """A figure for the top of a narrow bar: GiB with two places, or whole MiB; the heading says the unit."""
    return f"{n / GIB:.2f}" if n < 10 * GIB else f"{n / GIB:.1f}"


LABEL, SMALLEST_LABEL = 0.85, 0.58  # of the window's font


class MomentsChart(QWidget):
    """Bars over the timeline. `picked` carries the `At`."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._moments: tuple[Moment, ...] = ()
        self._chosen: At | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Memory at each moment")

    def show_moments(self, moments: tuple[Moment, ...], chosen: At | None, sentence: str) -> None:
        self._moments, self._chosen = moments, chosen
        self.setAccessibleDescription(sentence)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(30), em(8.0))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), em(8.0))

    def as_rows(self) -> list[tuple[str, str, str]]:
        return [(m.phase, m.label, words(m.bytes) + (" (peak)" if m.peak else "")) for m in self._moments]

    def _slots(self) -> list[QRectF]:
        n = max(1, len(self._moments))
        wide = self.width() / n
        return [QRectF(i * wide, 0, wide, self.height()) for i in range(len(self._moments))]

    def _label_size(self) -> float:
        """As large as the widest name under a bar allows, within what can be read."""
        names = [m.label for m in self._moments] + [m.phase for m in self._moments if self._alone(m.phase)]
        widest = max(QFontMetricsF(font(LABEL)).horizontalAdvance(name) for name in names)
        return min(LABEL, max(SMALLEST_LABEL, LABEL * 0.93 * self._slots()[0].width() / widest))

    def _alone(self, phase: str) -> bool:
        return sum(m.phase == phase for m in self._moments) == 1

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        if not self._moments:
            return
        label_size = self._label_size()
        top, base = em(1.7), self.height() - em(2.7)
        most = max(m.bytes for m in self._moments) or 1
        peak_fill, plain_fill = QColor(KIND_COLOURS[Kind.LOGITS]), colour("pale")
        for moment, slot in zip(self._moments, self._slots(), strict=True):
            gap = min(em(0.35), slot.width() * 0.12)
            tall = max(1.0, (base - top) * moment.bytes / most)
            bar = QRectF(slot.left() + gap, base - tall, slot.width() - 2 * gap, tall)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(peak_fill if moment.peak else plain_fill)
            p.drawRoundedRect(bar, 2.5, 2.5)
            if moment.at == self._chosen:
                p.setPen(QPen(colour("text"), 2))
                p.setBrush(Qt.BrushStyle.NoBrush)
                p.drawRoundedRect(bar.adjusted(1, 1, -1, -1), 2.5, 2.5)
            weight = QFont.Weight.Bold if moment.peak else QFont.Weight.Normal
            p.setPen(colour("text" if moment.peak else "muted"))
            p.setFont(figures(0.85, weight=weight))
            text = short_figure(moment.bytes)
            if moment.peak or p.fontMetrics().horizontalAdvance(text) < slot.width():
                above = QRectF(slot.center().x() - em(4), bar.top() - em(1.25), em(8), em(1.2))
                p.drawText(above, int(Qt.AlignmentFlag.AlignCenter), text)
            if moment.peak:  # marked by shape as well
                x, y = slot.center().x(), bar.top() + em(0.45)
                p.setPen(Qt.PenStyle.NoPen)
                p.setBrush(QColor("#ffffff"))
                r = em(0.26)
                p.drawPolygon(QPolygonF([QPointF(x - r, y + r), QPointF(x + r, y + r), QPointF(x, y - r)]))
            p.setPen(colour("text" if moment.peak else "muted"))
            p.setFont(font(label_size, weight=weight))
            shown = p.fontMetrics().elidedText(moment.label, Qt.TextElideMode.ElideRight, round(slot.width() + 2))
            under = QRectF(slot.left() - 2, base + em(0.15), slot.width() + 4, em(1.2))
            p.drawText(under, int(Qt.AlignmentFlag.AlignCenter), shown)
        self._phases(p, base + em(1.4), label_size)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))

    def _phases(self, painter: QPainter, y: float, label_size: float) -> None:
        """The phase's name under its moments, with a bracket; phases are what people read."""
        slots = self._slots()
        start = 0
        for i in range(1, len(self._moments) + 1):
            if i < len(self._moments) and self._moments[i].phase == self._moments[start].phase:
                continue
            rect = QRectF(slots[start].left() + 3, y, slots[i - 1].right() - slots[start].left() - 6, em(1.3))
            painter.setPen(QPen(colour("border"), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
            painter.setFont(font(label_size if i - start == 1 else LABEL))
            painter.setPen(colour("muted"))
            painter.drawText(rect.adjusted(-3, 0, 3, 0), int(Qt.AlignmentFlag.AlignCenter), self._moments[start].phase)
            start = i

    def _moment_at(self, where: QPointF) -> Moment | None:
        return next((m for m, s in zip(self._moments, self._slots(), strict=True) if s.contains(where)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        moment = self._moment_at(event.position())
        if moment:
            self.picked.emit(moment.at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        ats = [m.at for m in self._moments]
        if step is None or not ats:
            super().keyPressEvent(event)
            return
        i = ats.index(self._chosen) + step if self._chosen in ats else 0
        self.picked.emit(ats[max(0, min(len(ats) - 1, i))])

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            moment = self._moment_at(QPointF(event.pos()))
            text = f"{moment.phase}, {moment.label}: {words(moment.bytes)} of live tensors" if moment else ""
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)
