"""Where things lie in a run's folder, said once for the worker, the window and the command line."""

from __future__ import annotations

from pathlib import Path

SPEC = "spec.json"  # the RunSpec, or another job's spec (planner.run.jobs)
EVENTS = "events.jsonl"  # the journal
INBOX = "inbox"  # commands, one file each
ALIVE = "alive"  # pid and start time, under a lock while the worker lives
EXIT = "exit.json"  # how the worker's process ended, when somebody was there to see it
LOG = "worker.log"  # tracebacks and library chatter
RESERVE = ".reserve"  # room kept on the disk for the journal's last word
CHECKPOINTS = "checkpoints"  # step-N folders
RESULT = "result"  # the adapter in PEFT's format, or the whole model
LENGTHS = "lengths.json"  # what the scan job counted
QUEUED = "queued.json"  # the run waits for its turn: what it needs and how it is to go
CHANGED = "changed.json"  # what the next worker is to say of a spec that was changed in mid-run
OVERNIGHT = "overnight.json"  # what was tried in a run that looks after itself
TOLD = "told.json"  # and what came of it, in three sentences


def events(run_dir: Path) -> Path:
    return run_dir / EVENTS


def kept_spec(run_dir: Path, number: int) -> Path:
    """The spec that was the run's until its `number`th change, counted from 1."""
    return run_dir / f"spec-{number}.json"


def changes(run_dir: Path) -> int:
    """How often the run's spec was changed since it was made."""
    number = 0
    while kept_spec(run_dir, number + 1).exists():
        number += 1
    return number
