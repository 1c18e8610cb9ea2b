"""A technique may replace only what its slot owns: the draft before and after it, field by field."""

from __future__ import annotations

from hypothesis import given

from planner.draft import OWNS, Draft, Stack
from planner.drafting import device_of
from planner.facts.data import BatchShape
from planner.facts.model.families import stacks_of
from planner.plan import Plan
from planner.slots import Slot
from planner.techniques import registry
from tests.laws.test_estimate_laws import LAWS, plans


def begun(plan: Plan) -> Draft:
    device = device_of(plan)
    assert device is not None
    return Draft(plan.model, plan.stage.schedule, BatchShape(2, 32), device.kind, 0, stacks_of(plan.model))


@LAWS
@given(plans())
def test_a_technique_replaces_only_what_its_slot_owns(plan: Plan) -> None:
    draft = begun(plan)
    for choice in plan.stage.choices:
        after = registry.technique(choice.slot, choice.technique).apply(choice.options, draft)
        changed = {name for name in Draft._fields if getattr(after, name) is not getattr(draft, name)}
        changed = {name for name in changed if getattr(after, name) != getattr(draft, name)}
        assert changed <= OWNS[choice.slot], (choice.slot, choice.technique)
        check_stacks(choice.slot, draft, after)
        check_lines(choice.slot, draft, after)
        draft = after


def check_stacks(slot: Slot, before: Draft, after: Draft) -> None:
    """WEIGHTS may set bits; TRAINABLE may mark and add tensors and hang adapters on matmuls."""
    assert len(before.stacks) == len(after.stacks)
    for old, new in zip(before.stacks, after.stacks, strict=True):
        assert (old.facts, old.layers) == (new.facts, new.layers)
        if slot is Slot.WEIGHTS:
            assert shapes(old) == shapes(new)
            assert old.sites == new.sites
        if slot is Slot.TRAINABLE:
            kept = new.tensors[: len(old.tensors)]
            assert [(t.name, t.shape, t.bits, t.tied) for t in kept] == [
                (t.name, t.shape, t.bits, t.tied) for t in old.tensors
            ]
            assert all(t.role == "adapter" and t.trained for t in new.tensors[len(old.tensors) :])
            assert [(s.weight, s.d_in, s.d_out) for s in old.sites] == [(s.weight, s.d_in, s.d_out) for s in new.sites]


def check_lines(slot: Slot, before: Draft, after: Draft) -> None:
    """Lines are only added; PLACEMENT keeps each and may only move it."""
    if slot is Slot.PLACEMENT:
        assert [(x.what, x.bytes, x.alive) for x in before.lines] == [(x.what, x.bytes, x.alive) for x in after.lines]
    else:
        assert after.lines[: len(before.lines)] == before.lines


def shapes(stack: Stack) -> list[tuple[str, tuple[int, ...], int, bool]]:
    return [(t.name, t.shape, t.count, t.trained) for t in stack.tensors]


def test_every_slot_with_techniques_owns_something() -> None:
    assert set(registry.slots()) <= set(OWNS)
