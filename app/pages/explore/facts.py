"""Lines of a name and a value, right against left: what a plan is, and what is different in it. One widget paints all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.pages.explore.words import Fact
from app.theme import colour, em, figures, font
from app.widgets.surface import painter_on

LINE_EM = 1.4


class Facts(QWidget):
    """The lines; long values give way with an ellipsis and are whole in the tool tip and the description."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: Sequence[Fact] = ()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_facts(self, facts: Sequence[Fact]) -> None:
        if facts == self._facts:
            return
        taller = len(facts) != len(self._facts)
        self._facts = facts
        self.setAccessibleDescription("; ".join(f"{f.name}: {f.value}" for f in facts))
        if taller:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(em(17), round(em(LINE_EM) * max(1, len(self._facts))))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(12), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        tall = em(LINE_EM)
        middle, right = int(Qt.AlignmentFlag.AlignVCenter), int(Qt.AlignmentFlag.AlignRight)
        for i, fact in enumerate(self._facts):
            line = QRectF(0, i * tall, self.width(), tall)
            p.setFont(font(0.95))
            p.setPen(colour("muted"))
            p.drawText(line, middle, fact.name)
            left = p.fontMetrics().horizontalAdvance(fact.name) + em(0.7)
            p.setFont(figures(0.92) if fact.fixed else font(0.95, weight=QFont.Weight.Medium))
            p.setPen(colour(fact.tone))
            room = self.width() - left
            shown = p.fontMetrics().elidedText(fact.value, Qt.TextElideMode.ElideMiddle, round(room))
            p.drawText(line, middle | right, shown)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            i = event.pos().y() // em(LINE_EM)
            if 0 <= i < len(self._facts):
                QToolTip.showText(event.globalPos(), f"{self._facts[i].name}: {self._facts[i].value}", self)
            return True
        return super().event(event)
