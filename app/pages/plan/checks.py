"""When a plan can be dry-run or proved, and what a proof says in one line. Qt-free; every refusal is a sentence.

A dry run needs sizes only, so another machine and a model without weights are no hindrance. A proof is two real steps,
so it needs this computer, the weights, the rows, and the memory that a run under way would take.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.calibration.correction import PROOF, Correction
from planner.calibration.fingerprint import device_name, fingerprint
from planner.estimate import Estimate, device_of, heaviest_batch
from planner.facts.machine import MachineFacts
from planner.plan import Plan
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
    if not now.certain:
        return f"The tokens of {plan.data.name} are not counted yet, so nobody knows its longest batch."
    if run_live:
        return "A run is going on, and two would share this computer's memory."
    return ""


def what_is_checked(plan: Plan) -> tuple[object, ...]:
    """The parts of a plan that a dry run's figures come from: all but its name and what the machine has free now."""
    device = device_of(plan)
    return (plan.model, plan.data, plan.stages, device.kind if device else "")


def proved_words(now: Estimate, times: Mapping[str, float], at_s: float) -> str:
    """`Proved 3 min ago on this computer: 2 steps of 4 × 512 took 2.31 GiB.`; empty where the plan is not proved.

    times: when each run ended that this computer's corrections come from. at_s: now; both seconds, epoch.
    """
    found = proof_of(now)
    if found is None:
        return ""
    when = [times[run] for run in found.runs if run in times]
    batch = heaviest_batch(now.plan)
    age = f" {ago(at_s - max(when))}" if when else ""
    shape = f"{PROOF_STEPS} steps of {int(batch.rows):,} × {int(batch.seq):,}"
    return f"Proved{age} on this computer: {shape} took {words(found.amount)}."


def proof_of(now: Estimate) -> Correction | None:
    """The proof that the figures of this plan rest on."""
    plan, device = now.plan, device_of(now.plan)
    proofs = [c for c in plan.machine.corrections if c.term == PROOF]
    if not proofs or device is None or not now.tiers:
        return None
    name, word = device_name(device), fingerprint(plan, (heaviest_batch(plan),))
    return next((c for c in proofs if (c.device, c.plan) == (name, word)), None)


def ago(seconds: float) -> str:
    """`just now`, `3 min ago`, `2 h ago`."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return "just now"
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"
