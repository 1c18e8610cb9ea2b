"""What one look at a run's folder gives: made on a thread by the runner, folded there as far as it is long.

A first look, and any look that finds very much, folds the whole journal anew into a record of its own; a look at what
has just been written gives the events for the record that is shown. Nothing here knows Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.pages.run.state import RunRecord
from planner import plan_file
from planner.problem import Problem, ProblemError
from planner.run import layout, lock, overnight
from planner.run.events import Event
from planner.run.journal_index import JournalIndex
from planner.run.journal_look import first_look
from planner.run.lock import State
from planner.run.spec import RunSpec

PASSING = (State.RUNNING, State.NEVER_STARTED, State.QUEUED)  # another state follows without a word in the journal
MUCH_LINES = 20_000  # new since the last look: folded on the thread


@dataclass(frozen=True)
class Look:
    """What one look at a run's folder gave. record: all of it folded anew, with its index; None: `events` are news."""

    events: tuple[Event, ...]
    problems: tuple[Problem, ...]
    state: State
    died: Problem | None
    spec: RunSpec | None
    gone: bool = False
    told: tuple[str, ...] = ()
    record: RunRecord | None = None
    index: JournalIndex | None = None


@dataclass(frozen=True)
class Known:
    """What the looks before have given."""

    index: JournalIndex | None = None
    spec: RunSpec | None = None
    state: State = State.NEVER_STARTED
    died: Problem | None = None
    gone: bool = False


def look(run_dir: Path, known: Known) -> Look:
    """Read what is new. The lock is asked first: a worker may write its last word in between."""
    running = lock.is_held(run_dir)
    if not run_dir.is_dir():
        return Look((), (), State.LOST, folder_gone(run_dir), known.spec, gone=True)
    index = known.index
    if index is None or _begins_anew(index):
        index = JournalIndex(run_dir)
    before = len(index)
    problem = index.extend(over=not running)
    problems = [problem] if problem else []
    anew = index is not known.index or len(index) - before > MUCH_LINES
    record = None
    events: list[Event] = []
    try:
        if anew:
            record, unreadable = _folded(index)
            problems += unreadable
        else:
            for found in index.events(range(before, len(index))):
                (problems if isinstance(found, Problem) else events).append(found)  # type: ignore[arg-type]
    except OSError as error:
        fact = f"The journal in {str(run_dir)!r} cannot be read: {error.strerror}."
        problems.append(Problem("journal.unreadable", fact, "Check that the folder is still there."))
    state, died = known.state, known.died
    if running:
        state, died = State.RUNNING, None
    elif anew or len(index) > before or known.gone or state in PASSING or (run_dir / layout.QUEUED).exists():
        state = lock.state(run_dir)
        died = lock.died(run_dir) if state is State.LOST else None
    spec = known.spec
    if spec is None or anew:
        try:
            spec = plan_file.load_spec(run_dir / layout.SPEC)
        except ProblemError as error:
            problems.append(error.problem)
    sentences = () if running else overnight.told(run_dir)
    return Look(tuple(events), tuple(problems), state, died, spec, told=sentences, record=record, index=index)


def _begins_anew(index: JournalIndex) -> bool:
    """The file is shorter than what was read of it: it is another one."""
    try:
        return index.path.stat().st_size < index.offset
    except FileNotFoundError:
        return index.offset > 0
    except OSError:
        return False


def _folded(index: JournalIndex) -> tuple[RunRecord, list[Problem]]:
    found = first_look(index)
    record = RunRecord()
    for event in found.events:
        record.feed(event)
    return record, list(found.problems)


def folder_gone(run_dir: Path) -> Problem:
    fact = f"The run's folder {str(run_dir)!r} is no longer there: it was deleted, moved, or its disk is gone."
    return Problem(
        "run.folder_gone", fact, "Put it back where it was and it is shown again; what you see was read before."
    )
