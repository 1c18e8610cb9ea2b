"""Which files are one GGUF model: by their names alone, as gguf-split gives them (`x-00001-of-00003.gguf`)."""

from __future__ import annotations

import re
from pathlib import Path

from planner.problem import fail

PART = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)
MOST_PARTS = 1000


def parts_of(path: Path) -> tuple[Path, ...]:
    """All parts of a split file, by the name of any of them; the file alone when its name says nothing of parts.

    Raises ProblemError `model.shard_missing`.
    """
    found = PART.fullmatch(path.name)
    if not found or not 1 < int(found["count"]) <= MOST_PARTS:
        return (path,)
    parts = [
        path.with_name(f"{found['stem']}-{n:05d}-of-{found['count']}.gguf") for n in range(1, int(found["count"]) + 1)
    ]
    missing = [p.name for p in parts if not p.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise fail(
            "model.shard_missing",
            f"{path.name} is one of {len(parts)} parts; {missing[0]}{more} is not beside it.",
            "Put all parts into one folder.",
        )
    return tuple(parts)


def is_later_part(path: Path) -> bool:
    """Whether a file is a part that the first one stands for in a list."""
    found = PART.fullmatch(path.name)
    return found is not None and int(found["no"]) > 1


def plain_name(path: Path) -> str:
    """A file's name without its ending, and without which part it is."""
    found = PART.fullmatch(path.name)
    return (found["stem"] if found else path.stem)[:120]


def is_gguf(path: Path) -> bool:
    """Whether a path is a GGUF file by its name; what it holds is the reader's business."""
    return path.suffix.lower() == ".gguf"


def folder_file(folder: Path) -> Path | None:
    """The one GGUF model of a folder; None when it holds none. Raises ProblemError `gguf.which` when there are several."""
    try:
        found = sorted(p for p in folder.iterdir() if is_gguf(p) and not is_later_part(p))
    except OSError:
        return None
    if len(found) > 1:
        raise fail(
            "gguf.which",
            f"{folder} holds {len(found)} GGUF files: {', '.join(p.name for p in found[:4])}{' …' if len(found) > 4 else ''}.",
            "Choose one of them.",
        )
    return found[0] if found else None
