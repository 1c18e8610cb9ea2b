"""Every single change of a plan that advice may make, as an assignment with what it costs and what it loses.

It does not estimate and does not rank; `planner.ways`, `planner.room` and `planner.advise` do. It knows no technique by
name: the registry says what there is, and a technique may say what it costs (`Cost`) and in which other ways it can be
set (`variants`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

from planner.facts.histogram import cut
from planner.facts.model import catalogue
from planner.facts.split import n_held_out
from planner.plan import Choice, Plan
from planner.slots import QUESTIONS, Slot
from planner.techniques.registry import of_slot, technique
from planner.techniques.technique import Cost, Technique, Variant

CUT_DATA, SMALLER_MODEL = 3, 4  # severities beyond those of `Cost`
# Seconds per token with half the rows in a batch: smaller matmuls, and the weights read more often per token.
BATCH_TIME_PER_HALVING = 1.15
BATCH_SOURCE = "batches of 4, 2 and 1 rows of 192 tokens measured with the embedded model on a CPU: 1.1 to 1.2 each"


@dataclass(frozen=True, eq=False)
class Step:
    """One change as an assignment; two with one `key` cannot go together. short: a word or three for a button.

    needs: the technique whose option it sets; it means nothing where another answers the slot.
    """

    key: str
    title: str
    apply: Callable[[Plan], Plan]
    slot: Slot | None = None
    field: str = ""
    time: float = 1.0
    source: str = ""
    loses: str = ""
    severity: int = 0
    short: str = ""
    needs: str = ""


def single_changes(plan: Plan) -> list[Step]:
    """Every change of one answer, one option or the batch."""
    return [
        *_other_techniques(plan),
        *_variants(plan),
        *_smaller_batches(plan),
        *_smaller_evaluations(plan),
        *_other_devices(plan),
    ]


def alternatives(plan: Plan) -> list[list[tuple[Step, ...]]]:
    """For each question what could be answered instead, as steps that go together: nothing, another technique, options
    of either; the last question is the batch. Only what gains nothing: a change that is to save memory takes no more."""
    found = []
    for choice in plan.stage.choices:
        of_slot_: list[tuple[Step, ...]] = [(), *_settings(plan, choice, ())]
        for step, new in other_answers(choice):
            if step.severity >= 0:
                of_slot_ += [(step,), *_settings(plan, new, (step,))]
        of_slot_ += [(s,) for s in _other_devices(plan) if s.slot is choice.slot]
        found.append(of_slot_)
    found.append([(), *((s,) for s in _smaller_evaluations(plan))])
    batches: list[tuple[Step, ...]] = [(), *((s,) for s in _smaller_batches(plan))]
    return [*(one for one in found if len(one) > 1), batches]


def applied(plan: Plan, steps: Iterable[Step]) -> Plan:
    """The plan with all these changes."""
    for step in steps:
        plan = step.apply(plan)
    return plan


def cost_of(of: Technique) -> Cost:
    """What a technique costs beside bytes; nothing where it does not say."""
    cost = getattr(of, "cost", None)
    return cost if isinstance(cost, Cost) else Cost()


def short_of(of: Technique) -> str:
    """A word or three for a button."""
    return str(getattr(of, "short", of.label))


def _other_techniques(plan: Plan) -> Iterator[Step]:
    for choice in plan.stage.choices:
        yield from (step for step, _ in other_answers(choice))


def other_answers(choice: Choice) -> Iterator[tuple[Step, Choice]]:
    """Every other technique of the slot, with the choice that it makes."""
    now = technique(choice.slot, choice.technique)
    for other in of_slot(choice.slot):
        if other.name == now.name:
            continue
        before, after = cost_of(now), cost_of(other)
        new = Choice(choice.slot, other.name, other.Options())
        better = after.severity < before.severity
        step = Step(
            key=choice.slot,
            title=f"{QUESTIONS[choice.slot]}: {other.label} instead of {now.label}",
            apply=answers(new),
            slot=choice.slot,
            time=after.time / before.time,
            source="; ".join(dict.fromkeys(s for s in (after.source, before.source) if s)),
            loses=after.loses if not better and after.loses != before.loses else "",
            severity=after.severity - before.severity,
            short=short_of(other),
        )
        yield step, new


def _variants(plan: Plan) -> Iterator[Step]:
    for choice in plan.stage.choices:
        yield from _options(plan, choice)


def _options(plan: Plan, choice: Choice) -> Iterator[Step]:
    """Every other way in which the choice's technique offers to be set, one change of options each."""
    known = technique(choice.slot, choice.technique)
    offered = getattr(known, "variants", None)
    variants: tuple[Variant, ...] = offered(choice.options) if offered else ()
    for v in variants:
        if known.problems(plan, v.options):  # a model without the matmuls that it names
            continue
        changed = {
            f.name: new
            for f in fields(v.options)
            if (new := getattr(v.options, f.name)) != getattr(choice.options, f.name)
        }
        yield Step(
            key=f"{choice.slot}.{next(iter(changed))}",
            title=v.title,
            apply=_sets(choice.slot, changed),
            slot=choice.slot,
            field=next(iter(changed)),
            time=v.time,
            source=v.source,
            loses=v.loses,
            severity=v.severity,
            short=v.short or v.title,
            needs=choice.technique,
        )


def _settings(plan: Plan, choice: Choice, after: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Every combination of options of the choice's technique that gains nothing, after the step that chose it."""
    by_key: dict[str, list[Step]] = {}
    for step in _options(plan.with_choice(choice), choice):
        if step.severity >= 0:
            by_key.setdefault(step.key, []).append(step)
    for group in product(*([None, *steps] for steps in by_key.values())):
        if chosen := tuple(step for step in group if step is not None):
            yield (*after, *chosen)


def answers(choice: Choice) -> Callable[[Plan], Plan]:
    return lambda plan: plan.with_choice(choice)


def _sets(slot: Slot, changed: dict[str, Any]) -> Callable[[Plan], Plan]:
    def apply(plan: Plan) -> Plan:
        choice = plan.stage.choice(slot)
        assert choice is not None
        return plan.with_choice(replace(choice, options=replace(choice.options, **changed)))

    return apply


def _smaller_batches(plan: Plan) -> Iterator[Step]:
    """Fewer rows at a time and as many more accumulated, so that each step learns from the same rows."""
    s = plan.stage.schedule
    for smaller in reversed(range(1, s.micro_batch)):
        if s.micro_batch % smaller == 0:
            yield batch_step(plan, smaller, s.grad_accumulation * (s.micro_batch // smaller))


def batch_step(plan: Plan, rows: int, accumulation: int) -> Step:
    s = plan.stage.schedule
    return Step(
        key="schedule.micro_batch",
        title=f"Batch {batch_words(rows, accumulation)} instead of {batch_words(s.micro_batch, s.grad_accumulation)}",
        apply=schedules(micro_batch=rows, grad_accumulation=accumulation),
        field="micro_batch",
        time=BATCH_TIME_PER_HALVING ** max(0, (s.micro_batch // rows).bit_length() - 1),
        source=BATCH_SOURCE,
        short=f"batch {rows}",
    )


def _smaller_evaluations(plan: Plan) -> Iterator[Step]:
    """Fewer rows in one forward pass of an evaluation, where one is made: a half, a quarter, one. Training stays as it is."""
    s = plan.stage.schedule
    rows = min(s.eval_batch or s.micro_batch, n_held_out(plan.data.rows, s))
    for smaller in dict.fromkeys(n for n in (rows // 2, rows // 4, 1) if 0 < n < rows):
        yield Step(
            key="schedule.eval_batch",
            title=f"Evaluation batch {smaller} instead of {rows}",
            apply=schedules(eval_batch=smaller),
            field="eval_batch",
            short=f"evaluate by {smaller}",
        )


def batch_words(rows: int, accumulation: int) -> str:
    """`16`, or `4 (4 to a step)` where several make up one step of the optimizer."""
    return f"{rows}" if accumulation == 1 else f"{rows} ({accumulation} to a step)"


def schedules(**fields: Any) -> Callable[[Plan], Plan]:
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
                apply=answers(replace(choice, options=replace(choice.options, device=other.id))),
                slot=Slot.PLACEMENT,
                field="device",
                short=f"on {other.id}",
            )


def shorter_rows(plan: Plan, length: int) -> Step:
    lost = str(cut(plan.data, length)) if plan.data.lengths else f"what rows hold beyond {length:,} tokens"
    return Step(
        key="schedule.max_length",
        title=f"Length {length:,} instead of {plan.stage.schedule.max_length:,}",
        apply=schedules(max_length=length),
        field="max_length",
        loses=lost.rstrip("."),
        severity=CUT_DATA,
        short=f"length {length:,}",
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
        short=model.name.rsplit("/", 1)[-1],
    )
