"""What was said against what it took: the predicted band with its expected figure, and the measured bar below it."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.shown import Part
from app.theme import KIND_COLOURS, colour, em, figures, font
from app.widgets.surface import painter_on
from planner.ledger import Kind
from planner.units import words


class SaidTook(QWidget):
    """Two bars on one scale. The upper one is made of the parts the ledger named."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._said = (0, 0, 0)
        self._parts: tuple[Part, ...] = ()
        self._took = 0
        self._over = False
        self.setAccessibleName("Said and took")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_figures(self, said: tuple[int, int, int], parts: tuple[Part, ...], took: int, *, over: bool) -> None:
        """said: low, expected, high. took: highest so far. over: the run has ended."""
        self._said, self._parts, self._took, self._over = said, parts, took, over
        low, expected, high = said
        text = f"Said {words(expected)}, between {words(low)} and {words(high)}; took {words(took)}"
        self.setAccessibleDescription(text + (" so far." if not over else "."))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(20), em(5.2))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(12), em(5.2))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        low, expected, high = self._said
        most = max(high, self._took, 1)
        left, right = em(3.2), em(5.2)
        per_byte = (self.width() - left - right) / most
        tall = em(1.35)
        for i, (name, size) in enumerate((("said", expected), ("took", self._took))):
            y = em(0.3) + i * em(2.2)
            p.setFont(font())
            p.setPen(colour("muted"))
            p.drawText(QRectF(0, y, left - em(0.4), tall), int(Qt.AlignmentFlag.AlignVCenter), name)
            p.setFont(figures(0.98))
            p.setPen(colour("text"))
            x = (
                left + (max(high, self._took) * per_byte if expected else 0) + em(0.5)
            )  # both beside the band, no line through
            p.drawText(QRectF(x, y, right, tall), int(Qt.AlignmentFlag.AlignVCenter), words(size) if size else "–")
        x = float(left)
        y = em(0.3)
        p.setPen(Qt.PenStyle.NoPen)
        for part in self._parts:
            wide = part.bytes * per_byte
            fill = QColor(KIND_COLOURS[part.kind]) if part.kind else QColor(colour("others"))
            if part.kind is None:
                fill.setAlphaF(0.4)
            p.setBrush(fill)
            p.drawRect(QRectF(x, y, wide, tall))
            x += wide
        band = QColor(KIND_COLOURS[Kind.LOGITS])
        band.setAlphaF(0.18)
        p.setBrush(band)
        p.drawRect(QRectF(left + low * per_byte, y - em(0.15), (high - low) * per_byte, em(4.2)))
        p.setPen(QPen(QColor(KIND_COLOURS[Kind.LOGITS]), 1.8, Qt.PenStyle.DashLine))
        p.drawLine(QLineF(left + expected * per_byte, y - em(0.15), left + expected * per_byte, y + em(4.05)))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(colour("accent"))
        if not self._over:
            p.setOpacity(0.75)
        p.drawRect(QRectF(left, y + em(2.2), self._took * per_byte, tall))
