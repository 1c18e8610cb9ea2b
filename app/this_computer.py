"""This computer now, and plans that were stored on it: one answer for the window and for the command line. Qt-free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.calibrating import with_corrections
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.plan_set import with_model
from planner.presets import EMBEDDED, embedded_model
from planner.probe import machine as probe

TRIES = 3


def this_machine(run_in: Path | None = None) -> MachineFacts:
    """This computer, with what its runs have taught. A probe cut off on a busy machine is asked again: unknown memory is
    not no memory."""
    found = probe(run_in)
    for _ in range(TRIES - 1):
        if found.ram_total_bytes and found.disk_free_bytes:
            break
        found = probe(run_in)
    return with_corrections(found)


def fresh(plan: Plan, here: MachineFacts, *, run_here: bool = False) -> Plan:
    """A stored plan for this very computer, or one to be run on it, takes today's figures: free memory in a file is as
    old as the file. A plan stored before the embedded model was fetched finds it now."""
    if run_here or is_same(plan.machine, here):
        plan = replace(plan, machine=here)
    if plan.model.source == EMBEDDED and not plan.model.path:
        plan = with_model(plan, embedded_model())
    return plan


def is_same(a: MachineFacts, b: MachineFacts) -> bool:
    """Whether two descriptions are of one computer: what does not change from day to day is equal."""
    return (a.name, a.os, a.cpu, a.ram_total_bytes) == (b.name, b.os, b.cpu, b.ram_total_bytes)
