"""JSONL: one JSON value a line, blank lines between them or not. Rows are numbered by their lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planner.facts.formats.lines import lines_of
from planner.facts.formats.raw import Numbered, Unreadable

NOT_A_ROW = "it is not JSON a row could be: a number is too long, or lists lie too deep in each other"


def jsonl_rows(file: Path) -> Numbered:
    for number, raw in lines_of(file):
        if raw.strip():
            yield number, _parsed(raw)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Unreadable(f"byte {error.start + 1} is not UTF-8")
    except json.JSONDecodeError as error:
        return Unreadable(f"it is not JSON: {error.msg} at character {error.colno}")
    except (ValueError, RecursionError):
        return Unreadable(NOT_A_ROW)
