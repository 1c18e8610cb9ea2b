"""Advice: every way it names really fits, loses no more than it must, and is the smallest of its kind."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.advise import Change, advise
from planner.advised import change_of
from planner.changes import applied, single_changes
from planner.estimate import Verdict, estimate
from planner.facts.data import DataFacts
from planner.facts.machine import Device, MachineFacts
from planner.facts.model.catalogue import find
from planner.plan import Choice, Plan, Stage
from planner.room import with_the_room_left
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import of_slot, slots

GIB = 1024**3
LENGTHS = tuple(40 + (37 * i) % 300 for i in range(60))


def machine(free_bytes: int, kind: str = "cpu") -> MachineFacts:
    ram = 64 * GIB
    if kind == "cpu":
        devices: tuple[Device, ...] = (Device("cpu", "cpu", "CPU", ram, free_bytes),)
    else:
        devices = (Device("cuda:0", "cuda", "card", free_bytes, free_bytes), Device("cpu", "cpu", "CPU", ram, ram))
    available = free_bytes if kind == "cpu" else ram
    return MachineFacts("m", "", "CPU", 4, ram, available, 0, 500 * GIB, devices)


def plan(
    free_bytes: int,
    *,
    kind: str = "cpu",
    model: str = "HuggingFaceTB/SmolLM2-135M",
    lengths: tuple[int, ...] = LENGTHS,
    choices: tuple[Choice, ...] = (),
    schedule: Schedule | None = None,
) -> Plan:
    data = DataFacts("d", "", "messages", len(lengths), 1, f"{hash(lengths)}", lengths, "counted")
    stage = Stage(
        tuple(Choice(s, of_slot(s)[0].name, of_slot(s)[0].Options()) for s in slots()), schedule or Schedule()
    )
    for choice in choices:
        stage = stage.with_choice(choice)
    made = Plan("p", find(model), data, machine(free_bytes, kind), (stage,))
    placed = stage.choice(Slot.PLACEMENT)
    assert placed is not None
    return made.with_choice(
        replace(placed, options=replace(placed.options, device="cuda:0" if kind == "cuda" else "cpu"))
    )


def ways(of: Plan) -> tuple[Change, ...]:
    return advise(of, estimate(of))


choices = st.tuples(
    *(
        st.sampled_from(of_slot(s)).map(lambda t, s=s: Choice(s, t.name, t.Options()))  # type: ignore[misc]
        for s in slots()
        if s is not Slot.PLACEMENT
    )
)
plans = st.builds(
    plan,
    st.integers(GIB // 4, 12 * GIB),
    kind=st.sampled_from(["cpu", "cuda"]),
    model=st.sampled_from(["HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-360M", "Qwen/Qwen3-0.6B"]),
    choices=choices,
    schedule=st.builds(
        Schedule, micro_batch=st.sampled_from([1, 2, 4, 6, 8]), max_length=st.sampled_from([128, 256, 512])
    ),
)


@settings(max_examples=20, deadline=None)
@given(plans)
def test_every_way_is_what_it_says(of: Plan) -> None:
    now = estimate(of)
    found = advise(of, now)
    if now.verdict in (Verdict.FITS, Verdict.CANNOT_TELL):
        assert found == ()
    for change in found:
        then = estimate(change.plan)
        assert then.verdict is change.verdict
        assert change.verdict is Verdict.FITS
        assert change.plan != of
        assert change.title
        assert change.detail
        before, after = of.stage.schedule, change.plan.stage.schedule
        assert before.micro_batch * before.grad_accumulation == after.micro_batch * after.grad_accumulation
        worst = max(now.tiers, key=lambda t: t.high_bytes - t.budget_bytes)
        same = next(t for t in then.tiers if t.place == worst.place)
        assert change.saves_bytes == worst.peak_bytes - same.peak_bytes


@settings(max_examples=15, deadline=None)
@given(plans)
def test_neither_data_nor_model_is_cut_while_anything_else_works(of: Plan) -> None:
    now = estimate(of)
    found = advise(of, now)
    cuts = [
        c for c in found if c.plan.model != of.model or c.plan.stage.schedule.max_length < of.stage.schedule.max_length
    ]
    if not cuts:
        return
    smallest = applied(of, [s for s in single_changes(of) if s.key == "schedule.micro_batch"][-1:])
    for techniques in product(*(of_slot(s) for s in slots() if s is not Slot.PLACEMENT)):
        other = smallest
        for t in techniques:
            other = other.with_choice(Choice(t.slot, t.name, t.Options()))
        assert estimate(other).verdict is not Verdict.FITS


@settings(max_examples=15, deadline=None)
@given(plans)
def test_a_model_is_made_smaller_only_where_no_shorter_rows_fit(of: Plan) -> None:
    found = ways(of)
    if any(c.plan.model != of.model for c in found):
        assert all(change.plan.model != of.model for change in found)
        short = of.with_schedule(replace(of.stage.schedule, max_length=64))
        assert estimate(short).verdict is not Verdict.FITS


@settings(max_examples=15, deadline=None)
@given(plans)
def test_no_single_change_that_fits_is_smaller_than_the_first_way(of: Plan) -> None:
    now = estimate(of)
    if now.verdict not in (Verdict.TIGHT, Verdict.DOES_NOT_FIT):
        return
    fitting = [s for s in single_changes(of) if s.severity >= 0 and estimate(s.apply(of)).verdict is Verdict.FITS]
    if fitting:
        first = advise(of, now)[0]
        assert first.rank <= min(change_of(now, (s,), estimate(s.apply(of))).rank for s in fitting)


def test_smaller_batches_keep_as_many_rows_as_fit() -> None:
    of = plan(GIB * 23 // 16, schedule=Schedule(micro_batch=8, max_length=256))
    now = estimate(of)
    batch = next(c for c in advise(of, now) if c.field == "micro_batch")
    rows = batch.plan.stage.schedule.micro_batch
    larger = [n for n in (2, 4) if rows < n < 8]
    for n in larger:
        schedule = replace(of.stage.schedule, micro_batch=n, grad_accumulation=8 // n)
        assert estimate(of.with_schedule(schedule)).verdict is not Verdict.FITS


def test_a_cut_says_what_it_costs_in_rows_and_tokens() -> None:
    for tenth in range(12, 40):
        of = plan(GIB * tenth // 20, lengths=(40,) * 50 + (900,) * 4, schedule=Schedule(micro_batch=1, max_length=1024))
        cut = next((c for c in ways(of) if c.plan.stage.schedule.max_length < 900), None)
        if cut:
            assert "of rows cut" in cut.loses
            assert "of tokens" in cut.loses
            return
    pytest.fail("no budget at which a cut helps")


def test_another_accelerator_of_the_machine_is_offered_and_the_cpu_is_not() -> None:
    of = plan(GIB, kind="cuda", schedule=Schedule(micro_batch=8))
    large = Device("cuda:1", "cuda", "large", 24 * GIB, 24 * GIB)
    of = replace(of, machine=replace(of.machine, devices=(*of.machine.devices, large)))
    found = ways(of)
    placed = [c.plan.stage.choice(Slot.PLACEMENT) for c in found]
    assert any(c and c.options.device == "cuda:1" for c in placed)
    assert not any(c and c.options.device == "cpu" for c in placed)


@settings(max_examples=15, deadline=None)
@given(plans)
def test_what_the_room_left_is_offered_for_fits_and_takes_more(of: Plan) -> None:
    now = estimate(of)
    found = with_the_room_left(of, now)
    if now.verdict is not Verdict.FITS:
        assert found == ()
    for change in found:
        assert estimate(change.plan).verdict is change.verdict is Verdict.FITS
        assert change.saves_bytes <= 0
    assert len({(c.slot, c.field) for c in found}) == len(found)


def test_rows_that_are_cut_are_offered_whole_where_there_is_room() -> None:
    of = plan(48 * GIB, lengths=(100, 300, 90, 80), schedule=Schedule(max_length=128))
    longer = next(c for c in with_the_room_left(of, estimate(of)) if c.field == "max_length")
    assert longer.plan.stage.schedule.max_length == 300
    assert "No row is cut" in longer.title


def test_advice_is_quick_enough_for_a_window() -> None:
    import time

    of = plan(GIB // 2, schedule=Schedule(micro_batch=8))
    now = estimate(of)
    started = time.process_time()
    advise(of, now)
    assert time.process_time() - started < 1.0


def test_four_bits_in_place_of_sixteen_say_what_they_give_up() -> None:
    sixteen = plan(GIB, kind="cuda")
    four = next(s for s in single_changes(sixteen) if "4-bit (NF4) instead of bfloat16" in s.title)
    assert four.severity > 0
    assert "sixteen values" in four.loses
    assert four.time >= 1.0  # nobody has measured that a card is faster with them


def test_where_only_an_evaluation_is_too_much_it_is_made_in_smaller_batches() -> None:
    """And nothing of the training is changed."""
    schedule = Schedule(micro_batch=1, max_length=512, eval_fraction=0.5, eval_batch=32)
    roomy = estimate(plan(64 * GIB, schedule=schedule))
    assert roomy.tiers[0].peak_at is not None
    assert roomy.tiers[0].peak_at.phase == "evaluate"
    of = plan(roomy.tiers[0].peak_bytes * 9 // 10, schedule=schedule)
    first, *_ = advise(of, estimate(of))
    assert first.field == "eval_batch"
    assert first.verdict is Verdict.FITS
    assert replace(first.plan.stage.schedule, eval_batch=32) == schedule
    assert first.title.startswith("Evaluation batch ")
    assert first.title.endswith(" instead of 30"), "no more rows are held out"
    alone = {s.key for s in single_changes(plan(GIB))}
    assert "schedule.eval_batch" not in alone, "without rows held out there is nothing to make smaller"
