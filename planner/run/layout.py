"""Where things lie in a run's folder, said once for the worker, the window and the command line."""

from __future__ import annotations

from pathlib import Path

SPEC = "spec.json"  # the RunSpec
EVENTS = "events.jsonl"  # the journal
INBOX = "inbox"  # commands, one file each
ALIVE = "alive"  # pid and start time, under a lock while the worker lives
LOG = "worker.log"  # tracebacks and library chatter
CHECKPOINTS = "checkpoints"  # step-N folders
RESULT = "result"  # the adapter in PEFT's format, or the whole model


def events(run_dir: Path) -> Path:
    return run_dir / EVENTS
