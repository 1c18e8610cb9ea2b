"""What `--set` lines say of a plan makes that plan again, from defaults and from any other plan."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.explore.space import Space, plan_of, space_of
from planner.facts.gpus import other_machine
from planner.facts.model import catalogue
from planner.plan import Plan
from planner.plan_set import apply_set
from planner.presets import default_plan, sample_data
from planner.share_settings import settings_of


@cache
def space() -> Space:
    model = catalogue.find("Qwen/Qwen2.5-7B")
    return space_of(default_plan(model, sample_data(model), other_machine("NVIDIA GeForce RTX 3060")))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    structure = draw(st.sampled_from(space().structures))
    _, choices = draw(st.sampled_from(structure.settings))
    return plan_of(space().plan, choices, draw(st.sampled_from(space().grid)))


@settings(max_examples=60, deadline=None)
@given(plans(), plans())
def test_applied_in_order_they_give_the_plan(wanted: Plan, other: Plan) -> None:
    for base, lines in (
        (space().plan, settings_of(wanted.stage)),
        (other, settings_of(wanted.stage, other.stage)),
    ):
        made = base
        for line in lines:
            made = apply_set(made, line)
        assert made.stage == wanted.stage
    assert settings_of(wanted.stage, wanted.stage) == ()
