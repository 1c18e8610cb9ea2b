"""The Runs page as each picture of it has it: nothing chosen, one run, all of them beside each other. For `app.screens`."""

from __future__ import annotations

from collections.abc import Callable

from app.shell.pages import RUNS
from app.shell.window import MainWindow

SHOTS = ("runs", "runs-one", "runs-compare")


def arrange(shot: str, window: MainWindow, wait: Callable[[Callable[[], bool]], None]) -> None:
    """Show the page and choose what the picture is of."""
    window.show_page(RUNS)
    page = window.runs.page
    wait(lambda: bool(page.state.runs))
    keys = page.table.keys()
    chosen = {"runs": [], "runs-one": keys[:1], "runs-compare": keys[:4]}[shot]
    page.table.choose(chosen)
    wait(lambda: all(key in page.curves for key in chosen))
    if chosen:
        wait(lambda: page.charts.memory.draws["whole"] > 0)
