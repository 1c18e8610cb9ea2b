"""What the command line writes: results to stdout, problems and remarks to stderr, and nothing any terminal refuses."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Sequence
from typing import Any

from planner.export.source import one_line
from planner.problem import Problem


class UnwritableError(Exception):
    """Where the result goes does not take it."""


def prepare() -> None:
    """A character the terminal cannot show becomes an escape, never an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Strict JSON in ASCII, so that no encoding can spoil it; numbers that are not finite become null."""
    return json.dumps(_finite(value), ensure_ascii=True, allow_nan=False, indent=indent)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def line(text: str = "") -> None:
    """One line of the result, out at once, so that a reader at the other end of a pipe sees it.

    Raises BrokenPipeError when the reader has left, UnwritableError when the file it goes to is full.
    """
    try:
        print(_harmless(text), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableError(error.strerror or str(error)) from None


def remark(text: str) -> None:
    """A line beside the result."""
    print(_harmless(text), file=sys.stderr, flush=True)


def _harmless(text: str) -> str:
    """Names, paths and what a model answers may hold control characters, which a terminal would obey."""
    return "\n".join(one_line(part) for part in text.split("\n"))


def problem(found: Problem, *, as_json: bool) -> None:
    remark(json_text({"problem": found.to_json()}) if as_json else f"{found.fact}\n{found.advice}  [{found.code}]")


def reader_left() -> None:
    """Whoever read our output is gone: what is still buffered goes nowhere, without a traceback at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(rows: Sequence[tuple[str, ...]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lines of aligned columns; `right` holds the numbers of those aligned to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
