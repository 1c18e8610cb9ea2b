"""What decides the memory of a plan, as one short word: two plans with the same word need the same on one device.

Names, learning rates and the seed are left out; the batch that needs most is in it, which the seed may change.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from hashlib import sha256

from planner.facts.data import BatchShape, DataFacts
from planner.facts.data import batches as batches_of
from planner.facts.machine import Device
from planner.facts.model.facts import ModelFacts
from planner.plan import Plan
from planner.schedule import Schedule

NOT_SHAPES = frozenset(
    {
        "name",
        "source",
        "path",
        "gguf",
        "provenance",
        "tokenizer",
        "has_chat_template",
        "unsupported_because",
        "stored_bytes",
    }
)


def device_name(device: Device) -> str:
    """Kind and name: what a correction belongs to. Two cards of one name share what was learned on either."""
    return f"{device.kind} {device.name}"


def fingerprint(plan: Plan, batches: tuple[BatchShape, ...]) -> str:
    """batches: the one that needs most, of each stage."""
    stages = tuple(
        [
            (
                *(stage.choices, s.grad_accumulation > 1, s.max_grad_norm > 0, s.completion_only, s.threads, batch),
                *_between_steps(plan.data, s),
            )
            for stage, s, batch in zip(plan.stages, [x.schedule for x in plan.stages], batches, strict=True)
        ]
    )
    return _word(plan.model, stages, plan.machine.physical_cores)  # what a schedule's 0 threads stand for


def _between_steps(data: DataFacts, schedule: Schedule) -> tuple[object, ...]:
    """An evaluation's batches, and whether answers come between steps; nothing of a plan with neither, whose word is then
    that of before there were any."""
    evaluated = batches_of(data, schedule).evaluated if schedule.eval_fraction else ()
    answers = schedule.sample_steps > 0
    return (evaluated, answers) if evaluated or answers else ()


@lru_cache(maxsize=256)
def _word(model: ModelFacts, stages: tuple[object, ...], cores: int) -> str:
    return sha256(repr((_shapes(model), stages, cores)).encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def _shapes(model: ModelFacts) -> str:
    return repr([getattr(model, f.name) for f in fields(model) if f.name not in NOT_SHAPES])
