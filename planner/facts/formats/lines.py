"""Lines of a file that should be UTF-8: bounded in length, numbered from 1, other encodings named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from planner.facts.formats.raw import ROW_LIMIT_BYTES, too_long, unreadable
from planner.problem import fail

UTF16 = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"  # some editors mark UTF-8 so


def lines_of(file: Path, limit: int = ROW_LIMIT_BYTES) -> Iterator[tuple[int, bytes]]:
    """(number, bytes with their line end). Raises ProblemError `data.file_unreadable`, `data.not_utf8`, `data.line_too_long`."""
    number = 0
    try:
        with file.open("rb") as f:
            while raw := f.readline(limit + 1):
                number += 1
                if len(raw) > limit:
                    raise too_long(file.name, f"Line {number:,}", limit)
                if number == 1:
                    raw = beginning(raw, file.name)
                yield number, raw
    except OSError as error:
        raise unreadable(file, error.strerror or "it cannot be read") from None


def beginning(raw: bytes, name: str) -> bytes:
    """The first bytes of a file without the mark of UTF-8. Raises ProblemError `data.not_utf8` for a mark of UTF-16."""
    if raw.startswith(UTF16):
        raise fail("data.not_utf8", f"{name} is encoded in UTF-16.", "Save it as UTF-8.")
    return raw.removeprefix(UTF8_MARK)
