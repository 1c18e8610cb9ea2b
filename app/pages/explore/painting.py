"""What lies under and over the scatter's points: axes with their marks, the load line, rings and pins.

Functions of a painter and places; they keep nothing and change nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPen

from app.pages.explore.points import ScatterData
from app.theme import colour, em, figures, font

RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
CENTRE = int(Qt.AlignmentFlag.AlignCenter)


def heading(title: str) -> str:
    """`Peak memory, GiB` as a small heading: the words large, the unit as it is."""
    words, comma, unit = title.partition(",")
    return words.upper() + comma + unit


def paint_axes(p: QPainter, data: ScatterData, plot: QRect) -> None:
    """Grid, marks and titles round `plot`."""
    x_axis, y_axis = data.axes
    p.setFont(figures(0.85))
    wide, high = p.fontMetrics().horizontalAdvance("888"), p.fontMetrics().height()
    upward = list(data.y_ticks) or y_axis.ticks(min(9, max(2, plot.height() // round(high * 3.2))), data.y_words)
    across = x_axis.byte_ticks(max(2, plot.width() // round(wide * 4)))
    for value, label in upward:
        y = plot.top() + (1 - y_axis.place(value)) * plot.height()
        p.setPen(QPen(colour("border"), 1))
        p.drawLine(QPointF(plot.left(), y), QPointF(plot.right() + 1, y))
        p.setPen(colour("muted"))
        room = plot.left() - em(0.5)
        shown = p.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, room)
        p.drawText(QRectF(0, y - em(0.7), room, em(1.4)), RIGHT, shown)
    for value, label in across:
        x = plot.left() + x_axis.place(value) * plot.width()
        p.setPen(QPen(colour("border"), 1))
        p.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom() + 1))
        p.setPen(colour("muted"))
        p.drawText(QRectF(x - em(3), plot.bottom() + em(0.35), em(6), em(1.2)), CENTRE, label)
    p.setPen(QPen(colour("border"), 1))
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawRect(QRectF(plot).adjusted(0.5, 0.5, 0.5, 0.5))
    p.setFont(font(0.82, weight=QFont.Weight.DemiBold))
    p.setPen(colour("muted"))
    title = QRectF(em(0.5), em(0.2), plot.right(), em(1.3))
    p.drawText(title, int(Qt.AlignmentFlag.AlignVCenter), f"{heading(data.y_title)} ↑")
    p.drawText(QRectF(0, plot.bottom() + em(1.5), plot.right(), em(1.3)), RIGHT, f"{heading(data.x_title)} →")
    if not len(data.shown):
        p.setFont(font())
        p.drawText(QRectF(plot), CENTRE, "No plan is left to show")


def paint_load_line(p: QPainter, plot: QRect, x: float, top: float, own: float | None) -> None:
    """x: where the line stands; top: where its handle's ring ends; own: where the machine has it, if elsewhere."""
    if own is not None:
        p.setPen(QPen(colour("muted"), 1.5, Qt.PenStyle.DashLine))
        p.drawLine(QPointF(own, plot.top()), QPointF(own, plot.bottom() + 1))
    p.setPen(QPen(colour("text"), 2.2))
    p.drawLine(QPointF(x, top), QPointF(x, plot.bottom() + 1))


def paint_ring(p: QPainter, at: QPointF, role: str, radius: float) -> None:
    """With the card's colour on both sides, so that it is seen among any points."""
    p.setBrush(Qt.BrushStyle.NoBrush)
    for ink, width in (("card", 4.6), (role, 2.4)):
        p.setPen(QPen(colour(ink), width))
        p.drawEllipse(at, radius, radius)


def paint_pin(p: QPainter, letter: str, at: QPointF) -> None:
    """A disc with the letter, on a short stem above the plan."""
    middle, radius = at - QPointF(0, em(1.35)), em(0.62)
    p.setPen(QPen(colour("accent"), 2))
    p.drawLine(at, middle)
    p.setPen(QPen(colour("card"), 1.5))
    p.setBrush(colour("accent"))
    p.drawEllipse(middle, radius, radius)
    p.setFont(font(0.82, weight=QFont.Weight.Bold))
    p.setPen(colour("on_accent"))
    p.drawText(QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius), CENTRE, letter)


def pin_reach() -> int:
    """How far a ring or a pin reaches from its plan."""
    return em(2.2)
