"""Everything in the program's tables that was measured or fitted rather than derived, with where it comes from.

The tables are the assets that carry a `source` beside figures; printing them keeps a fitted number from hiding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from planner.assets import asset

NOT_FITTED = ("models.json", "trainer_arguments.json")  # published shapes and arguments


class Fitted(NamedTuple):
    where: str
    figures: str
    source: str


def fitted() -> tuple[Fitted, ...]:
    """One entry for each object with a `source` in the tables, by name of the table."""
    found: list[Fitted] = []
    for table in sorted(asset().glob("*.json")):
        if table.name not in NOT_FITTED:
            found.extend(_walk(json.loads(table.read_text(encoding="utf-8")), table.stem))
    return tuple(found)


def _walk(value: Any, where: str) -> Iterator[Fitted]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{where}[{index}]")
    if not isinstance(value, dict):
        return
    if isinstance(source := value.get("source"), str):
        figures = {k: v for k, v in value.items() if k not in ("source", "why", "about") and not _is_sourced(v)}
        yield Fitted(where, json.dumps(figures, ensure_ascii=False), source)
    for key, item in value.items():
        yield from _walk(item, f"{where}.{key}")


def _is_sourced(value: Any) -> bool:
    """It has a source of its own, or holds something that has, and so gets its own line."""
    if isinstance(value, dict):
        return "source" in value or any(_is_sourced(v) for v in value.values())
    return isinstance(value, list) and any(_is_sourced(v) for v in value)
