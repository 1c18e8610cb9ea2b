"""What the Runs page shows of all runs: which pass search and filters, in which order, which are chosen. Qt-free.

It is given libraries and never reads a folder. Chosen runs stay chosen while the list around them changes, and while a
filter hides them they are not: nothing is deleted that nobody sees.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.pages.runs.words import BEGAN, COLUMNS, runs_words
from planner.run.disk_use import DiskUse
from planner.run.library import Library, RunState, RunSummary
from planner.units import words


@dataclass
class RunsState:
    """search: words that must all be found. states, tags: that are asked for; empty asks for any."""

    runs: tuple[RunSummary, ...] = ()
    uses: Mapping[str, DiskUse] = field(default_factory=dict)
    search: str = ""
    states: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    column: int = BEGAN
    falling: bool = True
    looked: bool = False  # whether the folders were looked at at all
    _chosen: tuple[str, ...] = ()
    _shown: tuple[RunSummary, ...] | None = field(default=None, repr=False)

    def take(self, library: Library, uses: Mapping[str, DiskUse]) -> None:
        """All runs as they are now."""
        self.runs, self.uses, self.looked = library.runs, uses, True
        self._shown = None
        self.tags &= {tag for run in self.runs for tag in run.tags}

    def ask(
        self, *, search: str | None = None, states: Iterable[str] | None = None, tags: Iterable[str] | None = None
    ) -> None:
        self.search = self.search if search is None else search
        self.states = self.states if states is None else frozenset(states)
        self.tags = self.tags if tags is None else frozenset(tags)
        self._shown = None

    def order(self, column: int, *, falling: bool) -> None:
        self.column, self.falling = column, falling
        self._shown = None

    @property
    def shown(self) -> tuple[RunSummary, ...]:
        """The runs that pass, in order; equal ones the newest first."""
        if self._shown is None:
            passing = [run for run in self.runs if self._passes(run)]
            self._shown = tuple(sorted(passing, key=COLUMNS[self.column][2], reverse=self.falling))
        return self._shown

    def _passes(self, run: RunSummary, *, but: str = "") -> bool:
        """but: what is not asked, to count what each of its answers would leave."""
        if but != "state" and self.states and run.state.value not in self.states:
            return False
        if but != "tag" and self.tags and not self.tags & set(run.tags):
            return False
        return matches(run, self.search)

    def state_counts(self) -> list[tuple[str, int]]:
        """(state, runs it would leave), in the order of states; only those that any run has."""
        found = Counter(run.state.value for run in self.runs if self._passes(run, but="state"))
        there = {run.state for run in self.runs}
        return [(state.value, found[state.value]) for state in RunState if state in there]

    def tag_counts(self) -> list[tuple[str, int]]:
        """(tag, runs it would leave), the most first."""
        found = Counter(tag for run in self.runs if self._passes(run, but="tag") for tag in run.tags)
        there = {tag for run in self.runs for tag in run.tags}
        return sorted(((tag, found[tag]) for tag in there), key=lambda x: (-x[1], x[0].casefold()))

    # chosen

    def choose(self, keys: Iterable[str]) -> None:
        self._chosen = tuple(dict.fromkeys(keys))

    @property
    def chosen(self) -> tuple[RunSummary, ...]:
        """In the order of the list."""
        return tuple(run for run in self.shown if run.key in self._chosen)

    # words

    def sentence(self) -> str:
        """`30 runs: 1 running, 2 queued, 27 done. 3.41 GiB on the disk.`"""
        if not self.runs:
            return "Looking for runs …" if not self.looked else "No runs."
        found = Counter(run.state for run in self.runs)
        each = ", ".join(f"{found[state]:,} {state.value}" for state in RunState if found[state])
        disk = f" {words(total)} on the disk." if (total := self.disk_bytes) else ""
        some = f" {runs_words(len(self.shown))} shown." if len(self.shown) != len(self.runs) else ""
        return f"{runs_words(len(self.runs))}: {each}.{disk}{some}"

    @property
    def disk_bytes(self) -> int:
        return sum(use.total_bytes for use in self.uses.values())

    def needless(self) -> tuple[tuple[Path, ...], int]:
        """Runs whose checkpoints nobody needs any more, since all steps are made and the result is saved; their bytes."""
        runs = [run for run in self.runs if run.whole and not run.state.live and self._checkpoints(run)]
        return tuple(run.run_dir for run in runs), sum(self._checkpoints(run) for run in runs)

    def _checkpoints(self, run: RunSummary) -> int:
        use = self.uses.get(run.key)
        return use.checkpoint_bytes if use else 0


def matches(run: RunSummary, search: str) -> bool:
    """Whether every word of the search stands in the name, model, method, state, tags, note or folder of the run."""
    if not search.strip():
        return True
    said = "\n".join((run.name, run.model, run.method, run.state.value, *run.tags, run.note, run.key)).casefold()
    return all(word in said for word in search.casefold().split())
