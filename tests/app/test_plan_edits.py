"""Changing a plan without a window: what changes, what stays, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from app.document import apply_difference
from app.pages.plan.edits import (
    SCHEDULE,
    default_options,
    difference,
    options_of,
    signed,
    with_option,
    with_technique,
)
from planner.options import described
from planner.plan import Plan
from planner.problem import ProblemError
from planner.slots import Slot
from planner.techniques.registry import of_slot, slots

MakePlan = Callable[..., Plan]


def test_an_option_changed_says_from_what_to_what(make_plan: MakePlan) -> None:
    plan = make_plan()
    after = with_option(plan, SCHEDULE, "micro_batch", 8)
    assert difference(plan, after) == f"Batch {plan.stage.schedule.micro_batch} → 8"


def test_a_technique_changed_is_named_by_its_question_and_labels(make_plan: MakePlan) -> None:
    plan = make_plan()
    first, second = of_slot(Slot.TRAINABLE)[:2]
    after = with_technique(with_technique(plan, Slot.TRAINABLE, first.name), Slot.TRAINABLE, second.name)
    assert difference(plan, after) == f"Trained {first.label} → {second.label}"


def test_equal_plans_have_no_difference(make_plan: MakePlan) -> None:
    assert difference(make_plan(), make_plan()) == ""


@pytest.mark.parametrize("slot", slots())
def test_every_technique_can_be_chosen_and_described(make_plan: MakePlan, slot: Slot) -> None:
    plan = make_plan()
    for technique in of_slot(slot):
        after = with_technique(plan, slot, technique.name)
        choice = after.stage.choice(slot)
        assert choice is not None
        assert choice.technique == technique.name
        assert isinstance(choice.options, technique.Options)


def test_text_typed_for_a_number_is_refused_with_the_options_name(make_plan: MakePlan) -> None:
    with pytest.raises(ProblemError) as caught:
        with_option(make_plan(), SCHEDULE, "micro_batch", "many")
    assert caught.value.problem.code == "option.wrong_type"
    assert "micro_batch" in caught.value.problem.fact


def test_back_to_default_leads_to_the_starting_plan_or_the_techniques_own(make_plan: MakePlan) -> None:
    plan = make_plan()
    baseline = plan.stage
    for choice in plan.stage.choices:
        assert default_options(baseline, plan, choice.slot) == choice.options
    other = of_slot(Slot.TRAINABLE)[1]
    changed = with_technique(plan, Slot.TRAINABLE, other.name)
    assert default_options(baseline, changed, Slot.TRAINABLE) == other.Options()


def test_applying_a_difference_keeps_what_came_in_otherwise(make_plan: MakePlan) -> None:
    before = make_plan(free_gib=12.0)
    after = with_option(before, SCHEDULE, "micro_batch", 2)
    now = make_plan(free_gib=7.0)
    applied = apply_difference(now, before, after)
    assert applied.machine == now.machine
    assert applied.stage.schedule.micro_batch == 2


def test_every_option_of_every_slot_is_reachable(make_plan: MakePlan) -> None:
    plan = make_plan()
    for choice in plan.stage.choices:
        options = options_of(plan, choice.slot)
        assert {f.name for f, _d in described(options)} <= {f.name for f in fields(options)}
        for field, _d in described(options):
            same = with_option(plan, choice.slot, field.name, getattr(options, field.name))
            assert same == plan


def test_differences_carry_their_sign() -> None:
    assert signed(-(3 << 29)) == "−1.50 GiB"
    assert signed(24 << 20) == "+24 MiB"
    assert signed(0) == "±0"
