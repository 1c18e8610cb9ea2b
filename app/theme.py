"""Colours and sizes: two schemes over Fusion, following the system's scheme while the program runs.

Every colour a widget or a chart uses is a field of `Scheme`; widgets ask `theme()` when they paint, so nothing has to
be told that the scheme changed. No style sheets: they would break native focus, keyboard and scaling behaviour.
Lengths come from the font (`em`), never from pixels, so one layout serves 100 to 300 %.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from planner.ledger import Kind


@dataclass(frozen=True)
class Scheme:
    """One set of colours. Text colours reach 4.5:1 on `card` and on `field`; marks reach 3:1."""

    name: str
    window: str
    card: str
    field: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    rail: str
    rail_on: str
    rail_text: str
    good: str
    warn: str
    bad: str
    others: str
    pale: str
    problem: str


LIGHT = Scheme(
    name="light",
    window="#f4f6f8",
    card="#ffffff",
    field="#f0f2f5",
    border="#dfe4e9",
    text="#131d27",
    muted="#52606d",
    accent="#0072b2",
    on_accent="#ffffff",
    rail="#10293b",
    rail_on="#1f4560",
    rail_text="#dbe6ee",
    good="#00735a",
    warn="#8a5a00",
    bad="#b34a00",
    others="#7d8894",
    pale="#86bbdb",
    problem="#fdf0e6",
)
DARK = Scheme(
    name="dark",
    window="#10151b",
    card="#182028",
    field="#222c36",
    border="#2e3944",
    text="#e9eef3",
    muted="#a3b0bd",
    accent="#56b4e9",
    on_accent="#0b1a25",
    rail="#0a1117",
    rail_on="#16303f",
    rail_text="#c9d6e0",
    good="#3cc79a",
    warn="#f0b440",
    bad="#ff9350",
    others="#7d8894",
    pale="#34678a",
    problem="#33261c",
)

# Okabe and Ito's eight, one hue per kind of bytes, the same in every chart; always beside a label, never alone.
KIND_COLOURS = {
    Kind.WEIGHTS: "#0072b2",
    Kind.ADAPTER: "#56b4e9",
    Kind.GRADIENTS: "#cc79a7",
    Kind.STATES: "#009e73",
    Kind.ACTIVATIONS: "#e69f00",
    Kind.LOGITS: "#d55e00",
    Kind.WORKSPACE: "#f0e442",
    Kind.BATCH: "#9c8f00",
}
_DARK_INK = {Kind.ADAPTER, Kind.GRADIENTS, Kind.ACTIVATIONS, Kind.WORKSPACE, Kind.BATCH}


def ink_on(kind: Kind) -> QColor:
    """Text colour that can be read on a kind's fill."""
    return QColor("#10202c" if kind in _DARK_INK else "#ffffff")


class Theme(QObject):
    """The scheme in force. `wish`: system, light or dark; `changed` is emitted after the palette is set."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.wish = "system"
        self.scheme = LIGHT
        self._contrast = False

    def follow(self, app: QApplication) -> None:
        """Set Fusion and the palette now, and again whenever the system's scheme or contrast wish changes."""
        app.setStyle("Fusion")
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(lambda _scheme: self.apply())
        access = hints.accessibility()
        access.contrastPreferenceChanged.connect(lambda _wish: self.apply())
        self.apply()

    def choose(self, wish: str) -> None:
        """Follow the system, or stay light or dark."""
        self.wish = wish
        scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(wish, Qt.ColorScheme.Unknown)
        QGuiApplication.styleHints().setColorScheme(scheme)
        self.apply()

    def apply(self) -> None:
        hints = QGuiApplication.styleHints()
        access = hints.accessibility()
        dark = self.wish == "dark" or (self.wish == "system" and hints.colorScheme() is Qt.ColorScheme.Dark)
        self.scheme = DARK if dark else LIGHT
        self._contrast = access.contrastPreference() == Qt.ContrastPreference.HighContrast
        QApplication.setPalette(palette(self.scheme, self._contrast))
        for widget in QApplication.allWidgets():
            widget.update()
        self.changed.emit()

    def colour(self, role: str) -> QColor:
        """The colour of a `Scheme` field; muted text becomes full text where the person asked for contrast."""
        if self._contrast and role in ("muted", "border"):
            role = "text"
        return QColor(getattr(self.scheme, role))


_THEME: list[Theme] = []


def theme() -> Theme:
    """The one theme of the process, made at first use."""
    if not _THEME:
        _THEME.append(Theme())
    return _THEME[0]


def colour(role: str) -> QColor:
    return theme().colour(role)


def palette(scheme: Scheme, contrast: bool = False) -> QPalette:
    """Fusion's palette for a scheme, so that every plain Qt widget fits in without a style sheet."""
    p = QPalette()
    role = QPalette.ColorRole
    text, muted = QColor(scheme.text), QColor(scheme.text if contrast else scheme.muted)
    for r, value in (
        (role.Window, scheme.window),
        (role.Base, scheme.card),
        (role.AlternateBase, scheme.field),
        (role.Button, scheme.field),
        (role.ToolTipBase, scheme.card),
        (role.Light, scheme.card),
        (role.Midlight, scheme.field),
        (role.Mid, scheme.border),
        (role.Dark, scheme.others),
        (role.Highlight, scheme.accent),
        (role.Accent, scheme.accent),
        (role.Link, scheme.accent),
    ):
        p.setColor(r, QColor(value))
    for r in (role.WindowText, role.Text, role.ButtonText, role.ToolTipText):
        p.setColor(r, text)
    p.setColor(role.HighlightedText, QColor(scheme.on_accent))
    p.setColor(role.PlaceholderText, muted)
    for r in (role.WindowText, role.Text, role.ButtonText):
        p.setColor(QPalette.ColorGroup.Disabled, r, muted)
    return p


def em(factor: float = 1.0) -> int:
    """A length of `factor` heights of the application's font, in device-independent pixels."""
    return max(1, round(QFontMetricsF(QApplication.font()).height() * factor))


def font(factor: float = 1.0, *, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The system's font at a multiple of its size."""
    f = QFont(QApplication.font())
    f.setPointSizeF(max(6.0, f.pointSizeF() * factor))
    f.setWeight(weight)
    return f


def figures(factor: float = 1.0, *, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The system's fixed-width font, so that figures stand under each other."""
    f = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    f.setPointSizeF(max(6.0, QApplication.font().pointSizeF() * factor))
    f.setWeight(weight)
    return f
