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
    QResizeEvent,
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


LABEL, SMALLEST_LABEL = 0.85, 0.68  # of the window's font
ROW_EM = 1.05  # between two rows of names


class MomentsChart(QWidget):
    """Bars over the timeline. `picked` carries the `At`."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._moments: tuple[Moment, ...] = ()
        self._chosen: At | None = None
        self._two_rows = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Memory at each moment")

    def show_moments(self, moments: tuple[Moment, ...], chosen: At | None, sentence: str) -> None:
        self._moments, self._chosen = moments, chosen
        self.setAccessibleDescription(sentence)
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(30), self._high())

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), self._high())

    def _high(self) -> int:
        return em(8.0 + (2 * ROW_EM if self._two_rows else 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Where even small names do not fit below each other's bars, every second one stands a row lower."""
        two = bool(self._moments) and self._fitting_size(1) < SMALLEST_LABEL
        if two != self._two_rows:
            self._two_rows = two
            self.updateGeometry()

    def as_rows(self) -> list[tuple[str, str, str]]:
        return [(m.phase, m.label, words(m.bytes) + (" (peak)" if m.peak else "")) for m in self._moments]

    def _slots(self) -> list[QRectF]:
        n = max(1, len(self._moments))
        wide = self.width() / n
        return [QRectF(i * wide, 0, wide, self.height()) for i in range(len(self._moments))]

    def _label_size(self) -> float:
        """As large as the widest name under a bar allows, within what can be read."""
        return min(LABEL, max(SMALLEST_LABEL, self._fitting_size(2 if self._two_rows else 1)))

    def _fitting_size(self, slots: int) -> float:
        """At which the widest name is as wide as so many bars."""
        names = [m.label for m in self._moments] + [m.phase for m in self._moments if self._alone(m.phase)]
        widest = max(QFontMetricsF(font(LABEL)).horizontalAdvance(name) for name in names)
        return LABEL * 0.93 * slots * self._slots()[0].width() / widest

    def _figures_size(self) -> float:
        """So that two neighbours' figures do not touch."""
        wide = QFontMetricsF(figures(LABEL)).horizontalAdvance("0.00")
        return min(LABEL, max(SMALLEST_LABEL, LABEL * (self._slots()[0].width() - 3) / wide))

    def _alone(self, phase: str) -> bool:
        return sum(m.phase == phase for m in self._moments) == 1

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        if not self._moments:
            return
        label_size = self._label_size()
        rows = 2 if self._two_rows else 1
        top, base = em(1.7), self.height() - em(2.7 + 2 * ROW_EM * (rows - 1))
        figures_size = self._figures_size()
        most = max(m.bytes for m in self._moments) or 1
        peak_fill, plain_fill = QColor(KIND_COLOURS[Kind.LOGITS]), colour("pale")
        for i, (moment, slot) in enumerate(zip(self._moments, self._slots(), strict=True)):
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
            p.setFont(figures(LABEL if moment.peak else figures_size, weight=weight))
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
            room = slot.width() * rows
            shown = p.fontMetrics().elidedText(moment.label, Qt.TextElideMode.ElideRight, round(room + 2))
            lower = em(ROW_EM) * (i % rows)
            under = QRectF(slot.center().x() - room / 2 - 2, base + em(0.15) + lower, room + 4, em(1.2))
            side = Qt.AlignmentFlag.AlignHCenter
            if under.left() < -2:  # the first and the last are not cut by the edge
                under.moveLeft(0)
                side = Qt.AlignmentFlag.AlignLeft
            elif under.right() > self.width() + 2:
                under.moveRight(self.width())
                side = Qt.AlignmentFlag.AlignRight
            p.drawText(under, int(side | Qt.AlignmentFlag.AlignVCenter), shown)
        self._phases(p, base + em(1.4 + ROW_EM * (rows - 1)), label_size)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))

    def _phases(self, painter: QPainter, y: float, label_size: float) -> None:
        """The phase's name under its moments, with a bracket; phases are what people read."""
        slots = self._slots()
        start, row = 0, 0
        for i in range(1, len(self._moments) + 1):
            if i < len(self._moments) and self._moments[i].phase == self._moments[start].phase:
                continue
            rect = QRectF(slots[start].left() + 3, y, slots[i - 1].right() - slots[start].left() - 6, em(1.3))
            painter.setPen(QPen(colour("border"), 1))
            painter.drawLine(rect.topLeft(), rect.topRight())
            painter.setFont(font(label_size if i - start == 1 else LABEL))
            painter.setPen(colour("muted"))
            phase = self._moments[start].phase
            name = rect.adjusted(-3, 0, 3, 0)
            if self._two_rows and i - start == 1:  # a phase of one narrow bar: never in its neighbour's row
                row = 1 - row if start else 0
                wide = painter.fontMetrics().horizontalAdvance(phase) + 2
                left = name.center().x() - wide / 2
                name = QRectF(min(max(left, 0), self.width() - wide), y + em(ROW_EM) * row, wide, rect.height())
            else:
                row = 0
            painter.drawText(name, int(Qt.AlignmentFlag.AlignCenter), phase)
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
