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


def events(run_dir: Path) -> Path:
    return run_dir / EVENTS
