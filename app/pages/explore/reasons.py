"""Why combinations are no valid plans: each reason with how many plans it rules out, and one of them to name it by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.theme import em
from app.widgets.sorted_table import SortedTable
from app.widgets.surface import Words
from planner.explore.explored import Invalid


@dataclass(frozen=True)
class Cell:
    text: str
    order: float | str


def cells_of(one: Invalid) -> tuple[Cell, ...]:
    example = " · ".join(answer for _, answer in one.example.facets)
    told = (one.problem.fact, one.problem.advice, example)
    return (Cell(f"{one.plans:,}", float(one.plans)), *(Cell(text, text.casefold()) for text in told))


class ReasonsDialog(QDialog):
    """Not modal: the page stays usable beside it."""

    def __init__(self, invalid: Sequence[Invalid], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Why some combinations are not valid")
        self.setAccessibleName("Combinations that are not valid")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(em(1), em(0.8), em(1), em(0.8))
        total = sum(one.plans for one in invalid)
        reasons = "one reason" if len(invalid) == 1 else f"{len(invalid)} reasons"
        words = Words(f"{total:,} combinations cannot be a plan, for {reasons}. Each is counted once.", wrap=True)
        layout.addWidget(words)
        self.table = SortedTable("Reasons", ("Plans", "Why not", "What helps", "For example"), rows_shown=12)
        self.table.show_rows([cells_of(one) for one in invalid], by=0)
        layout.addWidget(self.table, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAccessibleName("Close")
        buttons.button(QDialogButtonBox.StandardButton.Close).setShortcut(QKeySequence.StandardKey.Close)
        buttons.rejected.connect(self.close)
        layout.addWidget(buttons)
        self.resize(em(62), em(26))
