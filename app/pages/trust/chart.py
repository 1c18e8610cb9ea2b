"""The trust picture: every run as a point, what was said against what it took, with the diagonal and the ±5 % band.

A marker's shape says where the run comes from, its colour says it again. The points are painted once into a picture;
pointing and picking only paint over it. Its table twin is `table`; its sentence is its accessible description.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.pages.trust.markers import paint_marker, stamp
from app.pages.trust.rows import Origin, TrustRow
from app.pages.trust.scale import Scale
from app.pages.trust.state import BAND_PCT
from app.theme import colour, em, font, theme
from app.widgets.surface import focus_ring, painter_on
from planner.units import GIB

REACH = 0.8  # em around a point in which it is meant
LEFT, RIGHT, UP, DOWN = Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down
STEPS = {LEFT: -1, RIGHT: 1, UP: 1, DOWN: -1}


class TrustChart(QWidget):
    """`picked` and `hovered` carry a row's key, `hovered` an empty one when nothing is meant; `step` says (steps, along
    the size or the miss) for the arrow keys."""

    picked = Signal(str)
    hovered = Signal(str)
    step = Signal(int, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[TrustRow] = ()
        self._scale = Scale.of(())
        self._selected = self._hovered = ""
        self._picture: QPixmap | None = None
        self._points: list[QPointF] = []  # of the rows, as the picture has them
        self.misses = False
        self.painted = {"points": 0, "over": 0}  # how often each kind of painting was done; a test looks here
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Predicted against measured")
        theme().changed.connect(self._repaint)

    def show_rows(self, rows: Sequence[TrustRow], selected: str, sentence: str) -> None:
        self._rows, self._selected = rows, selected
        self._scale = Scale.of(rows)
        self.setAccessibleDescription(sentence)
        self._repaint()

    def show_misses(self, misses: bool) -> None:
        """The miss in per cent in place of what was said, so that small ones are seen apart."""
        self.misses = misses
        self._repaint()

    def select(self, key: str) -> None:
        self._selected = key
        self.update()

    def _repaint(self) -> None:
        self._picture = None
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(34), em(28))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(18), em(14))

    # places

    def plot(self) -> QRectF:
        """The inner rectangle, inside the axes."""
        return QRectF(self.rect()).adjusted(em(3.4), em(0.6), -em(0.8), -em(2.6))

    def point(self, row: TrustRow) -> QPointF:
        return self._at(self._scale.x(row.measured), self._scale.y(row.expected, row.measured, misses=self.misses))

    def _at(self, x: float, y: float) -> QPointF:
        plot = self.plot()
        return QPointF(plot.left() + x * plot.width(), plot.bottom() - y * plot.height())

    def _place_points(self) -> None:
        plot, scale = self.plot(), self._scale
        left, bottom, wide, high = plot.left(), plot.bottom(), plot.width(), plot.height()
        self._points = [
            QPointF(
                left + scale.x(r.measured) * wide, bottom - scale.y(r.expected, r.measured, misses=self.misses) * high
            )
            for r in self._rows
        ]

    def key_at(self, where: QPointF) -> str:
        """The nearest row within reach, of equally near ones the last: a person's own come after published ones."""
        best, found = float(em(REACH) ** 2), ""
        for row, at in zip(self._rows, self._points, strict=False):
            far = (at.x() - where.x()) ** 2 + (at.y() - where.y()) ** 2
            if far <= best:
                best, found = far, row.key
        return found

    # painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.deviceIndependentSize().toSize() != self.size():
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._picture)
            inner.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            self._paint_still(inner)
            inner.end()
            self.painted["points"] += 1
        self.painted["over"] += 1
        p = painter_on(self)
        p.drawPixmap(0, 0, self._picture)
        for key in (self._selected, self._hovered):
            row = next((r for r in self._rows if r.key == key), None) if key else None
            if row is not None:
                self._paint_meant(p, row)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))

    def _paint_still(self, p: QPainter) -> None:
        plot = self.plot()
        self._paint_grid(p, plot)
        self._paint_band(p, plot)
        p.setClipRect(plot.adjusted(-em(0.4), -em(0.4), em(0.4), em(0.4)))
        self._place_points()
        for origin in Origin:  # a person's own lie on top
            one = stamp(origin, em(0.27), self.devicePixelRatioF())
            half = one.deviceIndependentSize().width() / 2
            for row, at in zip(self._rows, self._points, strict=True):
                if row.origin is origin:
                    p.drawImage(QPointF(at.x() - half, at.y() - half), one)
        p.setClipping(False)

    def _paint_grid(self, p: QPainter, plot: QRectF) -> None:
        across = self._scale.size_ticks()
        upward = self._scale.miss_ticks() if self.misses else across
        p.setFont(font(0.85))
        metrics = p.fontMetrics()
        last = 1e9
        for at, label in upward:
            y = self._at(0, at).y()
            p.setPen(QPen(colour("border"), 1))
            p.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            if abs(last - y) < metrics.height():  # labels of small misses would lie on each other
                continue
            last = y
            p.setPen(colour("muted"))
            box = QRectF(0, y - em(0.7), plot.left() - em(0.4), em(1.4))
            p.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), label)
        for at, label in across:
            x = self._at(at, 0).x()
            p.setPen(QPen(colour("border"), 1))
            p.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
            p.setPen(colour("muted"))
            p.drawText(
                QRectF(x - em(2), plot.bottom() + em(0.1), em(4), em(1.2)), int(Qt.AlignmentFlag.AlignCenter), label
            )
        p.drawText(
            QRectF(plot.left(), plot.bottom() + em(1.25), plot.width(), em(1.3)),
            int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
            "it took, GiB →",
        )
        p.setFont(font(0.85, weight=QFont.Weight.DemiBold))
        inset = em(0.5)
        more, less = "said more than it took", "said less than it took: what runs out of memory"
        p.drawText(plot.adjusted(inset, inset, 0, 0), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), more)
        p.drawText(
            plot.adjusted(0, 0, -inset, -inset), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom), less
        )

    def _paint_band(self, p: QPainter, plot: QRectF) -> None:
        ends = [round(GIB * 10**end) for end in (self._scale.low, self._scale.high)]

        def line(pct: float) -> list[QPointF]:
            return [
                self._at(self._scale.x(n), self._scale.y(round(n * (1 + pct / 100)), n, misses=self.misses))
                for n in ends
            ]

        band = QColor(colour("good"))
        band.setAlphaF(0.22)
        p.save()
        p.setClipRect(plot)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(band)
        p.setRenderHint(
            QPainter.RenderHint.Antialiasing, False
        )  # its edge is pale, and smoothing costs ten times as much
        p.drawPolygon(QPolygonF([*line(BAND_PCT), *reversed(line(-BAND_PCT))]))
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(colour("text"), 1.3, Qt.PenStyle.DashLine))
        p.drawLine(*line(0.0))
        p.restore()

    def _paint_meant(self, p: QPainter, row: TrustRow) -> None:
        """The point a person means, with what was said from low to high."""
        at = self.point(row)
        if row.high:
            self._paint_said(p, row)
        paint_marker(p, row.origin, at, em(0.36))
        p.setPen(QPen(colour("text"), 2))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawEllipse(at, em(0.6), em(0.6))

    def _paint_said(self, p: QPainter, row: TrustRow) -> None:
        """From low to high."""
        x = self._scale.x(row.measured)
        ends = [
            self._at(x, min(1.05, max(-0.05, self._scale.y(n, row.measured, misses=self.misses))))
            for n in (row.low, row.high)
        ]
        p.setPen(QPen(colour("text"), 2))
        p.drawLine(*ends)
        for end in ends:
            p.drawLine(end - QPointF(em(0.25), 0), end + QPointF(em(0.25), 0))

    # pointing

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.key_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        self._hover("")

    def _hover(self, key: str) -> None:
        if key != self._hovered:
            self._hovered = key
            self.update()
            self.hovered.emit(key)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.picked.emit(self.key_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in STEPS:
            self.step.emit(STEPS[key], key in (UP, DOWN))
        elif key == Qt.Key.Key_Escape and self._selected:
            self.picked.emit("")
        else:
            super().keyPressEvent(event)
