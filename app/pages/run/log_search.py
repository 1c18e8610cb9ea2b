"""Which lines of a journal a person asked for, by kind and by a text in what the log says of them. Qt-free.

By kind nothing is read. For a text each line of those kinds is read and put into words, some thousand at a time, and
what was found is told after each: a journal of a million lines takes seconds, and its first hits come at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from app.pages.run.log_lines import EVERYTHING, line_words
from planner.run.journal_index import JournalIndex, Kind, event_of

AT_ONCE = 2000  # lines


@dataclass(frozen=True)
class Asked:
    """text: what the line must contain, in any case of letters."""

    kinds: frozenset[Kind] = EVERYTHING
    text: str = ""

    @property
    def all_lines(self) -> bool:
        return not self.text and self.kinds >= EVERYTHING


def of_kinds(index: JournalIndex, begin: int, end: int, kinds: frozenset[Kind]) -> array[int]:
    """Numbers of the lines from `begin` to before `end` that are of these kinds."""
    part, wanted = bytes(index.kinds[begin:end]), bytes(sorted(kinds))
    if not part.translate(None, delete=bytes(set(range(256)) - set(wanted))):
        return array("Q")
    return array("Q", [begin + n for n, kind in enumerate(part) if kind in wanted])


def search(
    index: JournalIndex,
    begin: int,
    end: int,
    asked: Asked,
    tell: Callable[[array[int], int], None],
    go_on: Callable[[], bool],
) -> None:
    """Tell the lines that match, with how far it has come; `go_on` is asked now and then. Raises OSError."""
    text = asked.text.casefold()
    for at in range(begin, end, AT_ONCE):
        if not go_on():
            return
        stop = min(end, at + AT_ONCE)
        lines = of_kinds(index, at, stop, asked.kinds)
        if text and lines:
            read = index.read(lines)
            lines = array(
                "Q", [n for n, raw in zip(lines, read, strict=True) if text in line_words(event_of(raw)).casefold()]
            )
        if lines or stop == end or at % (50 * AT_ONCE) == begin % (50 * AT_ONCE):
            tell(lines, stop)
