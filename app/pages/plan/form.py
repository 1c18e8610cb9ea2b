"""The left side of the Plan page: what, how, how long, in one scrolling card."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.pages.plan.how import HowPanel, SchedulePanel
from app.pages.plan.what import WhatPanel
from app.theme import em
from app.widgets.scroll import ScrollBar
from app.widgets.surface import Card, Rule, Words, caption
from planner.estimate import Estimate
from planner.plan import Stage
from planner.techniques.registry import slots


class FormPanel(Card):
    """Holds the three parts; `what`, `how` and `schedule` speak for themselves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.body.setContentsMargins(2, em(0.5), 2, em(0.5))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setVerticalScrollBar(ScrollBar())
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setAccessibleName("Plan")
        area.viewport().setAutoFillBackground(False)
        self.body.addWidget(area)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(em(0.55), em(0.2), em(0.4), em(0.3))
        layout.setSpacing(em(0.35))
        self.what = WhatPanel()
        self.how = HowPanel(slots())
        self.schedule = SchedulePanel()
        layout.addWidget(caption("What"))
        layout.addWidget(self.what)
        layout.addWidget(Rule())
        heading = QHBoxLayout()
        heading.addWidget(caption("How"))
        heading.addStretch(1)
        heading.addWidget(Words("difference to the default", "muted", 0.85))
        layout.addLayout(heading)
        layout.addWidget(self.how)
        layout.addWidget(Rule())
        layout.addWidget(caption("How long"))
        layout.addWidget(self.schedule)
        layout.addStretch(1)
        area.setWidget(inner)
        inner.setAutoFillBackground(False)  # setWidget turns it on, which would hide the card
        self.area = area

    def sizeHint(self) -> QSize:
        return QSize(em(29), em(40))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(22), em(16))

    def show_estimate(self, now: Estimate, baseline: Stage, changed: dict[str, bool], defaults: dict[str, str]) -> None:
        self.what.show_estimate(now, changed, defaults)
        self.how.show_estimate(now, baseline)
        self.schedule.show_estimate(now, baseline)
