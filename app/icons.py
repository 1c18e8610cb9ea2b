"""The program's own SVG icons, drawn in whatever ink the place needs and at whatever scale the screen has.

The files in `assets/icons` use `currentColor`; this module puts the ink in and keeps what it has drawn.
"""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from planner.assets import asset


class _SvgEngine(QIconEngine):
    """Draws the vectors afresh at every size, so 300 % is as sharp as 100 %."""

    def __init__(self, svg: bytes) -> None:
        super().__init__()
        self._svg = svg
        self._renderer = QSvgRenderer(QByteArray(svg))

    def paint(self, painter: QPainter, rect: QRect, _mode: QIcon.Mode, _state: QIcon.State) -> None:
        self._renderer.render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        made = QPixmap(size)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> QIconEngine:
        return _SvgEngine(self._svg)


@cache
def _source(name: str) -> str:
    return asset("icons", f"{name}.svg").read_text(encoding="utf-8")


@cache
def _drawn(name: str, ink: str) -> QIcon:
    return QIcon(_SvgEngine(_source(name).replace("currentColor", ink).encode()))


def tinted(name: str, ink: QColor) -> QIcon:
    """The icon of `assets/icons/<name>.svg` in one colour."""
    return _drawn(name, ink.name())


def app_icon() -> QIcon:
    """The program's icon, in its own colours, at the sizes window managers ask for."""
    icon = QIcon()
    drawn = QIcon(_SvgEngine(_source("plimsoll").encode()))
    for side in (16, 24, 32, 48, 64, 128, 256):
        icon.addPixmap(drawn.pixmap(QSize(side, side)))
    return icon
