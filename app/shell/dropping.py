"""What may be dropped on the window: a plan, rows, or a model's folder. It says what a thing would be; taking it is others'."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData

from app import background
from app.pages.plan.page import ROWS, PlanPage
from app.shell.dropped import PLAN, what_it_is
from app.shell.files import Files
from planner.facts.model.adapter import is_adapter
from planner.problem import Problem

KINDS = {**dict.fromkeys(ROWS, "data"), ".json": "plan or the data", ".gguf": "model"}


def dropped_path(data: QMimeData) -> Path | None:
    """The first local file or folder of what is dragged."""
    urls = data.urls() if data.hasUrls() else []
    return Path(urls[0].toLocalFile()) if urls and urls[0].isLocalFile() else None


def in_words(path: Path) -> str:
    """What a drop would do, told while the thing still hangs over the window."""
    folder = "adapter to plan like" if is_adapter(path) else "model or the data"
    kind = folder if path.is_dir() else KINDS.get(path.suffix.lower())
    return f"Drop to take {path.name} as the {kind}" if kind else f"{path.name} cannot be used here"


def take(path: Path, files: Files, page: PlanPage) -> Problem | None:
    """Open the plan, or give the rest to the Plan page; what is neither comes back as a problem."""
    if not path.is_dir() and path.suffix.lower() not in KINDS:
        fact = f"{path.name} is neither a plan (.json), nor rows (.jsonl, .csv, .parquet …), nor a model (.gguf), nor a folder of these."
        return Problem("window.unknown_drop", fact, "Drop one of these.")

    def taken(what: str) -> None:
        if what == PLAN:
            files.open(path)
        else:
            page.take_drop(path, what)

    background.run(lambda: what_it_is(path), taken)
    return None
