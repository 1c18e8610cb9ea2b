"""The Problem of a run whose memory ran out: what was said, what it held, who held the rest, what would fit.

The plan is estimated again with only as much memory as the run really got, so that the advice is about this computer
as it is now. Nothing here needs torch.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import psutil

from backends.failure import first_line
from backends.meter import Track
from planner.advise import advise
from planner.estimate import estimate
from planner.plan import Plan
from planner.probe.holders import host_processes, largest
from planner.problem import Problem
from planner.units import words

CODE = "memory.out"
OTHERWISE = "Make the batch or the length smaller on the plan page, or close other programs; then start again."


def out_of_memory(error: BaseException, spec: Any, track: Track) -> Problem:
    """`memory.out` for a job's error; spec may be any job's, or None. track: the source that decides."""
    said = dict(getattr(spec, "predicted", ())).get("peak_bytes")
    facts = [
        f"Memory ran out: {first_line(error).rstrip('.')}.",
        *([f"We said {words(said)}."] if isinstance(said, int) else []),
        f"It held {words(track.peak)} at the most.",
        _others(track.tier),
    ]
    plan = getattr(spec, "plan", None)
    return Problem(CODE, " ".join(filter(None, facts)), _smallest_change(plan, track) if plan else OTHERWISE)


def _others(tier: str) -> str:
    """Who else holds memory of the computer; for a card the run's last `Memory` event says how much."""
    if tier != "host":
        return ""
    memory = psutil.virtual_memory()
    named = largest(host_processes(frozenset({os.getpid()})))[:3]
    if not named:
        return ""
    who = ", ".join(f"{x['name']} {words(int(x['bytes']))}" for x in named)
    return f"Of {words(memory.total)} other programs hold: {who}."


def _smallest_change(plan: Plan, track: Track) -> str:
    got = track.peak
    devices = tuple(replace(d, free_bytes=min(d.free_bytes, got)) for d in plan.machine.devices)
    host = min(plan.machine.ram_available_bytes, got) if track.tier == "host" else plan.machine.ram_available_bytes
    as_it_was = replace(plan, machine=replace(plan.machine, devices=devices, ram_available_bytes=host))
    changes = advise(as_it_was, estimate(as_it_was))
    if not changes:
        return OTHERWISE
    return f"Smallest change that fits what it got: {changes[0].title}. Or close other programs, and start again."
