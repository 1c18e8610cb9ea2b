"""How the window's parts stand: the rail at the left, bars above the pages. It only lays out what it is handed."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.shell.rail import Rail
from app.theme import em


def frame(rail: Rail, bars: tuple[QWidget, ...], pages: QStackedWidget) -> QWidget:
    """The window's middle."""
    above = QVBoxLayout()
    above.setContentsMargins(em(1.3), em(0.5), em(1.3), 0)
    above.setSpacing(em(0.4))
    for bar in bars:
        above.addWidget(bar)
    column = QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(above)
    column.addWidget(pages, 1)
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    row.addWidget(rail)
    row.addLayout(column, 1)
    middle = QWidget()
    middle.setLayout(row)
    return middle
