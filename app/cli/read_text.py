"""A text that a verb was given: a file or standard input, in whatever encoding, and no longer than it may be."""

from __future__ import annotations

import sys
from pathlib import Path

from app.cli.exits import wrong_use


def read_text(file: str, most_bytes: int, verb: str, advice: str) -> str:
    """file: a path, or - for standard input. advice: what to give instead of a text that is too long.

    Raises WrongUseError `VERB.not_readable`, `VERB.too_large`.
    """
    try:
        if file == "-":
            if sys.stdin is None:  # closed by whoever started this
                raise ValueError("standard input is closed")
            raw = sys.stdin.buffer.read(most_bytes + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise wrong_use(
            f"{verb}.not_readable", f"{file!r:.200} cannot be read: {reason}.", "Name a text file."
        ) from None
    if len(raw) > most_bytes:
        raise wrong_use(f"{verb}.too_large", f"The text is longer than {most_bytes // 1024**2} MiB.", advice)
    return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")
