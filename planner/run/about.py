"""What a person wrote about a run: its name, tags and a note, in `about.json` in its folder. The worker never reads it.

It travels with the folder, so that runs can be moved, copied and kept. A damaged file is said, never overwritten unasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planner import strict_json
from planner.atomic_file import write_atomically
from planner.problem import fail
from planner.strict_json import DamagedError

ABOUT = "about.json"
LARGEST_BYTES = 64 * 1024
LONGEST_NAME = 120
LONGEST_TAG = 40
MOST_TAGS = 32
LONGEST_NOTE = 20_000


@dataclass(frozen=True)
class About:
    """name: empty for the plan's own."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read(run_dir: Path) -> About:
    """What was written, empty where nothing was. Raises ProblemError `run.about_damaged`."""
    path = run_dir / ABOUT
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
        if len(data) > LARGEST_BYTES:
            raise DamagedError(f"it is longer than {LARGEST_BYTES // 1024} KiB")
        found: About = strict_json.record(About, strict_json.parse(data.decode()), "about")
    except FileNotFoundError:
        return About()
    except (OSError, ValueError, DamagedError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise fail(
            "run.about_damaged",
            f"Name, tags and note cannot be read: {reason}.",
            f"The run itself is untouched. Writing them anew replaces {ABOUT}.",
        ) from None
    return tidy(found)


def write(run_dir: Path, about: About) -> About:
    """Write it whole or not at all, and return what was written. Raises ProblemError `file.not_written`."""
    kept = tidy(about)
    write_atomically(run_dir / ABOUT, strict_json.render(strict_json.plain(kept)))
    return kept


def tidy(about: About) -> About:
    """As it may be shown and kept: one line where one is meant, each tag once, nothing endless."""
    tags = dict.fromkeys(tag for given in about.tags[: MOST_TAGS * 4] if (tag := _line(given, LONGEST_TAG)))
    return About(_line(about.name, LONGEST_NAME), tuple(tags)[:MOST_TAGS], about.note[:LONGEST_NOTE].strip())


def tags_of(text: str) -> tuple[str, ...]:
    """`try, good, 7B` as typed."""
    return tidy(About(tags=tuple(text.split(",")))).tags


def _line(text: str, longest: int) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.split())[:longest].rstrip()
