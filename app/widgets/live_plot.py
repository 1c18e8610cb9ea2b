"""A matplotlib figure that grows while it is watched: artists are made once and only given new data.

What moves is drawn over a kept picture of what does not; the whole figure is drawn again only when its limits, its
size or the colours change. Drawing has a timer of its own, at most ten times a second, and sleeps when nothing is new
or nobody looks. matplotlib is loaded when the first figure is needed, never at start.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QFontInfo, QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.theme import colour, em, theme

DRAW_EVERY_MS = 120
APART_S = 0.04
_NEXT_AT: list[float] = [0.0]  # when the next figure may be made


def load_matplotlib() -> None:
    """Import what a first figure needs; called from a thread once the window stands."""
    import matplotlib.backends.backend_qtagg
    import matplotlib.figure  # noqa: F401 - loaded for later


class LivePlot(QWidget):
    """Base of the live figures. A figure fills in `build`, `fit` and `feed`; it calls `changed` when data came."""

    refitted = Signal()  # the limits have changed: what stands beside the figure must follow

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.canvas: Any = None
        self.axes: Any = None
        self._moving: Sequence[Any] = ()
        self._still: Any = None  # the kept picture
        self._dirty = True
        self.draws = {"whole": 0, "moving": 0}  # how often each kind of drawing was done; a test looks here
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._timer = QTimer(self, interval=DRAW_EVERY_MS)
        self._timer.timeout.connect(self.draw_if_changed)
        theme().changed.connect(self._recolour)

    # for figures

    def build(self, axes: Any) -> Sequence[Any]:
        """Make the artists; return those that move, in drawing order."""
        raise NotImplementedError

    def fit(self) -> bool:
        """Set the limits from the data; True when they have changed."""
        raise NotImplementedError

    def feed(self) -> None:
        """Give the moving artists their data."""
        raise NotImplementedError

    def paint_still(self) -> None:
        """Give what does not move its colours and places; called before each whole drawing."""
        raise NotImplementedError

    def changed(self) -> None:
        """New data came; it is drawn at the next tick."""
        self._dirty = True

    # the machinery

    def make(self) -> None:
        """Build the figure, once."""
        if self.canvas is not None:
            return
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        figure = Figure(dpi=self.logicalDpiX())
        canvas_class: Any = FigureCanvasQTAgg
        self.canvas = canvas_class(figure)
        self.canvas.setFocusPolicy(self.focusPolicy())
        self.canvas.setAccessibleName(self.accessibleName())
        self.axes = figure.add_subplot()
        self._moving = self.build(self.axes)
        for artist in self._moving:
            artist.set_animated(True)
        self.canvas.mpl_connect("draw_event", self._drawn)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.canvas)
        self._style()

    def _make_if_seen(self) -> None:
        """Pages of a stack are shown for an instant while the window is built; that is no reason to load matplotlib."""
        if self.isVisible():
            self.make()

    def draw_if_changed(self) -> None:
        """One tick of the drawing timer."""
        if not self._dirty or self.canvas is None or not self.isVisible():
            return
        self._dirty = False
        limits_changed = self.fit()
        self.feed()
        if limits_changed:
            self.refitted.emit()
        if limits_changed or self._still is None:
            self.paint_still()
            self.canvas.draw()
        else:
            self.draws["moving"] += 1
            self.canvas.restore_region(self._still)
            self._draw_moving()
            self.canvas.blit(self.canvas.figure.bbox)

    def draw_whole(self) -> None:
        """Draw everything now; for pictures and for a change of size or colours."""
        self.make()
        if self.fit():
            self.refitted.emit()
        self.feed()
        self.paint_still()
        self.canvas.draw()
        self._dirty = False

    def _drawn(self, _event: Any) -> None:
        self.draws["whole"] += 1
        self._still = self.canvas.copy_from_bbox(self.canvas.figure.bbox)
        self._draw_moving()

    def _draw_moving(self) -> None:
        for artist in self._moving:
            self.axes.draw_artist(artist)

    def margins(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom in device-independent pixels."""
        return em(3.6), em(0.6), em(0.8), em(1.7)

    def _place(self) -> None:
        if self.canvas is None or self.width() < 10 or self.height() < 10:
            return
        left, top, right, bottom = self.margins()
        wide, high = self.width(), self.height()
        self.axes.set_position((left / wide, bottom / high, (wide - left - right) / wide, (high - top - bottom) / high))

    def _style(self) -> None:
        """The scheme's colours and the window's font on everything that does not move."""
        self.canvas.figure.set_facecolor(colour("card").name())
        self.axes.set_facecolor(colour("card").name())
        for side, spine in self.axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(colour("border").name())
        self.axes.grid(True, axis="y", color=colour("border").name(), linewidth=0.8)
        self.axes.set_axisbelow(True)
        size = QApplication.font().pointSizeF() * 0.88
        self.axes.tick_params(colors=colour("muted").name(), labelsize=size, length=0, pad=4)
        family = font_family()
        for label in (*self.axes.get_xticklabels(), *self.axes.get_yticklabels()):
            label.set_fontfamily(family)
        self._place()

    def _recolour(self) -> None:
        self._still = None
        self._dirty = True
        if self.canvas is not None:
            self._style()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()
        self._still = None
        self._dirty = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._dirty = True
        # after the page has been painted once, so that changing to it is felt at once
        # and one figure after the other, so that a page with two of them is not held up by both at once
        if self.canvas is None:
            now = time.monotonic()
            at = max(now, min(_NEXT_AT[0], now + 10 * APART_S))
            QTimer.singleShot(round(1000 * (at - now)), self._make_if_seen)
            _NEXT_AT[0] = at + APART_S
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def sizeHint(self) -> QSize:
        return QSize(em(26), em(14))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(14), em(9))


def font_family() -> list[str]:
    """The window's font if matplotlib knows it, else its own."""
    from matplotlib import font_manager

    family = QFontInfo(QApplication.font()).family()
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return [family] if family in known else ["DejaVu Sans"]
