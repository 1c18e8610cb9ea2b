"""The picture that is shared: the verdict in two lines, the bar with its load line, and the program's name.

It shows one estimate of a plan that was stripped of names, in the window's colours; the bar is the window's own widget.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.pages.plan.state import TONES, bar
from app.theme import colour, em
from app.widgets.surface import Words, painter_on
from app.widgets.tier_bar import TierBar
from planner.estimate import Estimate

PICTURE_SCALE = 2.0
NAME = "Plimsoll"


class Mark(QWidget):
    """The circle with a line, as it stands on the bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(QSize(em(1.9), em(1.3)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.setPen(QPen(colour("muted"), 1.6))
        centre, ring = QPointF(self.width() / 2, self.height() / 2), em(0.4)
        p.drawEllipse(centre, ring, ring)
        p.drawLine(QPointF(centre.x() - ring * 1.9, centre.y()), QPointF(centre.x() + ring * 1.9, centre.y()))


class ShareCard(QWidget):
    """As wide as a message, as high as it needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Picture")
        self.setFixedWidth(em(46))
        self._column = layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1.2), em(1.0), em(1.2), em(0.8))
        layout.setSpacing(em(0.4))
        self.first = Words("Looking at the plan …", "text", 1.15, bold=True, wrap=True)
        self.bar = TierBar()
        self.bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.second = Words("", "muted", wrap=True)
        layout.addWidget(self.first)
        layout.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.addWidget(self.second, 1)
        foot.addWidget(Mark(), 0, Qt.AlignmentFlag.AlignVCenter)
        foot.addWidget(Words(NAME, "muted", 0.92, bold=True), 0)
        layout.addLayout(foot)

    def show_estimate(self, now: Estimate, lines: tuple[str, str]) -> None:
        """now: of a stripped plan; lines: its verdict."""
        self.first.setText(re.sub(r"(?<=\d) (?=\w*B\b)", "\u00a0", lines[0]))  # a figure and its unit stay together
        self.first.set_role("text" if TONES[now.verdict] == "good" else TONES[now.verdict])
        self.second.setText(lines[1])
        self.bar.setVisible(bool(now.tiers))
        if now.tiers:
            worst = min(now.tiers, key=lambda t: t.budget_bytes - t.high_bytes)
            self.bar.show_bar(bar(now, worst))
            self.bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleDescription(" ".join(lines))
        self.setFixedHeight(self._height())

    def _height(self) -> int:
        """The words wrap, so it follows from the width."""
        self._column.activate()
        return self._column.heightForWidth(self.width())

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        p.fillRect(self.rect(), colour("card"))
        p.setPen(QPen(colour("border"), 1))
        p.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def picture(self) -> QPixmap:
        """As it stands, at twice its size whatever the screen."""
        pixmap = QPixmap(self.size() * PICTURE_SCALE)
        pixmap.setDevicePixelRatio(PICTURE_SCALE)
        pixmap.fill(colour("card"))
        self.render(pixmap)
        return pixmap
