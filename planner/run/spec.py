"""What a worker is asked to do, written out so that the run can be repeated from it and exported from it.

`arguments` holds every default of TRL's SFTConfig that moves bytes or losses as a literal value: a library that
changes a default in its next version changes nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from planner.plan import Plan

SCHEMA = 1


@dataclass(frozen=True)
class RunSpec:
    """job: train, dry_run or prove. predicted: the figures shown before the run, kept with it.

    arguments: (SFTConfig field, JSON value) pairs in a fixed order. threads: intra-op threads of torch. versions:
    (library, version) as constrained. run_dir: the folder with spec.json, events.jsonl, inbox/, alive, worker.log.
    """

    job: str
    plan: Plan
    run_dir: str
    seed: int
    threads: int
    arguments: tuple[tuple[str, Any], ...]
    predicted: tuple[tuple[str, Any], ...]
    sample_prompt: str = ""
    sample_tokens: int = 48
    versions: tuple[tuple[str, str], ...] = ()
    schema: int = SCHEMA
