"""One JSON list of rows, or an object with such a list in it, read element by element: never the whole file at once.

After an element that is no JSON nobody can tell where the next begins, so reading ends there, with the fault.
"""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any, BinaryIO

from planner.facts.formats.jsonl import NOT_A_ROW
from planner.facts.formats.lines import beginning
from planner.facts.formats.raw import ROW_LIMIT_BYTES, Numbered, Unreadable, damaged, too_long, unreadable
from planner.facts.mapping import ROLES
from planner.problem import fail

CHUNK_BYTES = 256 * 1024
PARTS = frozenset(role.name for roles in ROLES.values() for role in roles)  # an object with one of these is a row
BLANKS = " \t\n\r"
_decoder = json.JSONDecoder()


def json_rows(file: Path) -> Numbered:
    """Raises ProblemError `data.file_unreadable`, `data.not_utf8`, `data.not_rows`, `data.damaged`."""
    try:
        with file.open("rb") as f:
            text = _Text(f, file.name)
            begins = text.next_mark()
            if begins == "{":
                yield from _in_object(text)
            elif begins == "[":
                text.at += 1
                yield from _elements(text)
            else:
                raise _not_rows(file.name)
    except OSError as error:
        raise unreadable(file, error.strerror or "it cannot be read") from None


def _elements(text: _Text) -> Numbered:
    """What stands between the brackets; `text` is after the first."""
    number, mark = 0, text.next_mark()
    if mark == "]":
        return
    while True:
        number += 1
        value = text.value()
        yield number, value
        if isinstance(value, Unreadable):
            return
        mark = text.next_mark()
        if mark == "]":
            text.at += 1
            if text.next_mark():
                yield number + 1, Unreadable("something stands after the end of the list")
            return
        if mark != ",":
            said = f"a comma should come before it, not {mark!r:.8}" if mark else "the file ends before the list does"
            yield number + 1, Unreadable(said)
            return
        text.at += 1
        text.next_mark()


def _in_object(text: _Text) -> Numbered:
    """An object that holds the list, or is a row itself, others after it. Bounded: each is in memory whole."""
    value = text.value()
    if isinstance(value, Unreadable):
        raise damaged(text.name, value)
    lists = [(key, v) for key, v in value.items() if isinstance(v, list) and v and all(isinstance(x, dict) for x in v)]
    if text.next_mark():
        yield from _one_after_another(text, value)
    elif PARTS.intersection(value):
        yield 1, value
    elif len(lists) == 1:
        yield from enumerate(lists[0][1], start=1)
    else:
        raise _not_rows(text.name)


def _one_after_another(text: _Text, first: Any) -> Numbered:
    number, value = 1, first
    yield number, value
    while text.next_mark() and not isinstance(value, Unreadable):
        number += 1
        value = text.value()
        yield number, value


def _not_rows(name: str) -> Exception:
    return fail(
        "data.not_rows",
        f"{name} holds no list of rows.",
        "Choose a JSON file that is a list of objects, or a JSONL file with one object per line.",
    )


class _Text:
    """The file's text from `at` on, decoded as it is wanted."""

    def __init__(self, f: BinaryIO, name: str) -> None:
        self.name, self.at = name, 0
        self._f, self._read = f, 0
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._text, self._ended = "", False

    def more(self, size: int = CHUNK_BYTES) -> bool:
        """Whether anything came; what lies before `at` is forgotten."""
        if self._ended:
            return False
        raw = self._f.read(size)
        if not self._read:
            raw = beginning(raw, self.name)
        try:
            new = self._decode.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            where = self._read + error.start + 1
            raise fail("data.not_utf8", f"Byte {where:,} of {self.name} is not UTF-8.", "Save it as UTF-8.") from None
        self._read += len(raw)
        self._ended = not raw
        self._text, self.at = self._text[self.at :] + new, 0
        return bool(raw)

    def next_mark(self) -> str:
        """The next character that is no blank; empty at the end of the file."""
        while True:
            while self.at < len(self._text):
                if self._text[self.at] not in BLANKS:
                    return self._text[self.at]
                self.at += 1
            if not self.more():
                return ""

    def value(self) -> Any:
        """The JSON value that begins at `at`, which goes behind it; `Unreadable` where none does."""
        size = CHUNK_BYTES
        while True:
            said = ""
            try:
                value, end = _decoder.raw_decode(self._text, self.at)
            except json.JSONDecodeError as error:
                said = f"it is not JSON: {error.msg}"
            except (ValueError, RecursionError):
                return Unreadable(NOT_A_ROW)
            else:
                if end < len(self._text) or self._ended:  # a number goes on where the text does
                    self.at = end
                    return value
            if len(self._text) - self.at > ROW_LIMIT_BYTES:
                if said:
                    return Unreadable(said)
                raise too_long(self.name, "One row")
            if not self.more(size) and said:  # each time as much again, so that a long row is not parsed too often
                return Unreadable(said)
            size = max(CHUNK_BYTES, len(self._text))
