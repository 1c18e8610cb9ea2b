"""Text a person typed, as Python source that cannot become code: literals by `repr`, comments on one printable line.

`repr` escapes every character that is not printable, among them all line ends, lone surrogates and the marks that
turn the reading direction; comments are treated the same way here. Nothing else may put foreign text into a script.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import Any

WIDTH = 118


def literal(value: Any) -> str:
    """A JSON value as Python source. ValueError for anything that has no exact literal (NaN, infinity, objects)."""
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} has no literal")
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(str(k))}: {literal(v)}" for k, v in value.items()) + "}"
    raise ValueError(f"{type(value).__name__} has no literal")


def one_line(text: str) -> str:
    """`text` without any character that could end a line or hide another one."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def comment(text: str, indent: str = "") -> Iterator[str]:
    """`text` as comment lines, wrapped."""
    room = WIDTH - len(indent) - 2
    for line in textwrap.wrap(one_line(text), room, break_on_hyphens=False) or [""]:
        yield f"{indent}# {line}".rstrip()


def argument(name: str, value: Any, why: str, indent: str = "    ") -> Iterator[str]:
    """`name=value,  # why`, or the comment above where that is too long."""
    code = f"{indent}{name}={literal(value)},"
    note = one_line(why)
    if note and len(code) + len(note) + 4 > WIDTH:
        yield from comment(note, indent)
        yield code
    else:
        yield f"{code}  # {note}" if note else code
