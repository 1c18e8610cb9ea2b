"""What this computer's own runs and proofs teach its plans: one place for the window and for the command line. Qt-free.

It reads run folders and one file of a person's own folder; callers in the window call it off the GUI thread.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from planner import plan_file
from planner.calibration import store
from planner.calibration.correction import Correction
from planner.calibration.corrections import corrections_from, counted
from planner.calibration.observation import Observation, observe
from planner.calibration.said import evidence, name_of
from planner.calibration.store import Known
from planner.facts.machine import MachineFacts
from planner.problem import Problem, ProblemError, fail
from planner.run import journal, layout, results


def with_corrections(machine: MachineFacts) -> MachineFacts:
    """This computer with what its runs have taught. A store that cannot be read corrects nothing and leaves a note."""
    try:
        found = corrections()
    except ProblemError as error:
        note = f"{error.problem.fact} {error.problem.advice}"
        return replace(machine, corrections=(), notes=(*machine.notes, note))
    return replace(machine, corrections=found)


def corrections() -> tuple[Correction, ...]:
    """What all that counts comes to. Raises ProblemError `calibration.damaged`."""
    known = store.load()
    return corrections_from(counted(known.observations, _installed(known))[0], known.forgotten)


def observations() -> tuple[tuple[Observation, str], ...]:
    """Every observation, oldest first, with why it does not count; empty where it does. Raises `calibration.damaged`."""
    known = store.load()
    why = dict(counted(known.observations, _installed(known))[1])
    return tuple((x, why.get(x, "")) for x in known.observations)


def _installed(known: Known) -> dict[str, str]:
    """Versions of the libraries that any run was made with, as they are here now; left out where they are not."""
    found = {}
    for name in {name for x in known.observations for name, _ in x.versions}:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def learn_from(run_dir: Path) -> Observation | None:
    """Keep what a finished run or proof in this folder showed; None when a person has told to forget it.

    Raises ProblemError: `calibration.not_comparable`, `calibration.damaged`, and those of files that cannot be read.
    """
    spec = plan_file.load_spec(run_dir / layout.SPEC)
    name = run_dir.absolute().name
    events = journal.read_all(run_dir, over=True).events
    when = events[-1].time if events else 0.0
    proof = run_dir / results.PROOF
    if spec.job == "prove":
        seen = observe(spec, results.load(results.Proof, proof), name=name, time=when)
    else:
        seen = observe(spec, events, name=name, time=when)
    return seen if store.change(lambda known: known.with_one(seen)) else None


def forget(name: str) -> None:
    """Take a run or a correction away; it does not come back by itself. Raises ProblemError `calibration.unknown`."""
    known = store.load()
    names = {x.name for x in known.observations} | {name_of(c) for c in corrections()}
    if name not in names:
        raise fail(
            "calibration.unknown",
            f"Nothing is known by the name {name!r}.",
            "`plimsoll calibration` lists what there is.",
        )
    store.change(lambda now: now.without(name))


def forgotten() -> tuple[str, ...]:
    """Names of what was taken away. Raises ProblemError `calibration.damaged`."""
    return store.load().forgotten


def restore(name: str) -> None:
    """Bring back a correction that was taken away; it is made anew from the runs that are still kept."""
    store.change(lambda known: known.again(name))


def told(run_dir: Path) -> list[str]:
    """Learn from a folder, and say in a line or two what that changed, or why it taught nothing."""
    try:
        seen = learn_from(run_dir)
    except ProblemError as error:
        return [_in_one_line(error.problem)]
    if seen is None:
        return []
    return [evidence((c,)) for c in corrections() if seen.name in c.runs]


def _in_one_line(problem: Problem) -> str:
    return f"{problem.fact} {problem.advice}"
