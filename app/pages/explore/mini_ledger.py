"""The ledger of the plan under the pointer, small, beside it: what it is, what it needs and the largest parts of that."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.theme import KIND_COLOURS, colour, em, figures, font
from app.widgets.surface import painter_on
from planner.estimate import Estimate
from planner.ledger import Kind
from planner.units import words

MOST = 6  # parts
LINE_EM = 1.3

Part = tuple[str, int, Kind | None]


def parts_of(one: Estimate) -> list[Part]:
    """(name, bytes, kind) at the peak of the computing device, the largest first, what lies beside the ledger last."""
    if not one.tiers or one.tiers[0].peak_at is None:
        return []
    tier = one.tiers[0]
    assert tier.peak_at is not None
    by_kind: dict[Kind, int] = {}
    for line in one.at(tier.place, tier.peak_at):
        by_kind[line.kind] = by_kind.get(line.kind, 0) + int(line.bytes)
    found: list[Part] = [(kind.value, size, kind) for kind, size in sorted(by_kind.items(), key=lambda x: -x[1])]
    if len(found) > MOST:
        found = [*found[: MOST - 1], ("other parts", sum(size for _, size, _ in found[MOST - 1 :]), None)]
    return [*found, ("allocator and runtime", tier.reserved.expected, None)]


class MiniLedger(QWidget):
    """Lies over the chart and lets the pointer through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._title, self._figures = "", ""
        self.parts: list[Part] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Plan pointed at")
        self.hide()

    def show_plan(self, title: str, cost: str, one: Estimate, at: QPointF) -> None:
        """Beside a place of the parent."""
        self._title = title
        self.parts = parts_of(one)
        need = words(one.tiers[0].peak_bytes) if one.tiers else ""
        self._figures = " · ".join(filter(None, (need, cost)))
        told = ", ".join(f"{name} {words(size)}" for name, size, _ in self.parts)
        self.setAccessibleDescription(f"{title}: {self._figures}: {told}")
        size, gap, around = self.sizeHint(), em(1), self.parentWidget()
        assert around is not None
        left = at.x() + gap if at.x() + gap + size.width() < around.width() else at.x() - gap - size.width()
        top = min(max(0.0, at.y() - size.height() / 2), around.height() - size.height())
        self.setGeometry(round(max(0.0, left)), round(top), size.width(), size.height())
        self.show()
        self.raise_()
        self.update()

    def sizeHint(self) -> QSize:
        title = font(0.95, weight=QFont.Weight.DemiBold)
        self.setFont(title)
        wide = min(max(em(15), self.fontMetrics().horizontalAdvance(self._title) + em(1.6)), em(26))
        return QSize(wide, round(em(LINE_EM) * (len(self.parts) + 2)) + em(1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("muted"), 1))
        p.setBrush(colour("card"))
        p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), em(0.4), em(0.4))
        inner, tall = QRectF(self.rect()).adjusted(em(0.7), em(0.5), -em(0.7), -em(0.5)), em(LINE_EM)
        middle, right = int(Qt.AlignmentFlag.AlignVCenter), int(Qt.AlignmentFlag.AlignRight)
        line = QRectF(inner.left(), inner.top(), inner.width(), tall)
        p.setFont(font(0.95, weight=QFont.Weight.DemiBold))
        p.setPen(colour("text"))
        p.drawText(
            line, middle, p.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, round(line.width()))
        )
        line.translate(0, tall)
        p.setFont(figures(0.92, weight=QFont.Weight.DemiBold))
        p.drawText(line, middle, self._figures)
        side = em(0.6)
        for name, size, kind in self.parts:
            line.translate(0, tall)
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("others") if kind is None else QColor(KIND_COLOURS[kind]))
            p.drawRoundedRect(QRectF(line.left(), line.center().y() - side / 2, side, side), 2, 2)
            p.setPen(colour("muted"))
            p.setFont(font(0.88))
            p.drawText(line.adjusted(side + em(0.4), 0, 0, 0), middle, name)
            p.setFont(figures(0.88))
            p.drawText(line, middle | right, words(size))
