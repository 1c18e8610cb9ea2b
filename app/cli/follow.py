"""Shows a run's journal as it grows, until its last word or until the worker is gone."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from app.cli import output
from app.cli.exits import Exit
from planner.run import inbox, journal, lock
from planner.run.events import (
    Checkpoint,
    Evaluation,
    Event,
    Failed,
    Finished,
    Memory,
    Note,
    Phase,
    Sample,
    Started,
    Step,
)

LOOK_EVERY_S = 0.1


def follow(run_dir: Path, offset: int, *, as_json: bool, saves: bool = True) -> Exit:
    """Print events from `offset` on. Ctrl-C asks the worker to stop and save; a second one only ends the view.

    offset: the journal's end when the worker was started, so that any last word after it is this worker's; the clock,
    which may be set while a run goes on, has no say in that.
    saves: False for a proof, which keeps nothing when it is stopped.
    """
    asked = False
    what, then = ("run", "stop and save") if saves else ("proof", "stop; nothing is kept")
    while True:
        try:
            alive = lock.is_held(run_dir)  # asked before reading: what a worker wrote before it ended is then seen
            reading = journal.read(run_dir, offset, over=not alive)
            offset = reading.offset
            for problem in reading.problems:
                output.problem(problem, as_json=as_json)
            for event in reading.events:
                show(event, as_json=as_json)
                if isinstance(event, (Finished, Failed)):
                    return ending(event, as_json=as_json)
            if reading.events:
                continue
            if not alive:
                output.problem(lock.died(run_dir), as_json=as_json)
                return Exit.FAILED
            time.sleep(LOOK_EVERY_S)
        except KeyboardInterrupt:
            if asked:
                output.remark(f"The {what} goes on without this view. Its folder: {run_dir}")
                return Exit.FAILED
            asked = True
            inbox.send(run_dir, "stop")
            output.remark(f"Asked the {what} to {then}. Ctrl-C again leaves it to itself.")


def ending(event: Finished | Failed, *, as_json: bool) -> Exit:
    if isinstance(event, Finished):
        return Exit.OK
    output.problem(event.problem, as_json=as_json)
    return Exit.FAILED


def show(event: Event, *, as_json: bool) -> None:
    if as_json:
        output.line(output.json_text({"event": event.tag, **dataclasses.asdict(event)}))
    elif text := in_words(event):
        output.line(text)


def in_words(event: Event) -> str:
    """One line for a person; empty for readings that would only scroll by."""
    match event:
        case Started():
            again = f", from step {event.resumed_from} on" if event.resumed_from >= 0 else ""
            return f"started on {event.device}: {event.total_steps} steps{again}"
        case Phase():
            return f"{event.phase}: {event.detail}" if event.detail else event.phase
        case Step():
            return (
                f"step {event.step}/{event.total_steps}  loss {event.loss:.4f}  {event.tokens_per_s:,.0f} tokens/s"
                f"  learning rate {event.learning_rate:.2e}"
            )
        case Evaluation():
            return (
                f"evaluated after step {event.step}  loss {event.loss:.4f}  on rows held out, in {event.seconds:.1f} s"
            )
        case Memory():
            return ""
        case Sample():
            return f"sample {event.when} (step {event.step}): {event.prompt}\n  {event.text}"
        case Checkpoint():
            return f"checkpoint at step {event.step}: {event.path}"
        case Note():
            return f"{event.level}: {event.text}"
        case Finished():
            result = f"\nResult: {event.adapter}" if event.adapter else ""
            return f"{event.outcome} after step {event.step}. {event.sentence}{result}"
        case Failed():
            return f"failed in {event.phase} at step {event.step}"
