"""The row of filters: one menu a facet, each entry with how many runs it would leave."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.pages.trust.state import FACETS, TrustState
from app.theme import em
from app.widgets.combo import Combo

ALL = {
    "technique": "All techniques",
    "source": "All sources",
    "card": "All cards and processors",
    "counter": "All counters",
    "origin": "Published and own",
}
NAMES = {
    "technique": "Technique",
    "source": "Source",
    "card": "Card or processor",
    "counter": "Counter",
    "origin": "Runs",
}


class FilterRow(QWidget):
    """`asked` carries (facet, value); an empty value asks nothing."""

    asked = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(0.5))
        self._state = TrustState()
        self.combos: dict[str, Combo] = {}
        for facet in FACETS:
            combo = Combo()
            combo.setAccessibleName(f"Filter by {NAMES[facet].lower()}")
            combo.setToolTip(NAMES[facet])
            combo.opening.connect(lambda facet=facet: self._fill(facet))
            combo.picked.connect(lambda value, facet=facet: self.asked.emit(facet, value))
            row.addWidget(combo, 1)
            self.combos[facet] = combo

    def show_state(self, state: TrustState) -> None:
        """What is asked now. The other entries are counted when a menu opens, like all menus of the window."""
        self._state = state
        for facet, combo in self.combos.items():
            asked = getattr(state.filters, facet)
            combo.clear()
            combo.add(ALL[facet], "")
            if asked:
                combo.add(asked, asked)
            combo.show_value(asked)
            combo.say(f"{len(state.shown):,}" if asked else "")

    def _fill(self, facet: str) -> None:
        """All entries with how many runs each would leave, the most first."""
        combo, state = self.combos[facet], self._state
        combo.clear()
        combo.add(ALL[facet], "", f"{state.passing_without(facet):,}")
        for value, n in state.counts(facet):
            combo.add(value, value, f"{n:,}")
        combo.show_value(getattr(state.filters, facet))
