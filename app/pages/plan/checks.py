"""When a plan can be dry-run or proved, and what a proof says in one line. Qt-free; every refusal is a sentence.

A dry run needs sizes only, so another machine and a model without weights are no hindrance. A proof is two real steps,
so it needs this computer, the weights, the rows, and the memory that a run under way would take.
"""

from __future__ import annotations

from dataclasses import dataclass

from planner.estimate import Estimate, device_of
from planner.facts.machine import MachineFacts
from planner.plan import Plan
from planner.run.results import Proof
from planner.units import words

PROOF_STEPS = 2


def dry_run_refused(now: Estimate) -> str:
    """Why this plan cannot be dry-run; empty when it can."""
    if now.problems:
        return now.problems[0].fact
    return now.untold


def proof_refused(now: Estimate, here: MachineFacts | None, *, run_live: bool) -> str:
    """Why this plan cannot be proved here and now; empty when it can."""
    plan = now.plan
    if refused := dry_run_refused(now):
        return refused
    if here is None or plan.machine.name != here.name:
        return f"The plan is for {plan.machine.name}; a proof computes on this computer."
    if not plan.model.path:
        return f"The weights of {plan.model.name} are not on this computer."
    if not plan.data.path:
        return f"{plan.data.name} has no file."
    if run_live:
        return "A run is going on, and two would share this computer's memory."
    return ""


def what_is_checked(plan: Plan) -> tuple[object, ...]:
    """The parts of a plan that a dry run's figures come from: all but its name and what the machine has free now."""
    device = device_of(plan)
    return (plan.model, plan.data, plan.stages, device.kind if device else "")


@dataclass(frozen=True)
class Proved:
    """A proof that was made in this window. at: seconds, epoch. before: low and high of the plan before it."""

    plan: Plan
    proof: Proof
    at: float
    before: tuple[int, int]


def proved_words(proved: Proved, now_s: float) -> str:
    """`Proved 3 min ago on this computer: 2 steps of 4 × 512 took 2.31 GiB.`"""
    proof = proved.proof
    shape = f"{PROOF_STEPS} steps of {proof.rows:,} × {proof.seq:,}"
    return f"Proved {ago(now_s - proved.at)} on this computer: {shape} took {words(proof.peak_bytes)}."


def ago(seconds: float) -> str:
    """`just now`, `3 min ago`, `2 h ago`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"
