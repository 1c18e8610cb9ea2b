"""Every single change of a plan that advice may make, as an assignment with what it costs and what it loses.

It does not estimate and does not rank; `planner.advise` does. It knows no technique by name: the registry says what
there is, and a technique may say what it costs (`Cost`) and in which other ways it can be set (`variants`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from planner.facts.histogram import cut
from planner.facts.model import catalogue
from planner.plan import Choice, Plan
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import of_slot, technique
from planner.techniques.technique import Cost, Technique, Variant

CUT_DATA, SMALLER_MODEL = 3, 4  # severities beyond those of `Cost`
# Seconds per token with half the rows in a batch: smaller matmuls, and the weights read more often per token.
BATCH_TIME_PER_HALVING = 1.15
BATCH_SOURCE = "batches of 4, 2 and 1 rows of 192 tokens measured with the embedded model on a CPU: 1.1 to 1.2 each"


@dataclass(frozen=True)
class Step:
    """One change as an assignment; two with one `key` cannot go together."""

    key: str
    title: str
    apply: Callable[[Plan], Plan]
    slot: Slot | None = None
    field: str = ""
    time: float = 1.0
    source: str = ""
    loses: str = ""
    severity: int = 0


def single_changes(plan: Plan) -> list[Step]:
    """Every change of one answer, one option or the batch."""
    return [*_other_techniques(plan), *_variants(plan), *_smaller_batches(plan), *_other_devices(plan)]


def applied(plan: Plan, steps: Iterable[Step]) -> Plan:
    """The plan with all these changes."""
    for step in steps:
        plan = step.apply(plan)
    return plan


def _cost(of: Technique) -> Cost:
    cost = getattr(of, "cost", None)
    return cost if isinstance(cost, Cost) else Cost()


def _other_techniques(plan: Plan) -> Iterator[Step]:
    for choice in plan.stage.choices:
        now = technique(choice.slot, choice.technique)
        for other in of_slot(choice.slot):
            if other.name == now.name:
                continue
            before, after = _cost(now), _cost(other)
            new = Choice(choice.slot, other.name, other.Options())
            better = after.severity < before.severity
            yield Step(
                key=choice.slot,
                title=f"{QUESTIONS[choice.slot]}: {other.label} instead of {now.label}",
                apply=_answers(new),
                slot=choice.slot,
                time=after.time / before.time,
                source="; ".join(dict.fromkeys(s for s in (after.source, before.source) if s)),
                loses=after.loses if not better and after.loses != before.loses else "",
                severity=after.severity - before.severity,
            )


def _variants(plan: Plan) -> Iterator[Step]:
    for choice in plan.stage.choices:
        known = technique(choice.slot, choice.technique)
        offered = getattr(known, "variants", None)
        variants: tuple[Variant, ...] = offered(choice.options) if offered else ()
        for v in variants:
            if known.problems(plan, v.options):  # a model without the matmuls that it names
                continue
            yield Step(
                key=choice.slot,
                title=v.title,
                apply=_answers(replace(choice, options=v.options)),
                slot=choice.slot,
                field="options",
                time=v.time,
                source=v.source,
                loses=v.loses,
                severity=v.severity,
            )


def _answers(choice: Choice) -> Callable[[Plan], Plan]:
    return lambda plan: plan.with_choice(choice)


def _smaller_batches(plan: Plan) -> Iterator[Step]:
    """Fewer rows at a time and as many more accumulated, so that each step learns from the same rows."""
    s = plan.stage.schedule
    rows = s.micro_batch
    for smaller in reversed(range(1, rows)):
        if rows % smaller:
            continue
        times = rows // smaller
        yield Step(
            key="schedule.micro_batch",
            title=f"Batch {_batch(smaller, s.grad_accumulation * times)} instead of {_batch(rows, s.grad_accumulation)}",
            apply=_schedules(micro_batch=smaller, grad_accumulation=s.grad_accumulation * times),
            field="micro_batch",
            time=BATCH_TIME_PER_HALVING ** (times.bit_length() - 1),
            source=BATCH_SOURCE,
        )


def _batch(rows: int, accumulation: int) -> str:
    """`16`, or `4 (4 to a step)` where several make up one step of the optimizer."""
    return f"{rows}" if accumulation == 1 else f"{rows} ({accumulation} to a step)"


def _schedules(**fields: Any) -> Callable[[Plan], Plan]:
    return lambda plan: plan.with_schedule(replace(plan.stage.schedule, **fields))


def _other_devices(plan: Plan) -> Iterator[Step]:
    """Another accelerator of the same machine. The CPU is no such change: it is another machine in all but name."""
    choice = plan.stage.choice(Slot.PLACEMENT)
    now = plan.machine.device(getattr(choice.options, "device", "")) if choice else None
    if choice is None or now is None:
        return
    for other in plan.machine.devices:
        if other.kind != "cpu" and other.id != now.id:
            yield Step(
                key=Slot.PLACEMENT,
                title=f"Compute on {other.name} ({other.id}) instead of {now.name} ({now.id})",
                apply=_answers(replace(choice, options=replace(choice.options, device=other.id))),
                slot=Slot.PLACEMENT,
                field="device",
            )


def shorter_rows(plan: Plan, length: int) -> Step:
    lost = str(cut(plan.data, length)) if plan.data.lengths else f"what rows hold beyond {length:,} tokens"
    return Step(
        key="schedule.max_length",
        title=f"Length {length:,} instead of {plan.stage.schedule.max_length:,}",
        apply=_schedules(max_length=length),
        field="max_length",
        loses=lost.rstrip("."),
        severity=CUT_DATA,
    )


def smaller_model(plan: Plan, name: str) -> Step:
    """Another model of the catalogue in place of the plan's."""
    model = catalogue.find(name)

    def apply(plan: Plan) -> Plan:
        # another tokenizer counts otherwise, so the lengths are no more than an estimate
        data = replace(plan.data, lengths_from="estimated") if plan.data.lengths else plan.data
        return replace(plan, model=model, data=data)

    return Step(
        key="model",
        title=f"{model.name} instead of {plan.model.name}",
        apply=apply,
        field="model",
        loses=f"{plan.model.params - model.params:,} of {plan.model.params:,} parameters",
        severity=SMALLER_MODEL,
    )


def richer(plan: Plan) -> Iterator[Step]:
    """Answers and options that gain something."""
    yield from (s for s in (*_other_techniques(plan), *_variants(plan)) if s.severity < 0)


def longer_rows(plan: Plan) -> Iterator[Step]:
    """A later cut, up to none, where rows are cut now."""
    s = plan.stage.schedule
    longest = max(plan.data.lengths, default=0)
    if longest > s.max_length:
        for length in (*(n for n in (s.max_length * 2, s.max_length * 4) if n < longest), longest):
            title = f"Length {length:,} instead of {s.max_length:,}: {cut(plan.data, length)}"
            yield Step("schedule.max_length", title, _schedules(max_length=length), field="max_length", severity=-3)


def larger_batches(plan: Plan) -> Iterator[Step]:
    """More rows at a time, with less accumulation where there is some."""
    s = plan.stage.schedule
    for times in (2, 4, 8, 16):
        rows = s.micro_batch * times
        if rows > plan.data.rows:
            return
        accumulation = max(1, s.grad_accumulation // times)
        keeps = accumulation * rows == s.micro_batch * s.grad_accumulation
        yield Step(
            "schedule.micro_batch",
            f"Batch {_batch(rows, accumulation)} instead of {_batch(s.micro_batch, s.grad_accumulation)}",
            _schedules(micro_batch=rows, grad_accumulation=accumulation),
            field="micro_batch",
            time=BATCH_TIME_PER_HALVING ** -(times.bit_length() - 1),
            source=BATCH_SOURCE,
            loses="" if keeps else f"{times} times as many rows go into a step, so there are fewer steps",
            severity=0 if keeps else 1,
        )
