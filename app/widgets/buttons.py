"""Buttons in the window's manner: real push and tool buttons (keyboard, mnemonics, accessibility) that paint themselves."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QToolButton, QWidget

from app.icons import tinted
from app.theme import colour, em, font
from app.widgets.surface import focus_ring, painter_on


def _mixed(a: QColor, b: QColor, share: float) -> QColor:
    """`a` with `share` of `b` in it."""
    return QColor.fromRgbF(
        a.redF() * (1 - share) + b.redF() * share,
        a.greenF() * (1 - share) + b.greenF() * share,
        a.blueF() * (1 - share) + b.blueF() * share,
    )


class Button(QPushButton):
    """A push button; `primary` is the one action of a page. `hint` is painted small at the right (a shortcut)."""

    def __init__(self, text: str, parent: QWidget | None = None, *, primary: bool = False, pill: bool = False) -> None:
        super().__init__(text, parent)
        self.primary = primary
        self.pill = pill
        self.hint = ""
        if pill:
            self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFont(font(0.95 if pill else 1.0, weight=QFont.Weight.DemiBold if primary else QFont.Weight.Medium))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        text = self.fontMetrics().size(int(Qt.TextFlag.TextShowMnemonic), self.text())
        wide = text.width() + em(1.4 if self.pill else 2.2)
        if self.hint:
            wide += self.fontMetrics().horizontalAdvance(self.hint) + em(0.5)
        if not self.icon().isNull():
            wide += em(1.3)
        return QSize(wide, em(1.75 if self.pill else 2.3))

    def minimumSizeHint(self) -> QSize:
        """A chip gives way with an ellipsis; a button keeps its words."""
        return QSize(em(6), self.sizeHint().height()) if self.pill else self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect = QRectF(self.rect())
        radius = rect.height() / 2 if self.pill else em(0.5)
        ground = colour("accent" if self.primary else "card")
        ink = colour("on_accent" if self.primary else "text")
        if not self.isEnabled():
            ground, ink = colour("field"), colour("muted")
        elif self.isDown() or self.isChecked():
            ground = _mixed(ground, colour("text"), 0.16)
        elif self.underMouse():
            ground = _mixed(ground, colour("text"), 0.07)
        p.setPen(Qt.PenStyle.NoPen if self.primary and self.isEnabled() else QPen(colour("border"), 1))
        p.setBrush(ground)
        p.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
        if self.hasFocus():
            if self.primary:  # a ring in the fill's own colour would not be seen
                p.setPen(QPen(ink, 1.5))
                p.setBrush(Qt.BrushStyle.NoBrush)
                p.drawRoundedRect(rect.adjusted(3, 3, -3, -3), radius - 2, radius - 2)
            else:
                focus_ring(p, rect, radius)
        self._text(p, rect, ink)

    def _text(self, p: QPainter, rect: QRectF, ink: QColor) -> None:
        p.setFont(self.font())
        p.setPen(ink)
        option = QStyleOptionButton()
        self.initStyleOption(option)
        text = self.text()
        if self.pill:
            text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, round(rect.width()) - em(1.2))
        text_wide = self.fontMetrics().size(int(Qt.TextFlag.TextShowMnemonic), text).width()
        icon_wide = 0 if self.icon().isNull() else em(1.3)
        hint_wide = self.fontMetrics().horizontalAdvance(self.hint) + em(0.5) if self.hint else 0
        x = (rect.width() - text_wide - icon_wide - hint_wide) / 2
        if icon_wide:
            side = em(0.95)
            self.icon().paint(p, round(x), round((rect.height() - side) / 2), side, side)
            x += icon_wide
        style = self.style()
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        shown = Qt.TextFlag.TextShowMnemonic
        if not style.styleHint(QStyle.StyleHint.SH_UnderlineShortcut, option, self):
            shown = Qt.TextFlag.TextHideMnemonic
        p.drawText(QRectF(x, 0, text_wide + 2, rect.height()), int(flags) | int(shown), text)
        if self.hint:
            p.setOpacity(0.75)
            p.drawText(QRectF(x + text_wide + em(0.5), 0, hint_wide, rect.height()), int(flags), self.hint)


class RailButton(QToolButton):
    """One page of the left rail: icon over word, exclusive and checkable."""

    def __init__(self, text: str, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self.setText(text)
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(font(0.92, weight=QFont.Weight.Medium))

    def sizeHint(self) -> QSize:
        return QSize(em(4.6), em(3.5))

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect = QRectF(self.rect())
        if self.isChecked() or self.underMouse():
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("rail_on"))
            p.setOpacity(1.0 if self.isChecked() else 0.5)
            p.drawRoundedRect(rect, em(0.5), em(0.5))
            p.setOpacity(1.0)
        ink = colour("rail_text") if not self.isChecked() else QColor("#ffffff")
        if self.isChecked():  # not by colour alone
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(ink)
            p.drawRoundedRect(QRectF(0, rect.height() * 0.28, 3, rect.height() * 0.44), 1.5, 1.5)
        side = em(1.35)
        tinted(self._icon_name, ink).paint(p, (self.width() - side) // 2, em(0.45), side, side)
        p.setPen(ink)
        p.setFont(self.font())
        where = rect.adjusted(0, em(1.9), 0, -em(0.3))
        p.drawText(where, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextHideMnemonic), self.text())
        if self.hasFocus():
            p.setPen(QPen(QColor("#56b4e9"), 2))
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawRoundedRect(rect.adjusted(1, 1, -1, -1), em(0.5), em(0.5))


class QuietButton(QToolButton):
    """A small flat button: an icon, a word, or both; for "back to default", foldings and table twins."""

    def __init__(self, text: str, icon: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self.setText(text)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFont(font(0.88))

    def set_icon_name(self, icon: str) -> None:
        self._icon_name = icon
        self.update()

    def sizeHint(self) -> QSize:
        wide = em(0.7) + (em(1.0) if self._icon_name else 0)
        if self.text():
            wide += self.fontMetrics().horizontalAdvance(self.text()) + (em(0.3) if self._icon_name else 0)
        return QSize(wide, em(1.6))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.EnabledChange:
            self.update()
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        p = painter_on(self)
        rect = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            p.setPen(Qt.PenStyle.NoPen)
            p.setBrush(colour("field"))
            p.drawRoundedRect(rect, em(0.35), em(0.35))
        ink = colour("muted") if not self.underMouse() else colour("text")
        x = em(0.35)
        if self._icon_name:
            side = em(1.0)
            tinted(self._icon_name, ink).paint(p, x, (self.height() - side) // 2, side, side)
            x += side + em(0.3)
        if self.text():
            p.setFont(self.font())
            p.setPen(ink)
            p.drawText(rect.adjusted(x, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), self.text())
        if self.hasFocus():
            focus_ring(p, rect, em(0.35))
