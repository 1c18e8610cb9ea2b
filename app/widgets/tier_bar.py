"""The stacked bar of one tier: other programs hatched, the run's parts, the load line, and the whisker of uncertainty.

Where the run is small beside the machine, a second bar below shows the run alone, drawn larger, joined by two lines.
A click or an arrow key picks a part; `picked` carries its key. Its table twin is the ledger; its sentence is its
accessible description.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.shown import Bar, Part
from app.theme import KIND_COLOURS, colour, em, figures, font, ink_on
from app.widgets.surface import focus_ring, hatch, painter_on
from planner.units import GIB, MIB, words

ENLARGE_BELOW = 0.35  # of the axis: below, the run is also drawn alone


def ticks(axis_bytes: int, most: int = 8) -> tuple[list[int], str]:
    """Round positions for an axis, and the unit their labels are in."""
    unit, name = (GIB, "GiB") if axis_bytes >= 2 * GIB else (MIB, "MiB")
    top = axis_bytes / unit
    step = 1.0
    while top / step > most:
        step *= 2.5 if str(int(step))[0] == "2" else 2
    return [round(i * step * unit) for i in range(int(top / step) + 1)], name


def part_colour(part: Part) -> QColor:
    return QColor(KIND_COLOURS[part.kind]) if part.kind else colour("others")


class TierBar(QWidget):
    """One tier's bar. Give it a `Bar`; it asks for the height it needs."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar: Bar | None = None
        self._main = True
        self._selected: int | None = None
        self._hits: list[tuple[QRectF, Part]] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_bar(self, bar: Bar, *, main: bool = True) -> None:
        """main: the tier that decides, drawn large; the others are one thin bar with their figures in words."""
        before = self.sizeHint() if self._bar else None
        self._bar, self._main = bar, main
        self.setAccessibleName(f"Memory of {bar.name}")
        self.setAccessibleDescription(bar.sentence)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if main else Qt.FocusPolicy.NoFocus)
        if before != self.sizeHint():
            self.updateGeometry()
        self.update()

    def select(self, key: int | None) -> None:
        self._selected = key
        self.update()

    @staticmethod
    def _enlarged(bar: Bar) -> bool:
        run = bar.high_bytes - bar.others_bytes
        return 0 < run < bar.axis_bytes * ENLARGE_BELOW

    def sizeHint(self) -> QSize:
        if not self._main:
            return QSize(em(30), em(1.7))
        enlarged = self._bar is not None and self._enlarged(self._bar)
        return QSize(em(30), em(9.6 if enlarged else 6.2))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(16), self.sizeHint().height())

    def _left(self) -> int:
        return em(4.2)

    def _scale(self, bar: Bar) -> float:
        """Device-independent pixels per byte of the upper bar."""
        return (self.width() - self._left() - em(1)) / bar.axis_bytes

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        if self.hasFocus():
            focus_ring(p, QRectF(self.rect()), em(0.3))
        if self._bar is None:
            return
        bar, per_byte, left = self._bar, self._scale(self._bar), self._left()
        self._hits = []
        if not self._main:
            self._thin(p, bar, per_byte)
            return
        top, high = em(2.0), em(2.2)
        ground = QRectF(left, top, bar.capacity_bytes * per_byte, high)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("field"))
        p.drawRect(
            QRectF(left, top, bar.axis_bytes * per_byte, high) if bar.axis_bytes > bar.capacity_bytes else ground
        )
        p.setFont(font(weight=QFont.Weight.DemiBold))
        p.setPen(colour("text"))
        p.drawText(QRectF(em(0.2), top, left - em(0.6), high), int(Qt.AlignmentFlag.AlignVCenter), bar.name)
        self._others(p, QRectF(left, top, bar.others_bytes * per_byte, high), bar.others_bytes)
        enlarged = self._enlarged(bar)
        x = left + bar.others_bytes * per_byte
        self._parts(p, bar, x, top, high, per_byte, hits=not enlarged)
        self._overflow(p, bar, top, high, per_byte)
        if not enlarged:
            self._whisker(p, bar, top + high + em(0.35), per_byte, left)
        self._axis(p, bar, top + high + em(0.65), per_byte)
        self._load_line(p, bar, top, high, per_byte)
        if enlarged:
            self._alone(p, bar, top + high, per_byte)

    def _thin(self, p: QPainter, bar: Bar, per_byte: float) -> None:
        """A tier that does not decide: how much of it, in one line."""
        left, top, high = self._left(), em(0.35), em(1.0)
        p.setFont(font(weight=QFont.Weight.DemiBold))
        p.setPen(colour("text"))
        p.drawText(QRectF(em(0.2), 0, left - em(0.6), self.height()), int(Qt.AlignmentFlag.AlignVCenter), bar.name)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("field"))
        p.drawRect(QRectF(left, top, bar.axis_bytes * per_byte, high))
        self._others(p, QRectF(left, top, bar.others_bytes * per_byte, high), bar.others_bytes, label=False)
        x = left + bar.others_bytes * per_byte
        self._parts(p, bar, x, top, high, per_byte, hits=True)
        run = bar.expected_bytes - bar.others_bytes
        text = f"{words(run)} of {words(bar.load_line_bytes - bar.others_bytes)} free"
        p.setFont(font(0.85))
        p.setPen(colour("bad" if bar.expected_bytes > bar.load_line_bytes else "muted"))
        flags = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        p.drawText(QRectF(left, top, self.width() - left - em(1.3), high), flags, text)

    def _others(self, p: QPainter, rect: QRectF, size: int, *, label: bool = True) -> None:
        if rect.width() < 0.5:
            return
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("others"))
        p.drawRect(rect)
        stripes = QColor(colour("card"))
        stripes.setAlphaF(0.55)
        hatch(p, rect, stripes)
        p.setFont(font(0.85, weight=QFont.Weight.DemiBold))
        text = f"others {size / GIB:.1f}"
        if label and p.fontMetrics().horizontalAdvance(text) + em(0.8) < rect.width():
            wide = p.fontMetrics().horizontalAdvance(text) + em(0.6)
            plate = QRectF(rect.center().x() - wide / 2, rect.center().y() - em(0.6), wide, em(1.2))
            p.setBrush(colour("others"))
            p.drawRoundedRect(plate, em(0.2), em(0.2))
            p.setPen(QColor("#ffffff"))
            p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)

    def _parts(self, p: QPainter, bar: Bar, x: float, top: float, high: float, per_byte: float, *, hits: bool) -> None:
        for part in bar.parts:
            wide = part.bytes * per_byte
            rect = QRectF(x, top, wide, high)
            x += wide
            if hits:
                self._hits.append((rect.adjusted(0, 0, max(0.0, 3 - wide), 0), part))
            fill = part_colour(part)
            if self._selected is not None and part.key != self._selected:
                fill.setAlphaF(0.35)
            p.setPen(Qt.PenStyle.NoPen)
            if part.kind is None:  # allocator and runtime: pale, so that live tensors stand out
                pale = QColor(fill)
                pale.setAlphaF(0.35)
                p.setBrush(pale)
                p.drawRect(rect)
                hatch(p, rect, fill, rising=False, gap=0.8)
            else:
                p.setBrush(fill)
                p.drawRect(rect)
            if wide > 3:
                p.setPen(QPen(colour("card"), 1))
                p.drawLine(QPointF(rect.right(), top), QPointF(rect.right(), top + high))
            self._part_label(p, part, self._beside_the_line(rect, bar) if high > em(2) else rect)

    def _beside_the_line(self, rect: QRectF, bar: Bar) -> QRectF:
        """The larger piece of a part that the load line cuts, so that the line goes through no word."""
        x = self._left() + bar.load_line_bytes * self._scale(bar)
        if not rect.left() < x < rect.right():
            return rect
        left, right = QRectF(rect), QRectF(rect)
        left.setRight(x)
        right.setLeft(x)
        return max(left, right, key=QRectF.width)

    def _part_label(self, p: QPainter, part: Part, rect: QRectF) -> None:
        p.setFont(font(0.88, weight=QFont.Weight.DemiBold))
        size = words(part.bytes)
        for text in (f"{part.label} {size}", part.label, size):
            if p.fontMetrics().horizontalAdvance(text) + em(0.5) < rect.width():
                p.setPen(ink_on(part.kind) if part.kind else colour("text"))
                p.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)
                return

    def _overflow(self, p: QPainter, bar: Bar, top: float, high: float, per_byte: float) -> None:
        """An outline round what sticks out beyond the load line."""
        if bar.expected_bytes <= bar.load_line_bytes:
            return
        a, b = (self._left() + v * per_byte for v in (bar.load_line_bytes, bar.expected_bytes))
        p.setPen(QPen(colour("bad"), 2, Qt.PenStyle.DashLine))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(QRectF(a, top - 3, b - a, high + 6))
        p.setFont(font(0.88, weight=QFont.Weight.DemiBold))
        p.setPen(colour("bad"))
        text = f"{words(bar.expected_bytes - bar.load_line_bytes)} over"
        wide = p.fontMetrics().horizontalAdvance(text)
        x = min(max(a + em(1.25), a + (b - a) / 2 - wide / 2), self.width() - wide - 2)  # beside the ring's arm
        p.drawText(QPointF(x, top - em(0.5)), text)

    def _whisker(self, p: QPainter, bar: Bar, y: float, per_byte: float, left: float) -> None:
        low, high = left + bar.low_bytes * per_byte, left + bar.high_bytes * per_byte
        p.setPen(QPen(colour("text"), 1.5))
        p.drawLine(QPointF(low, y), QPointF(high, y))
        for x in (low, high):
            p.drawLine(QPointF(x, y - em(0.25)), QPointF(x, y + em(0.25)))

    def _axis(self, p: QPainter, bar: Bar, y: float, per_byte: float) -> None:
        p.setFont(figures(0.85))
        p.setPen(colour("muted"))
        at, unit = ticks(bar.axis_bytes)
        size = GIB if unit == "GiB" else MIB
        for i, value in enumerate(at):
            text = f"{value / size:g}" + (f" {unit}" if i == len(at) - 1 else "")
            wide = p.fontMetrics().horizontalAdvance(text)
            x = min(self._left() + value * per_byte - wide / 2, self.width() - wide - 1)
            p.drawText(QRectF(x, y, wide + 2, em(1.2)), int(Qt.AlignmentFlag.AlignVCenter), text)

    def _load_line(self, p: QPainter, bar: Bar, top: float, high: float, per_byte: float) -> None:
        """The one strong mark: the circle with a line, standing where this run must end."""
        x = self._left() + bar.load_line_bytes * per_byte
        ring, y = em(0.5), top - em(0.75)
        p.setPen(QPen(colour("text"), 2.2))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawLine(QPointF(x, y + ring), QPointF(x, top + high + em(0.3)))
        p.drawEllipse(QPointF(x, y), ring, ring)
        p.drawLine(QPointF(x - ring * 1.9, y), QPointF(x + ring * 1.9, y))
        p.setFont(figures(0.88))
        text = f"load line {words(bar.load_line_bytes)}"
        wide = p.fontMetrics().horizontalAdvance(text)
        if bar.expected_bytes <= bar.load_line_bytes or x - ring * 2.4 - wide > self._left():
            p.drawText(QPointF(max(x - ring * 2.4 - wide, em(0.2)), y + em(0.3)), text)

    def _alone(self, p: QPainter, bar: Bar, upper_bottom: float, per_byte: float) -> None:
        """The run by itself, as wide as the bar above."""
        run = max(bar.high_bytes - bar.others_bytes, 1)
        top, high = upper_bottom + em(2.7), em(1.9)
        left, wide = self._left(), self.width() - self._left() - em(1)
        a = left + bar.others_bytes * per_byte
        b = a + run * per_byte
        lens = QColor(colour("accent"))
        lens.setAlphaF(0.10)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(lens)
        p.drawPolygon(
            QPolygonF(
                [QPointF(a, upper_bottom), QPointF(b, upper_bottom), QPointF(left + wide, top), QPointF(left, top)]
            )
        )
        p.setFont(font(0.88))
        p.setPen(colour("muted"))
        p.drawText(QRectF(em(0.2), top, left - em(0.6), high), int(Qt.AlignmentFlag.AlignVCenter), "this run")
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("field"))
        p.drawRect(QRectF(left, top, wide, high))
        self._parts(p, bar, left, top, high, wide / run, hits=True)
        self._whisker(p, bar, top + high + em(0.4), wide / run, left - bar.others_bytes * wide / run)

    def _part_at(self, where: QPointF) -> Part | None:
        return next((part for rect, part in reversed(self._hits) if rect.contains(where)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        part = self._part_at(event.position())
        if part:
            self.picked.emit(part.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = [part.key for part in self._bar.parts] if self._bar else []
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not keys:
            super().keyPressEvent(event)
            return
        at = keys.index(self._selected) + step if self._selected in keys else (0 if step > 0 else len(keys) - 1)
        self.picked.emit(keys[max(0, min(len(keys) - 1, at))])

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self._bar:
            QToolTip.showText(event.globalPos(), self._tip(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def _tip(self, where: QPointF) -> str:
        assert self._bar is not None
        part = self._part_at(where)
        if part:
            return f"{part.label}: {words(part.bytes)}"
        x = where.x() - self._left()
        if 0 <= x <= self._bar.others_bytes * self._scale(self._bar):
            names = [f"{name} {words(size)}" for name, size in self._bar.others]
            return "Held by other programs:\n" + ("\n".join(names) or words(self._bar.others_bytes))
        return self._bar.sentence
