"""The table of faults in `docs/faults.md`: every row is a test that brings the fault about, and says so in its own words.

`python -m tests.faults` writes the page from the decorators; a test holds the page against them. It reads the tests'
text and runs none of them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faults.md"
HEAD = """# What can go wrong, and what is lost then

Each row is a test: it brings the fault about for real where this says so, and checks what the person sees and what is
left. This page is written from the tests by `python -m tests.faults`. The *keeper* is the process that starts queued runs
and looks after those left overnight.

"""
PARTS = ("injected", "seen", "lost")


def fault(what: str, *, injected: str, seen: str, lost: str) -> Callable[[Any], Any]:
    """Mark a test as a row of the page. Literal texts only: the page is written without running anything."""
    return pytest.mark.fault(what, injected=injected, seen=seen, lost=lost)


@dataclass(frozen=True, order=True)
class Row:
    """One row. file: of the test, from the project's root; test: its name."""

    what: str
    injected: str
    seen: str
    lost: str
    file: str
    test: str


def rows() -> list[Row]:
    """Every row, by file and place in it."""
    return [row for file in sorted((ROOT / "tests").rglob("test_*.py")) for row in _rows_of(file)]


def _rows_of(file: Path) -> Iterator[Row]:
    text = file.read_text(encoding="utf-8")
    if "@fault(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "fault":
                    said = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
                    what = ast.literal_eval(call.args[0])
                    yield Row(what, *(said[part] for part in PARTS), file.relative_to(ROOT).as_posix(), node.name)


def page() -> str:
    """The page as it should lie in `docs`."""
    lines = [
        "| fault | how it is brought about | what the person sees | what is lost | test |",
        "|---|---|---|---|---|",
    ]
    for row in rows():
        cells = (row.what, row.injected, row.seen, row.lost, f"[{row.test}](../{row.file})")
        lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    return HEAD + "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text[:1].upper() + text[1:].replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
