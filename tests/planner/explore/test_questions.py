"""Answers are plans that fit, and nothing better does: longer, larger, smaller, or better by the same rules, by brute force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from planner.drafting import draft
from planner.estimate import Verdict, estimate
from planner.explore.cards import by_size, on_card
from planner.explore.context_map import full_rows, with_batch
from planner.explore.costs import SAVED, SECONDS
from planner.explore.explored import Explored
from planner.explore.families import families
from planner.explore.models import sizes_of
from planner.explore.quality import quality_of
from planner.explore.questions import Answer, Question, ask
from planner.explore.search import explore
from planner.explore.stretch import batches_to_try, lengths_to_try
from planner.explore.worth import own_length
from planner.facts.machine import MachineFacts
from planner.facts.model.catalogue import find
from planner.plan import Choice, Plan, Stage
from planner.problem import Problem
from planner.schedule import Schedule
from planner.slots import Slot
from planner.techniques.registry import default_choice
from planner.units import GIB
from tests.planner.explore.brute import one_by_one, small_plan, some_of

EIGHT = Schedule(micro_batch=2, max_length=128, grad_accumulation=4)
PLANS = {
    "on a CPU": small_plan(model="EleutherAI/pythia-160m", free_bytes=3 * GIB, schedule=EIGHT),
    "on a card, rows not counted": small_plan(
        model="EleutherAI/pythia-410m", card="NVIDIA GeForce RTX 2060", lengths=(), rows=40,
        schedule=Schedule(micro_batch=4, max_length=256),
    ),
    "on a card that is full": small_plan(
        model="EleutherAI/pythia-1.4b", card="NVIDIA GeForce RTX 4060", rows=40, schedule=EIGHT
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=PLANS)
def explored(request: pytest.FixtureRequest) -> Explored:
    plan = PLANS[request.param]
    return explore(plan, some_of(plan, every=60, lengths=1))


def answered(question: Question, explored: Explored, **wishes: object) -> Answer:
    found = ask(question, explored, **wishes)  # type: ignore[arg-type]
    assert isinstance(found, Answer)
    return found


def trained(plan: Plan) -> int:
    return sum(t.elements for s in draft(plan).stacks for t in s.tensors if t.trained and not t.tied)


def no_less(explored: Explored) -> Iterator[tuple[int, tuple[Choice, ...]]]:
    """(quality, answers) of every valid combination that trains no less than the plan, if it trains in the same way."""
    plan = explored.space.plan
    now = plan.stage.choice(Slot.TRAINABLE)
    assert now is not None
    least = trained(plan)
    for rank, choices in chain.from_iterable(s.settings for s in explored.space.structures):
        other = plan.with_stage(Stage(choices, plan.stage.schedule))
        if estimate(other).problems:
            continue
        same = other.stage.choice(Slot.TRAINABLE).technique == now.technique  # type: ignore[union-attr]
        if not same or (rank >= getattr(now.options, "rank", 0) and trained(other) >= least):
            yield quality_of(choices), choices


def fits(plan: Plan) -> bool:
    return estimate(plan).verdict is Verdict.FITS


def any_fits(explored: Explored, turn: object, worst: int) -> bool:
    """Whether any combination that learns no less than class `worst` fits, turned."""
    plan = explored.space.plan
    return any(
        fits(turn(plan.with_stage(Stage(choices, plan.stage.schedule))))  # type: ignore[operator]
        for quality, choices in no_less(explored)
        if quality <= worst
    )


@pytest.mark.parametrize("question", Question)
def test_every_answer_applied_fits(explored: Explored, question: Question) -> None:
    answer = answered(question, explored)
    assert answer.plan is not None
    assert not answer.misses
    assert answer.sentence.endswith(".")
    for plan, said in ((answer.plan, answer.estimate), *((w.plan, w.estimate) for w in answer.alternatives)):
        assert said == estimate(plan)
        assert said.verdict is Verdict.FITS
        assert plan.data.rows == explored.space.plan.data.rows


def test_the_best_that_fits_is_the_best_by_the_rules(explored: Explored) -> None:
    plan, length = explored.space.plan, own_length(explored)
    step = plan.stage.schedule.micro_batch * plan.stage.schedule.grad_accumulation
    choices_no_less = {choices for _, choices in no_less(explored)}
    rules = []
    for i in range(len(explored)):
        one = explored.plan(i)
        s = one.stage.schedule
        kept = s.max_length == length and s.micro_batch * s.grad_accumulation == step
        if kept and one.stage.choices in choices_no_less and fits(one):
            rules.append((int(explored.quality[i]), float(explored.seconds[i]), int(explored.high[i])))
    answer = answered(Question.BEST, explored)
    i = next(i for i in range(len(explored)) if explored.plan(i) == answer.plan)
    assert (int(explored.quality[i]), float(explored.seconds[i]), int(explored.high[i])) == min(rules)


def test_no_longer_context_fits_with_rows_really_so_long(explored: Explored) -> None:
    plan = explored.space.plan
    answer = answered(Question.LONGEST, explored)
    assert answer.plan is not None
    assert answer.full is not None
    length = answer.plan.stage.schedule.max_length
    assert set(answer.full.plan.data.lengths) == {length}
    assert answer.full.tiers[0].high_bytes <= answer.full.tiers[0].budget_bytes
    assert length in lengths_to_try(plan.model)
    longer = [n for n in lengths_to_try(plan.model) if n > length][:4]
    for n in longer:
        assert not any_fits(explored, lambda p, n=n: full_rows(with_batch(p, 1, n)), quality_of(plan.stage.choices))


def test_no_larger_batch_fits(explored: Explored) -> None:
    plan, length = explored.space.plan, own_length(explored)
    answer = answered(Question.BATCH, explored)
    assert answer.plan is not None
    batch = answer.plan.stage.schedule.micro_batch
    assert answer.plan.stage.schedule.max_length == length
    for larger in [n for n in batches_to_try(plan) if n > batch][:4]:
        assert not any_fits(explored, lambda p, n=larger: with_batch(p, n, length), quality_of(plan.stage.choices))


def test_no_larger_model_of_the_family_fits(explored: Explored) -> None:
    plan, length = explored.space.plan, own_length(explored)
    answer = answered(Question.MODEL, explored)
    assert answer.plan is not None
    sizes = sizes_of(plan)
    assert isinstance(sizes, list)
    assert [m.name for m in sizes] == list(families()["pythia"])
    larger = [m for m in sizes if m.params > answer.plan.model.params]
    for model in larger[:2]:
        data = replace(plan.data, lengths_from="estimated") if plan.data.lengths else plan.data
        assert not any_fits(
            explored,
            lambda p, m=model, d=data: replace(with_batch(p, 1, length), model=m, data=d),
            quality_of(plan.stage.choices),
        )


def test_no_smaller_card_fits(explored: Explored) -> None:
    plan, length = explored.space.plan, own_length(explored)
    answer = answered(Question.CARD, explored)
    assert answer.plan is not None
    own = quality_of(plan.stage.choices)
    sizes = {card.name: card.usable_bytes for card in by_size()}
    as_it_is = sizes[answer.plan.machine.devices[0].name]
    assert answer.plan == on_card(next(c for c in by_size() if c.usable_bytes == as_it_is), plan)
    assert not any(fits(on_card(card, plan)) for card in by_size() if card.usable_bytes < as_it_is)
    smaller = [w for w in answer.alternatives if quality_of(w.plan.stage.choices) <= own]
    limit = min([as_it_is, *(sizes[w.plan.machine.devices[0].name] for w in smaller)])
    below = [card for card in by_size() if card.usable_bytes < limit]
    for card in below[-3:]:
        assert not any_fits(explored, lambda p, card=card: on_card(card, with_batch(p, 1, length)), own)


def test_a_lesser_class_answers_only_where_no_better_one_fits() -> None:
    plan = PLANS["on a card that is full"]
    full = plan.with_choice(default_choice(Slot.TRAINABLE, "full"))  # learns most, and fits nowhere on this card
    explored = explore(full, some_of(full, every=60, lengths=1))
    assert not fits(full)
    answer = answered(Question.LONGEST, explored)
    assert answer.plan is not None
    assert quality_of(answer.plan.stage.choices) > quality_of(full.stage.choices)
    assert "learns as much as the plan" in answer.sentence


def test_a_chosen_cost_is_what_the_best_has_least_of() -> None:
    plan = PLANS["on a CPU"]
    explored = explore(plan, some_of(plan, every=60, lengths=1))
    by_time, by_size_ = (answered(Question.BEST, explored, cost=cost) for cost in (SECONDS, SAVED))
    rows = [next(i for i in range(len(explored)) if explored.plan(i) == answer.plan) for answer in (by_time, by_size_)]
    assert explored.seconds[rows[0]] <= explored.seconds[rows[1]]
    assert explored.saved[rows[1]] <= explored.saved[rows[0]]


def test_without_a_time_model_the_best_needs_least_memory() -> None:
    plan = PLANS["on a CPU"]
    explored = explore(plan, some_of(plan, every=60, lengths=1))
    blind = replace(explored, seconds=np.full(len(explored), np.nan))
    answer = answered(Question.BEST, blind)
    i = next(i for i in range(len(explored)) if explored.plan(i) == answer.plan)
    same = explored.quality == explored.quality[i]
    assert answer.plan is not None
    step = (explored.micro_batch * explored.accumulation == 8) & (explored.max_length == own_length(explored))
    assert explored.high[i] == explored.high[same & step].min()


@pytest.mark.parametrize("question", [q for q in Question if q is not Question.CARD])
def test_a_tried_budget_answers_as_a_machine_that_has_it(question: Question) -> None:
    plan = PLANS["on a card that is full"]
    budget = 5 * GIB
    device = replace(plan.machine.devices[0], free_bytes=budget)
    there = replace(plan, machine=replace(plan.machine, devices=(device, *plan.machine.devices[1:])))
    tried = answered(question, explore(plan, some_of(plan, every=60, lengths=1)), budget_bytes=budget)
    real = answered(question, explore(there, some_of(there, every=60, lengths=1)))
    assert tried.plan is not None
    assert real.plan is not None
    assert tried.plan.stage == real.plan.stage
    assert tried.plan.model == real.plan.model
    assert tried.sentence == real.sentence


@pytest.mark.parametrize("question", Question)
def test_only_what_is_chosen_is_answered_with(explored: Explored, question: Question) -> None:
    structures = explored.space.structures
    eager = np.array([dict(s.facets)["Attention"] == "eager" for s in structures])
    answer = answered(question, explored, among=eager[explored.structure])
    answers = [w.plan for w in answer.alternatives]
    if answer.plan is not None and question is not Question.CARD:  # there the plan as it is comes first
        answers.append(answer.plan)
    assert answers or answer.misses or question is Question.CARD
    assert {p.stage.choice(Slot.ATTENTION).technique for p in answers} <= {"eager"}  # type: ignore[union-attr]


@pytest.mark.parametrize("question", [Question.BEST, Question.LONGEST, Question.BATCH, Question.MODEL])
def test_where_nothing_fits_the_nearest_three_say_what_they_miss(question: Question) -> None:
    plan = PLANS["on a card that is full"]
    explored = explore(plan, some_of(plan, every=60, lengths=1))
    budget = 200 * 2**20
    answer = answered(question, explored, budget_bytes=budget)
    assert answer.plan is None
    assert len(answer.misses) == 3
    assert len({m.sentence.split(":")[0] for m in answer.misses}) == 3  # three that read differently
    overs = [m.over[0][1] for m in answer.misses]
    assert overs == sorted(overs)
    for miss in answer.misses:
        one = estimate(miss.plan)
        assert miss.over == ((one.tiers[0].name, one.tiers[0].high_bytes - budget),)
        assert miss.sentence.endswith(f"over on {one.tiers[0].name}.")
    if question is Question.BEST:
        length, schedule = own_length(explored), plan.stage.schedule
        step = schedule.micro_batch * schedule.grad_accumulation
        allowed = {choices for _, choices in no_less(explored)}
        mine = (explored.max_length == length) & (explored.micro_batch * explored.accumulation == step)
        needs = [int(explored.high[i]) for i in np.flatnonzero(mine) if explored.plan(i).stage.choices in allowed]
        assert overs[0] == min(needs) - budget


@pytest.mark.parametrize("question", [Question.BEST, Question.LONGEST, Question.BATCH, Question.MODEL])
def test_a_machine_that_nobody_could_read_gives_a_problem(question: Question) -> None:
    plan = PLANS["on a CPU"]
    machine: MachineFacts = replace(plan.machine, ram_total_bytes=0, ram_available_bytes=0)
    unread = replace(plan, machine=machine)
    space = some_of(unread, every=200, lengths=1)
    explored = one_by_one(replace(space, grid=space.grid[:2]))
    found = ask(question, explored)
    assert isinstance(found, Problem)
    assert found.code == "explore.cannot_tell"


def test_filters_that_leave_nothing_and_spaces_without_a_valid_plan_say_why() -> None:
    plan = PLANS["on a CPU"]
    space = some_of(plan, every=200, lengths=1)
    explored = explore(plan, replace(space, grid=space.grid[:2]))
    found = ask(Question.BEST, explored, among=np.zeros(len(explored), dtype=bool))
    assert isinstance(found, Problem)
    assert found.code == "explore.nothing_chosen"
    wrong = plan.with_choice(replace(default_choice(Slot.TRAINABLE, "full")))
    nf4 = wrong.with_choice(default_choice(Slot.WEIGHTS, "nf4"))
    only = replace(space, plan=nf4, structures=(replace_settings(space.structures[0], nf4),), grid=space.grid[:2])
    found = ask(Question.BEST, explore(nf4, only))
    assert isinstance(found, Problem)
    assert found.code == "trainable.quantised"


def replace_settings(structure: object, plan: Plan) -> object:
    return structure._replace(settings=((0, plan.stage.choices),))  # type: ignore[attr-defined]


def test_any_family_may_be_asked_for_and_an_unknown_one_is_a_problem(explored: Explored) -> None:
    answer = answered(Question.MODEL, explored, family="smollm2")
    assert answer.plan is not None
    assert answer.plan.model.name in families()["SmolLM2"]
    unknown = ask(Question.MODEL, explored, family="no such")
    assert isinstance(unknown, Problem)
    assert unknown.code == "explore.unknown_family"
    assert "pythia" in unknown.advice


def test_a_model_with_too_few_positions_is_not_proposed() -> None:
    plan = small_plan(
        model="HuggingFaceTB/SmolLM2-135M", lengths=(4000,) * 8, schedule=Schedule(micro_batch=1, max_length=4000)
    )
    sizes = sizes_of(plan, "pythia")
    assert isinstance(sizes, Problem)  # all of them end at 2,048
    assert "4,000 positions" in sizes.fact
    assert find("EleutherAI/pythia-70m").max_positions == 2048
