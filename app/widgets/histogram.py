"""How long the rows are: a histogram of token counts with the line where rows are cut. Its sentence is beside it."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.shown import Bins
from app.theme import colour, em, figures
from app.widgets.surface import painter_on


def paint_bins(p: QPainter, bins: Bins, plot: QRectF, cut: float, axis: float) -> None:
    """The bars on an axis from 0 to `axis` tokens over the width of `plot`; what lies beyond the cut is pale."""
    wide = plot.width() / axis
    each = bins.longest / len(bins.counts)
    most = max(bins.counts) or 1
    p.setPen(Qt.PenStyle.NoPen)
    for i, count in enumerate(bins.counts):
        if not count:
            continue
        tall = max(2.0, plot.height() * count / most)
        beyond = i * each >= cut
        p.setBrush(colour("others" if beyond else "pale"))
        p.setOpacity(0.45 if beyond else 1.0)
        left = plot.left() + i * each * wide + 0.5
        p.drawRect(QRectF(left, plot.bottom() - tall, max(1.0, each * wide - 1), tall))
    p.setOpacity(1.0)


class Histogram(QWidget):
    """The bins as bars; what lies beyond the cut is pale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bins: Bins | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Lengths of the rows")

    def show_bins(self, bins: Bins | None) -> None:
        self._bins = bins
        self.setVisible(bins is not None)
        if bins:
            self.setAccessibleDescription(bins.sentence)
            self.setToolTip(bins.sentence)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(12), em(4.1))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(6), em(4.1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self._bins is None or not self._bins.counts:
            return
        p, bins = painter_on(self), self._bins
        axis = max(bins.longest, 1) * 1.04
        shows_cut = bins.cut <= axis
        base, top = self.height() - em(1.25), em(0.35)
        wide = self.width() / axis
        paint_bins(p, bins, QRectF(0, top, self.width(), base - top), bins.cut if shows_cut else axis, axis)
        p.setPen(QPen(colour("border"), 1))
        p.drawLine(QLineF(0, base, self.width(), base))
        p.setFont(figures(0.8))
        p.setPen(colour("muted"))
        under = QRectF(0, base + 1, self.width(), em(1.2))
        p.drawText(under, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), "0")
        end = f"longest {bins.longest:,} tokens"
        p.drawText(under, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), end)
        if shows_cut:
            x = bins.cut * wide
            p.setPen(QPen(colour("bad"), 2))
            p.drawLine(QLineF(x, 0, x, base))
            text = f"cut {bins.cut:,}"
            room = p.fontMetrics().horizontalAdvance(text)
            p.drawText(QRectF(x + 4 if x + room + 6 < self.width() else x - room - 4, 0, room + 2, em(1.1)), 0, text)
