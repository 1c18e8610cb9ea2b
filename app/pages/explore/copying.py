"""Copies of what the page shows, onto the clipboard; each says what was copied."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.pages.explore.chart_card import PINS, ChartCard
from app.pages.explore.state import ExploreState


def copy_text(state: ExploreState, chart: ChartCard) -> str:
    """The plans of the table, whether it is shown or not; or what is different in the pinned ones. Columns by tabs."""
    if state.explored is None:
        return "Nothing to copy yet"
    if chart.view == PINS:
        text, what = chart.pins.table.text(), "what is different in A and B"
    else:
        rows, what = state.table_rows()
        text = "\n".join("\t".join(line) for line in state.lines_of(rows))
    QGuiApplication.clipboard().setText(text)
    return f"Copied {what}"


def copy_picture(chart: ChartCard) -> str:
    """The card as it looks now."""
    QGuiApplication.clipboard().setPixmap(chart.grab())
    return "Copied a picture"
