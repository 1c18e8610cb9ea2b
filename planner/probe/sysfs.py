"""The kernel's small files, read with care: bounded, and whatever stands in them is a value or none.

They come from a driver, a container or a recording, so nothing in them is believed to be small, numeric or text. A file
that is absent, may not be read or fails while it is read is empty, which is what its reader says nothing about.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

MOST_BYTES = 64 * 1024
MOST_DIGITS = 20  # a 64-bit number
MOST_ENTRIES = 4096
_NUMBER = re.compile(r"[0-9]{1,20}")


def text(path: Path, most: int = MOST_BYTES) -> str:
    """The file's text without white space around it; at most its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace").strip()
    except (OSError, ValueError):  # ValueError: a path with a zero byte
        return ""


def number(path: Path) -> int | None:
    """The whole number of 0 or more that the file holds; None for `max`, −1 and all else."""
    return whole(text(path, 64))


def whole(word: str) -> int | None:
    """A word as a whole number of 0 or more, in the digits that the kernel writes."""
    return int(word) if _NUMBER.fullmatch(word) else None


def fields(content: str, sign: str = ":") -> dict[str, str]:
    """`name<sign> value` lines, each name once: the first counts."""
    found: dict[str, str] = {}
    for line in content.splitlines():
        name, parted, value = line.partition(sign)
        if parted:
            found.setdefault(name.strip(), value.strip())
    return found


def entries(folder: Path, pattern: str) -> list[Path]:
    """What lies in a folder under names that match a whole regular expression, in the order of the numbers in them."""
    known = re.compile(pattern)
    try:
        with os.scandir(folder) as found:
            names = [e.name for _, e in zip(range(MOST_ENTRIES), found, strict=False) if known.fullmatch(e.name)]
    except (OSError, ValueError):
        return []
    return [folder / n for n in sorted(names, key=lambda n: ([int(d) for d in re.findall(r"[0-9]{1,18}", n)], n))]


def linked_name(path: Path) -> str:
    """The name of what a link leads to, such as a driver's; empty where it is none."""
    try:
        return os.path.basename(os.readlink(path))  # noqa: PTH119, PTH115 - a link of sysfs need not lead anywhere here
    except (OSError, ValueError):
        return ""
