"""From a plan to a draft: which device, which techniques in which order, and what makes a plan invalid."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from planner.draft import Draft
from planner.facts.data import BatchShape, longest_batch
from planner.facts.gpus import capability_of
from planner.facts.machine import Device
from planner.facts.model.families import stacks_of
from planner.facts.split import split_problems
from planner.options import bounds_problems
from planner.plan import Choice, Plan
from planner.problem import Problem, ProblemError
from planner.slots import ORDER, QUESTIONS, Slot
from planner.techniques.registry import slots, technique

ANSWER_TOKENS = 48  # of the answer before and after, as in RunSpec
TEMPLATE_TOKENS = 64  # a chat template adds about that many around a question


def draft(plan: Plan, index: int = 0, batch: BatchShape | None = None, evaluated: BatchShape | None = None) -> Draft:
    """One stage with all its techniques applied. batch: instead of the longest batch of the plan's data; evaluated: that of
    an evaluation, none where it is not given."""
    stage = plan.stages[index]
    if batch is None:
        batch = longest_batch(plan.data, stage.schedule)
    return applied(stage.choices, begun(plan, index, batch, evaluated))


def begun(plan: Plan, index: int, batch: BatchShape, evaluated: BatchShape | None = None) -> Draft:
    """One stage before any technique."""
    stage, device = plan.stages[index], device_of(plan, index)
    assert device is not None
    one = Draft(
        plan.model,
        stage.schedule,
        batch,
        device.kind,
        index,
        stacks_of(plan.model),
        sample_tokens=_sample_tokens(plan.data.sample_prompt),
        capability=capability_of(device.name) if device.kind == "cuda" else 0.0,
    )
    return one if evaluated is None else one._replace(evaluation=one._replace(batch=evaluated))


def applied(choices: Iterable[Choice], one: Draft) -> Draft:
    """The draft with the techniques of these answers applied, in their order; to its evaluation those that say what it
    computes, before the objective writes lines of both."""
    for choice in choices:
        known = technique(choice.slot, choice.technique)
        one = known.apply(choice.options, one)
        if one.evaluation is not None and ORDER[choice.slot] < ORDER[Slot.OBJECTIVE]:
            one = one._replace(evaluation=known.apply(choice.options, one.evaluation))
    return one


def _sample_tokens(prompt: str) -> int:
    """At most so many tokens of question and answer: no tokenizer makes more than one of a byte."""
    if not prompt:
        return 0
    return len(prompt.encode("utf-8", "surrogatepass")) + TEMPLATE_TOKENS + ANSWER_TOKENS


def device_of(plan: Plan, index: int = 0) -> Device | None:
    """The device that computes: the placement's option `device`, else the machine's first."""
    choice = plan.stages[index].choice(Slot.PLACEMENT)
    wanted = getattr(choice.options, "device", "") if choice else ""
    return plan.machine.device(wanted) if wanted else next(iter(plan.machine.devices), None)


def plan_problems(plan: Plan) -> tuple[Problem, ...]:
    """Everything that makes this plan invalid; empty for most."""
    found: list[Problem] = []
    for index, stage in enumerate(plan.stages):
        found += _bounds(stage.schedule, "schedule")
        found += split_problems(plan.data.rows, stage.schedule)
        if len(stage.choices) < len(slots()):
            answered = {choice.slot for choice in stage.choices}
            found += [_unanswered(slot) for slot in slots() if slot not in answered]
        for choice in stage.choices:
            try:
                known = technique(choice.slot, choice.technique)
            except ProblemError as error:
                found.append(error.problem)
                continue
            found += _bounds(choice.options, choice.slot.value)
            found += known.problems(plan, choice.options)
        if not found and device_of(plan, index) is None:
            found.append(
                Problem("plan.no_device", f"{plan.machine.name} has nothing to compute on.", "Choose a machine.")
            )
    return tuple(found)


def _unanswered(slot: Slot) -> Problem:
    fact = f"The plan does not say: {QUESTIONS[slot].lower()}."
    return Problem("plan.unanswered", fact, "Choose one of its techniques.")


_SEEN: dict[int, tuple[Any, tuple[Problem, ...]]] = {}
MOST_SEEN = 4096


def _bounds(options: Any, where: str) -> tuple[Problem, ...]:
    """What is out of bounds in these options. Remembered by identity: plans that differ in one answer share the others,
    and to hash a record takes longer than all else that is done with it here."""
    seen = _SEEN.get(id(options))
    if seen is not None and seen[0] is options:
        return seen[1]
    found = tuple(bounds_problems(options, where))
    if len(_SEEN) >= MOST_SEEN:
        _SEEN.clear()
    _SEEN[id(options)] = options, found  # kept alive, so that no other record gets this identity
    return found
