"""A person's own runs and proofs as rows. Qt-free; called from a thread, never from the window's.

Runs are read from their folders, proofs from what they have taught, since their folders do not last. Folders that have not changed since the last look are not opened again. A journal with damaged lines gives what can be
read and a Problem; a run that was not finished is counted as left out, since its longest batch may not have come.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.pages.trust.rows import Origin, Reading, TrustRow
from planner.calibration.observation import PROOF, Observation
from planner.drafting import device_of, draft
from planner.plan import Plan
from planner.plan_file import load_spec
from planner.problem import Problem, ProblemError
from planner.run import journal, layout, lock
from planner.run.events import Event, Failed, Finished, Memory, Started, Step, decode
from planner.run.said import said_of
from planner.run.spec import RunSpec
from planner.slots import Slot
from planner.techniques import registry

SOURCE = "this computer"
LATEST_LINES = 80
TELLING = tuple(f'{{"event": "{kind.tag}"'.encode() for kind in (Started, Finished, Failed))
TOLD_AT_ONCE = 20
NOT_FINISHED, NOTHING_SAID = "not finished", "without a prediction"
CHECKPOINTING = "gradient checkpointing"

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Look:
    """What one run's folder gave. row: None where there is nothing to compare; left_out says why, if that is worth
    saying."""

    stamp: Stamp
    row: TrustRow | None = None
    left_out: str = ""
    problem: Problem | None = None


@dataclass(frozen=True)
class Looked:
    """All folders by name."""

    looks: Mapping[str, Look]

    @property
    def rows(self) -> tuple[TrustRow, ...]:
        return tuple(x.row for _, x in sorted(self.looks.items()) if x.row is not None)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(x.problem for _, x in sorted(self.looks.items()) if x.problem is not None)

    def left_out_words(self) -> str:
        """`2 runs are left out: not finished.`; empty where all are compared."""
        reasons = Counter(x.left_out for x in self.looks.values() if x.left_out)
        if not reasons:
            return ""
        n = sum(reasons.values())
        which = "1 run is" if n == 1 else f"{n} runs are"
        each = sorted(reasons.items(), key=lambda x: (-x[1], x[0]))
        return f"{which} left out: {', '.join(f'{m} {why}' if len(each) > 1 else why for why, m in each)}."


def look_at(runs: Path, before: Looked, tell: Callable[[Looked], None] = lambda _so_far: None) -> Looked:
    """Every folder of `runs`; `tell` hears of what is known now and then. Raises nothing."""
    try:
        names = sorted((x.name for x in os.scandir(runs) if x.is_dir()), reverse=True)
    except OSError:
        return Looked({})
    found: dict[str, Look] = {}
    new = 0
    for name in names:
        stamp = _stamp(runs / name)
        known = before.looks.get(name)
        if known is not None and known.stamp == stamp:
            found[name] = known
            continue
        found[name] = _look(runs / name, stamp)
        new += 1
        if new % TOLD_AT_ONCE == 0:
            tell(Looked({**before.looks, **found}))
    return Looked(found)


def _stamp(folder: Path) -> Stamp:
    """What changes with anything that is read here."""
    stamp: list[int] = []
    for name in (layout.SPEC, layout.EVENTS):
        try:
            seen = (folder / name).stat()
            stamp += [seen.st_mtime_ns, seen.st_size]
        except OSError:
            stamp += [0, 0]
    return tuple(stamp)


def _look(folder: Path, stamp: Stamp) -> Look:
    if not stamp[0]:
        return Look(stamp)
    try:
        spec = load_spec(folder / layout.SPEC)
    except ProblemError as error:
        fact = f"The run {folder.name!r} cannot be compared: {error.problem.fact}"
        return Look(stamp, left_out="damaged", problem=Problem(error.problem.code, fact, error.problem.advice))
    return _run(folder, stamp, spec) if spec.job == "train" else Look(stamp)


def _run(folder: Path, stamp: Stamp, spec: RunSpec) -> Look:
    events, problem = _events(folder)
    word = journal.last_word(events)
    peak = word.measured.get("peak_bytes") if isinstance(word, Finished) else None
    if not isinstance(word, Finished) or not isinstance(peak, int) or peak <= 0 or not _whole(word, events):
        return Look(stamp, left_out=NOT_FINISHED, problem=problem)
    source = str(word.measured.get("source", ""))
    row = _row(folder.name, spec, source, peak, _counters(events))
    return Look(stamp, row, "" if row else NOTHING_SAID, problem)


def _whole(word: Finished, events: Iterable[Event]) -> bool:
    """Whether every batch came: done, or stopped when no step was left."""
    totals = [e.total_steps for e in events if isinstance(e, Step)]
    return word.outcome == "done" or (word.outcome == "stopped" and bool(totals) and word.step >= totals[-1])


def _events(folder: Path) -> tuple[list[Event], Problem | None]:
    """What a comparison needs of a journal: beginnings and endings, and the latest lines, whose readings hold the peaks.

    The rest is only looked at for whether its lines are whole: hundreds of journals would take seconds to decode.
    """
    try:
        lines = (folder / layout.EVENTS).read_bytes().split(b"\n")
    except OSError:
        return [], None
    half = bool(lines[-1])  # a worker may be writing it
    events: list[Event] = []
    damaged: list[bytes] = []
    for i, line in enumerate(lines):
        if not line.strip() or (half and i == len(lines) - 1 and lock.is_held(folder)):
            continue
        if not (line.startswith(b"{") and line.endswith(b"}")):
            damaged.append(line)
        elif line.startswith(TELLING) or i >= len(lines) - LATEST_LINES:
            try:
                events.append(decode(line.decode("utf-8", "surrogatepass")))
            except (ProblemError, UnicodeDecodeError):
                damaged.append(line)
    return events, _damage(folder.name, damaged) if damaged else None


def _damage(name: str, lines: list[bytes]) -> Problem:
    n = len(lines)
    fact = (
        f"The journal of {name!r} has {n} damaged line{'' if n == 1 else 's'}, the first begins with {lines[0][:40]!r}."
    )
    return Problem("journal.damaged_line", fact, "What could be read is shown; the run itself is not lost.")


def _counters(events: Iterable[Event]) -> dict[str, int]:
    """The highest reading of each of a card's counters."""
    found: dict[str, int] = {}
    for event in events:
        if isinstance(event, Memory) and event.tier == "device":
            found[event.source] = max(found.get(event.source, 0), event.peak_bytes)
    return found


def proof_rows(observations: Iterable[Observation]) -> tuple[TrustRow, ...]:
    """Proofs as the calibration keeps them: against what formulas and tables alone said, which has no band. One that
    measured nothing is nothing to compare."""
    rows = (_proof(x) for x in observations if x.kind == PROOF)
    return tuple(row for row in rows if row.measured > 0)


def _proof(seen: Observation) -> TrustRow:
    said = {
        "allocated": seen.live_bytes,
        "reserved": seen.live_bytes + seen.allocator_bytes,
        "process": seen.said_bytes,
    }
    took = {"allocated": seen.allocated_bytes, "reserved": seen.reserved_bytes, "process": seen.process_bytes}
    counter = seen.source if took.get(seen.source) else "process"
    model, *trained = seen.what.split(" · ")
    return TrustRow(
        key=f"{Origin.PROOF}/{seen.name}",
        origin=Origin.PROOF,
        name=seen.what,
        source=SOURCE,
        model=model,
        card=seen.device.partition(" ")[2],
        techniques=tuple(trained[:-1]),
        counter=counter,
        low=0,
        expected=said[counter],
        high=0,
        measured=took[counter],
        readings=tuple(Reading(x, said[x], n) for x, n in took.items() if n and x != counter),
    )


def _row(name: str, spec: RunSpec, counter: str, measured: int, counters: Mapping[str, int]) -> TrustRow | None:
    """counters: further measured ones; each is held against what was said of the same."""
    predicted = dict(spec.predicted)
    low, expected, high = said_of(predicted, counter)
    if not expected or measured <= 0:
        return None
    said = _said(predicted)
    readings = [Reading(x, said[x], n) for x, n in counters.items() if n > 0 and said.get(x) and x != counter]
    plan = spec.plan
    device = device_of(plan)
    return TrustRow(
        key=f"{Origin.RUN}/{name}",
        origin=Origin.RUN,
        name=name,
        source=SOURCE,
        model=plan.model.name,
        card=device.name if device else plan.machine.name,
        techniques=techniques(plan),
        counter=counter,
        low=low,
        expected=expected,
        high=high,
        measured=measured,
        readings=tuple(readings),
    )


def _said(predicted: Mapping[str, Any]) -> dict[str, int]:
    """What was said of each counter, where it was."""
    named = {"allocated": "live_bytes", "reserved": "reserved_bytes", "process": "peak_bytes"}
    return {name: int(predicted[key]) for name, key in named.items() if isinstance(predicted.get(key), int)}


def techniques(plan: Plan) -> tuple[str, ...]:
    """In the words that published rows have, so that one filter finds both."""
    stage = plan.stage
    chosen = {slot: choice.technique for slot in Slot if (choice := stage.choice(slot)) is not None}
    named = [registry.technique(slot, chosen[slot]).label for slot in (Slot.TRAINABLE, Slot.WEIGHTS) if slot in chosen]
    kept = (CHECKPOINTING,) if draft(plan).recompute else ()
    return (*named, *kept)
