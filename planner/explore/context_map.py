"""What every pair of batch and context needs if all rows were that long: the figures of the heat map, and a cell as a plan.

A person's own rows may be shorter; the map answers for rows to come. Each cell is an estimate of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.estimate import Estimate, estimate
from planner.explore.explored import DOES_NOT_FIT, FITS, TIGHT, Ints, verdicts_of
from planner.explore.space import LONGEST_UNKNOWN
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.problem import Problem
from planner.tier import Verdict
from planner.verdict import judge

BATCHES = (1, 2, 4, 8, 16, 32)
SHORTEST_CONTEXT, SHORTEST_OF_ALL = 512, 64
MOST_CONTEXTS = 9
COLUMN = {Verdict.FITS: FITS, Verdict.TIGHT: TIGHT, Verdict.DOES_NOT_FIT: DOES_NOT_FIT}


@dataclass(frozen=True, eq=False)
class ContextMap:
    """batches, contexts (tokens): what rows and columns stand for, rising. low, peak, high: bytes of the computing device's
    process, (batch, context). elsewhere: verdicts of all other places. budget_bytes: what the device has for the run."""

    plan: Plan
    batches: tuple[int, ...]
    contexts: tuple[int, ...]
    low: Ints
    peak: Ints
    high: Ints
    elsewhere: Ints
    place: str
    budget_bytes: int

    def verdicts(self, budget_bytes: int | None = None) -> Ints:
        """FITS, TIGHT or DOES_NOT_FIT of each cell; budget_bytes: what if the device had so much."""
        budget = self.budget_bytes if budget_bytes is None else budget_bytes
        found: Ints = np.maximum(verdicts_of(self.low, self.high, budget), self.elsewhere)
        return found

    def plan_of_cell(self, batch: int, context: int) -> Plan:
        """The plan with the data as it is; batch, context: row and column of the map."""
        return with_batch(self.plan, self.batches[batch], self.contexts[context])


def context_map(plan: Plan, batches: tuple[int, ...] = BATCHES, contexts: tuple[int, ...] = ()) -> ContextMap | Problem:
    """The map around a plan; contexts: else those of `contexts_of`. A plan that cannot be estimated gives its problem,
    a machine whose memory could not be read `explore.cannot_tell`."""
    contexts = contexts or contexts_of(plan.model)
    cells: list[Estimate] = []
    for rows in batches:
        for length in contexts:
            one = estimate(full_rows(with_batch(plan, rows, length)))
            if problem := why_not(one):
                return problem
            cells.append(one)
    shape = len(batches), len(contexts)
    of_device = [one.tiers[0] for one in cells]
    return ContextMap(
        plan,
        batches,
        contexts,
        np.array([t.low_bytes for t in of_device], dtype=np.int64).reshape(shape),
        np.array([t.peak_bytes for t in of_device], dtype=np.int64).reshape(shape),
        np.array([t.high_bytes for t in of_device], dtype=np.int64).reshape(shape),
        np.array([COLUMN[judge(one.tiers[1:])] for one in cells], dtype=np.int64).reshape(shape),
        of_device[0].name,
        of_device[0].budget_bytes,
    )


def contexts_of(model: ModelFacts) -> tuple[int, ...]:
    """Doublings from 512 to the model's positions, those among them; from 64 for a model that ends at 512 or before."""
    most = model.max_positions or LONGEST_UNKNOWN
    length = SHORTEST_CONTEXT if most > SHORTEST_CONTEXT else SHORTEST_OF_ALL
    found: set[int] = set()
    while length < most and len(found) < MOST_CONTEXTS - 1:
        found.add(length)
        length *= 2
    return tuple(sorted({*found, min(length, most)}))


def with_batch(plan: Plan, rows: int, length: int) -> Plan:
    """The plan with so many rows in a batch, cut after `length` tokens; a step learns from as many rows as before, or from
    one batch where that is more."""
    schedule = plan.stage.schedule
    wanted = schedule.micro_batch * schedule.grad_accumulation
    return plan.with_schedule(
        replace(schedule, micro_batch=rows, max_length=length, grad_accumulation=max(1, -(-wanted // rows)))
    )


def full_rows(plan: Plan) -> Plan:
    """The same plan for data that is one batch of rows which are all as long as rows may be: no row is filled up."""
    data, schedule = plan.data, plan.stage.schedule
    lengths = (schedule.max_length,) * schedule.micro_batch
    full = replace(data, rows=len(lengths), lengths=lengths, prompt_lengths=(), lengths_from="counted")
    return replace(plan, data=full)


def why_not(one: Estimate) -> Problem | None:
    """Why there are no figures to compare; None where there are."""
    if one.problems:
        return one.problems[0]
    if one.verdict is Verdict.CANNOT_TELL:
        return Problem("explore.cannot_tell", one.reason, "Choose another model or another machine.")
    return None
